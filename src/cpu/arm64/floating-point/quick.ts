import { control, Fpsr, Rounding, raise } from './control.ts';
import { productError, sumError } from './exact-sum.ts';

/**
 * The exact path's own short cut: while rounding is to nearest, ordinary operands and results need only the host's arithmetic,
 * and error terms if the inexact flag is still to be set. Each gives NaN for what it does not decide.
 */

/** An operation on doubles, rounding to nearest. */
export interface HostOperation {
  readonly apply: (x: number, y: number) => number;
  /** Zero if and only if the result is exact; for operands that are moderate or zero. */
  readonly error: (x: number, y: number, result: number) => number;
  /** A result of zero is always exact; else only if an operand is zero. */
  readonly exactAtZero: boolean;
}

export const hostAdd: HostOperation = { apply: (x, y) => x + y, error: sumError, exactAtZero: true };
export const hostSubtract: HostOperation = {
  apply: (x, y) => x - y,
  error: (x, y, result) => sumError(x, -y, result),
  exactAtZero: true,
};
export const hostMultiply: HostOperation = { apply: (x, y) => x * y, error: productError, exactAtZero: false };

const remainder = (x: number, y: number, quotient: number): number => {
  const product = quotient * y;
  return x - product - productError(quotient, y, product);
};
export const hostDivide: HostOperation = { apply: (x, y) => x / y, error: remainder, exactAtZero: false };

const exact = (): number => 0;
export const hostMaximum: HostOperation = { apply: Math.max, error: exact, exactAtZero: true };
export const hostMinimum: HostOperation = { apply: Math.min, error: exact, exactAtZero: true };

const leastNormal = (isDouble: boolean): number => (isDouble ? 2 ** -1022 : 2 ** -126);

/** Zero or a normal number, or an infinity. */
const isPlain = (x: number, least: number): boolean => Math.abs(x) >= least || x === 0;

/** So that no error term of a sum, product or quotient of two such numbers overflows or underflows. */
const isModerate = (x: number): boolean => (Math.abs(x) > 2 ** -400 && Math.abs(x) < 2 ** 400) || x === 0;

const isInRange = (result: number, least: number): boolean => {
  const magnitude = Math.abs(result);
  return magnitude > least && magnitude < Number.POSITIVE_INFINITY;
};

export const isQuick = (): boolean => control.rounding === Rounding.nearestEven;

const mustNoteInexact = (): boolean => (control.fpsr & Fpsr.inexact) === 0;

/** The operation on two numbers of the format. A single's result rounded first to double is the same as rounded once. */
export const quick2 = (operation: HostOperation, x: number, y: number, isDouble: boolean): number => {
  const least = leastNormal(isDouble);
  if (!isPlain(x, least) || !isPlain(y, least)) return Number.NaN;
  const wide = operation.apply(x, y);
  const result = isDouble ? wide : Math.fround(wide);
  if (!isInRange(result, least) && !(result === 0 && (operation.exactAtZero || x === 0 || y === 0))) return Number.NaN;
  if (mustNoteInexact()) {
    if (!isModerate(x) || !isModerate(y)) return Number.NaN;
    if (result !== wide || operation.error(x, y, wide) !== 0) raise(Fpsr.inexact);
  }
  return result;
};

/** addend + x * y of singles, rounded once. */
const quickMultiplyAddSingle = (addend: number, x: number, y: number): number => {
  const product = x * y;
  const wide = product + addend;
  const result = Math.fround(wide);
  if (!isInRange(result, leastNormal(false))) return Number.NaN;
  const error = sumError(product, addend, wide);
  if (error === 0 && result === wide) return result;
  // Rounded twice: right unless the first rounding ended halfway between two singles, of which `result` is one.
  const other = 2 * wide - result;
  if (error !== 0 && other !== result && Math.fround(other) === other) return Number.NaN;
  raise(Fpsr.inexact);
  return result;
};

/** addend + x * y of doubles, rounded once; as `doublesInParts` of multiply-add.ts. */
const quickMultiplyAddDouble = (addend: number, x: number, y: number): number => {
  if (!isModerate(x) || !isModerate(y) || !isModerate(addend)) return Number.NaN;
  const product = x * y;
  const error = productError(x, y, product);
  const sum = product + addend;
  const rest = sumError(product, addend, sum);
  const tail = rest + error;
  const result = sum + tail * (1 + 2 ** -52);
  if (sum + tail * (1 - 2 ** -52) !== result || result === 0) return Number.NaN;
  if (sumError(sum, tail, result) !== 0 || sumError(rest, error, tail) !== 0) raise(Fpsr.inexact);
  return result;
};

export const quickMultiplyAdd = (addend: number, x: number, y: number, isDouble: boolean): number => {
  const least = leastNormal(isDouble);
  if (!isPlain(addend, least) || !isPlain(x, least) || !isPlain(y, least)) return Number.NaN;
  return isDouble ? quickMultiplyAddDouble(addend, x, y) : quickMultiplyAddSingle(addend, x, y);
};
