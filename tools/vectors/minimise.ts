import { Field, type Image, REGISTERS, registerBytes, registerOffset } from '../../test/cpu/arm64/cases/image.ts';
import { WINDOW } from '../../test/cpu/arm64/cases/layout.ts';
import type { Run } from '../../test/cpu/arm64/cases/program.ts';
import type { Failure } from '../../test/cpu/arm64/cases/report.ts';
import { copyImage, type Differential } from './differential.ts';

/** Makes a failing case smaller: fewer instructions, plainer registers, as long as it fails. */

const NOP = 0xd503201f;

/** Programs with one instruction less. */
const shorter = ({ program, initial }: Run): Run[] =>
  program.words.map((_, index) => ({
    program: { slot: program.slot, words: program.words.filter((_word, at) => at !== index) },
    initial,
  }));

/** Programs with one instruction replaced, so that branches keep their distances. */
const emptier = ({ program, initial }: Run): Run[] =>
  program.words.flatMap((word, index) =>
    word === NOP ? [] : [{ program: { slot: program.slot, words: program.words.with(index, NOP) }, initial }],
  );

const changed = (run: Run, change: (image: Image) => void): Run => {
  const initial = copyImage(run.initial);
  change(initial);
  return { program: run.program, initial };
};

/** States with one part cleared. */
const plainer = (run: Run): Run[] => {
  const list: Run[] = [];
  const { initial } = run;
  const clear = (offset: number, bytes: number): void => {
    if (initial.bytes.subarray(offset, offset + bytes).every((byte) => byte === 0)) return;
    list.push(changed(run, (image) => image.bytes.fill(0, offset, offset + bytes)));
  };
  for (const field of [Field.fpcr, Field.fpsr, Field.nzcv]) clear(field, 4);
  for (let register = 0; register < REGISTERS; register++) clear(registerOffset(register), registerBytes(register));
  for (let at = 0; at < WINDOW; at += 32) clear(Field.window + at, 32);
  return list;
};

/** The smallest failing case found; at most a few hundred runs. */
export const minimise = async (differential: Differential, failure: Failure): Promise<Failure> => {
  let best = failure;
  const improve = async (candidates: (run: Run) => Run[]): Promise<boolean> => {
    for (const candidate of candidates(best.run)) {
      if (candidate.program.words.length === 0) continue;
      const found = await differential.checkOne(failure.tier, candidate);
      if (found === null) continue;
      best = found;
      return true;
    }
    return false;
  };
  while (await improve(shorter));
  while (await improve(emptier));
  for (let rounds = 0; rounds < REGISTERS && (await improve(plainer)); rounds++);
  return best;
};
