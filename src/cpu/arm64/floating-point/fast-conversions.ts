import { Op } from '../../../wasm/opcodes.ts';
import type { Fields, Immediate64Operand } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { F32, F64, I32, I64, V128, Value } from '../../ir/value.ts';
import { immediate64 } from '../operands.ts';
import { FP_EXACT, FPCR } from '../state.ts';
import { Convert, formatConversion, integerConversion } from './conversion-routines.ts';
import { accept, hostRound, type IntegerRounding, roundingNumber } from './fast-path.ts';
import { type FloatShape, type FloatValue, scalarShape, VectorShape } from './float-shape.ts';
import { double, type Format, single } from './format.ts';
import { arrangementOf } from './lanes.ts';

/** Conversions as translated code; see fast-path.ts. */

// Fixed-point numbers

/** 2^bits as a single, or the high word of it as a double. */
const powerBits = (isDouble: boolean, bits: number): number => (isDouble ? (1023 + bits) << 20 : (127 + bits) << 23);

/**
 * The number of fraction bits of a fixed-point number, and what to multiply with for them: `direction` 1 towards integers, -1
 * from them.
 */
export const fractionOperand = (
  isDouble: (f: Fields) => boolean,
  fractionBits: (f: Fields) => number,
  direction: 1 | -1,
): Immediate64Operand =>
  immediate64((f) => {
    const bits = fractionBits(f);
    return { lo: bits, hi: powerBits(isDouble(f), direction * bits) };
  });

const fractionBitsOf = (o: Builder, fraction: I64 | null): I32 => (fraction === null ? o.i32(0) : o.wrap(fraction));

/** The number times the scale that comes with the fraction bits. */
const scaled = (o: Builder, shape: FloatShape, a: FloatValue, fraction: I64 | null): FloatValue => {
  if (fraction === null) return a;
  const factor: FloatValue = shape.isDouble
    ? o.f64FromBits(o.and(fraction, o.i64Parts(0, -1)))
    : o.f32FromBits(o.high(fraction));
  if (shape.type !== 'v128') return shape.binary(o, 'mul', a, factor);
  return shape.binary(o, 'mul', a, o.splat(shape.isDouble ? Op.f64x2Splat : Op.f32x4Splat, factor));
};

// To integers

/** Tells whether a number, rounded to an integer, lies in the type; for most that do. */
const fits = (o: Builder, shape: FloatShape, a: FloatValue, isSigned: boolean, bits: number): I32 => {
  const mask = isSigned ? shape.below(o, a, bits - 1) : shape.positiveBelow(o, a, bits);
  return shape.all(o, mask, FP_EXACT);
};

/** By signedness, then format, then integer width. */
const truncations = [
  [
    [Op.i32TruncSatF32U, Op.i64TruncSatF32U],
    [Op.i32TruncSatF64U, Op.i64TruncSatF64U],
  ],
  [
    [Op.i32TruncSatF32S, Op.i64TruncSatF32S],
    [Op.i32TruncSatF64S, Op.i64TruncSatF64S],
  ],
] as const;

const truncation = (isSigned: boolean, isDouble: boolean, isLong: boolean): number =>
  truncations[isSigned ? 1 : 0][isDouble ? 1 : 0][isLong ? 1 : 0];

/** FCVT to an integer in a general register: i32 or i64. */
export const toGeneral = (
  o: Builder,
  isDouble: boolean,
  a: FloatValue,
  isSigned: boolean,
  isLong: boolean,
  rounding: IntegerRounding,
  fraction: I64 | null,
): Value<'i32' | 'i64'> => {
  const shape = scalarShape(isDouble);
  const type = isLong ? 'i64' : 'i32';
  const number = scaled(o, shape, a, fraction);
  const rounded = o.now(rounding === 'trunc' ? number : hostRound(o, shape, rounding, number));
  const conversion = integerConversion({ isDouble, isSigned, isLong, rounding: roundingNumber[rounding] });
  return o.ifElse<'i32' | 'i64'>(
    fits(o, shape, rounded, isSigned, isLong ? 64 : 32),
    type,
    () => o.unary(truncation(isSigned, isDouble, isLong), type, rounded),
    () =>
      o.call(
        Convert.toInteger,
        [o.i32(arrangementOf(1, conversion)), a, fractionBitsOf(o, fraction)],
        [type],
      )[0] as Value<'i32' | 'i64'>,
  );
};

/** Doubles to 64-bit integers, lane by lane. */
const truncateDoubles = (o: Builder, shape: VectorShape, a: V128, isSigned: boolean): V128 => {
  const opcode = truncation(isSigned, true, true);
  const lane = (index: number): I64 => o.unary(opcode, 'i64', o.extractLane(Op.f64x2ExtractLane, 'f64', a, index));
  const low = o.splat(Op.i64x2Splat, lane(0));
  return shape.isFull ? o.replaceLane(Op.i64x2ReplaceLane, low, 1, lane(1)) : low;
};

/** FCVT to integers of the lanes' own width. */
export const toVector = (
  o: Builder,
  shape: VectorShape,
  a: V128,
  isSigned: boolean,
  rounding: IntegerRounding,
  fraction: I64 | null,
): V128 => {
  const number = scaled(o, shape, a, fraction);
  const rounded = o.now(rounding === 'trunc' ? number : hostRound(o, shape, rounding, number)) as V128;
  const { isDouble, lanes } = shape;
  const conversion = integerConversion({ isDouble, isSigned, isLong: isDouble, rounding: roundingNumber[rounding] });
  return o.ifElse(
    fits(o, shape, rounded, isSigned, isDouble ? 64 : 32),
    'v128',
    () =>
      isDouble
        ? truncateDoubles(o, shape, rounded, isSigned)
        : o.simd1(isSigned ? Op.i32x4TruncSatF32x4S : Op.i32x4TruncSatF32x4U, rounded),
    () =>
      o.call(
        Convert.toInteger,
        [o.i32(arrangementOf(lanes, conversion)), a, fractionBitsOf(o, fraction)],
        ['v128'],
      )[0] as V128,
  );
};

// From integers

/** By signedness, then format, then integer width. */
const conversions = [
  [
    [Op.f32ConvertI32U, Op.f32ConvertI64U],
    [Op.f64ConvertI32U, Op.f64ConvertI64U],
  ],
  [
    [Op.f32ConvertI32S, Op.f32ConvertI64S],
    [Op.f64ConvertI32S, Op.f64ConvertI64S],
  ],
] as const;

const conversion = (isSigned: boolean, isDouble: boolean, isLong: boolean): number =>
  conversions[isSigned ? 1 : 0][isDouble ? 1 : 0][isLong ? 1 : 0];

const fromIntegerExact = (
  o: Builder,
  shape: FloatShape,
  a: Value,
  isSigned: boolean,
  isLong: boolean,
  fraction: I64 | null,
): FloatValue => {
  const parameter = integerConversion({ isDouble: shape.isDouble, isSigned, isLong, rounding: 0 });
  const arrangement = o.i32(arrangementOf(shape.lanes, parameter));
  const results = o.call(Convert.fromInteger, [arrangement, a, fractionBitsOf(o, fraction)], [shape.type]);
  return results[0] as FloatValue;
};

/** SCVTF and UCVTF from an integer in a general register. */
export const fromGeneral = (
  o: Builder,
  isDouble: boolean,
  a: Value<'i32' | 'i64'>,
  isSigned: boolean,
  fraction: I64 | null,
): FloatValue => {
  const shape = scalarShape(isDouble);
  const isLong = a.type === 'i64';
  const host = (): FloatValue =>
    scaled(o, shape, o.unary(conversion(isSigned, isDouble, isLong), shape.type, a), fraction);
  // A double holds every 32-bit integer.
  if (isDouble && !isLong) return host();
  return o.ifElse(o.eqz(o.state32(FP_EXACT)), shape.type, host, () =>
    fromIntegerExact(o, shape, a, isSigned, isLong, fraction),
  );
};

/** 64-bit integers to doubles, lane by lane. */
const convertLongs = (o: Builder, shape: VectorShape, a: V128, isSigned: boolean): V128 => {
  const opcode = conversion(isSigned, true, true);
  const lane = (index: number): F64 => o.unary(opcode, 'f64', o.extractLane(Op.i64x2ExtractLane, 'i64', a, index));
  const low = o.splat(Op.f64x2Splat, lane(0));
  return shape.isFull ? o.replaceLane(Op.f64x2ReplaceLane, low, 1, lane(1)) : low;
};

/** SCVTF and UCVTF from integers of the lanes' own width. */
export const fromVector = (o: Builder, shape: VectorShape, a: V128, isSigned: boolean, fraction: I64 | null): V128 => {
  const host = (): V128 => {
    const number = shape.isDouble
      ? convertLongs(o, shape, a, isSigned)
      : o.simd1(isSigned ? Op.f32x4ConvertI32x4S : Op.f32x4ConvertI32x4U, a);
    return scaled(o, shape, number, fraction) as V128;
  };
  return o.ifElse(
    o.eqz(o.state32(FP_EXACT)),
    'v128',
    host,
    () => fromIntegerExact(o, shape, a, isSigned, shape.isDouble, fraction) as V128,
  );
};

// Between formats

/** The exact path from one format to another. */
export const convertExactly = <T extends 'i32' | 'f32' | 'f64' | 'v128'>(
  o: Builder,
  from: Format,
  to: Format,
  lanes: number,
  a: Value,
  type: T,
  toOdd = false,
): Value<T> => {
  const arrangement = o.i32(arrangementOf(lanes, formatConversion(from, to, toOdd)));
  return o.call(Convert.format, [arrangement, a], [type])[0] as Value as Value<T>;
};

/** FCVT from single to double. */
export const widen = (o: Builder, a: F32): F64 => {
  const value = o.now(o.unary(Op.f64PromoteF32, 'f64', a));
  const condition = scalarShape(true).finiteGuarded(o, value, FPCR);
  return o.ifElse(
    condition,
    'f64',
    () => value,
    () => convertExactly(o, single, double, 1, a, 'f64'),
  );
};

/** FCVT from double to single. */
export const narrow = (o: Builder, a: F64): F32 => {
  const shape = scalarShape(false);
  const value = o.now(o.unary(Op.f32DemoteF64, 'f32', a));
  const exactly = (): F32 => convertExactly(o, double, single, 1, a, 'f32');
  return o.ifElse(
    shape.normalGuarded(o, value, FP_EXACT),
    'f32',
    () => value,
    () => o.ifElse(scalarShape(true).all(o, scalarShape(true).zero(o, a), FP_EXACT), 'f32', () => value, exactly),
  );
};

const doubles = new VectorShape(true, 2);
const singles = new VectorShape(false, 2);

/** FCVTL: the two lowest singles as doubles. */
export const widenPair = (o: Builder, a: V128): V128 => {
  const value = o.now(o.simd1(Op.f64x2PromoteLowF32x4, a));
  return accept(o, doubles, doubles.finiteGuarded(o, value, FPCR), value, () =>
    convertExactly(o, single, double, 2, a, 'v128'),
  ) as V128;
};

/** FCVTN: two doubles as the two lowest singles, above which all is zero. */
export const narrowPair = (o: Builder, a: V128): V128 => {
  const value = o.now(o.simd1(Op.f32x4DemoteF64x2Zero, a));
  const withZeros = (): I32 => {
    const zero = doubles.zero(o, a);
    // The low word of each double's mask.
    const words = o.shuffle(zero, zero, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
    return singles.all(o, singles.either(o, singles.normal(o, value), words), FP_EXACT);
  };
  return accept(o, singles, singles.normalGuarded(o, value, FP_EXACT), value, () =>
    accept(o, singles, withZeros(), value, () => convertExactly(o, double, single, 2, a, 'v128')),
  ) as V128;
};
