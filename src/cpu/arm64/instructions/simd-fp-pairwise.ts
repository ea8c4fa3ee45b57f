import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { V128 } from '../../ir/value.ts';
import * as fast from '../floating-point/fast-path.ts';
import { laneShape, type VectorShape, vectorShape } from '../floating-point/float-shape.ts';
import { threeRegisters, twoRegisters, withForm } from './simd-forms.ts';
import { bytesOf } from './simd-lanes.ts';

/** Floating-point operations on adjacent lanes: pairwise vectors, pairs, and across all lanes (Arm ARM C4.1). */

/** The even (0) or odd (1) lanes of the first operand's lanes in use, then those of the second's. */
const everyOther = (o: Builder, shape: VectorShape, low: V128, high: V128, odd: 0 | 1): V128 => {
  const { laneBytes, lanes } = shape;
  const used = lanes * laneBytes;
  return o.shuffle(
    low,
    high,
    bytesOf((i) => {
      const lane = 2 * Math.floor(i / laneBytes) + odd;
      const at = lane * laneBytes + (i % laneBytes);
      return at < used ? at : 16 + ((at - used) & 15);
    }),
  );
};

/** The operation on each pair of adjacent lanes of the two operands laid end to end. */
const pairs = (o: Builder, shape: VectorShape, operation: fast.Binary, low: V128, high: V128): V128 => {
  const even = o.now(everyOther(o, shape, low, high, 0));
  const odd = o.now(everyOther(o, shape, low, high, 1));
  return operation(o, shape, even, odd) as V128;
};

const pairwise = (name: string, a: number, opcode: string, operation: fast.Binary): Instruction =>
  instruction({
    name: withForm(name, 'vector'),
    bits: `0 Q:1 1 01110 ${a} sz:1 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`,
    shape: ['Q', 'sz'],
    allowed: ({ Q, sz }) => Q === 1 || sz === 0,
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = vectorShape(f.sz, f.Q);
      shape.set(o, x.d, pairs(o, shape, operation, o.getV(x.n), o.getV(x.m)));
    },
  });

const ofPair = (name: string, a: number, opcode: string, operation: fast.Binary): Instruction =>
  instruction({
    name: withForm(name, 'scalar'),
    bits: `01 1 11110 ${a} sz:1 11000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['sz'],
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = laneShape(f.sz);
      const n = o.getV(x.n);
      const upper = bytesOf((i) => (i + shape.laneBytes) & 15);
      shape.set(o, x.d, operation(o, shape, n, o.now(o.shuffle(n, n, upper))));
    },
  });

/** Reduce: pairs first, then the pair of their results. */
const acrossLanes = (name: string, a: number, opcode: string, operation: fast.Binary): Instruction =>
  instruction({
    name,
    bits: `0 1 1 01110 ${a} 0 11000 ${opcode} 10 Rn:5 Rd:5`,
    operands: twoRegisters,
    vector: true,
    describe(o, x) {
      const halves = vectorShape(0, 0);
      const lowest = laneShape(0);
      const n = o.getV(x.n);
      const upper = o.now(
        o.shuffle(
          n,
          n,
          bytesOf((i) => (i + 8) & 15),
        ),
      );
      const both = o.now(pairs(o, halves, operation, n, upper));
      const second = o.now(
        o.shuffle(
          both,
          both,
          bytesOf((i) => (i + 4) & 15),
        ),
      );
      lowest.set(o, x.d, operation(o, lowest, both, second));
    },
  });

export const simdFloatPairwise: readonly Instruction[] = [
  pairwise('FMAXNMP', 0, '11000', fast.maximumNumber),
  pairwise('FADDP', 0, '11010', fast.add),
  pairwise('FMAXP', 0, '11110', fast.maximum),
  pairwise('FMINNMP', 1, '11000', fast.minimumNumber),
  pairwise('FMINP', 1, '11110', fast.minimum),
  ofPair('FMAXNMP', 0, '01100', fast.maximumNumber),
  ofPair('FADDP', 0, '01101', fast.add),
  ofPair('FMAXP', 0, '01111', fast.maximum),
  ofPair('FMINNMP', 1, '01100', fast.minimumNumber),
  ofPair('FMINP', 1, '01111', fast.minimum),
  acrossLanes('FMAXNMV', 0, '01100', fast.maximumNumber),
  acrossLanes('FMAXV', 0, '01111', fast.maximum),
  acrossLanes('FMINNMV', 1, '01100', fast.minimumNumber),
  acrossLanes('FMINV', 1, '01111', fast.minimum),
];
