import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { overrideHostFusion } from '../../../src/cpu/arm64/floating-point/host-fusion.ts';
import { a64Instructions } from '../../../src/cpu/arm64/instructions/table.ts';
import { compareImages } from './cases/compare.ts';
import { Image } from './cases/image.ts';
import { fillState } from './cases/initial-state.ts';
import type { Program } from './cases/program.ts';
import { describeFailure } from './cases/report.ts';
import { decodeVectors, type Vector } from './cases/vector-file.ts';
import { Processor, type Tier } from './harness.ts';

/** What an independent implementation of A64 left (tools/vectors), both tiers must leave too. */

const folder = new URL('../../vectors/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.bin'));

/** Failures told in full; there may be thousands. */
const TOLD = 3;

/** Cuts vectors into batches in which no slot occurs twice. */
const batches = (vectors: readonly Vector[]): Vector[][] => {
  const list: Vector[][] = [];
  let taken = new Set<number>();
  for (const vector of vectors) {
    const { slot } = vector.program;
    if (list.length === 0 || taken.has(slot)) {
      list.push([]);
      taken = new Set();
    }
    taken.add(slot);
    (list.at(-1) as Vector[]).push(vector);
  }
  return list;
};

class Tally {
  readonly #processor: Processor;
  readonly #initial = new Image();
  readonly #got = new Image();
  readonly told: string[] = [];
  cases = 0;
  failed = 0;

  constructor(processor: Processor) {
    this.#processor = processor;
  }

  #run(program: Program, { input, expected }: Vector['cases'][number]): void {
    fillState(this.#initial, input.seed, input.overrides);
    this.#processor.run(program.slot, this.#initial, this.#got);
    this.cases++;
    const differences = compareImages(program, expected, this.#got);
    if (differences.length === 0) return;
    this.failed++;
    if (this.told.length === TOLD) return;
    const run = { program, initial: this.#initial };
    const failure = { tier: this.#processor.tier, run, expected, got: this.#got, differences };
    this.told.push(describeFailure(this.#processor.engine.decoder, failure, () => null));
  }

  runBatch(vectors: readonly Vector[]): void {
    this.#processor.load(vectors.map(({ program }) => program));
    for (const { program, cases } of vectors) for (const one of cases) this.#run(program, one);
  }
}

const runFile = (processor: Processor, file: string): void => {
  const vectors = decodeVectors(inflateRawSync(readFileSync(new URL(file, folder))));
  const tally = new Tally(processor);
  for (const batch of batches(vectors)) tally.runBatch(batch);
  assert.ok(tally.cases > 0, 'the file has cases');
  assert.equal(tally.failed, 0, `${tally.failed} of ${tally.cases} cases differ\n${tally.told.join('\n')}`);
};

const tiers: readonly Tier[] = ['cold', 'hot'];
for (const tier of tiers) {
  describe(`A64 on the ${tier} tier agrees with the reference`, () => {
    const processor = new Processor(tier, a64Instructions);
    for (const file of files) it(file.replace('.bin', ''), () => runFile(processor, file));
    it('there are vectors, and translated code ran in the hot tier alone', () => {
      assert.ok(files.length > 0);
      assert.equal(processor.engine.statistics.regions > 0, tier === 'hot');
    });
  });

  describe(`floating point on the ${tier} tier agrees where the host does not fuse multiply-add`, () => {
    let processor: Processor;
    before(() => {
      overrideHostFusion(false);
      processor = new Processor(tier, a64Instructions);
    });
    after(() => overrideHostFusion(null));
    for (const file of files.filter((name) => /float/i.test(name))) {
      it(file.replace('.bin', ''), () => runFile(processor, file));
    }
  });
}
