import type { Decoder } from '../../src/cpu/decoder.ts';
import type { Instruction } from '../../src/cpu/instruction.ts';
import { Field, Image, outcomeName } from '../../test/cpu/arm64/cases/image.ts';
import { SLOTS } from '../../test/cpu/arm64/cases/layout.ts';
import type { Batch, Program, Run } from '../../test/cpu/arm64/cases/program.ts';
import { Random } from '../../test/cpu/arm64/cases/random.ts';
import { describeFailure, type Failure } from '../../test/cpu/arm64/cases/report.ts';
import { Processor, type Tier } from '../../test/cpu/arm64/harness.ts';
import { Differential } from './differential.ts';
import { disassemble } from './disassembler.ts';
import { chooseInput } from './inputs.ts';
import { minimise } from './minimise.ts';
import { type Draft, type Form, ProgramSource } from './programs.ts';
import { MAX_RUNS } from './reference.ts';
import { allowedShapes } from './words.ts';

/** A live comparison at scale. */

export type Kind = 'single' | 'sequence' | 'stray';

export interface RunOptions {
  /** The whole table: what the engine knows. */
  readonly table: readonly Instruction[];
  /** What programs are made of. */
  readonly entries: readonly Instruction[];
  /** How the programs share out; each kind as often as it is listed. */
  readonly kinds: readonly Kind[];
  readonly tiers: readonly Tier[];
  readonly cases: number;
  readonly seed: number;
  /** Initial states for each program. */
  readonly inputs: number;
  /** Failures to report in full; the rest is counted. */
  readonly failures: number;
  readonly print: (line: string) => void;
}

/** Makes one batch after the other, going through all forms in turn. */
class BatchSource {
  readonly #random: Random;
  readonly #programs: ProgramSource;
  readonly #forms: readonly Form[];
  readonly #kinds: readonly Kind[];
  readonly #inputs: number;
  readonly #barren = new Set<Form>();
  #next = 0;

  constructor(options: RunOptions, decoder: Decoder) {
    this.#random = new Random(options.seed);
    this.#forms = options.entries.flatMap((entry) => allowedShapes(entry).map((shape) => ({ entry, shape })));
    this.#programs = new ProgramSource(this.#random, decoder, this.#forms);
    this.#kinds = options.kinds;
    this.#inputs = options.inputs;
  }

  get forms(): number {
    return this.#forms.length;
  }

  /** Forms of which no word could be found that can be compared. */
  get barren(): ReadonlySet<Form> {
    return this.#barren;
  }

  #draft(slot: number): Draft | null {
    switch (this.#random.pick(this.#kinds)) {
      case 'sequence':
        return this.#programs.sequence(slot);
      case 'stray':
        return this.#programs.stray(slot);
      default: {
        const form = this.#forms[this.#next++ % this.#forms.length] as Form;
        if (this.#barren.has(form)) return null;
        const draft = this.#programs.single(form, slot);
        if (draft === null) this.#barren.add(form);
        return draft;
      }
    }
  }

  batch(limit: number): Batch {
    const programs: Program[] = [];
    const runs: Run[] = [];
    const wanted = Math.min(limit, MAX_RUNS - this.#inputs);
    for (let attempt = 0; programs.length < SLOTS && attempt < 4 * SLOTS && runs.length < wanted; attempt++) {
      const draft = this.#draft(programs.length);
      if (draft === null) continue;
      programs.push(draft.program);
      for (let i = 0; i < this.#inputs; i++) {
        const initial = new Image();
        chooseInput(this.#random, draft.program, draft.overrides, initial);
        runs.push({ program: draft.program, initial });
      }
    }
    return { programs, runs };
  }
}

const SEQUENCE = 'a sequence';

/** Mnemonics of words that the table lacks; looking one up starts a process. */
const mnemonics = new Map<number, string>();
const MAX_LOOKUPS = 200;

const mnemonicOf = (word: number): string => {
  const known = mnemonics.get(word);
  if (known !== undefined || mnemonics.size >= MAX_LOOKUPS) return known ?? '(others)';
  const mnemonic = disassemble([word], 0)?.[0]?.split(' ')[0] ?? '(no disassembler)';
  mnemonics.set(word, mnemonic);
  return mnemonic;
};

/** What a failure is counted under: its instruction if it has but one. */
const signature = (decoder: Decoder, { run }: Failure): string => {
  const [word, ...more] = run.program.words;
  if (word === undefined || more.length > 0) return SEQUENCE;
  return decoder.isDefined(word) ? decoder.decode(word).entry.name : `undefined here: ${mnemonicOf(word)}`;
};

/** One failure for each run: those of several tiers that got the same are one. */
const mergeTiers = (failures: readonly Failure[]): Failure[] => {
  const merged = new Map<string, Failure>();
  const numbers = new Map<object, number>();
  for (const failure of failures) {
    const number = numbers.get(failure.run) ?? numbers.size;
    numbers.set(failure.run, number);
    const key = `${number} ${JSON.stringify(failure.differences)}`;
    const other = merged.get(key);
    merged.set(key, other === undefined ? failure : { ...failure, tier: `${other.tier} and ${failure.tier}` });
  }
  return [...merged.values()];
};

/** Runs the comparison; true if nothing differed. */
export const runDifferential = async (options: RunOptions): Promise<boolean> => {
  const { print } = options;
  const processors = options.tiers.map((tier) => new Processor(tier, options.table));
  const decoder = (processors[0] as Processor).engine.decoder;
  const differential = new Differential(processors);
  const source = new BatchSource(options, decoder);
  const counts = new Map<string, number>();
  const reported = new Set<string>();
  const outcomes = new Map<number, number>();
  let done = 0;
  let shown = 0;
  let failed = 0;
  const started = performance.now();
  print(`${options.entries.length} instructions in ${source.forms} forms; seed ${options.seed}`);

  const report = async (failure: Failure): Promise<void> => {
    const key = signature(decoder, failure);
    counts.set(`${failure.tier}: ${key}`, (counts.get(`${failure.tier}: ${key}`) ?? 0) + 1);
    // One report for each instruction is enough to begin with.
    if (reported.has(key) || shown >= options.failures) return;
    if (key !== SEQUENCE) reported.add(key);
    shown++;
    print(describeFailure(decoder, await minimise(differential, failure), disassemble));
  };

  let ahead: { batch: Batch; expected: Promise<Image[]> } | null = null;
  const launch = (size: number): { batch: Batch; expected: Promise<Image[]> } => {
    const batch = source.batch(size);
    return { batch, expected: differential.expected(batch) };
  };
  let launched = 0;
  for (;;) {
    const current: { batch: Batch; expected: Promise<Image[]> } = ahead ?? launch(options.cases);
    launched += ahead === null ? current.batch.runs.length : 0;
    if (current.batch.runs.length === 0) break;
    ahead = launched < options.cases ? launch(options.cases - launched) : null;
    launched += ahead?.batch.runs.length ?? 0;
    const expected = await current.expected;
    for (const image of expected) {
      const outcome = image.get32(Field.outcome);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    const failures = mergeTiers(differential.check(current.batch, expected));
    failed += failures.length;
    for (const failure of failures) await report(failure);
    done += current.batch.runs.length;
    if (ahead === null) break;
  }
  differential.close();
  const seconds = (performance.now() - started) / 1000;
  for (const { entry, shape } of source.barren) print(`nothing to compare for ${entry.name}, shape ${shape}`);
  const summary = [...outcomes].map(([outcome, count]) => `${outcomeName(outcome)} ${count}`).join(', ');
  print(`${done} cases on ${options.tiers.join(' and ')} in ${seconds.toFixed(1)} s (${summary}): ${failed} differ`);
  for (const [key, count] of [...counts].sort((a, b) => b[1] - a[1]).slice(0, 100)) print(`  ${count}  ${key}`);
  return failed === 0;
};
