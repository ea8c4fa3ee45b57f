import { control, Fpsr, Rounding, raise } from './control.ts';
import {
  double,
  doubles,
  type Format,
  half,
  infinityResult,
  maximumResult,
  result,
  words,
  zeroResult,
} from './format.ts';

/** FPRound: makes the encoding of an exact number, rounding it (Arm ARM shared/functions/float/fpround). */

/** Where `round` keeps the leading bit of its significand: 53 bits of a double and three more. */
const LEADING = 55;

const overflowsToInfinity = (rounding: Rounding, sign: number): boolean => {
  switch (rounding) {
    case Rounding.nearestEven:
    case Rounding.nearestAway:
      return true;
    case Rounding.up:
      return sign === 0;
    case Rounding.down:
      return sign === 1;
    default:
      return false;
  }
};

/** The result of a number beyond the greatest, with the flags due. */
export const overflow = (format: Format, sign: number, rounding: Rounding): void => {
  if (format === half && control.alternativeHalf) {
    raise(Fpsr.invalidOperation);
    result.lo = sign === 0 ? 0x7fff : 0xffff;
    result.hi = 0;
    return;
  }
  raise(Fpsr.overflow | Fpsr.inexact);
  if (overflowsToInfinity(rounding, sign)) infinityResult(format, sign);
  else maximumResult(format, sign);
};

/** Whether to round the magnitude up, given what is cut off: its first bit, and whether the rest is not zero. */
const roundsUp = (rounding: Rounding, sign: number, odd: boolean, first: boolean, rest: boolean): boolean => {
  switch (rounding) {
    case Rounding.nearestEven:
      return first && (rest || odd);
    case Rounding.nearestAway:
      return first;
    case Rounding.up:
      return (first || rest) && sign === 0;
    case Rounding.down:
      return (first || rest) && sign === 1;
    case Rounding.odd:
      return (first || rest) && !odd;
    default:
      return false;
  }
};

/**
 * Leaves in `result` the encoding of (significand + residue) * 2^exponent, negated if `sign` is 1, and raises the flags due.
 * `significand` is any positive normal double; of the residue only its sign matters, and the significand must be the double
 * nearest to the sum. Which of two is nearest says nothing about ties away from zero: those want a residue of 0.
 */
export const round = (
  format: Format,
  sign: number,
  exponent: number,
  significand: number,
  residue: number,
  rounding: Rounding = control.rounding,
): void => {
  doubles[0] = significand;
  const low = words[0] as number;
  const high = words[1] as number;
  // The significand as an integer hi:lo with its leading bit at LEADING and the residue in the bits below the double's.
  let power = exponent + (high >>> 20) - 1023;
  let hi = (((high & 0xfffff) | 0x100000) << 3) | (low >>> 29);
  let lo = low << 3;
  if (residue > 0) lo |= 1;
  else if (residue < 0) {
    if (lo === 0) hi--;
    lo = (lo - 1) | 0;
    if (hi < 1 << (LEADING - 32)) {
      hi = (hi << 1) | 1;
      power--;
    }
  }

  const least = 1 - format.bias;
  const tiny = power < least;
  if (tiny && control.flushToZero && format !== half) {
    raise(Fpsr.underflow);
    zeroResult(format, sign);
    return;
  }

  // Cut off what the format has no room for.
  const cut = LEADING + 1 - format.precision + (tiny ? least - power : 0);
  let first: boolean;
  let rest: boolean;
  if (cut < 32) {
    const off = lo << (32 - cut);
    first = off < 0;
    rest = off << 1 !== 0;
    lo = (hi << (32 - cut)) | (lo >>> cut);
    hi >>>= cut;
  } else if (cut === 32) {
    first = lo < 0;
    rest = lo << 1 !== 0;
    lo = hi;
    hi = 0;
  } else if (cut < 64) {
    const off = (hi << (64 - cut)) | (lo >>> (cut - 32));
    first = off < 0;
    rest = off << 1 !== 0 || lo << (64 - cut) !== 0;
    lo = hi >>> (cut - 32);
    hi = 0;
  } else {
    first = false;
    rest = true;
    lo = 0;
    hi = 0;
  }
  const inexact = first || rest;
  if (roundsUp(rounding, sign, (lo & 1) !== 0, first, rest)) {
    lo = (lo + 1) | 0;
    if (lo === 0) hi++;
  }

  // The leading one adds itself to the exponent field, and so does a carry.
  const field = tiny ? 0 : power + format.bias - 1;
  if (format === double) hi += field << 20;
  else lo += field << format.exponentShift;
  const top = (format === double ? hi : lo) >>> format.exponentShift;
  const limit = format === half && control.alternativeHalf ? 32 : format.topExponent;
  if (field >= limit || top >= limit) {
    overflow(format, sign, rounding);
    return;
  }
  if (inexact) raise(tiny ? Fpsr.underflow | Fpsr.inexact : Fpsr.inexact);
  const signBit = sign === 0 ? 0 : format.signBit;
  result.lo = format === double ? lo : lo | signBit;
  result.hi = format === double ? hi | signBit : 0;
};
