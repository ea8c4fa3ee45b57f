import { median } from '../statistics.ts';
import type { Program } from './program.ts';
import type { Run, Subject } from './subject.ts';

/** Runs the programs in turn and compares what they print. */

export interface Series {
  /** Who ran it. */
  readonly name: string;
  readonly cold: Run;
  readonly warm: readonly Run[];
  /** Processor seconds: the median of the warm runs. */
  readonly cpu: number;
}

export interface Result {
  readonly program: Program;
  /** In the order of the subjects: hostrock, QEMU, and native where it can run. */
  readonly series: readonly [Series, Series, ...Series[]];
  /** What is wrong with the results, if anything. */
  readonly mismatch: string | undefined;
}

const findMismatch = (program: Program, series: readonly Series[]): string | undefined => {
  const sums = series.map(({ name, cold, warm }) => ({ name, all: new Set([cold, ...warm].map(({ sum }) => sum)) }));
  const unsteady = sums.find(({ all }) => all.size > 1);
  if (unsteady !== undefined) return `${unsteady.name} gives different results from run to run`;
  const [first, ...others] = sums.filter(({ name }) => name !== 'native' || program.nativeDiffers === undefined);
  const [expected] = first?.all ?? [];
  const different = others.filter(({ all }) => !all.has(expected as string)).map(({ name }) => name);
  return different.length === 0 ? undefined : `${first?.name} and ${different.join(', ')} give different results`;
};

const measure = async (subjects: readonly Subject[], program: Program, runs: number): Promise<Result> => {
  const measured = subjects.map(({ name }) => ({ name, runs: [] as Run[] }));
  for (let run = 0; run <= runs; run++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      const index = (run + turn) % subjects.length;
      const subject = subjects[index] as Subject;
      measured[index]?.runs.push(await subject.run(program.name));
    }
  }
  const series = measured.map(({ name, runs: [cold, ...warm] }) => ({
    name,
    cold: cold as Run,
    warm,
    cpu: median(warm.map(({ cpu }) => cpu)),
  }));
  return { program, series: series as unknown as Result['series'], mismatch: findMismatch(program, series) };
};

/** QEMU's processor time divided by ours: above 1 hostrock is ahead. */
export const lead = ({ series: [ours, qemu] }: Result): number => qemu.cpu / ours.cpu;

/** Our processor time divided by that of the program that runs natively; undefined where none does. */
export const slowdown = ({ series: [ours, , native] }: Result): number | undefined =>
  native === undefined ? undefined : ours.cpu / native.cpu;

/** Runs each program once cold and `runs` times warm, one machine after the other. @throws CommandError if one fails */
export const measureAll = async (
  everyone: readonly Subject[],
  programs: readonly Program[],
  runs: number,
  report: (line: string) => void,
): Promise<Result[]> => {
  const results: Result[] = [];
  for (const program of programs) {
    const subjects = everyone.filter(({ name }) => name !== 'native' || program.binaries === undefined);
    const result = await measure(subjects, program, runs);
    const times = result.series.map(
      ({ name, cold, cpu }) => `${name} ${cpu.toFixed(2)} s (cold ${cold.cpu.toFixed(2)})`,
    );
    report(`${program.name}: ${times.join(', ')}; ${lead(result).toFixed(2)}`);
    if (result.mismatch !== undefined) report(`ERROR: ${program.name}: ${result.mismatch}`);
    results.push(result);
  }
  return results;
};
