import { Fpsr, raise } from './control.ts';
import { type Format, isNan, Kind, numberResult, type Operand, processNans, result, zeroResult } from './format.ts';

/** Comparisons, minimum and maximum (Arm ARM shared/functions/float/fpcompare, fpmax, fpmaxnum). */

/**
 * What a comparison gives, as one i32 from which the flags are read off: negative is N, zero is Z, not negative is C, and bit 1
 * is V.
 */
export const Order = { less: -0x80000000, equal: 0, greater: 1, unordered: 2 } as const;

const raiseIfNan = (a: Operand, b: Operand, quietToo: boolean): boolean => {
  if (!isNan(a) && !isNan(b)) return false;
  if (quietToo || a.kind === Kind.signalling || b.kind === Kind.signalling) raise(Fpsr.invalidOperation);
  return true;
};

/** FPCompare; `quietToo` if quiet NaNs are invalid operands as well. */
export const compare = (a: Operand, b: Operand, quietToo: boolean): number => {
  if (raiseIfNan(a, b, quietToo)) return Order.unordered;
  if (a.value < b.value) return Order.less;
  return a.value > b.value ? Order.greater : Order.equal;
};

const setMask = (holds: boolean): void => {
  result.lo = holds ? -1 : 0;
  result.hi = result.lo;
};

/** FPCompareEQ: all ones or zeros. */
export const compareEqual = (_format: Format, a: Operand, b: Operand): void => {
  setMask(!raiseIfNan(a, b, false) && a.value === b.value);
};

/** FPCompareGE. */
export const compareGreaterEqual = (_format: Format, a: Operand, b: Operand): void => {
  setMask(!raiseIfNan(a, b, true) && a.value >= b.value);
};

/** FPCompareGT. */
export const compareGreater = (_format: Format, a: Operand, b: Operand): void => {
  setMask(!raiseIfNan(a, b, true) && a.value > b.value);
};

/** FPMax. */
export const maximum = (format: Format, a: Operand, b: Operand): void => {
  if (processNans(format, a, b)) return;
  if (a.kind === Kind.zero && b.kind === Kind.zero) zeroResult(format, a.sign & b.sign);
  else numberResult(format, a.value > b.value ? a : b);
};

/** FPMin. */
export const minimum = (format: Format, a: Operand, b: Operand): void => {
  if (processNans(format, a, b)) return;
  if (a.kind === Kind.zero && b.kind === Kind.zero) zeroResult(format, a.sign | b.sign);
  else numberResult(format, a.value < b.value ? a : b);
};

/** Whether a quiet NaN is to give way to the other operand. */
const givesWay = (a: Operand, b: Operand): boolean => a.kind === Kind.quiet && !isNan(b);

/** FPMaxNum. */
export const maximumNumber = (format: Format, a: Operand, b: Operand): void => {
  if (givesWay(a, b)) numberResult(format, b);
  else if (givesWay(b, a)) numberResult(format, a);
  else maximum(format, a, b);
};

/** FPMinNum. */
export const minimumNumber = (format: Format, a: Operand, b: Operand): void => {
  if (givesWay(a, b)) numberResult(format, b);
  else if (givesWay(b, a)) numberResult(format, a);
  else minimum(format, a, b);
};
