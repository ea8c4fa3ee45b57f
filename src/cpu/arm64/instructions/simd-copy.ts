import { Op } from '../../../wasm/opcodes.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I32, I64, Register, V128 } from '../../ir/value.ts';
import { destination, immediate32, source, vector } from '../operands.ts';
import { AllSizes, B, D, elementNames, H, S, scalarNames, twoRegisters, withForm } from './simd-forms.ts';
import { bytesOf, known, Lanes, type Size } from './simd-lanes.ts';

/**
 * Advanced SIMD copy and its scalar part (Arm ARM C4.1, "Advanced SIMD copy"). The lowest one in imm5 says the element size,
 * the bits above it the index, so each size is an entry of its own.
 */

/** imm5 for each element size. */
const Encodings = ['index:4 1', 'index:3 10', 'index:2 100', 'index:1 1000'] as const;
/** The same where the index is ignored. */
const SizeOnly = ['ignored:4 1', 'ignored:3 10', 'ignored:2 100', 'ignored:1 1000'] as const;
/** The second index of INS (element) in imm4, above bits that are ignored. */
const SourceEncodings = ['from:4', 'from:3 ignored:1', 'from:2 ignored:2', 'from:1 ignored:3'] as const;

const ReplaceLane = [Op.i8x16ReplaceLane, Op.i16x8ReplaceLane, Op.i32x4ReplaceLane, Op.i64x2ReplaceLane] as const;
const ExtractLane = {
  signed: [Op.i8x16ExtractLaneS, Op.i16x8ExtractLaneS, Op.i32x4ExtractLane, Op.i64x2ExtractLane],
  unsigned: [Op.i8x16ExtractLaneU, Op.i16x8ExtractLaneU, Op.i32x4ExtractLane, Op.i64x2ExtractLane],
} as const;

const index = immediate32((f) => f.index);

/** An element of a register, as an i64 if it is a doubleword and an i32 otherwise. */
const element = (o: Builder, a: V128, size: Size, at: I32, sign: 'signed' | 'unsigned'): I32 | I64 => {
  const lane = known(at);
  const from = lane === undefined ? Lanes.ofVector(o, size, 1).duplicate(a, at) : a;
  return o.extractLane(ExtractLane[sign][size], size === D ? 'i64' : 'i32', from, lane ?? 0);
};

/** All ones in lane `at` alone. */
const laneMask = (l: Lanes, at: I32): V128 =>
  l.o.simd2(Op.i8x16Eq, l.o.v128(bytesOf((i) => i >> l.size)), l.o.splat(Op.i8x16Splat, at));

/** A general register at the width of a splat or of a lane's replacement. */
const general = (o: Builder, register: Register, size: Size): I32 | I64 =>
  size === D ? o.get64(register) : o.get32(register);

/** SMOV and UMOV to W (0) or X (1). */
const move = (
  name: string,
  q: number,
  opcode: string,
  sizes: readonly Size[],
  sign: 'signed' | 'unsigned',
): Instruction[] =>
  sizes.map((size) =>
    instruction({
      name: withForm(name, q === 1 ? 'X' : 'W', elementNames[size]),
      bits: `0 ${q} 0 01110000 ${Encodings[size]} 0 ${opcode} 1 Rn:5 Rd:5`,
      operands: { d: destination('Rd'), n: vector('Rn'), index },
      vector: true,
      describe(o, x) {
        const value = element(o, o.getV(x.n), size, x.index, sign);
        const extend = q === 1 && sign === 'signed' && value.type === 'i32';
        o.set(x.d, extend ? o.extendS(value as I32) : value);
      },
    }),
  );

export const simdCopy: readonly Instruction[] = [
  ...AllSizes.map((size) =>
    instruction({
      name: withForm('DUP (element, vector)', elementNames[size]),
      bits: `0 Q:1 0 01110000 ${Encodings[size]} 0 0000 1 Rn:5 Rd:5`,
      shape: ['Q'],
      allowed: (shape) => size < D || shape.Q === 1,
      operands: { ...twoRegisters, index },
      vector: true,
      describe(o, x, f) {
        const l = Lanes.ofVector(o, size, f.Q);
        l.write(x.d, l.duplicate(o.getV(x.n), x.index));
      },
    }),
  ),
  ...AllSizes.map((size) =>
    instruction({
      name: withForm('DUP (element, scalar)', scalarNames[size]),
      bits: `01 0 11110000 ${Encodings[size]} 0 0000 1 Rn:5 Rd:5`,
      operands: { ...twoRegisters, index },
      vector: true,
      describe(o, x) {
        const l = Lanes.ofScalar(o, size);
        l.write(x.d, l.duplicate(o.getV(x.n), x.index));
      },
    }),
  ),
  ...AllSizes.map((size) =>
    instruction({
      name: withForm('DUP (general)', elementNames[size]),
      bits: `0 Q:1 0 01110000 ${SizeOnly[size]} 0 0001 1 Rn:5 Rd:5`,
      shape: ['Q'],
      allowed: (shape) => size < D || shape.Q === 1,
      operands: { d: vector('Rd'), n: source('Rn') },
      vector: true,
      describe(o, x, f) {
        const l = Lanes.ofVector(o, size, f.Q);
        l.write(x.d, l.splat(general(o, x.n, size)));
      },
    }),
  ),
  ...AllSizes.map((size) =>
    instruction({
      name: withForm('INS (general)', elementNames[size]),
      bits: `0 1 0 01110000 ${Encodings[size]} 0 0011 1 Rn:5 Rd:5`,
      operands: { d: vector('Rd'), n: source('Rn'), index },
      vector: true,
      describe(o, x) {
        const l = Lanes.ofVector(o, size, 1);
        const value = general(o, x.n, size);
        const lane = known(x.index);
        const result =
          lane === undefined
            ? l.select(laneMask(l, x.index), l.splat(value), o.getV(x.d))
            : o.replaceLane(ReplaceLane[size], o.getV(x.d), lane, value);
        o.setV(x.d, result);
      },
    }),
  ),
  ...AllSizes.map((size) =>
    instruction({
      name: withForm('INS (element)', elementNames[size]),
      bits: `0 1 1 01110000 ${Encodings[size]} 0 ${SourceEncodings[size]} 1 Rn:5 Rd:5`,
      // Both indexes in one immediate: the destination's in the low byte, the source's above.
      operands: { ...twoRegisters, indexes: immediate32((f) => f.index | (f.from << 8)) },
      vector: true,
      describe(o, x) {
        const l = Lanes.ofVector(o, size, 1);
        const both = known(x.indexes);
        if (both === undefined) {
          const value = l.duplicate(o.getV(x.n), o.shrU(x.indexes, o.i32(8)));
          o.setV(x.d, l.select(laneMask(l, o.and(x.indexes, o.i32(255))), value, o.getV(x.d)));
          return;
        }
        const to = (both & 255) * l.bytes;
        const from = (both >> 8) * l.bytes;
        const place = (i: number): number => (i >= to && i < to + l.bytes ? 16 + from + i - to : i);
        o.setV(x.d, o.shuffle(o.getV(x.d), o.getV(x.n), bytesOf(place)));
      },
    }),
  ),
  ...move('SMOV', 0, '0101', [B, H], 'signed'),
  ...move('SMOV', 1, '0101', [B, H, S], 'signed'),
  ...move('UMOV', 0, '0111', [B, H, S], 'unsigned'),
  ...move('UMOV', 1, '0111', [D], 'unsigned'),
];
