import { Op } from '../../../wasm/opcodes.ts';
import type { Builder } from '../../ir/builder.ts';
import { type I32, NodeKind, type Register, type V128 } from '../../ir/value.ts';
import { FPSR } from '../state.ts';

/** FPSR.QC, the cumulative saturation flag. */
const QC_BIT = 27;

/** Wasm's opcodes for lanes of 1, 2, 4 and 8 bytes; 0 where it has none. */
type ByLane = readonly [number, number, number, number];
/** The signed and the unsigned form of an operation. */
type BySign = readonly [signed: ByLane, unsigned: ByLane];

const Add: ByLane = [Op.i8x16Add, Op.i16x8Add, Op.i32x4Add, Op.i64x2Add];
const Sub: ByLane = [Op.i8x16Sub, Op.i16x8Sub, Op.i32x4Sub, Op.i64x2Sub];
const Mul: ByLane = [0, Op.i16x8Mul, Op.i32x4Mul, Op.i64x2Mul];
const Neg: ByLane = [Op.i8x16Neg, Op.i16x8Neg, Op.i32x4Neg, Op.i64x2Neg];
const Abs: ByLane = [Op.i8x16Abs, Op.i16x8Abs, Op.i32x4Abs, Op.i64x2Abs];
const Shl: ByLane = [Op.i8x16Shl, Op.i16x8Shl, Op.i32x4Shl, Op.i64x2Shl];
const Eq: ByLane = [Op.i8x16Eq, Op.i16x8Eq, Op.i32x4Eq, Op.i64x2Eq];
const Ne: ByLane = [Op.i8x16Ne, Op.i16x8Ne, Op.i32x4Ne, Op.i64x2Ne];
const Splat: ByLane = [Op.i8x16Splat, Op.i16x8Splat, Op.i32x4Splat, Op.i64x2Splat];
const Shr: BySign = [
  [Op.i8x16ShrS, Op.i16x8ShrS, Op.i32x4ShrS, Op.i64x2ShrS],
  [Op.i8x16ShrU, Op.i16x8ShrU, Op.i32x4ShrU, Op.i64x2ShrU],
];
const Gt: BySign = [
  [Op.i8x16GtS, Op.i16x8GtS, Op.i32x4GtS, Op.i64x2GtS],
  [Op.i8x16GtU, Op.i16x8GtU, Op.i32x4GtU, 0],
];
const Ge: BySign = [
  [Op.i8x16GeS, Op.i16x8GeS, Op.i32x4GeS, Op.i64x2GeS],
  [Op.i8x16GeU, Op.i16x8GeU, Op.i32x4GeU, 0],
];
const Max: BySign = [
  [Op.i8x16MaxS, Op.i16x8MaxS, Op.i32x4MaxS, 0],
  [Op.i8x16MaxU, Op.i16x8MaxU, Op.i32x4MaxU, 0],
];
const Min: BySign = [
  [Op.i8x16MinS, Op.i16x8MinS, Op.i32x4MinS, 0],
  [Op.i8x16MinU, Op.i16x8MinU, Op.i32x4MinU, 0],
];
const AddSaturating: BySign = [
  [Op.i8x16AddSatS, Op.i16x8AddSatS, 0, 0],
  [Op.i8x16AddSatU, Op.i16x8AddSatU, 0, 0],
];
const SubSaturating: BySign = [
  [Op.i8x16SubSatS, Op.i16x8SubSatS, 0, 0],
  [Op.i8x16SubSatU, Op.i16x8SubSatU, 0, 0],
];
const AddPairwise: BySign = [
  [Op.i16x8ExtaddPairwiseI8x16S, Op.i32x4ExtaddPairwiseI16x8S, 0, 0],
  [Op.i16x8ExtaddPairwiseI8x16U, Op.i32x4ExtaddPairwiseI16x8U, 0, 0],
];
/** The low and the high half of a register. */
type ByHalf = readonly [low: BySign, high: BySign];
const Extend: ByHalf = [
  [
    [Op.i16x8ExtendLowI8x16S, Op.i32x4ExtendLowI16x8S, Op.i64x2ExtendLowI32x4S, 0],
    [Op.i16x8ExtendLowI8x16U, Op.i32x4ExtendLowI16x8U, Op.i64x2ExtendLowI32x4U, 0],
  ],
  [
    [Op.i16x8ExtendHighI8x16S, Op.i32x4ExtendHighI16x8S, Op.i64x2ExtendHighI32x4S, 0],
    [Op.i16x8ExtendHighI8x16U, Op.i32x4ExtendHighI16x8U, Op.i64x2ExtendHighI32x4U, 0],
  ],
];
const MultiplyLong: ByHalf = [
  [
    [Op.i16x8ExtmulLowI8x16S, Op.i32x4ExtmulLowI16x8S, Op.i64x2ExtmulLowI32x4S, 0],
    [Op.i16x8ExtmulLowI8x16U, Op.i32x4ExtmulLowI16x8U, Op.i64x2ExtmulLowI32x4U, 0],
  ],
  [
    [Op.i16x8ExtmulHighI8x16S, Op.i32x4ExtmulHighI16x8S, Op.i64x2ExtmulHighI32x4S, 0],
    [Op.i16x8ExtmulHighI8x16U, Op.i32x4ExtmulHighI16x8U, Op.i64x2ExtmulHighI32x4U, 0],
  ],
];

/** The number of an immediate that is known now: in the hot tier it is, in the cold tier not. */
export const known = (immediate: I32): number | undefined =>
  immediate.kind === NodeKind.constant ? immediate.lo : undefined;

/** The manual's element sizes: 0 for bytes, 1 for halfwords, 2 for words, 3 for doublewords. */
export type Size = number;
/** Which half of a register a widening or narrowing instruction works on: its Q bit. */
export type Half = number;
/** Signed or unsigned: the U bit, where it says so. */
export type Unsigned = boolean;

/** The outcome of a saturating operation; `lost` has a bit set in each lane that saturated and none elsewhere. */
export interface Saturated {
  readonly value: V128;
  readonly lost: V128;
}

/** Bytes 0 to 15, each a function of its place. */
export const bytesOf = (byte: (place: number) => number): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => byte(i));

/**
 * Arithmetic on the lanes of vector registers, for one element size. Everything works on all 128 bits; `active` says how many
 * bytes from the lowest on are the instruction's own: 16, 8, or one element for the scalar forms. Writes clear the rest.
 */
export class Lanes {
  readonly o: Builder;
  readonly size: Size;
  readonly active: number;
  /** Bytes and bits in an element. */
  readonly bytes: number;
  readonly bits: number;

  constructor(o: Builder, size: Size, active: number) {
    this.o = o;
    this.size = size;
    this.active = active;
    this.bytes = 1 << size;
    this.bits = 8 << size;
  }

  /** A vector register's lanes: all of it or its lower half as Q says. */
  static ofVector(o: Builder, size: Size, q: number): Lanes {
    return new Lanes(o, size, q === 1 ? 16 : 8);
  }

  /** The lowest lane alone. */
  static ofScalar(o: Builder, size: Size): Lanes {
    return new Lanes(o, size, 1 << size);
  }

  /** Lanes of twice the size: a whole register of them, or one. */
  get wider(): Lanes {
    return new Lanes(this.o, this.size + 1, Math.min(this.active * 2, 16));
  }

  // Results

  /** Writes the active lanes and clears those above; saturation goes to FPSR. */
  write(d: Register, result: V128 | Saturated): void {
    if ('lost' in result) {
      this.o.setV(d, this.trim(result.value));
      this.#noteSaturation(this.trim(result.lost));
    } else {
      this.o.setV(d, this.trim(result));
    }
  }

  /**
   * Writes elements of this size to the low half of `d` (the rest cleared) or to its high half (the rest kept): the low or
   * high part of each element of `wide`.
   */
  writeNarrowed(d: Register, half: Half, result: V128 | Saturated, part: 'low' | 'high' = 'low'): void {
    const wide = 'lost' in result ? result.value : result;
    const step = this.bytes * 2;
    const offset = part === 'high' ? this.bytes : 0;
    const source = (place: number): number => Math.floor(place / this.bytes) * step + offset + (place % this.bytes);
    const value =
      half === 1
        ? this.o.shuffle(
            this.o.getV(d),
            wide,
            bytesOf((i) => (i < 8 ? i : 16 + source(i - 8))),
          )
        : this.o.shuffle(
            wide,
            this.zero(),
            bytesOf((i) => (i < Math.min(8, this.active) ? source(i) : 16)),
          );
    this.o.setV(d, value);
    if ('lost' in result) this.#noteSaturation(this.wider.trim(result.lost));
  }

  #noteSaturation(lost: V128): void {
    const { o } = this;
    const saturated = o.unary(Op.v128AnyTrue, 'i32', lost);
    o.setState64(FPSR, o.or(o.state64(FPSR), o.shl(o.extendU(saturated), o.i64(QC_BIT))));
  }

  /** Clears all but the active lanes. */
  trim(a: V128): V128 {
    if (this.active >= 16) return a;
    return this.o.shuffle(
      a,
      this.zero(),
      bytesOf((i) => (i < this.active ? i : 16 + i)),
    );
  }

  // Constants

  /** The same number in each lane, cut to its width. */
  constant(value: number): V128 {
    const high = Math.floor(value / 2 ** 32);
    return this.#each((place) => (place < 4 ? value >> (place * 8) : high >> ((place - 4) * 8)));
  }

  #each(byte: (place: number) => number): V128 {
    return this.o.v128(bytesOf((i) => byte(i % this.bytes) & 0xff));
  }

  zero(): V128 {
    return this.o.v128Zero();
  }

  ones(): V128 {
    return this.#each(() => 0xff);
  }

  /** The least signed number. */
  minimum(): V128 {
    return this.#each((place) => (place === this.bytes - 1 ? 0x80 : 0));
  }

  /** The greatest signed number. */
  maximum(): V128 {
    return this.#each((place) => (place === this.bytes - 1 ? 0x7f : 0xff));
  }

  // Bitwise

  and(a: V128, b: V128): V128 {
    return this.o.simd2(Op.v128And, a, b);
  }

  or(a: V128, b: V128): V128 {
    return this.o.simd2(Op.v128Or, a, b);
  }

  xor(a: V128, b: V128): V128 {
    return this.o.simd2(Op.v128Xor, a, b);
  }

  /** a AND NOT b. */
  andNot(a: V128, b: V128): V128 {
    return this.o.simd2(Op.v128Andnot, a, b);
  }

  not(a: V128): V128 {
    return this.o.simd1(Op.v128Not, a);
  }

  /** The bits of `a` where the mask has ones, those of `b` elsewhere. */
  select(mask: V128, a: V128, b: V128): V128 {
    return this.o.simd3(Op.v128Bitselect, a, b, mask);
  }

  // Arithmetic, modulo the lane's width

  add(a: V128, b: V128): V128 {
    return this.o.simd2(Add[this.size], a, b);
  }

  sub(a: V128, b: V128): V128 {
    return this.o.simd2(Sub[this.size], a, b);
  }

  neg(a: V128): V128 {
    return this.o.simd1(Neg[this.size], a);
  }

  /** The absolute value; the least number stays as it is. */
  abs(a: V128): V128 {
    return this.o.simd1(Abs[this.size], a);
  }

  mul(a: V128, b: V128): V128 {
    if (this.size > 0) return this.o.simd2(Mul[this.size], a, b);
    // Even and odd bytes apart, in halfwords; an odd byte's product needs no shift back when one factor stays in place.
    const pairs = new Lanes(this.o, 1, 16);
    const lowByte = pairs.constant(0x00ff);
    const odd = pairs.mul(pairs.shiftRight(a, 8, true), this.andNot(b, lowByte));
    return this.select(lowByte, pairs.mul(a, b), odd);
  }

  max(a: V128, b: V128, unsigned: Unsigned): V128 {
    if (this.size === 3) return this.select(this.greater(a, b, unsigned), a, b);
    return this.o.simd2(Max[unsigned ? 1 : 0][this.size], a, b);
  }

  min(a: V128, b: V128, unsigned: Unsigned): V128 {
    if (this.size === 3) return this.select(this.greater(a, b, unsigned), b, a);
    return this.o.simd2(Min[unsigned ? 1 : 0][this.size], a, b);
  }

  /** |a - b| as an unsigned number. */
  difference(a: V128, b: V128, unsigned: Unsigned): V128 {
    return this.sub(this.max(a, b, unsigned), this.min(a, b, unsigned));
  }

  // Shifts by the same count for all lanes, which is less than the lane's width

  #shift(opcode: number, a: V128, count: number | I32): V128 {
    return this.o.simdShift(opcode, a, typeof count === 'number' ? this.o.i32(count) : count);
  }

  shiftLeft(a: V128, count: number | I32): V128 {
    return this.#shift(Shl[this.size], a, count);
  }

  shiftRight(a: V128, count: number | I32, unsigned: Unsigned): V128 {
    return this.#shift(Shr[unsigned ? 1 : 0][this.size], a, count);
  }

  /** All ones in lanes that are negative, zero elsewhere. */
  signs(a: V128): V128 {
    return this.greater(this.zero(), a, false);
  }

  /** a / 2, rounded to the nearest, ties up. */
  halveRounded(a: V128, unsigned: Unsigned): V128 {
    return this.add(this.shiftRight(a, 1, unsigned), this.and(a, this.constant(1)));
  }

  // Comparisons: all ones where they hold, zero elsewhere

  equal(a: V128, b: V128): V128 {
    return this.o.simd2(Eq[this.size], a, b);
  }

  different(a: V128, b: V128): V128 {
    return this.o.simd2(Ne[this.size], a, b);
  }

  greater(a: V128, b: V128, unsigned: Unsigned): V128 {
    return this.#order(Gt, a, b, unsigned);
  }

  greaterOrEqual(a: V128, b: V128, unsigned: Unsigned): V128 {
    return this.#order(Ge, a, b, unsigned);
  }

  #order(opcodes: BySign, a: V128, b: V128, unsigned: Unsigned): V128 {
    if (!unsigned) return this.o.simd2(opcodes[0][this.size], a, b);
    if (this.size < 3) return this.o.simd2(opcodes[1][this.size], a, b);
    // Doublewords compare signed only: moving both by 2^63 keeps the order.
    const bias = this.minimum();
    return this.o.simd2(opcodes[0][3], this.xor(a, bias), this.xor(b, bias));
  }

  // Between sizes

  /** The elements of one half, widened to lanes of twice the size. */
  widen(a: V128, half: Half, unsigned: Unsigned): V128 {
    return this.o.simd1(Extend[half === 1 ? 1 : 0][unsigned ? 1 : 0][this.size], a);
  }

  /** Products of the elements of one half, in lanes of twice the size. */
  multiplyLong(a: V128, b: V128, half: Half, unsigned: Unsigned): V128 {
    return this.o.simd2(MultiplyLong[half === 1 ? 1 : 0][unsigned ? 1 : 0][this.size], a, b);
  }

  /** Sums of neighbours, in lanes of twice the size. */
  addPairsLong(a: V128, unsigned: Unsigned): V128 {
    if (this.size < 2) return this.o.simd1(AddPairwise[unsigned ? 1 : 0][this.size], a);
    const wide = new Lanes(this.o, 3, 16);
    const even = wide.shiftRight(wide.shiftLeft(a, 32), 32, unsigned);
    return wide.add(even, wide.shiftRight(a, 32, unsigned));
  }

  // Moves

  /** The elements at even (part 0) or odd (part 1) places of `a` followed by `b`, of both the active bytes. */
  unzip(a: V128, b: V128, part: number): V128 {
    const half = this.active / 2;
    return this.#gather(a, b, (lane) => {
      const place = lane * this.bytes;
      return (place < half ? 0 : 16) + (place % half) * 2 + part * this.bytes;
    });
  }

  /** The elements of the lower (part 0) or upper (part 1) half of the active bytes, those of `a` and `b` by turns. */
  zip(a: V128, b: V128, part: number): V128 {
    const start = (part * this.active) / 2;
    return this.#gather(a, b, (lane) => start + (lane >> 1) * this.bytes + (lane & 1) * 16);
  }

  /** Even (part 0) or odd (part 1) elements: those of `a` at even places, those of `b` at odd ones. */
  transpose(a: V128, b: V128, part: number): V128 {
    return this.#gather(a, b, (lane) => ((lane & ~1) + part) * this.bytes + (lane & 1) * 16);
  }

  /** Elements of two vectors, by the place of their first byte (from 16 on in `b`); inactive lanes are arbitrary. */
  #gather(a: V128, b: V128, from: (lane: number) => number): V128 {
    const place = (i: number): number => from(Math.floor(i / this.bytes)) + (i % this.bytes);
    return this.o.shuffle(
      a,
      b,
      bytesOf((i) => (i < this.active ? place(i) : i)),
    );
  }

  /** One element of a register in all lanes. */
  duplicate(a: V128, index: I32): V128 {
    const number = known(index);
    if (number !== undefined) {
      return this.o.shuffle(
        a,
        a,
        bytesOf((i) => number * this.bytes + (i % this.bytes)),
      );
    }
    const { o } = this;
    const first = o.splat(Op.i8x16Splat, o.shl(index, o.i32(this.size)));
    return o.simd2(Op.i8x16Swizzle, a, o.simd2(Op.i8x16Add, first, o.v128(bytesOf((i) => i % this.bytes))));
  }

  /** A general register's value in all lanes; doublewords want an i64, the others an i32. */
  splat(value: Parameters<Builder['splat']>[1]): V128 {
    return this.o.splat(Splat[this.size], value);
  }

  // Saturating arithmetic

  addSaturating(a: V128, b: V128, unsigned: Unsigned): Saturated {
    const sum = this.add(a, b);
    if (this.size < 2) {
      const value = this.o.simd2(AddSaturating[unsigned ? 1 : 0][this.size], a, b);
      return { value, lost: this.xor(value, sum) };
    }
    if (unsigned) {
      const lost = this.greater(a, sum, true);
      return { value: this.or(sum, lost), lost };
    }
    const lost = this.signs(this.and(this.xor(a, sum), this.xor(b, sum)));
    return { value: this.select(lost, this.limit(a), sum), lost };
  }

  subSaturating(a: V128, b: V128, unsigned: Unsigned): Saturated {
    const rest = this.sub(a, b);
    if (this.size < 2) {
      const value = this.o.simd2(SubSaturating[unsigned ? 1 : 0][this.size], a, b);
      return { value, lost: this.xor(value, rest) };
    }
    if (unsigned) {
      const lost = this.greater(b, a, true);
      return { value: this.andNot(rest, lost), lost };
    }
    const lost = this.signs(this.and(this.xor(a, b), this.xor(a, rest)));
    return { value: this.select(lost, this.limit(a), rest), lost };
  }

  /** The greatest number in lanes where `a` is positive, the least where it is negative. */
  limit(a: V128): V128 {
    return this.xor(this.signs(a), this.maximum());
  }

  /** Doubled products of one half, in lanes of twice the size. Only the least number's square saturates. */
  multiplyDoubledLong(a: V128, b: V128, half: Half): Saturated {
    const { wider: wide } = this;
    const doubled = wide.shiftLeft(this.multiplyLong(a, b, half, false), 1);
    const lost = wide.equal(doubled, wide.minimum());
    return { value: wide.xor(doubled, lost), lost };
  }

  /** The high halves of the doubled products, rounded if asked for. Only the least number's square saturates. */
  multiplyDoubledHigh(a: V128, b: V128, rounded: boolean): Saturated {
    const lost = this.and(this.equal(a, b), this.equal(a, this.minimum()));
    if (this.size === 1 && rounded) return { value: this.o.simd2(Op.i16x8Q15mulrSatS, a, b), lost };
    const { wider: wide } = this;
    const product = (half: Half): V128 => {
      const doubled = wide.shiftLeft(this.multiplyLong(a, b, half, false), 1);
      return rounded ? wide.add(doubled, wide.constant(2 ** (this.bits - 1))) : doubled;
    };
    const high = new Lanes(this.o, this.size, 16).unzip(product(0), product(1), 1);
    return { value: this.xor(high, lost), lost };
  }

  /**
   * The elements brought into the range of half their width, still in lanes of their own: from a signed or unsigned number
   * to a signed or unsigned one (from unsigned to signed there is no such instruction).
   */
  clampToHalf(a: V128, from: 'signed' | 'unsigned', to: 'signed' | 'unsigned'): Saturated {
    const half = this.bits / 2;
    const least = to === 'signed' ? -(2 ** (half - 1)) : 0;
    const greatest = to === 'signed' ? 2 ** (half - 1) - 1 : 2 ** half - 1;
    const below = this.min(a, this.constant(greatest), from === 'unsigned');
    const value = from === 'unsigned' ? below : this.max(below, this.constant(least), false);
    return { value, lost: this.xor(value, a) };
  }
}
