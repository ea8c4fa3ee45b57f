import { alignColumns } from '../../src/cli/table.ts';
import { geometricMean } from '../statistics.ts';
import { lead, type Result, type Series, slowdown } from './measure.ts';
import type { Kind } from './program.ts';

/** The figures for people and for programs. */

export interface About {
  readonly kernel: string;
  /** MiB. */
  readonly memory: number;
  readonly vcpus: number;
  readonly runs: number;
  readonly qemu: string;
  readonly node: string;
  readonly processor: string;
  readonly processors: number;
  readonly loadAtStart: number;
  /** What the native figures are of, or why there are none. */
  readonly native: string;
  /** Processor seconds that each emulator took while no program ran. */
  readonly between: Readonly<Record<string, number>>;
}

const isOperation = ({ program }: Result): boolean => program.kind === 'operation';

interface Mean {
  readonly name: string;
  readonly programs: number;
  readonly lead: number;
  /** Null where nothing ran natively. */
  readonly slowdown: number | null;
}

/** Geometric means over all programs and by kind. */
const means = (results: readonly Result[]): Mean[] => {
  const whole = results.filter((result) => !isOperation(result));
  const ofKind = (kind: Kind): Result[] => whole.filter(({ program }) => program.kind === kind);
  return [
    { name: 'all programs', of: whole },
    ...(['integer', 'floating-point', 'system'] as const).map((kind) => ({ name: kind, of: ofKind(kind) })),
  ]
    .filter(({ of }) => of.length > 0)
    .map(({ name, of }) => {
      const slowdowns = of.flatMap((result) => slowdown(result) ?? []);
      return {
        name,
        programs: of.length,
        lead: geometricMean(of.map(lead)),
        slowdown: slowdowns.length === 0 ? null : geometricMean(slowdowns),
      };
    });
};

/** Microseconds of processor time for one of a program's operations. */
const microseconds = ({ program }: Result, series: Series): number => (series.cpu * 1e6) / (program.operations ?? 1);

const programTable = (results: readonly Result[]): string => {
  const seconds = (value: number | undefined): string =>
    value === undefined ? '-' : value.toFixed(value < 0.1 ? 3 : 2);
  const mean = ({ name, programs, ...of }: Mean): string[] => {
    const label = `geometric mean, ${name} (${programs})`;
    return [label, '', '', '', '', of.lead.toFixed(2), '', of.slowdown?.toFixed(1) ?? '-'];
  };
  return alignColumns([
    ['seconds', 'hostrock', 'cold', 'QEMU', 'cold', 'QEMU/hostrock', 'native', 'hostrock/native'],
    ...results.map((result) => {
      const [ours, qemu, native] = result.series;
      const figures = [ours.cpu, ours.cold.cpu, qemu.cpu, qemu.cold.cpu].map(seconds);
      const toNative = slowdown(result)?.toFixed(1) ?? '-';
      return [result.program.name, ...figures, lead(result).toFixed(2), seconds(native?.cpu), toNative];
    }),
    ...means(results).map(mean),
  ]);
};

const operationTable = (results: readonly Result[]): string =>
  alignColumns([
    ['microseconds', 'hostrock', 'QEMU', 'QEMU/hostrock'],
    ...results.map((result) => {
      const [ours, qemu] = result.series;
      const figures = [ours, qemu].map((series) => microseconds(result, series).toFixed(2));
      return [result.program.name, ...figures, lead(result).toFixed(2)];
    }),
  ]);

export const textReport = (results: readonly Result[], about: About): string => {
  const operations = results.filter(isOperation);
  const whole = results.filter((result) => !isOperation(result));
  const wrong = results.flatMap(({ program, mismatch }) =>
    mismatch === undefined ? [] : [`ERROR: ${program.name}: ${mismatch}\n`],
  );
  const between = Object.entries(about.between)
    .map(([name, time]) => `${name} ${time.toFixed(1)} s`)
    .join(', ');
  return [
    `${about.kernel}; ${about.memory} MiB, ${about.vcpus} vCPU; a cold run and ${about.runs} warm ones, medians\n`,
    `${about.qemu}; Node ${about.node}; ${about.processors} x ${about.processor}, load ${about.loadAtStart.toFixed(1)} at the start\n`,
    `native: ${about.native}\n`,
    ...(whole.length === 0 ? [] : [`\n${programTable(whole)}\n`]),
    ...(operations.length === 0 ? [] : [`\n${operationTable(operations)}\n`]),
    `\nBetween the programs, in no figure: ${between}.\n`,
    'Processor time. QEMU/hostrock above 1: hostrock needs less than QEMU. Only ratios can be compared between machines.\n',
    ...wrong,
  ].join('');
};

export const jsonReport = (results: readonly Result[], about: About): object => ({
  ...about,
  programs: results.map((result) => ({
    name: result.program.name,
    kind: result.program.kind,
    lead: lead(result),
    slowdown: slowdown(result) ?? null,
    mismatch: result.mismatch ?? null,
    series: result.series.map((series) =>
      isOperation(result) ? { ...series, microseconds: microseconds(result, series) } : series,
    ),
  })),
  means: means(results),
});
