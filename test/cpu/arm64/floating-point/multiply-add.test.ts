import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { Fpsr, Rounding } from '../../../../src/cpu/arm64/floating-point/control.ts';
import { double, type Format, single } from '../../../../src/cpu/arm64/floating-point/format.ts';
import { hostFuses, overrideHostFusion } from '../../../../src/cpu/arm64/floating-point/host-fusion.ts';
import { floatArithmetic } from '../../../../src/cpu/arm64/instructions/fp-arithmetic.ts';
import { simdFloatThreeSame } from '../../../../src/cpu/arm64/instructions/simd-fp-three-same.ts';
import { addendNear, finite, formats } from './numbers.ts';
import { FloatProcessor } from './processor.ts';
import { productOf, rationalOf, roundReference, sumOf } from './reference.ts';

/** The fused multiply-add as translated code, with the host's own and without. */

const RUNS = 3000;

/** V0 := V0 + V1 * V2 */
const words = {
  scalar: (format: Format): number => 0x1f020020 | (format === double ? 0x400000 : 0),
  vector: (format: Format): number => 0x4e22cc20 | (format === double ? 0x400000 : 0),
};

const operands = (format: Format): fc.Arbitrary<readonly bigint[]> =>
  fc.oneof(addendNear(format), fc.tuple(finite(format), finite(format), finite(format)));

const check = (processor: FloatProcessor, format: Format, lanes: number, fpsr: number): void => {
  let checked = 0;
  const holds = (bits: readonly bigint[]): void => {
    const [addend, a, b] = bits.map((one) => rationalOf(format, one));
    const value = sumOf(addend, productOf(a, b));
    if (value.numerator === 0n) return;
    const expected = roundReference(format, value, Rounding.nearestEven);
    processor.control(0, fpsr);
    bits.forEach((one, register) => {
      processor.setLanes(register, format, one);
    });
    processor.run();
    for (let lane = 0; lane < lanes; lane++) assert.equal(processor.lane(0, format, lane), expected.bits);
    assert.equal(processor.fpsr, fpsr | expected.flags);
    checked++;
  };
  fc.assert(fc.property(operands(format), holds), { numRuns: RUNS });
  assert.ok(checked > RUNS / 2, `only ${checked} cases were of use`);
};

describe('the fused multiply-add', () => {
  after(() => overrideHostFusion(null));
  const choices = hostFuses() ? [true, false] : [false];
  for (const fusion of choices) {
    overrideHostFusion(fusion);
    const processor = new FloatProcessor([...floatArithmetic, ...simdFloatThreeSame]);
    for (const format of formats) {
      for (const fpsr of [0, Fpsr.inexact]) {
        const how = `${fusion ? "with the host's" : "without the host's"}, inexact flag ${fpsr === 0 ? 'clear' : 'set'}`;
        it(`rounds ${format.name} once ${how}`, () => {
          processor.load(words.scalar(format));
          check(processor, format, 1, fpsr);
          processor.load(words.vector(format));
          check(processor, format, format === single ? 4 : 2, fpsr);
        });
      }
    }
  }
});
