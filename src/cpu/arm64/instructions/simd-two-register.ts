import { Op } from '../../../wasm/opcodes.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { V128 } from '../../ir/value.ts';
import { AllSizes, B, BytesToWords, D, H, twoRegisters, withForm } from './simd-forms.ts';
import { bytesOf, Lanes, type Saturated, type Size } from './simd-lanes.ts';

/** Advanced SIMD two-register miscellaneous and its scalar part, integer (Arm ARM C4.1). */

type Compute = (l: Lanes, n: V128, d: V128) => V128 | Saturated;

const vectorForm = (name: string, u: number, opcode: string, sizes: readonly Size[], compute: Compute): Instruction =>
  instruction({
    name: withForm(name, 'vector'),
    bits: `0 Q:1 ${u} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['Q', 'size'],
    allowed: (shape) => sizes.includes(shape.size) && (shape.size < D || shape.Q === 1),
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, f.size, f.Q);
      l.write(x.d, compute(l, o.getV(x.n), o.getV(x.d)));
    },
  });

const scalarForm = (name: string, u: number, opcode: string, sizes: readonly Size[], compute: Compute): Instruction =>
  instruction({
    name: withForm(name, 'scalar'),
    bits: `01 ${u} 11110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['size'],
    allowed: (shape) => sizes.includes(shape.size),
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofScalar(o, f.size);
      l.write(x.d, compute(l, o.getV(x.n), o.getV(x.d)));
    },
  });

const bothForms = (
  name: string,
  u: number,
  opcode: string,
  scalarSizes: readonly Size[],
  compute: Compute,
): Instruction[] => [vectorForm(name, u, opcode, AllSizes, compute), scalarForm(name, u, opcode, scalarSizes, compute)];

/** Results twice as wide as the elements; `l` are the narrow lanes. */
const longForm = (name: string, u: number, opcode: string, compute: Compute): Instruction =>
  instruction({
    name,
    bits: `0 Q:1 ${u} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['Q', 'size'],
    allowed: (shape) => shape.size < D,
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, f.size, f.Q);
      const wide = Lanes.ofVector(o, f.size + 1, f.Q);
      wide.write(x.d, compute(l, o.getV(x.n), o.getV(x.d)));
    },
  });

/** Narrowing forms; `size` is the result's, the lanes that `compute` sees are twice as wide. */
const narrowForm = (name: string, u: number, opcode: string, compute: Compute): Instruction =>
  instruction({
    name: `${name}, ${name}2`,
    bits: `0 Q:1 ${u} 01110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['Q', 'size'],
    allowed: (shape) => shape.size < D,
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, f.size, f.Q);
      l.writeNarrowed(x.d, f.Q, compute(l.wider, o.getV(x.n), o.getV(x.d)));
    },
  });

const narrowScalar = (name: string, u: number, opcode: string, compute: Compute): Instruction =>
  instruction({
    name: withForm(name, 'scalar'),
    bits: `01 ${u} 11110 size:2 10000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['size'],
    allowed: (shape) => shape.size < D,
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofScalar(o, f.size);
      l.writeNarrowed(x.d, 0, compute(l.wider, o.getV(x.n), o.getV(x.d)));
    },
  });

const saturatingNarrow = (name: string, u: number, opcode: string, compute: Compute): Instruction[] => [
  narrowForm(name, u, opcode, compute),
  narrowScalar(name, u, opcode, compute),
];

/** Reverses the order of the elements in each container of `container` bytes. */
const reverse =
  (container: number): Compute =>
  (l, n) =>
    l.o.shuffle(
      n,
      n,
      bytesOf((i) => {
        const inContainer = i % container;
        const element = inContainer - (inContainer % l.bytes);
        return i - inContainer + (container - l.bytes - element) + (inContainer % l.bytes);
      }),
    );

/** Reverses the bits of each byte: each half of it by a table. */
export const reverseBitsInBytes = (o: Builder, a: V128): V128 => {
  const l = new Lanes(o, B, 16);
  const reversed = (nibble: number): number =>
    ((nibble & 1) << 3) | ((nibble & 2) << 1) | ((nibble & 4) >> 1) | (nibble >> 3);
  const low = o.simd2(Op.i8x16Swizzle, o.v128(bytesOf((i) => reversed(i) << 4)), l.and(a, l.constant(15)));
  const high = o.simd2(Op.i8x16Swizzle, o.v128(bytesOf(reversed)), l.shiftRight(a, 4, true));
  return l.or(low, high);
};

const countOnes = (l: Lanes, a: V128): V128 => {
  let counts = l.o.simd1(Op.i8x16Popcnt, a);
  for (let size = 0; size < l.size; size++) counts = new Lanes(l.o, size, 16).addPairsLong(counts, true);
  return counts;
};

/** Counts the zeros above the highest one: the ones that are left when all below that one are ones too. */
const countLeadingZeros = (l: Lanes, a: V128): V128 => {
  let filled = a;
  for (let shift = 1; shift < l.bits; shift *= 2) filled = l.or(filled, l.shiftRight(filled, shift, true));
  return countOnes(l, l.not(filled));
};

/** Counts the bits below the top one that are like it. */
const countLeadingSigns = (l: Lanes, a: V128): V128 => {
  const changes = l.xor(a, l.shiftRight(a, 1, false));
  return l.sub(countLeadingZeros(l, changes), l.constant(1));
};

/** A signed accumulator plus an unsigned number: with the accumulator moved up by half the range, both are unsigned. */
const addUnsignedToSigned: Compute = (l, n, d) => {
  const bias = l.minimum();
  const { value, lost } = l.addSaturating(l.xor(d, bias), n, true);
  return { value: l.xor(value, bias), lost };
};

/** An unsigned accumulator plus a signed number. */
const addSignedToUnsigned: Compute = (l, n, d) => {
  const negative = l.signs(n);
  const up = l.addSaturating(d, n, true);
  const down = l.subSaturating(d, l.neg(n), true);
  return { value: l.select(negative, down.value, up.value), lost: l.select(negative, down.lost, up.lost) };
};

const saturatingAbsolute: Compute = (l, n) => {
  const lost = l.equal(n, l.minimum());
  return { value: l.xor(l.abs(n), lost), lost };
};

const saturatingNegate: Compute = (l, n) => {
  const lost = l.equal(n, l.minimum());
  return { value: l.xor(l.neg(n), lost), lost };
};

export const simdTwoRegister: readonly Instruction[] = [
  vectorForm('REV64', 0, '00000', BytesToWords, reverse(8)),
  vectorForm('REV32', 1, '00000', [B, H], reverse(4)),
  vectorForm('REV16', 0, '00001', [B], reverse(2)),
  longForm('SADDLP', 0, '00010', (l, n) => l.addPairsLong(n, false)),
  longForm('UADDLP', 1, '00010', (l, n) => l.addPairsLong(n, true)),
  longForm('SADALP', 0, '00110', (l, n, d) => l.wider.add(d, l.addPairsLong(n, false))),
  longForm('UADALP', 1, '00110', (l, n, d) => l.wider.add(d, l.addPairsLong(n, true))),
  ...bothForms('SUQADD', 0, '00011', AllSizes, addUnsignedToSigned),
  ...bothForms('USQADD', 1, '00011', AllSizes, addSignedToUnsigned),
  vectorForm('CLS', 0, '00100', BytesToWords, countLeadingSigns),
  vectorForm('CLZ', 1, '00100', BytesToWords, countLeadingZeros),
  vectorForm('CNT', 0, '00101', [B], countOnes),
  instruction({
    name: 'NOT (vector)',
    bits: '0 Q:1 1 01110 00 10000 00101 10 Rn:5 Rd:5',
    shape: ['Q'],
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, B, f.Q);
      l.write(x.d, l.not(o.getV(x.n)));
    },
  }),
  instruction({
    name: 'RBIT (vector)',
    bits: '0 Q:1 1 01110 01 10000 00101 10 Rn:5 Rd:5',
    shape: ['Q'],
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      Lanes.ofVector(o, B, f.Q).write(x.d, reverseBitsInBytes(o, o.getV(x.n)));
    },
  }),
  ...bothForms('SQABS', 0, '00111', AllSizes, saturatingAbsolute),
  ...bothForms('SQNEG', 1, '00111', AllSizes, saturatingNegate),
  ...bothForms('CMGT (zero)', 0, '01000', [D], (l, n) => l.greater(n, l.zero(), false)),
  ...bothForms('CMGE (zero)', 1, '01000', [D], (l, n) => l.greaterOrEqual(n, l.zero(), false)),
  ...bothForms('CMEQ (zero)', 0, '01001', [D], (l, n) => l.equal(n, l.zero())),
  ...bothForms('CMLE (zero)', 1, '01001', [D], (l, n) => l.greaterOrEqual(l.zero(), n, false)),
  ...bothForms('CMLT (zero)', 0, '01010', [D], (l, n) => l.signs(n)),
  ...bothForms('ABS', 0, '01011', [D], (l, n) => l.abs(n)),
  ...bothForms('NEG', 1, '01011', [D], (l, n) => l.neg(n)),
  narrowForm('XTN', 0, '10010', (_, n) => n),
  ...saturatingNarrow('SQXTUN', 1, '10010', (l, n) => l.clampToHalf(n, 'signed', 'unsigned')),
  ...saturatingNarrow('SQXTN', 0, '10100', (l, n) => l.clampToHalf(n, 'signed', 'signed')),
  ...saturatingNarrow('UQXTN', 1, '10100', (l, n) => l.clampToHalf(n, 'unsigned', 'unsigned')),
  instruction({
    name: 'SHLL, SHLL2',
    bits: '0 Q:1 1 01110 size:2 10000 10011 10 Rn:5 Rd:5',
    shape: ['Q', 'size'],
    allowed: (shape) => shape.size < D,
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, f.size, f.Q);
      const { wider: wide } = l;
      wide.write(x.d, wide.shiftLeft(l.widen(o.getV(x.n), f.Q, true), l.bits));
    },
  }),
];
