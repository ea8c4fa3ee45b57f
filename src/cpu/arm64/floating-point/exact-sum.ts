import { doubles, words } from './format.ts';

/**
 * Error terms of double arithmetic: with a result, they are the exact sum or product. All hold barring overflow and
 * underflow, so callers keep their numbers near 1.
 */

/** (a + b) - sum, exactly, if sum is the double nearest to a + b (Knuth). */
export const sumError = (a: number, b: number, sum: number): number => {
  const fromB = sum - a;
  return a - (sum - fromB) + (b - fromB);
};

/** Splits a double in two of 26 bits (Veltkamp). */
const SPLIT = 2 ** 27 + 1;

/** a * b - product, exactly, if product is the double nearest to a * b (Dekker). */
export const productError = (a: number, b: number, product: number): number => {
  const scaledA = a * SPLIT;
  const highA = scaledA - (scaledA - a);
  const lowA = a - highA;
  const scaledB = b * SPLIT;
  const highB = scaledB - (scaledB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
};

/**
 * A sum rounded to odd: `sum` if the error is 0, else of the two doubles around the exact sum the one whose last bit is 1. It may
 * be rounded once more, to fewer bits, as if it were exact (Boldo and Melquiond).
 */
export const roundedToOdd = (sum: number, error: number): number => {
  if (error === 0) return sum;
  doubles[0] = sum;
  const lo = words[0] as number;
  if ((lo & 1) !== 0) return sum;
  // Away from zero is up in the encoding, and never carries from an even number; towards zero may borrow.
  if (error > 0 === sum > 0) words[0] = lo + 1;
  else {
    if (lo === 0) words[1] = (words[1] as number) - 1;
    words[0] = lo - 1;
  }
  return doubles[0] as number;
};
