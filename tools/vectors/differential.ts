import { compareImages } from '../../test/cpu/arm64/cases/compare.ts';
import { Image } from '../../test/cpu/arm64/cases/image.ts';
import type { Batch, Run } from '../../test/cpu/arm64/cases/program.ts';
import type { Failure } from '../../test/cpu/arm64/cases/report.ts';
import { type Processor, runBatch } from '../../test/cpu/arm64/harness.ts';
import { isLargeSystemExtension } from './exclusions.ts';
import { Model, Reference } from './reference.ts';

/** Runs batches on the reference and on this engine's tiers, and compares. */
export class Differential {
  readonly #processors: readonly Processor[];
  readonly #references = new Map<Model, Reference>();

  constructor(processors: readonly Processor[]) {
    this.#processors = processors;
  }

  #reference(model: Model): Reference {
    let reference = this.#references.get(model);
    if (reference === undefined) {
      reference = new Reference(model);
      this.#references.set(model, reference);
    }
    return reference;
  }

  /** What the reference leaves, for each run. */
  async expected(batch: Batch): Promise<Image[]> {
    const needsAtomics = (run: Run): boolean => run.program.words.some(isLargeSystemExtension);
    const results: Image[] = new Array(batch.runs.length);
    for (const [model, wanted] of [
      [Model.plain, false],
      [Model.atomics, true],
    ] as const) {
      const indices = batch.runs.map((_, index) => index).filter((i) => needsAtomics(batch.runs[i] as Run) === wanted);
      if (indices.length === 0) continue;
      const runs = indices.map((index) => batch.runs[index] as Run);
      const part = await this.#reference(model).run({ programs: batch.programs, runs });
      indices.forEach((index, i) => {
        results[index] = part[i] as Image;
      });
    }
    return results;
  }

  /** Compares a batch with what the reference left. */
  check(batch: Batch, expected: readonly Image[]): Failure[] {
    const failures: Failure[] = [];
    for (const processor of this.#processors) {
      const results = runBatch(processor, batch);
      for (let i = 0; i < results.length; i++) {
        const run = batch.runs[i] as Run;
        const differences = compareImages(run.program, expected[i] as Image, results[i] as Image);
        if (differences.length === 0) continue;
        failures.push({
          tier: processor.tier,
          run,
          expected: expected[i] as Image,
          got: results[i] as Image,
          differences,
        });
      }
    }
    return failures;
  }

  /** Runs one case alone; null unless it differs in all of the tiers that `tier` names. */
  async checkOne(tier: string, run: Run): Promise<Failure | null> {
    const batch = { programs: [run.program], runs: [run] };
    const failures = this.check(batch, await this.expected(batch));
    const tiers = failures.map((failure) => failure.tier).join(' and ');
    return tiers === tier ? { ...(failures[0] as Failure), tier } : null;
  }

  close(): void {
    for (const reference of this.#references.values()) reference.close();
  }
}

/** A copy of an initial state to change. */
export const copyImage = (image: Image): Image => {
  const copy = new Image();
  copy.copyFrom(image);
  return copy;
};
