import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from '../../../../src/cpu/arm64/encoder.ts';
import { a64Instructions } from '../../../../src/cpu/arm64/instructions/table.ts';
import type { Fields } from '../../../../src/cpu/instruction.ts';
import { Field, Image, Outcome } from '../cases/image.ts';
import { Processor, type Tier } from '../harness.ts';

/** FPSR.QC: set by a lane that saturates, by active lanes alone, and never cleared. */

const QC = 1 << 27;

interface Result {
  readonly halfwords: number[];
  readonly saturated: boolean;
}

/** V1 and V2 are the sources, V0 is the destination; halfwords, lowest first. */
const run = (
  processor: Processor,
  word: number,
  n: readonly number[],
  m: readonly number[],
  d: readonly number[] = [],
  fpsr = 0,
): Result => {
  const initial = new Image();
  const result = new Image();
  const put = (register: number, halfwords: readonly number[]): void => {
    initial.bytes.set(new Uint8Array(Uint16Array.from(halfwords).buffer), Field.v + register * 16);
  };
  put(0, d);
  put(1, n);
  put(2, m);
  initial.set32(Field.fpsr, fpsr);
  processor.load([{ slot: 0, words: [word] }]);
  processor.run(0, initial, result);
  assert.equal(result.get32(Field.outcome), Outcome.breakpoint);
  return {
    halfwords: [...new Uint16Array(result.bytes.slice(Field.v, Field.v + 16).buffer)],
    saturated: (result.get32(Field.fpsr) & QC) !== 0,
  };
};

const LEAST = 0x8000;
const GREATEST = 0x7fff;
const everywhere = (value: number): number[] => new Array(8).fill(value);
const at = (lane: number, value: number): number[] => everywhere(0).with(lane, value);

const registers = { Rd: 0, Rn: 1, Rm: 2 };
const byElement = { ...registers, H: 0, L: 0, M: 0 };

/** The products that only the least number's square saturates: the high half, rounded or not, or the whole. */
const products: readonly (readonly [name: string, fields: Fields, lanes: number, long: boolean])[] = [
  ['SQDMULH (vector)', { ...registers, Q: 1, size: 1 }, 8, false],
  ['SQDMULH (vector)', { ...registers, Q: 0, size: 1 }, 4, false],
  ['SQDMULH (scalar)', { ...registers, size: 1 }, 1, false],
  ['SQDMULH (by element, halfwords)', { ...byElement, Q: 1 }, 8, false],
  ['SQDMULH (by element, scalar, H)', byElement, 1, false],
  ['SQRDMULH (vector)', { ...registers, Q: 1, size: 1 }, 8, false],
  ['SQRDMULH (scalar)', { ...registers, size: 1 }, 1, false],
  ['SQRDMULH (by element, halfwords)', { ...byElement, Q: 0 }, 4, false],
  ['SQDMULL, SQDMULL2 (vector)', { ...registers, Q: 0, size: 1 }, 4, true],
  ['SQDMULL, SQDMULL2 (vector)', { ...registers, Q: 1, size: 1 }, 4, true],
  ['SQDMULL (vector, scalar)', { ...registers, size: 1 }, 1, true],
  ['SQDMULL, SQDMULL2 (by element, halfwords)', { ...byElement, Q: 1 }, 4, true],
  ['SQDMULL (by element, scalar, H)', byElement, 1, true],
  ['SQDMLAL, SQDMLAL2 (vector)', { ...registers, Q: 0, size: 1 }, 4, true],
  ['SQDMLAL (vector, scalar)', { ...registers, size: 1 }, 1, true],
];

/** Instructions on the lowest `lanes` halfwords, and sources that saturate where both are not zero. */
const limited: readonly (readonly [name: string, fields: Fields, lanes: number, n: number, m: number])[] = [
  ['SQADD (vector)', { ...registers, Q: 0, size: 1 }, 4, GREATEST, 1],
  ['SQADD (scalar)', { ...registers, size: 1 }, 1, GREATEST, 1],
  ['UQADD (vector)', { ...registers, Q: 0, size: 1 }, 4, 0xffff, 1],
  ['SQSUB (scalar)', { ...registers, size: 1 }, 1, LEAST, 1],
  ['UQSUB (vector)', { ...registers, Q: 0, size: 1 }, 4, 0, 1],
  ['SQSHL (register, vector)', { ...registers, Q: 0, size: 1 }, 4, GREATEST, 1],
  ['UQSHL (register, scalar)', { ...registers, size: 1 }, 1, LEAST, 1],
  ['SQSHLU (vector, halfwords)', { Rd: 0, Rn: 1, Q: 0, count: 1 }, 4, LEAST, 0],
  ['SQSHL (immediate, scalar, H)', { Rd: 0, Rn: 1, count: 1 }, 1, GREATEST, 0],
  ['SQABS (vector)', { Rd: 0, Rn: 1, Q: 0, size: 1 }, 4, LEAST, 0],
  ['SQNEG (scalar)', { Rd: 0, Rn: 1, size: 1 }, 1, LEAST, 0],
  ['SQXTN (scalar)', { Rd: 0, Rn: 1, size: 0 }, 1, GREATEST, 0],
  ['SQXTUN (scalar)', { Rd: 0, Rn: 1, size: 0 }, 1, LEAST, 0],
  ['UQSHRN (scalar, B)', { Rd: 0, Rn: 1, count: 7 }, 1, 0xffff, 0],
];

const tiers: readonly Tier[] = ['cold', 'hot'];
for (const tier of tiers) {
  describe(`saturation on the ${tier} tier`, () => {
    const processor = new Processor(tier, a64Instructions);

    for (const [name, fields, lanes, long] of products) {
      it(`${name} of ${lanes} lanes: the least number's square becomes the greatest number`, () => {
        const word = encode(name, fields);
        const expected = everywhere(0);
        for (let i = 0; i < lanes; i++) {
          if (long) expected.splice(i * 2, 2, 0xffff, GREATEST);
          else expected[i] = GREATEST;
        }
        const square = run(processor, word, everywhere(LEAST), everywhere(LEAST));
        assert.deepEqual(square, { halfwords: expected, saturated: true });
        assert.equal(run(processor, word, everywhere(LEAST), everywhere(LEAST + 1)).saturated, false);
      });
    }

    for (const [name, fields, lanes, n, m] of limited) {
      it(`${name} of ${lanes} lanes notes saturation of these alone`, () => {
        const word = encode(name, fields);
        for (let lane = 0; lane < 8; lane++) {
          const { saturated } = run(processor, word, at(lane, n), at(lane, m));
          assert.equal(saturated, lane < lanes, `lane ${lane}`);
        }
      });
    }

    it('stays noted', () => {
      const word = encode('SQADD (vector)', { ...registers, Q: 1, size: 1 });
      assert.equal(run(processor, word, everywhere(1), everywhere(1)).saturated, false);
      assert.equal(run(processor, word, everywhere(1), everywhere(1), [], QC).saturated, true);
    });
  });
}
