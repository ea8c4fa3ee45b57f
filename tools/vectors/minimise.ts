import { Field, REGISTERS, registerBytes, registerOffset } from '../../test/cpu/arm64/cases/image.ts';
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

/** The parts of a state that can be cleared one by one: offset and length. */
const parts = (): (readonly [offset: number, bytes: number])[] => {
  const list: (readonly [number, number])[] = [Field.fpcr, Field.fpsr, Field.nzcv].map((field) => [field, 4] as const);
  for (let register = 0; register < REGISTERS; register++) {
    list.push([registerOffset(register), registerBytes(register)]);
  }
  for (let at = 0; at < WINDOW; at += 32) list.push([Field.window + at, 32]);
  return list;
};

/** The run with a part of its state cleared; null if it is zero already. */
const cleared = ({ program, initial }: Run, offset: number, bytes: number): Run | null => {
  if (initial.bytes.subarray(offset, offset + bytes).every((byte) => byte === 0)) return null;
  const image = copyImage(initial);
  image.bytes.fill(0, offset, offset + bytes);
  return { program, initial: image };
};

/** Whether two failures are of one kind, as far as the programs' ends tell. */
const endsAlike = (a: Failure, b: Failure): boolean =>
  a.expected.get32(Field.outcome) === b.expected.get32(Field.outcome) &&
  a.got.get32(Field.outcome) === b.got.get32(Field.outcome);

/** The smallest failing case found, after some hundred runs. */
export const minimise = async (differential: Differential, failure: Failure): Promise<Failure> => {
  let best = failure;
  const attempt = async (candidate: Run): Promise<boolean> => {
    const found = await differential.checkOne(failure.tier, candidate);
    if (found === null || !endsAlike(found, failure)) return false;
    best = found;
    return true;
  };
  const reduce = async (candidates: (run: Run) => Run[]): Promise<boolean> => {
    for (const candidate of candidates(best.run)) {
      if (candidate.program.words.length > 0 && (await attempt(candidate))) return true;
    }
    return false;
  };
  while (await reduce(shorter));
  if (failure.run.program.words.length > 1) while (await reduce(emptier));
  for (const [offset, bytes] of parts()) {
    const candidate = cleared(best.run, offset, bytes);
    if (candidate !== null) await attempt(candidate);
  }
  return best;
};
