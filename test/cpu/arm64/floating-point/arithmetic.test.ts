import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as arithmetic from '../../../../src/cpu/arm64/floating-point/arithmetic.ts';
import { Rounding } from '../../../../src/cpu/arm64/floating-point/control.ts';
import type { Format, Operand } from '../../../../src/cpu/arm64/floating-point/format.ts';
import { addendNear, finite, formats } from './numbers.ts';
import {
  negated,
  operandOf,
  outcomeOf,
  productOf,
  quotientOf,
  type Rational,
  rationalOf,
  rootOf,
  roundReference,
  sumOf,
} from './reference.ts';

const RUNS = 3000;
const modes = [Rounding.nearestEven, Rounding.up, Rounding.down, Rounding.zero];

interface Operation {
  readonly name: string;
  readonly operands: (format: Format) => fc.Arbitrary<readonly bigint[]>;
  /** The exact value; null leaves a case out. */
  readonly exact: (x: readonly Rational[]) => Rational | null;
  readonly compute: (format: Format, x: readonly Operand[]) => void;
}

const some =
  (count: number) =>
  (format: Format): fc.Arbitrary<readonly bigint[]> =>
    fc.array(finite(format), { minLength: count, maxLength: count });

const multiplyAdd = {
  exact: ([addend, a, b]: readonly Rational[]) => sumOf(addend, productOf(a, b)),
  compute: (format: Format, [addend, a, b]: readonly Operand[]) => arithmetic.multiplyAdd(format, addend, a, b),
};

const operations: readonly Operation[] = [
  {
    name: 'sums',
    operands: some(2),
    exact: ([a, b]) => sumOf(a, b),
    compute: (format, [a, b]) => arithmetic.add(format, a, b),
  },
  {
    name: 'differences',
    operands: some(2),
    exact: ([a, b]) => sumOf(a, negated(b)),
    compute: (format, [a, b]) => arithmetic.subtract(format, a, b),
  },
  {
    name: 'products',
    operands: some(2),
    exact: ([a, b]) => productOf(a, b),
    compute: (format, [a, b]) => arithmetic.multiply(format, a, b),
  },
  {
    name: 'quotients',
    operands: some(2),
    exact: ([a, b]) => (b.numerator === 0n ? null : quotientOf(a, b)),
    compute: (format, [a, b]) => arithmetic.divide(format, a, b),
  },
  {
    name: 'square roots',
    operands: some(1),
    exact: ([a]) => (a.sign === 1 ? null : rootOf(a)),
    compute: (format, [a]) => arithmetic.squareRoot(format, a),
  },
  { name: 'multiply-adds', operands: some(3), ...multiplyAdd },
  { name: 'multiply-adds that cancel or end halfway', operands: addendNear, ...multiplyAdd },
];

for (const format of formats) {
  describe(`the exact path in ${format.name} precision rounds as the exact value does`, () => {
    for (const { name, operands, exact, compute } of operations) {
      it(name, () => {
        let checked = 0;
        const holds = (bits: readonly bigint[], mode: Rounding): void => {
          const value = exact(bits.map((one) => rationalOf(format, one)));
          if (value === null || value.numerator === 0n) return;
          const x = bits.map((one) => operandOf(format, one));
          assert.deepEqual(
            outcomeOf(format, mode, () => compute(format, x)),
            roundReference(format, value, mode),
          );
          checked++;
        };
        fc.assert(fc.property(operands(format), fc.constantFrom(...modes), holds), { numRuns: RUNS });
        assert.ok(checked > RUNS / 3, `only ${checked} cases were of use`);
      });
    }
  });
}
