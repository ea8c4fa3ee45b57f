import { control, Fpsr, Rounding, raise } from './control.ts';
import { sumError } from './exact-sum.ts';
import {
  defaultNanResult,
  double,
  doubles,
  type Format,
  half,
  infinityResult,
  isNan,
  Kind,
  nanResult,
  numberResult,
  type Operand,
  result,
  single,
  words,
  zeroResult,
} from './format.ts';
import { overflow, round } from './round.ts';

/** Conversions between formats, to and from integers, and rounding to an integer (Arm ARM shared/functions/float). */

/** The sign and the topmost fraction bits of a NaN in another format, made quiet. */
const convertNan = (to: Format, from: Format, x: Operand): void => {
  // The fraction's topmost bits as those of a double.
  let hi: number;
  let lo = 0;
  if (from === double) {
    hi = x.hi & 0x7ffff;
    lo = x.lo;
  } else if (from === single) {
    hi = (x.lo & 0x3fffff) >>> 3;
    lo = x.lo << 29;
  } else hi = (x.lo & 0x1ff) << 10;
  defaultNanResult(to);
  const signBit = x.sign === 0 ? 0 : to.signBit;
  if (to === double) {
    result.hi |= signBit | hi;
    result.lo = lo;
  } else if (to === single) result.lo |= signBit | (hi << 3) | (lo >>> 29);
  else result.lo |= signBit | (hi >>> 10);
};

/** FPConvert. */
export const convertFormat = (to: Format, from: Format, x: Operand, rounding: Rounding = control.rounding): void => {
  const alternative = to === half && control.alternativeHalf;
  if (isNan(x)) {
    if (x.kind === Kind.signalling || alternative) raise(Fpsr.invalidOperation);
    if (alternative) zeroResult(to, x.sign);
    else if (control.defaultNan) defaultNanResult(to);
    else convertNan(to, from, x);
  } else if (x.kind === Kind.infinity) {
    if (alternative) overflow(to, x.sign, rounding);
    else infinityResult(to, x.sign);
  } else if (x.kind === Kind.zero) zeroResult(to, x.sign);
  else round(to, x.sign, x.exponent, x.significand, 0, rounding);
};

/** Whether to take the next greater magnitude than the truncated one, of which a part of more than 0 is cut off. */
const goesUp = (rounding: Rounding, negative: boolean, whole: number, part: number): boolean => {
  switch (rounding) {
    case Rounding.up:
      return !negative;
    case Rounding.down:
      return negative;
    case Rounding.zero:
      return false;
    case Rounding.nearestAway:
      return part >= 0.5;
    default:
      return part > 0.5 || (part === 0.5 && whole % 2 !== 0);
  }
};

/** A number rounded to an integer. */
const roundedValue = (value: number, rounding: Rounding): number => {
  const magnitude = Math.abs(value);
  const whole = Math.floor(magnitude);
  const part = magnitude - whole;
  if (part === 0) return value;
  const rounded = goesUp(rounding, value < 0, whole, part) ? whole + 1 : whole;
  return value < 0 ? -rounded : rounded;
};

/** Encodes an integer that is exact in the format, with a sign for zero. */
const integerResult = (format: Format, value: number, sign: number): void => {
  if (value === 0) {
    zeroResult(format, sign);
    return;
  }
  doubles[0] = value;
  if (format === double) {
    result.lo = words[0] as number;
    result.hi = words[1] as number;
  } else round(format, sign, 0, Math.abs(value), 0);
};

/** FPRoundInt; `exact` if a change is inexact. */
export const roundToIntegral = (format: Format, x: Operand, rounding: Rounding, exact: boolean): void => {
  if (isNan(x)) nanResult(format, x);
  else if (x.kind !== Kind.finite) numberResult(format, x);
  else {
    const rounded = roundedValue(x.value, rounding);
    if (exact && rounded !== x.value) raise(Fpsr.inexact);
    integerResult(format, rounded, x.sign);
  }
};

const TWO_32 = 2 ** 32;

/** Leaves in `result` an integer of at most 64 bits, in two's complement. */
const setInteger = (value: number): void => {
  const high = Math.floor(value / TWO_32);
  result.lo = (value - high * TWO_32) | 0;
  result.hi = high | 0;
};

/** The nearest integer of the type to one that is out of its range. */
const saturate = (negative: boolean, bits: number, isSigned: boolean): void => {
  if (!isSigned) {
    result.lo = negative ? 0 : -1;
    result.hi = result.lo;
  } else if (bits === 32) {
    result.lo = negative ? -0x80000000 : 0x7fffffff;
    result.hi = result.lo >> 31;
  } else {
    result.lo = negative ? 0 : -1;
    result.hi = negative ? -0x80000000 : 0x7fffffff;
  }
};

/** FPToFixed: x * 2^fractionBits as an integer of 32 or 64 bits; of a 32-bit one only `result.lo` counts. */
export const toFixed = (
  x: Operand,
  bits: number,
  isSigned: boolean,
  fractionBits: number,
  rounding: Rounding,
): void => {
  if (isNan(x)) {
    raise(Fpsr.invalidOperation);
    setInteger(0);
    return;
  }
  const scaled = x.value * 2 ** fractionBits;
  const rounded = x.kind === Kind.infinity ? scaled : roundedValue(scaled, rounding);
  const limit = isSigned ? 2 ** (bits - 1) : 2 ** bits;
  if (rounded >= limit || rounded < (isSigned ? -limit : 0)) {
    raise(Fpsr.invalidOperation);
    saturate(rounded < 0, bits, isSigned);
    return;
  }
  if (rounded !== scaled) raise(Fpsr.inexact);
  setInteger(rounded);
};

/** FixedToFP: the 64-bit integer hi:lo, divided by 2^fractionBits. */
export const fromFixed = (format: Format, lo: number, hi: number, isSigned: boolean, fractionBits: number): void => {
  const high = (isSigned ? hi : hi >>> 0) * TWO_32;
  const low = lo >>> 0;
  const sum = high + low;
  if (sum === 0) {
    zeroResult(format, 0);
    return;
  }
  const error = sumError(high, low, sum);
  if (sum > 0) round(format, 0, -fractionBits, sum, error);
  else round(format, 1, -fractionBits, -sum, -error);
};
