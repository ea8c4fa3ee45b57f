import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { V128 } from '../../ir/value.ts';
import { D, S, twoRegisters } from './simd-forms.ts';
import { bytesOf, Lanes, type Size, type Unsigned } from './simd-lanes.ts';

/** Advanced SIMD across lanes and scalar pairwise, integer (Arm ARM C4.1, "Advanced SIMD across lanes"). */

/** The bytes moved down by `count`, those at the bottom going to the top. */
const rotateDown = (o: Builder, a: V128, count: number): V128 =>
  o.shuffle(
    a,
    a,
    bytesOf((i) => (i + count) % 16),
  );

/** Combines the lanes within the active bytes into the lowest one: the upper half with the lower one, and so on. */
const fold = (l: Lanes, a: V128, combine: (a: V128, b: V128) => V128): V128 => {
  let value = a;
  for (let count = l.active / 2; count >= l.bytes; count /= 2) value = combine(value, rotateDown(l.o, value, count));
  return value;
};

/** The sum of the active lanes as a number of at least 32 bits in the lowest lane. */
const sum = (l: Lanes, a: V128, unsigned: Unsigned): V128 => {
  let value = a;
  let lanes = l;
  while (lanes.size < S) {
    value = lanes.addPairsLong(value, unsigned);
    lanes = new Lanes(l.o, lanes.size + 1, l.active);
  }
  return fold(lanes, value, (x, y) => lanes.add(x, y));
};

/** The result has the size `result(size)`; `compute` leaves it in the lowest lane. */
const across = (
  name: string,
  u: number,
  opcode: string,
  result: (size: Size) => Size,
  compute: (l: Lanes, n: V128, unsigned: Unsigned) => V128,
): Instruction =>
  instruction({
    name,
    bits: `0 Q:1 ${u} 01110 size:2 11000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['Q', 'size'],
    allowed: (shape) => shape.size < S || (shape.size === S && shape.Q === 1),
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, f.size, f.Q);
      Lanes.ofScalar(o, result(f.size)).write(x.d, compute(l, o.getV(x.n), u === 1));
    },
  });

const sameSize = (size: Size): Size => size;
const twiceTheSize = (size: Size): Size => size + 1;

/** Sums in lanes of twice the size: words need them before the last step, smaller elements have room in words. */
const sumLong = (l: Lanes, n: V128, unsigned: Unsigned): V128 => {
  if (l.size < S) return sum(l, n, unsigned);
  const wide = new Lanes(l.o, D, 16);
  return fold(wide, l.addPairsLong(n, unsigned), (a, b) => wide.add(a, b));
};

const maximum = (l: Lanes, n: V128, unsigned: Unsigned): V128 => fold(l, n, (a, b) => l.max(a, b, unsigned));
const minimum = (l: Lanes, n: V128, unsigned: Unsigned): V128 => fold(l, n, (a, b) => l.min(a, b, unsigned));

export const simdAcrossLanes: readonly Instruction[] = [
  across('SADDLV', 0, '00011', twiceTheSize, sumLong),
  across('UADDLV', 1, '00011', twiceTheSize, sumLong),
  across('SMAXV', 0, '01010', sameSize, maximum),
  across('UMAXV', 1, '01010', sameSize, maximum),
  across('SMINV', 0, '11010', sameSize, minimum),
  across('UMINV', 1, '11010', sameSize, minimum),
  across('ADDV', 0, '11011', sameSize, (l, n) => sum(l, n, true)),
  instruction({
    name: 'ADDP (scalar)',
    bits: '01 0 11110 11 11000 11011 10 Rn:5 Rd:5',
    operands: twoRegisters,
    vector: true,
    describe(o, x) {
      const l = Lanes.ofScalar(o, D);
      const n = o.getV(x.n);
      l.write(x.d, l.add(n, rotateDown(o, n, 8)));
    },
  }),
];
