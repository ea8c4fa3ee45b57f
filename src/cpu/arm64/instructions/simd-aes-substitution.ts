import { Op } from '../../../wasm/opcodes.ts';
import type { Builder } from '../../ir/builder.ts';
import type { V128 } from '../../ir/value.ts';
import { B } from './simd-forms.ts';
import { bytesOf, Lanes } from './simd-lanes.ts';

/**
 * AES's substitution (FIPS 197, SubBytes) of sixteen bytes at once, by tables of sixteen entries alone (M. Hamburg,
 * "Accelerating AES with Vector Permute Instructions", 2009): GF(2^8) is written as pairs of nibbles k + iB over GF(2^4),
 * where B^2 = aB + a. The pair's inverse follows from
 *
 *   u = 1 / (1 / (1/i + a/k) + j)    and    w = 1 / (1 / (1/j + a/k) + i),    j = i + k,
 *
 * as u + (u/a + (u + w)/a^2) B: every step is a lookup of a nibble or an exclusive or. Infinity is a number above 15, which
 * lookups turn into zero, its inverse.
 */

const INFINITY = 0x80;
const AFFINE_CONSTANT = 0x63;

/** The product of polynomials over {0, 1}, modulo one of degree `degree`. */
const multiply = (a: number, b: number, modulus: number, degree: number): number => {
  let product = 0;
  for (let bit = degree - 1; bit >= 0; bit--) {
    product <<= 1;
    if (product >> degree !== 0) product ^= modulus;
    if (((b >> bit) & 1) !== 0) product ^= a;
  }
  return product;
};

const Nibbles = Array.from({ length: 16 }, (_, n) => n);
const Bytes = Array.from({ length: 256 }, (_, n) => n);

/** The product in GF(2^4), modulo x^4 + x + 1. */
const times = (a: number, b: number): number => multiply(a, b, 0x13, 4);
/** The inverse in GF(2^4), that of zero being zero. */
const inverse = (a: number): number => Nibbles.find((b) => times(a, b) === 1) ?? 0;

/** The first a for which B^2 = aB + a has no solution among the nibbles. */
const A = Nibbles.find((a) => a !== 0 && Nibbles.every((b) => (times(b, b) ^ times(a, b) ^ a) !== 0)) as number;

/** k + iB as the byte i:k. */
const pair = (k: number, i: number): number => (i << 4) | k;

const timesPairs = (x: number, y: number): number => {
  const [k, i, l, m] = [x & 15, x >> 4, y & 15, y >> 4];
  const squared = times(A, times(i, m));
  return pair(times(k, l) ^ squared, times(k, m) ^ times(i, l) ^ squared);
};

/** The pair's powers from 0 to 7, which a byte of AES's field selects the sum of by its bits. */
const powers = (x: number): number[] => {
  const list = [1];
  for (let n = 1; n < 8; n++) list.push(timesPairs(list[n - 1], x));
  return list;
};

const sumOf = (basis: readonly number[], byte: number): number =>
  basis.reduce((sum, element, bit) => sum ^ (((byte >> bit) & 1) * element), 0);

const rotate = (byte: number, count: number): number => ((byte << count) | (byte >> (8 - count))) & 0xff;
/** The linear part of the substitution's affine map, and its inverse. */
const affine = (byte: number): number => [1, 2, 3, 4].reduce((sum, count) => sum ^ rotate(byte, count), byte);
const inverseAffine = (byte: number): number => rotate(byte, 1) ^ rotate(byte, 3) ^ rotate(byte, 6);

interface Tables {
  /** From the input's low and high nibble to parts of the pair. */
  readonly fromLow: Uint8Array;
  readonly fromHigh: Uint8Array;
  /** From 1/u and 1/w to parts of the output. */
  readonly fromU: Uint8Array;
  readonly fromW: Uint8Array;
  /** Added to the output. */
  readonly constant: number;
}

interface Field {
  readonly inverses: Uint8Array;
  /** a / n. */
  readonly scaledInverses: Uint8Array;
  /** SubBytes: the inverse in the field, then the affine map. */
  readonly forward: Tables;
  /** InvSubBytes: the affine map undone, then the inverse. */
  readonly inverse: Tables;
}

const makeField = (): Field => {
  /** A pair that solves AES's x^8 + x^4 + x^3 + x + 1 = 0 makes pairs of AES's bytes, and its powers are the basis. */
  const basis = powers(
    Bytes.find((x) => {
      const list = powers(x);
      return x !== 0 && (timesPairs(list[7], x) ^ list[4] ^ list[3] ^ list[1] ^ 1) === 0;
    }) as number,
  );
  const toPair = (byte: number): number => sumOf(basis, byte);
  const ofPair = new Uint8Array(256);
  for (const byte of Bytes) ofPair[toPair(byte)] = byte;
  const overA = (x: number): number => times(x, inverse(A));

  /** Tables for inversion between two maps that respect addition, and constants added before and after them. */
  const tablesFor = (
    input: (byte: number) => number,
    inputConstant: number,
    output: (byte: number) => number,
    constant: number,
  ): Tables => {
    const result = (k: number, i: number): number => output(ofPair[pair(k, i)]);
    return {
      fromLow: bytesOf((n) => toPair(input(n ^ inputConstant))),
      fromHigh: bytesOf((n) => toPair(input(n << 4))),
      fromU: bytesOf((n) => result(inverse(n), overA(inverse(n) ^ overA(inverse(n))))),
      fromW: bytesOf((n) => result(0, overA(overA(inverse(n))))),
      constant,
    };
  };

  return {
    inverses: bytesOf((n) => (n === 0 ? INFINITY : inverse(n))),
    scaledInverses: bytesOf((n) => (n === 0 ? INFINITY : times(A, inverse(n)))),
    forward: tablesFor((byte) => byte, 0, affine, AFFINE_CONSTANT),
    inverse: tablesFor(inverseAffine, AFFINE_CONSTANT, (byte) => byte, 0),
  };
};

/** Made when first needed: most guests that boot do without. */
let field: Field | undefined;

/** SubBytes of all bytes, or InvSubBytes. */
export const substitute = (o: Builder, a: V128, direction: 'forward' | 'inverse'): V128 => {
  field ??= makeField();
  const { inverses, scaledInverses, [direction]: tables } = field;
  const l = Lanes.ofVector(o, B, 1);
  const look = (table: Uint8Array, index: V128): V128 => o.simd2(Op.i8x16Swizzle, o.v128(table), index);
  const low = (x: V128): V128 => l.and(x, l.constant(15));
  const high = (x: V128): V128 => l.shiftRight(x, 4, true);

  const pairs = l.xor(look(tables.fromLow, low(a)), look(tables.fromHigh, high(a)));
  const k = low(pairs);
  const i = high(pairs);
  const j = l.xor(i, k);
  const aOverK = look(scaledInverses, k);
  const overU = l.xor(look(inverses, l.xor(look(inverses, i), aOverK)), j);
  const overW = l.xor(look(inverses, l.xor(look(inverses, j), aOverK)), i);
  const result = l.xor(look(tables.fromU, overU), look(tables.fromW, overW));
  return tables.constant === 0 ? result : l.xor(result, l.constant(tables.constant));
};
