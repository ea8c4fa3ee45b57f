import { control, Fpsr, Rounding, raise } from './control.ts';
import { productError, roundedToOdd, sumError } from './exact-sum.ts';
import {
  type Format,
  infinityResult,
  invalidResult,
  isNan,
  Kind,
  nanResult,
  negate,
  numberResult,
  type Operand,
  powerResult,
  processNans,
  processNans3,
  result,
  zeroResult,
} from './format.ts';
import { round } from './round.ts';

/**
 * The arithmetic of A64 on operands taken apart (Arm ARM shared/functions/float). Each leaves its encoding in `result`.
 * Significands are computed on as doubles between 1 and 4, where the nearest double and the sign of its error say all that
 * rounding must know.
 */

/** Where exponents differ by more, the smaller number only tells on which side of the greater one the sum lies. */
const FAR = 120;

/** The sign of a sum that is exactly zero, of terms that are not both zeros of the same sign. */
const zeroSumSign = (): number => (control.rounding === Rounding.down ? 1 : 0);

/** Rounds (sum + error) * 2^exponent, either sign. */
const roundSigned = (format: Format, exponent: number, sum: number, error: number): void => {
  if (sum > 0) round(format, 0, exponent, sum, error);
  else round(format, 1, exponent, -sum, -error);
};

const signedSignificand = (x: Operand): number => (x.sign === 0 ? x.significand : -x.significand);

/** FPAdd. */
export const add = (format: Format, a: Operand, b: Operand): void => {
  if (processNans(format, a, b)) return;
  if (a.kind === Kind.infinity || b.kind === Kind.infinity) {
    if (a.kind === b.kind && a.sign !== b.sign) invalidResult(format);
    else infinityResult(format, a.kind === Kind.infinity ? a.sign : b.sign);
    return;
  }
  if (b.kind === Kind.zero) {
    if (a.kind === Kind.zero) zeroResult(format, a.sign === b.sign ? a.sign : zeroSumSign());
    else numberResult(format, a);
    return;
  }
  if (a.kind === Kind.zero) {
    numberResult(format, b);
    return;
  }
  const greater = a.exponent >= b.exponent ? a : b;
  const smaller = greater === a ? b : a;
  const distance = greater.exponent - smaller.exponent;
  const x = signedSignificand(greater);
  const y = signedSignificand(smaller) * 2 ** -Math.min(distance, FAR);
  const sum = x + y;
  if (sum === 0) zeroResult(format, zeroSumSign());
  else roundSigned(format, greater.exponent, sum, sumError(x, y, sum));
};

/** FPSub. */
export const subtract = (format: Format, a: Operand, b: Operand): void => {
  if (processNans(format, a, b)) return;
  negate(b, format);
  add(format, a, b);
};

/** |a - b| as FABD has it. */
export const absoluteDifference = (format: Format, a: Operand, b: Operand): void => {
  subtract(format, a, b);
  if (format.bytes === 8) result.hi &= ~format.signBit;
  else result.lo &= ~format.signBit;
};

/** The product of two operands that are not NaNs nor infinity and zero. */
const multiplyNumbers = (format: Format, a: Operand, b: Operand): void => {
  const sign = a.sign ^ b.sign;
  if (a.kind === Kind.infinity || b.kind === Kind.infinity) infinityResult(format, sign);
  else if (a.kind === Kind.zero || b.kind === Kind.zero) zeroResult(format, sign);
  else {
    const product = a.significand * b.significand;
    round(format, sign, a.exponent + b.exponent, product, productError(a.significand, b.significand, product));
  }
};

export const isInfinityTimesZero = (a: Operand, b: Operand): boolean =>
  (a.kind === Kind.infinity && b.kind === Kind.zero) || (a.kind === Kind.zero && b.kind === Kind.infinity);

/** FPMul. */
export const multiply = (format: Format, a: Operand, b: Operand): void => {
  if (processNans(format, a, b)) return;
  if (isInfinityTimesZero(a, b)) invalidResult(format);
  else multiplyNumbers(format, a, b);
};

/** FPMulX: infinity times zero is 2. */
export const multiplyExtended = (format: Format, a: Operand, b: Operand): void => {
  if (processNans(format, a, b)) return;
  if (isInfinityTimesZero(a, b)) powerResult(format, a.sign ^ b.sign, 1);
  else multiplyNumbers(format, a, b);
};

/** FPDiv. */
export const divide = (format: Format, a: Operand, b: Operand): void => {
  if (processNans(format, a, b)) return;
  const sign = a.sign ^ b.sign;
  if (a.kind === b.kind && a.kind !== Kind.finite) invalidResult(format);
  else if (a.kind === Kind.infinity) infinityResult(format, sign);
  else if (b.kind === Kind.zero) {
    raise(Fpsr.divideByZero);
    infinityResult(format, sign);
  } else if (a.kind === Kind.zero || b.kind === Kind.infinity) zeroResult(format, sign);
  else {
    const quotient = a.significand / b.significand;
    const product = quotient * b.significand;
    const remainder = a.significand - product - productError(quotient, b.significand, product);
    round(format, sign, a.exponent - b.exponent, quotient, remainder);
  }
};

/** FPSqrt. */
export const squareRoot = (format: Format, a: Operand): void => {
  if (isNan(a)) nanResult(format, a);
  else if (a.kind === Kind.zero) zeroResult(format, a.sign);
  else if (a.sign === 1) invalidResult(format);
  else if (a.kind === Kind.infinity) infinityResult(format, 0);
  else {
    const odd = a.exponent & 1;
    const square = odd === 0 ? a.significand : a.significand * 2;
    const root = Math.sqrt(square);
    const product = root * root;
    round(format, 0, (a.exponent - odd) / 2, root, square - product - productError(root, root, product));
  }
};

/**
 * Rounds addend + a * b, scaled by 2^scale, where the product is not zero. The addend may be zero or finite.
 */
const roundMultiplyAdd = (format: Format, addend: Operand, a: Operand, b: Operand, scale: number): void => {
  const sign = a.sign ^ b.sign;
  const exponent = a.exponent + b.exponent;
  const magnitude = a.significand * b.significand;
  const magnitudeError = productError(a.significand, b.significand, magnitude);
  if (addend.kind === Kind.zero) {
    round(format, sign, exponent + scale, magnitude, magnitudeError);
    return;
  }
  const product = sign === 0 ? magnitude : -magnitude;
  const distance = addend.exponent - exponent;
  if (distance > FAR) {
    roundSigned(format, addend.exponent + scale, signedSignificand(addend), product);
    return;
  }
  const error = sign === 0 ? magnitudeError : -magnitudeError;
  const term = signedSignificand(addend) * 2 ** Math.max(distance, -2 * FAR);
  const sum = product + term;
  const rest = sumError(product, term, sum);
  const tail = rest + error;
  const tailError = sumError(rest, error, tail);
  const odd = roundedToOdd(tail, tailError);
  const total = sum + odd;
  if (total === 0) zeroResult(format, zeroSumSign());
  else {
    const residue = sumError(sum, odd, total);
    roundSigned(format, exponent + scale, total, residue !== 0 ? residue : tailError);
  }
};

/** 2^scale times a multiply-add, rounded once, whose operands are not NaNs and whose product is not infinity times zero. */
export const multiplyAddNumbers = (format: Format, addend: Operand, a: Operand, b: Operand, scale: number): void => {
  const sign = a.sign ^ b.sign;
  const infinite = a.kind === Kind.infinity || b.kind === Kind.infinity;
  if (addend.kind === Kind.infinity) {
    if (infinite && sign !== addend.sign) invalidResult(format);
    else infinityResult(format, addend.sign);
  } else if (infinite) infinityResult(format, sign);
  else if (a.kind === Kind.finite && b.kind === Kind.finite) roundMultiplyAdd(format, addend, a, b, scale);
  else if (addend.kind === Kind.zero) zeroResult(format, sign === addend.sign ? sign : zeroSumSign());
  else round(format, addend.sign, addend.exponent + scale, addend.significand, 0);
};

/** FPMulAdd: addend + a * b, rounded once. */
export const multiplyAdd = (format: Format, addend: Operand, a: Operand, b: Operand): void => {
  const invalid = isInfinityTimesZero(a, b);
  if (addend.kind === Kind.quiet && invalid) invalidResult(format);
  else if (processNans3(format, addend, a, b)) return;
  else if (invalid) invalidResult(format);
  else multiplyAddNumbers(format, addend, a, b, 0);
};
