import { type Instruction, instruction } from '../../instruction.ts';
import type { V128 } from '../../ir/value.ts';
import { BytesToWords, H, S, type Sources, sourcesOf, threeRegisters } from './simd-forms.ts';
import { type Half, Lanes, type Saturated, type Size, type Unsigned } from './simd-lanes.ts';

/** Advanced SIMD three different and its scalar part (Arm ARM C4.1, "Advanced SIMD three different"). */

/** `l` are the narrow lanes; the sources are read from half `half` (the '2' forms: the high one). */
type Compute = (l: Lanes, sources: Sources, half: Half, unsigned: Unsigned) => V128 | Saturated;

/** An instruction whose result has wide lanes. */
const long = (name: string, u: number, opcode: string, sizes: readonly Size[], compute: Compute): Instruction =>
  instruction({
    name: `${name}, ${name}2 (vector)`,
    bits: `0 Q:1 ${u} 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
    shape: ['Q', 'size'],
    allowed: (shape) => sizes.includes(shape.size),
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, f.size, f.Q);
      l.wider.write(x.d, compute(l, sourcesOf(o, x), f.Q, u === 1));
    },
  });

const longScalar = (name: string, opcode: string, compute: Compute): Instruction =>
  instruction({
    name: `${name} (vector, scalar)`,
    bits: `01 0 11110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
    shape: ['size'],
    allowed: (shape) => shape.size === H || shape.size === S,
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofScalar(o, f.size);
      l.wider.write(x.d, compute(l, sourcesOf(o, x), 0, false));
    },
  });

const pair = (names: readonly [string, string], opcode: string, compute: Compute): Instruction[] =>
  names.map((name, u) => long(name, u, opcode, BytesToWords, compute));

const doubling = (name: string, opcode: string, compute: Compute): Instruction[] => [
  long(name, 0, opcode, [H, S], compute),
  longScalar(name, opcode, compute),
];

/** The high halves of sums or differences of wide lanes, perhaps rounded. */
const highHalf = (
  name: string,
  u: number,
  opcode: string,
  compute: (wide: Lanes, n: V128, m: V128) => V128,
): Instruction =>
  instruction({
    name: `${name}, ${name}2`,
    bits: `0 Q:1 ${u} 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
    shape: ['Q', 'size'],
    allowed: (shape) => shape.size < 3,
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, f.size, f.Q);
      const { wider: wide } = l;
      const result = compute(wide, o.getV(x.n), o.getV(x.m));
      const rounded = u === 1 ? wide.add(result, wide.constant(2 ** (l.bits - 1))) : result;
      l.writeNarrowed(x.d, f.Q, rounded, 'high');
    },
  });

/** An accumulator plus or minus a saturating product: both steps saturate. */
const accumulate =
  (operation: 'add' | 'sub'): Compute =>
  (l, { n, m, d }, half) =>
    accumulateDoubled(l, d, l.multiplyDoubledLong(n, m, half), operation);

/** `d` plus or minus a doubled product that may have saturated already. */
export const accumulateDoubled = (l: Lanes, d: V128, product: Saturated, operation: 'add' | 'sub'): Saturated => {
  const { wider: wide } = l;
  const sum =
    operation === 'add' ? wide.addSaturating(d, product.value, false) : wide.subSaturating(d, product.value, false);
  return { value: sum.value, lost: wide.or(sum.lost, product.lost) };
};

export const simdThreeDifferent: readonly Instruction[] = [
  ...pair(['SADDL', 'UADDL'], '0000', (l, { n, m }, half, unsigned) =>
    l.wider.add(l.widen(n, half, unsigned), l.widen(m, half, unsigned)),
  ),
  ...pair(['SADDW', 'UADDW'], '0001', (l, { n, m }, half, unsigned) => l.wider.add(n, l.widen(m, half, unsigned))),
  ...pair(['SSUBL', 'USUBL'], '0010', (l, { n, m }, half, unsigned) =>
    l.wider.sub(l.widen(n, half, unsigned), l.widen(m, half, unsigned)),
  ),
  ...pair(['SSUBW', 'USUBW'], '0011', (l, { n, m }, half, unsigned) => l.wider.sub(n, l.widen(m, half, unsigned))),
  highHalf('ADDHN', 0, '0100', (wide, n, m) => wide.add(n, m)),
  highHalf('RADDHN', 1, '0100', (wide, n, m) => wide.add(n, m)),
  ...pair(['SABAL', 'UABAL'], '0101', (l, { n, m, d }, half, unsigned) =>
    l.wider.add(d, l.widen(l.difference(n, m, unsigned), half, true)),
  ),
  highHalf('SUBHN', 0, '0110', (wide, n, m) => wide.sub(n, m)),
  highHalf('RSUBHN', 1, '0110', (wide, n, m) => wide.sub(n, m)),
  ...pair(['SABDL', 'UABDL'], '0111', (l, { n, m }, half, unsigned) =>
    l.widen(l.difference(n, m, unsigned), half, true),
  ),
  ...pair(['SMLAL', 'UMLAL'], '1000', (l, { n, m, d }, half, unsigned) =>
    l.wider.add(d, l.multiplyLong(n, m, half, unsigned)),
  ),
  ...doubling('SQDMLAL', '1001', accumulate('add')),
  ...pair(['SMLSL', 'UMLSL'], '1010', (l, { n, m, d }, half, unsigned) =>
    l.wider.sub(d, l.multiplyLong(n, m, half, unsigned)),
  ),
  ...doubling('SQDMLSL', '1011', accumulate('sub')),
  ...pair(['SMULL', 'UMULL'], '1100', (l, { n, m }, half, unsigned) => l.multiplyLong(n, m, half, unsigned)),
  ...doubling('SQDMULL', '1101', (l, { n, m }, half) => l.multiplyDoubledLong(n, m, half)),
];
