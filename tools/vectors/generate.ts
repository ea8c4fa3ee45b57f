import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import type { Decoder } from '../../src/cpu/decoder.ts';
import type { Instruction } from '../../src/cpu/instruction.ts';
import { Field, Image, Outcome } from '../../test/cpu/arm64/cases/image.ts';
import { SLOTS } from '../../test/cpu/arm64/cases/layout.ts';
import type { Batch, Input, Run } from '../../test/cpu/arm64/cases/program.ts';
import { Random } from '../../test/cpu/arm64/cases/random.ts';
import { encodeVectors, type Vector, type VectorCase } from '../../test/cpu/arm64/cases/vector-file.ts';
import { Processor } from '../../test/cpu/arm64/harness.ts';
import { Differential } from './differential.ts';
import type { Group } from './groups.ts';
import { chooseInput } from './inputs.ts';
import { type Draft, ProgramSource } from './programs.ts';
import { allowedShapes } from './words.ts';

/** Makes the committed vectors: a sample of every form, of sequences, and of undefined words. */

const SEQUENCES = 3000;
const STRAYS = 12000;

const folder = new URL('../../test/vectors/', import.meta.url);

/** How many programs of each form, and initial states for each. */
interface Density {
  readonly programs: number;
  readonly inputs: number;
}

/** Floating point depends on its operands most. */
const densityOf = (file: string): Density =>
  /(^|-)fp-/.test(file) ? { programs: 4, inputs: 8 } : { programs: 4, inputs: 3 };

class VectorSource {
  readonly #random: Random;
  readonly #differential: Differential;

  constructor(random: Random, differential: Differential) {
    this.#random = random;
    this.#differential = differential;
  }

  /** Makes vectors of drafts, `inputs` cases each; how many differ on this engine goes to `print`. */
  async vectors(drafts: readonly Draft[], inputs: number): Promise<{ vectors: Vector[]; differing: number }> {
    const vectors: Vector[] = [];
    let differing = 0;
    for (let first = 0; first < drafts.length; first += SLOTS) {
      const part = drafts.slice(first, first + SLOTS);
      const chosen: Input[] = [];
      const runs: Run[] = [];
      for (const { program, overrides } of part) {
        for (let i = 0; i < inputs; i++) {
          const initial = new Image();
          chosen.push(chooseInput(this.#random, program, overrides, initial));
          runs.push({ program, initial });
        }
      }
      const batch: Batch = { programs: part.map(({ program }) => program), runs };
      const expected = await this.#differential.expected(batch);
      differing += this.#differential.check(batch, expected).length;
      part.forEach(({ program }, index) => {
        const cases: VectorCase[] = [];
        for (let i = index * inputs; i < (index + 1) * inputs; i++) {
          const image = expected[i] as Image;
          const outcome = image.get32(Field.outcome);
          if (outcome === Outcome.endless || outcome === Outcome.other) continue;
          cases.push({ input: chosen[i] as Input, expected: image });
        }
        if (cases.length > 0) vectors.push({ program, cases });
      });
    }
    return { vectors, differing };
  }
}

/** `count` drafts that `make` finds, in slots one after the other. */
const collect = (count: number, make: (slot: number) => Draft | null): Draft[] => {
  const drafts: Draft[] = [];
  for (let attempt = 0; drafts.length < count && attempt < 20 * count; attempt++) {
    const draft = make(drafts.length % SLOTS);
    if (draft !== null) drafts.push(draft);
  }
  return drafts;
};

export const generateVectors = async (
  groups: readonly Group[],
  table: readonly Instruction[],
  seed: number,
  print: (line: string) => void,
): Promise<void> => {
  const processor = new Processor('cold', table);
  const differential = new Differential([processor]);
  const decoder: Decoder = processor.engine.decoder;
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (file.endsWith('.bin')) rmSync(new URL(file, folder));
  let total = 0;

  const save = async (name: string, random: Random, drafts: readonly Draft[], inputs: number): Promise<void> => {
    const { vectors, differing } = await new VectorSource(random, differential).vectors(drafts, inputs);
    const bytes = deflateRawSync(encodeVectors(vectors), { level: 9 });
    writeFileSync(new URL(`${name}.bin`, folder), bytes);
    total += bytes.length;
    const cases = vectors.reduce((sum, vector) => sum + vector.cases.length, 0);
    print(`${name}: ${vectors.length} programs, ${cases} cases, ${bytes.length} bytes; ${differing} differ here`);
  };

  const all = table.flatMap((entry) => allowedShapes(entry).map((shape) => ({ entry, shape })));
  const inTable = new Set(table);
  // Every file has a random source of its own, so that a change to one group leaves the others as they are.
  for (const { name, file, entries } of groups) {
    const random = new Random(seed + file.length * 1009 + [...name].reduce((sum, c) => sum * 31 + c.charCodeAt(0), 0));
    const source = new ProgramSource(random, decoder, all);
    const { programs, inputs } = densityOf(file);
    const drafts: Draft[] = [];
    for (const entry of entries.filter((one) => inTable.has(one))) {
      for (const shape of allowedShapes(entry)) {
        for (let i = 0; i < programs; i++) {
          const draft = source.single({ entry, shape }, drafts.length % SLOTS);
          if (draft !== null) drafts.push(draft);
        }
      }
    }
    if (drafts.length > 0) await save(name, random, drafts, inputs);
  }
  for (const [name, count, inputs] of [
    ['sequences', SEQUENCES, 2],
    ['strays', STRAYS, 1],
  ] as const) {
    const random = new Random(seed + count);
    const source = new ProgramSource(random, decoder, all);
    const make = (slot: number): Draft | null => (name === 'sequences' ? source.sequence(slot) : source.stray(slot));
    await save(name, random, collect(count, make), inputs);
  }
  differential.close();
  print(`${total} bytes in all`);
};
