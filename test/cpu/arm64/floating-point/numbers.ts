import fc from 'fast-check';
import { double, type Format, single } from '../../../../src/cpu/arm64/floating-point/format.ts';

/** Finite numbers, as encodings, that rounding has trouble with. */

const fractions = (bits: number): fc.Arbitrary<bigint> => {
  const all = (1n << BigInt(bits)) - 1n;
  return fc.oneof(
    fc.bigInt({ min: 0n, max: all }),
    // Few bits at the top, so that sums and products are exact or end halfway.
    fc.bigInt({ min: 0n, max: 63n }).map((top) => top << BigInt(bits - 6)),
    fc.constantFrom(0n, 1n, all, all - 1n, 1n << BigInt(bits - 1), (1n << BigInt(bits - 1)) + 1n),
    fc.bigInt({ min: 0n, max: all }).map((any) => any & ~((1n << BigInt(bits >> 1)) - 1n)),
  );
};

/** Any finite number of the format, of any size or about 1. */
export const finite = (format: Format): fc.Arbitrary<bigint> => {
  const fractionBits = format.precision - 1;
  const near = fc.integer({ min: -60, max: 60 }).map((distance) => format.bias + distance);
  const exponent = fc.oneof(
    { arbitrary: fc.integer({ min: 0, max: format.topExponent - 1 }), weight: 1 },
    {
      arbitrary: near.map((field) => Math.min(Math.max(field, 0), format.topExponent - 1)),
      weight: 3,
    },
    { arbitrary: fc.constantFrom(0, 1, 2, format.topExponent - 1, format.topExponent - 2), weight: 1 },
    { arbitrary: fc.constantFrom(format.bias >> 1, (format.bias >> 1) + format.bias), weight: 1 },
  );
  return fc
    .tuple(fc.constantFrom(0n, 1n), exponent, fractions(fractionBits))
    .map(
      ([sign, field, fraction]) =>
        (sign << BigInt(format.bytes * 8 - 1)) | (BigInt(field) << BigInt(fractionBits)) | fraction,
    );
};

export const formats: readonly Format[] = [single, double];

/** addend, a, b: the addend about as great as the product and of the other sign, or with its last bits where half of one is. */
export const addendNear = (format: Format): fc.Arbitrary<readonly bigint[]> => {
  const one = BigInt(format.bias) << BigInt(format.precision - 1);
  const about1 = fc
    .tuple(fractions(format.precision - 1), fc.integer({ min: -8, max: 8 }), fc.constantFrom(0n, 1n))
    .map(
      ([fraction, exponent, sign]) =>
        one + (BigInt(exponent) << BigInt(format.precision - 1)) + (sign << BigInt(format.bytes * 8 - 1)) + fraction,
    );
  const minusProduct = fc
    .tuple(about1, about1, fc.bigInt({ min: -3n, max: 3n }))
    .map(([a, b, step]) => [encode(format, -numberOf(format, a) * numberOf(format, b)) + step, a, b] as const);
  const far = fc.integer({ min: -format.precision - 4, max: format.precision + 4 });
  const shifted = fc
    .tuple(about1, about1, about1, far)
    .map(([c, a, b, distance]) => [c + (BigInt(distance) << BigInt(format.precision - 1)), a, b] as const);
  return fc.oneof(minusProduct, shifted);
};

const scratch = new DataView(new ArrayBuffer(8));

/** The number that an encoding is. */
export const numberOf = (format: Format, bits: bigint): number => {
  scratch.setBigUint64(0, bits, true);
  return format === double ? scratch.getFloat64(0, true) : scratch.getFloat32(0, true);
};

/** The encoding of a number, rounded to the format. */
export const encode = (format: Format, value: number): bigint => {
  if (format === double) {
    scratch.setFloat64(0, value, true);
    return scratch.getBigUint64(0, true);
  }
  scratch.setFloat32(0, value, true);
  return BigInt(scratch.getUint32(0, true));
};
