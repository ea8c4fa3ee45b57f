import { isInfinityTimesZero, multiplyAddNumbers } from './arithmetic.ts';
import { control, Fpsr, raise } from './control.ts';
import {
  double,
  type Format,
  infinityResult,
  invalidResult,
  isNan,
  Kind,
  nanResult,
  negate,
  Operand,
  powerResult,
  processNans,
  result,
  zeroResult,
} from './format.ts';
import { overflow, round } from './round.ts';

/** Estimates of the reciprocal and of its square root, and the steps that refine them (Arm ARM shared/functions/float). */

/** RecipEstimate: 2^17/a rounded, less 256, for a from 256 to 511. */
const reciprocals = Uint8Array.from({ length: 256 }, (_, i) => {
  const middle = (i + 256) * 2 + 1;
  return (Math.floor(2 ** 19 / middle) + 1) >> 1;
});

/** RecipSqrtEstimate: an estimate of sqrt(2^25/a), less 256, for a from 128 to 511. */
const inverseRoots = Uint8Array.from({ length: 384 }, (_, i) => {
  const a = i + 128;
  const middle = a < 256 ? a * 2 + 1 : ((a & ~1) + 1) * 2;
  let b = 512;
  while (middle * (b + 1) * (b + 1) < 2 ** 28) b++;
  return (b + 1) >> 1;
});

/** FPRecipEstimate. */
export const reciprocalEstimate = (format: Format, x: Operand): void => {
  if (isNan(x)) nanResult(format, x);
  else if (x.kind === Kind.infinity) zeroResult(format, x.sign);
  else if (x.kind === Kind.zero) {
    raise(Fpsr.divideByZero);
    infinityResult(format, x.sign);
  } else if (x.exponent < -format.bias - 1) overflow(format, x.sign, control.rounding);
  else {
    const estimate = 1 + (reciprocals[Math.floor(x.significand * 256) - 256] as number) / 256;
    round(format, x.sign, -1 - x.exponent, estimate, 0);
  }
};

/** FPRSqrtEstimate. */
export const inverseRootEstimate = (format: Format, x: Operand): void => {
  if (isNan(x)) nanResult(format, x);
  else if (x.kind === Kind.zero) {
    raise(Fpsr.divideByZero);
    infinityResult(format, x.sign);
  } else if (x.sign === 1) invalidResult(format);
  else if (x.kind === Kind.infinity) zeroResult(format, 0);
  else {
    const scaled = Math.floor(x.significand * ((x.exponent & 1) !== 0 ? 256 : 128));
    const estimate = 1 + (inverseRoots[scaled - 128] as number) / 256;
    round(format, 0, (-1 - x.exponent) >> 1, estimate, 0);
  }
};

/** FPRecpX: the power of two with the exponent's bits inverted. */
export const reciprocalExponent = (format: Format, x: Operand): void => {
  if (isNan(x)) {
    nanResult(format, x);
    return;
  }
  const field = ((format === double ? x.hi : x.lo) >>> format.exponentShift) & format.topExponent;
  const inverted = field === 0 ? format.topExponent - 1 : format.topExponent - field;
  powerResult(format, x.sign, inverted - format.bias);
};

const finiteOperand = (significand: number, exponent: number): Operand => {
  const operand = new Operand();
  operand.kind = Kind.finite;
  operand.significand = significand;
  operand.exponent = exponent;
  operand.value = significand * 2 ** exponent;
  return operand;
};

const two = finiteOperand(1, 1);
const three = finiteOperand(1.5, 1);

/** FPRecipStepFused: 2 - a * b. */
export const reciprocalStep = (format: Format, a: Operand, b: Operand): void => {
  negate(a, format);
  if (processNans(format, a, b)) return;
  if (isInfinityTimesZero(a, b)) powerResult(format, 0, 1);
  else multiplyAddNumbers(format, two, a, b, 0);
};

/** FPRSqrtStepFused: (3 - a * b) / 2. */
export const inverseRootStep = (format: Format, a: Operand, b: Operand): void => {
  negate(a, format);
  if (processNans(format, a, b)) return;
  if (isInfinityTimesZero(a, b)) {
    powerResult(format, 0, 0);
    if (format === double) result.hi |= 1 << (format.exponentShift - 1);
    else result.lo |= 1 << (format.exponentShift - 1);
  } else multiplyAddNumbers(format, three, a, b, -1);
};

/** UnsignedRecipEstimate. */
export const unsignedReciprocalEstimate = (bits: number): number =>
  bits >= 0 ? -1 : -0x80000000 | ((reciprocals[(bits >>> 23) & 0xff] as number) << 23);

/** UnsignedRSqrtEstimate. */
export const unsignedInverseRootEstimate = (bits: number): number =>
  bits >>> 30 === 0 ? -1 : -0x80000000 | ((inverseRoots[(bits >>> 23) - 128] as number) << 23);
