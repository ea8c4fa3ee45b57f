import { control, Fpsr, Rounding } from '../../../../src/cpu/arm64/floating-point/control.ts';
import {
  double,
  type Format,
  Operand,
  result,
  single,
  unpackDouble,
  unpackHalf,
  unpackSingle,
} from '../../../../src/cpu/arm64/floating-point/format.ts';

/**
 * Rounding by the book, on fractions of big integers: what the floating-point code is held against. Encodings are big integers
 * here.
 */

/** numerator / denominator, negated if `sign` is 1. */
export interface Rational {
  readonly sign: number;
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export interface Outcome {
  readonly bits: bigint;
  readonly flags: number;
}

const widths = { half: 16n, single: 32n, double: 64n } as const;
const precisions = { half: 11n, single: 24n, double: 53n } as const;
const biases = { half: 15n, single: 127n, double: 1023n } as const;

const signBit = (format: Format, sign: number): bigint => BigInt(sign) << (widths[format.name] - 1n);

/** The magnitude of 1/denominator-scaled powers: 2^n as a fraction. */
const power = (n: bigint): [bigint, bigint] => (n >= 0n ? [1n << n, 1n] : [1n, 1n << -n]);

/** A finite encoding as a fraction. */
export const rationalOf = (format: Format, bits: bigint): Rational => {
  const fractionBits = precisions[format.name] - 1n;
  const sign = Number(bits >> (widths[format.name] - 1n));
  const field = (bits >> fractionBits) & ((1n << (widths[format.name] - 1n - fractionBits)) - 1n);
  const fraction = bits & ((1n << fractionBits) - 1n);
  const significand = field === 0n ? fraction : fraction | (1n << fractionBits);
  const exponent = (field === 0n ? 1n : field) - biases[format.name] - fractionBits;
  const [up, down] = power(exponent);
  return { sign, numerator: significand * up, denominator: down };
};

const signedNumerator = ({ sign, numerator }: Rational): bigint => (sign === 0 ? numerator : -numerator);

const rational = (numerator: bigint, denominator: bigint): Rational => ({
  sign: numerator < 0n ? 1 : 0,
  numerator: numerator < 0n ? -numerator : numerator,
  denominator,
});

export const sumOf = (a: Rational, b: Rational): Rational =>
  rational(signedNumerator(a) * b.denominator + signedNumerator(b) * a.denominator, a.denominator * b.denominator);

export const negated = (a: Rational): Rational => ({ ...a, sign: a.sign ^ 1 });

export const productOf = (a: Rational, b: Rational): Rational => ({
  sign: a.sign ^ b.sign,
  numerator: a.numerator * b.numerator,
  denominator: a.denominator * b.denominator,
});

export const quotientOf = (a: Rational, b: Rational): Rational => ({
  sign: a.sign ^ b.sign,
  numerator: a.numerator * b.denominator,
  denominator: a.denominator * b.numerator,
});

const integerRoot = (n: bigint): bigint => {
  if (n < 2n) return n;
  let root = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
};

/** A fraction that rounds as the square root does: exact, or with a little more than 2^-200 of it cut and one bit added. */
export const rootOf = (a: Rational): Rational => {
  const scale = 2400n;
  const square = (a.numerator << (2n * scale)) / a.denominator;
  const root = integerRoot(square);
  const isExact = root * root * a.denominator === a.numerator << (2n * scale);
  return { sign: 0, numerator: 2n * root + (isExact ? 0n : 1n), denominator: 1n << (scale + 1n) };
};

const bitLength = (n: bigint): bigint => BigInt(n.toString(2).length);

const goesUp = (mode: Rounding, sign: number, odd: boolean, comparison: number): boolean => {
  switch (mode) {
    case Rounding.nearestEven:
      return comparison > 0 || (comparison === 0 && odd);
    case Rounding.nearestAway:
      return comparison >= 0;
    case Rounding.up:
      return sign === 0;
    case Rounding.down:
      return sign === 1;
    case Rounding.odd:
      return !odd;
    default:
      return false;
  }
};

/** The encoding of a number that is not zero, and the flags: FPRound without flush-to-zero. */
export const roundReference = (format: Format, { sign, numerator, denominator }: Rational, mode: Rounding): Outcome => {
  const precision = precisions[format.name];
  const bias = biases[format.name];
  // 2^exponent <= numerator / denominator < 2^(exponent + 1)
  let exponent = bitLength(numerator) - bitLength(denominator);
  const [up, down] = power(exponent);
  if (numerator * down < denominator * up) exponent--;
  const tiny = exponent < 1n - bias;
  const quantum = (tiny ? 1n - bias : exponent) - (precision - 1n);
  const [unit, divisor] = power(quantum);
  const whole = (numerator * divisor) / (denominator * unit);
  const rest = numerator * divisor - whole * denominator * unit;
  const twice = 2n * rest - denominator * unit;
  const inexact = rest !== 0n;
  const raised = inexact && goesUp(mode, sign, (whole & 1n) === 1n, twice > 0n ? 1 : twice < 0n ? -1 : 0);
  const significand = raised ? whole + 1n : whole;
  const field = tiny ? 0n : exponent + bias - 1n;
  const magnitude = (field << (precision - 1n)) + significand;
  const infinity = ((1n << (widths[format.name] - precision)) - 1n) << (precision - 1n);
  if (magnitude >= infinity) {
    const toInfinity = goesUp(mode, sign, true, 1) && mode !== Rounding.odd;
    return {
      bits: signBit(format, sign) | (toInfinity ? infinity : infinity - 1n),
      flags: Fpsr.overflow | Fpsr.inexact,
    };
  }
  const flags = inexact ? Fpsr.inexact | (tiny ? Fpsr.underflow : 0) : 0;
  return { bits: signBit(format, sign) | magnitude, flags };
};

/** The operand that an encoding is. */
export const operandOf = (format: Format, bits: bigint): Operand => {
  const operand = new Operand();
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits, true);
  const lo = view.getInt32(0, true);
  if (format === double) unpackDouble(operand, lo, view.getInt32(4, true), view.getFloat64(0, true));
  else if (format === single) unpackSingle(operand, lo, view.getFloat32(0, true));
  else unpackHalf(operand, lo);
  return operand;
};

/** What the code under test leaves in `result`, and the flags it raises, in a rounding mode. */
export const outcomeOf = (format: Format, rounding: Rounding, compute: () => void): Outcome => {
  Object.assign(control, { rounding, flushToZero: false, defaultNan: false, alternativeHalf: false, raised: 0 });
  compute();
  const low = BigInt(result.lo >>> 0);
  return { bits: format === double ? (BigInt(result.hi >>> 0) << 32n) | low : low, flags: control.raised };
};
