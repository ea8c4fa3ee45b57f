import { Op } from '../../../wasm/opcodes.ts';
import { type Fields, type Instruction, instruction, type Parts } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import { type I64, NodeKind, type Register, type V128 } from '../../ir/value.ts';
import { immediate64, vector } from '../operands.ts';
import { B } from './simd-forms.ts';
import { bytesOf, Lanes } from './simd-lanes.ts';

/** Advanced SIMD modified immediate (Arm ARM C4.1): MOVI, MVNI, ORR, BIC and FMOV (AdvSIMDExpandImm, shared pseudocode). */

const imm8 = (f: Fields): number => f.abc * 32 + f.defgh;

const repeated = (word: number): Parts => ({ lo: word, hi: word });
const inverted = ({ lo, hi }: Parts): Parts => ({ lo: ~lo, hi: ~hi });

/** imm8 in each word, at one of four bytes. */
const words = (f: Fields): Parts => repeated(imm8(f) << (f.shift * 8));
/** imm8 in each halfword, at one of two bytes. */
const halfwords = (f: Fields): Parts => repeated((imm8(f) * 0x10001) << (f.shift * 8));
/** imm8 in each word with one or two bytes of ones below it. */
const wordsOverOnes = (f: Fields): Parts => repeated(f.ones === 1 ? (imm8(f) << 16) | 0xffff : (imm8(f) << 8) | 0xff);
const bytes = (f: Fields): Parts => repeated(imm8(f) * 0x1010101);
/** A byte of ones or zeros for each bit of imm8. */
const byteMask = (f: Fields): Parts => {
  const half = (bits: number): number =>
    [0, 1, 2, 3].reduce((mask, i) => mask | (((bits >> i) & 1) * (0xff << (i * 8))), 0);
  return { lo: half(imm8(f)), hi: half(imm8(f) >> 4) };
};
/** The upper bits of a single-precision number: sign, an exponent of -3 to 4, four bits of fraction. */
const single = (f: Fields): Parts => {
  const exponent = (imm8(f) & 0x40) !== 0 ? 0x1f : 0x20;
  return repeated(((imm8(f) >> 7) << 31) | (exponent << 25) | ((imm8(f) & 0x3f) << 19));
};
const double = (f: Fields): Parts => {
  const exponent = (imm8(f) & 0x40) !== 0 ? 0xff : 0x100;
  return { lo: 0, hi: ((imm8(f) >> 7) << 31) | (exponent << 22) | ((imm8(f) & 0x3f) << 16) };
};

/** The immediate in both halves. */
const splat = (o: Builder, immediate: I64): V128 =>
  immediate.kind === NodeKind.constant ? o.v128Splat64(immediate.lo, immediate.hi) : o.splat(Op.i64x2Splat, immediate);

type Write = (o: Builder, d: Register, immediate: I64, q: number) => void;

const move: Write = (o, d, immediate, q) => {
  if (q === 1) o.setV(d, splat(o, immediate));
  else if (immediate.kind === NodeKind.constant) o.setV(d, lowHalf(o, immediate));
  else o.setScalar(d, immediate);
};

const lowHalf = (o: Builder, { lo, hi }: I64): V128 =>
  o.v128(bytesOf((i) => (i < 8 ? (i < 4 ? lo : hi) >> ((i & 3) * 8) : 0)));

const or: Write = (o, d, immediate, q) =>
  Lanes.ofVector(o, B, q).write(d, o.simd2(Op.v128Or, o.getV(d), splat(o, immediate)));

const clear: Write = (o, d, immediate, q) =>
  Lanes.ofVector(o, B, q).write(d, o.simd2(Op.v128Andnot, o.getV(d), splat(o, immediate)));

const modified = (
  name: string,
  op: number,
  cmode: string,
  expand: (f: Fields) => Parts,
  write: Write,
  q: (shape: { Q: number }) => boolean = () => true,
): Instruction =>
  instruction({
    name,
    bits: `0 Q:1 ${op} 0111100000 abc:3 ${cmode} 01 defgh:5 Rd:5`,
    shape: ['Q'],
    allowed: q,
    operands: { d: vector('Rd'), imm: immediate64(expand) },
    vector: true,
    describe: (o, x, f) => write(o, x.d, x.imm, f.Q),
  });

export const simdModifiedImmediate: readonly Instruction[] = [
  modified('MOVI (words)', 0, '0 shift:2 0', words, move),
  modified('ORR (vector, immediate, words)', 0, '0 shift:2 1', words, or),
  modified('MOVI (halfwords)', 0, '10 shift:1 0', halfwords, move),
  modified('ORR (vector, immediate, halfwords)', 0, '10 shift:1 1', halfwords, or),
  modified('MOVI (words, shifting ones)', 0, '110 ones:1', wordsOverOnes, move),
  modified('MOVI (bytes)', 0, '1110', bytes, move),
  modified('FMOV (vector, immediate, single)', 0, '1111', single, move),
  modified('MVNI (words)', 1, '0 shift:2 0', (f) => inverted(words(f)), move),
  modified('BIC (vector, immediate, words)', 1, '0 shift:2 1', words, clear),
  modified('MVNI (halfwords)', 1, '10 shift:1 0', (f) => inverted(halfwords(f)), move),
  modified('BIC (vector, immediate, halfwords)', 1, '10 shift:1 1', halfwords, clear),
  modified('MVNI (words, shifting ones)', 1, '110 ones:1', (f) => inverted(wordsOverOnes(f)), move),
  modified('MOVI (doublewords)', 1, '1110', byteMask, move),
  modified('FMOV (vector, immediate, double)', 1, '1111', double, move, ({ Q }) => Q === 1),
];
