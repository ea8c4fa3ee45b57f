import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { control, Fpsr, Rounding } from '../../../../src/cpu/arm64/floating-point/control.ts';
import {
  convertFormat,
  fromFixed,
  roundToIntegral,
  toFixed,
} from '../../../../src/cpu/arm64/floating-point/convert.ts';
import { double, type Format, half, result, single } from '../../../../src/cpu/arm64/floating-point/format.ts';
import { encode, finite, formats, numberOf } from './numbers.ts';
import { operandOf, outcomeOf, type Rational, rationalOf, roundReference } from './reference.ts';

const modes = [
  Rounding.nearestEven,
  Rounding.up,
  Rounding.down,
  Rounding.zero,
  Rounding.nearestAway,
  Rounding.odd,
] as const;
const controlModes = modes.filter((mode) => mode <= Rounding.zero);
const integerModes = modes.filter((mode) => mode !== Rounding.odd);

/** A fraction rounded to an integer. */
const integerOf = ({ sign, numerator, denominator }: Rational, mode: Rounding): bigint => {
  const whole = numerator / denominator;
  const rest = 2n * (numerator - whole * denominator);
  const up = {
    [Rounding.nearestEven]: rest > denominator || (rest === denominator && (whole & 1n) === 1n),
    [Rounding.up]: rest > 0n && sign === 0,
    [Rounding.down]: rest > 0n && sign === 1,
    [Rounding.zero]: false,
    [Rounding.nearestAway]: rest >= denominator,
    [Rounding.odd]: false,
  }[mode];
  const magnitude = up ? whole + 1n : whole;
  return sign === 0 ? magnitude : -magnitude;
};

describe('conversions between formats', () => {
  const widths: readonly (readonly [from: Format, to: Format])[] = [
    [double, single],
    [double, half],
    [single, half],
    [single, double],
  ];
  for (const [from, to] of widths) {
    it(`${from.name} to ${to.name} rounds as the number does`, () => {
      fc.assert(
        fc.property(finite(from), fc.constantFrom(...modes), (bits, mode) => {
          const value = rationalOf(from, bits);
          if (value.numerator === 0n) return;
          const got = outcomeOf(to, mode, () => convertFormat(to, from, operandOf(from, bits), mode));
          assert.deepEqual(got, roundReference(to, value, mode));
        }),
        { numRuns: 4000 },
      );
    });
  }

  it('half to single and double, and back, keeps every number', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if ((bits & 0x7c00) === 0x7c00) continue;
      for (const wide of formats) {
        const there = outcomeOf(wide, Rounding.nearestEven, () => {
          convertFormat(wide, half, operandOf(half, BigInt(bits)));
        });
        const back = outcomeOf(half, Rounding.nearestEven, () => {
          convertFormat(half, wide, operandOf(wide, there.bits));
        });
        assert.equal(there.flags | back.flags, 0);
        assert.equal(back.bits, BigInt(bits));
      }
    }
  });

  it('the alternative half precision has numbers where others have infinities and NaNs', () => {
    control.alternativeHalf = true;
    convertFormat(single, half, operandOf(half, 0x7fffn));
    control.alternativeHalf = false;
    assert.equal(numberOf(single, BigInt(result.lo >>> 0)), 131008);
  });
});

describe('conversions to integers', () => {
  for (const format of formats) {
    for (const bits of [32, 64]) {
      for (const isSigned of [false, true]) {
        it(`${format.name} to ${isSigned ? 'signed' : 'unsigned'} ${bits}-bit fixed-point numbers`, () => {
          const least = isSigned ? -(1n << BigInt(bits - 1)) : 0n;
          const greatest = least + (1n << BigInt(bits)) - 1n;
          fc.assert(
            fc.property(
              finite(format),
              fc.constantFrom(...integerModes),
              fc.oneof(fc.constant(0), fc.integer({ min: 1, max: bits })),
              (encoding, mode, fractionBits) => {
                const value = rationalOf(format, encoding);
                const scaled = { ...value, numerator: value.numerator << BigInt(fractionBits) };
                const rounded = integerOf(scaled, mode);
                const clamped = rounded < least ? least : rounded > greatest ? greatest : rounded;
                const exact = scaled.numerator % scaled.denominator === 0n;
                const flags = clamped !== rounded ? Fpsr.invalidOperation : exact ? 0 : Fpsr.inexact;
                const got = outcomeOf(bits === 64 ? double : single, mode, () => {
                  toFixed(operandOf(format, encoding), bits, isSigned, fractionBits, mode);
                });
                assert.deepEqual(got, { bits: BigInt.asUintN(bits, clamped), flags });
              },
            ),
            { numRuns: 3000 },
          );
        });
      }
    }
  }
});

describe('conversions from integers', () => {
  for (const format of formats) {
    it(`64-bit fixed-point numbers to ${format.name}`, () => {
      const integers = fc.oneof(
        fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }),
        // A few bits at the top and one far below: on and beside the middle between two numbers.
        fc
          .tuple(fc.bigInt({ min: 1n, max: 7n }), fc.integer({ min: 20, max: 60 }), fc.bigInt({ min: -2n, max: 2n }))
          .map(([top, shift, step]) => (top << BigInt(shift)) + (1n << BigInt(Math.max(shift - 53, 0))) + step),
      );
      fc.assert(
        fc.property(
          integers,
          fc.constantFrom(...controlModes),
          fc.integer({ min: 0, max: 64 }),
          (integer, mode, fractionBits) => {
            if (integer === 0n) return;
            const isSigned = integer < 1n << 63n;
            const bits = BigInt.asUintN(64, integer);
            const value: Rational = {
              sign: integer < 0n ? 1 : 0,
              numerator: integer < 0n ? -integer : integer,
              denominator: 1n << BigInt(fractionBits),
            };
            const got = outcomeOf(format, mode, () => {
              fromFixed(format, Number(bits & 0xffffffffn) | 0, Number(bits >> 32n) | 0, isSigned, fractionBits);
            });
            assert.deepEqual(got, roundReference(format, value, mode));
          },
        ),
        { numRuns: 4000 },
      );
    });
  }
});

describe('rounding to an integer', () => {
  for (const format of formats) {
    it(`of a ${format.name}`, () => {
      fc.assert(
        fc.property(finite(format), fc.constantFrom(...integerModes), fc.boolean(), (bits, mode, exact) => {
          const value = rationalOf(format, bits);
          const integer = integerOf(value, mode);
          const number = integer === 0n && value.sign === 1 ? -0 : Number(integer);
          const changed = value.numerator % value.denominator !== 0n;
          const got = outcomeOf(format, mode, () => roundToIntegral(format, operandOf(format, bits), mode, exact));
          assert.deepEqual(got, { bits: encode(format, number), flags: changed && exact ? Fpsr.inexact : 0 });
        }),
        { numRuns: 4000 },
      );
    });
  }
});
