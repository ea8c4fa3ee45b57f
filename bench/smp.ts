import { availableParallelism, cpus, loadavg } from 'node:os';
import { CommandError, ExitStatus } from '../src/cli/exit-status.ts';
import { describeOptions, type OptionTable, parseCount, parseOptions } from '../src/cli/options.ts';
import { showProgress } from '../src/cli/progress.ts';
import { alignColumns } from '../src/cli/table.ts';
import { imageContext } from '../src/images/node/boot-image.ts';
import { suiteFiles } from './cpu/image.ts';
import type { Program } from './cpu/program.ts';
import { programs } from './cpu/programs.ts';
import { type Run, Subject, type SubjectOptions } from './cpu/subject.ts';
import { prepareEmulators } from './cpu/subjects.ts';
import { geometricMean, median } from './statistics.ts';
import { inWorkFolder } from './work-folder.ts';

/**
 * `npm run bench -- smp`: what a second virtual processor gains. Two jobs at the same time run in a machine with one processor and in
 * one with two, which take turns; time is by the host's clock.
 */

const options = {
  runs: { type: 'string', value: 'N', help: 'warm runs of each load, after a cold one (default 3)' },
  loads: { type: 'string', value: 'A,B', help: 'only these' },
  qemu: { type: 'boolean', help: 'QEMU, too' },
  json: { type: 'boolean', help: 'print every run as JSON' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

/** MiB. */
const MEMORY = 768;
/** Seconds. */
const LIMIT = 300;
const VCPUS = [1, 2] as const;

/** Two of a job at the same time, each in a folder of its own, and then what both printed. */
const twice = (name: string, what: string, job: string): Program => ({
  name: `smp-${name}`,
  kind: 'system',
  what,
  packages: [],
  script: [
    'mkdir a b',
    `job() { cd $1; for i in $2; do ${job}; done > ../$1.printed; }`,
    "(job a '1 2') & (job b '1 2') & wait; cat a.printed b.printed",
  ].join('; '),
});

const text = '/bench/data/text';

/** The packages are those of the programs of `npm run bench -- cpu`. */
const loads: readonly Program[] = [
  twice(
    'compiler',
    'cc1 -O2',
    '/usr/lib/gcc/*-linux-gnu/12/cc1 -quiet -O2 -ffreestanding /bench/data/functions.c -o f.s; cksum < f.s',
  ),
  twice('xz', 'compresses text', `head -c 400000 ${text} | xz -6 | cksum`),
  twice('sort', 'sorts text by its lines', `sort --parallel=1 ${text} | cksum`),
  twice('python', 'words in dictionaries', `python3 -S /bench/guest/dictionary.py ${text} 2`),
  twice('shell', 'dash: queens on a board', 'dash /bench/guest/queens.sh 6'),
  twice(
    'fork-exec',
    'dash starts programs',
    'n=0; while [ $n -lt 100 ]; do /usr/bin/true; n=$((n + 1)); done; echo $n',
  ),
  twice(
    'files',
    'makes and removes files',
    'for n in 1 2 3; do seq 1 300 | xargs touch; ls | cksum; rm -f [0-9]*; done',
  ),
];

interface Series {
  readonly subject: Subject;
  readonly vcpus: number;
  readonly runs: Run[];
}

interface Result {
  readonly load: Program;
  readonly series: readonly Series[];
}

const choose = (names: string | undefined): readonly Program[] => {
  if (names === undefined) return loads;
  return names.split(',').map((wanted) => {
    const found = loads.find(({ name }) => name === wanted || name === `smp-${wanted}`);
    if (found !== undefined) return found;
    throw new CommandError(`no load '${wanted}': there are ${loads.map(({ name }) => name).join(', ')}`);
  });
};

const measure = async (subjects: readonly (readonly [Subject, number])[], load: Program, runs: number) => {
  const series: readonly Series[] = subjects.map(([subject, vcpus]) => ({ subject, vcpus, runs: [] }));
  for (let run = 0; run <= runs; run++) {
    for (let turn = 0; turn < series.length; turn++) {
      const next = series[(run + turn) % series.length] as Series;
      next.runs.push(await next.subject.run(load.name));
    }
  }
  const sums = new Set(series.flatMap((each) => each.runs.map(({ sum }) => sum)));
  if (sums.size > 1) throw new CommandError(`${load.name} gives different results`, ExitStatus.failure);
  return { load, series };
};

const warm = ({ runs }: Series): readonly Run[] => runs.slice(1);
const wall = (series: Series): number => median(warm(series).map((run) => run.wall));
const cpu = (series: Series): number => median(warm(series).map((run) => run.cpu));

/** Pairs of the same machine with one processor and with two. */
const pairs = ({ series }: Result): (readonly [Series, Series])[] =>
  series.flatMap((one, index) => (index % 2 === 0 ? [[one, series[index + 1] as Series] as const] : []));

const gain = ([one, two]: readonly [Series, Series]): number => wall(one) / wall(two);

/** What the gain would be if neither processor ever waited: for the guest's work, or for the host. */
const possible = ([one, two]: readonly [Series, Series]): number => (2 * cpu(one)) / cpu(two);

const report = (results: readonly Result[]): string => {
  const names = pairs(results[0] as Result).map(([{ subject }]) => subject.name);
  const cells = (pair: readonly [Series, Series]): string[] => [
    ...pair.map((series) => wall(series).toFixed(2)),
    gain(pair).toFixed(2),
    possible(pair).toFixed(2),
    ...pair.map((series) => cpu(series).toFixed(2)),
  ];
  return alignColumns([
    ['seconds', ...names.flatMap((name) => [`${name}: 1 vCPU`, '2', 'gain', 'at most', 'processor time: 1 vCPU', '2'])],
    ...results.map((result) => [result.load.name, ...pairs(result).flatMap(cells)]),
    [
      'geometric mean',
      ...names.flatMap((_, index) => {
        const gains = results.map((result) => gain(pairs(result)[index] as readonly [Series, Series]));
        const bounds = results.map((result) => possible(pairs(result)[index] as readonly [Series, Series]));
        return ['', '', geometricMean(gains).toFixed(2), geometricMean(bounds).toFixed(2), '', ''];
      }),
    ],
  ]);
};

const jsonReport = (results: readonly Result[], about: object): object => ({
  ...about,
  loads: results.map(({ load, series }) => ({
    name: load.name,
    series: series.map(({ subject, vcpus, runs }) => ({ name: subject.name, vcpus, runs })),
  })),
});

export const benchSmp = async (args: string[]): Promise<number> => {
  const given = parseOptions(args, options);
  if (given.help === true) {
    const lines = loads.map(({ name, what }) => `  ${name}: ${what}\n`).join('');
    process.stdout.write(`usage: npm run bench -- smp [OPTION...]\n\n${describeOptions(options)}\n\nLoads:\n${lines}`);
    return ExitStatus.success;
  }
  const chosen = choose(given.loads);
  const runs = parseCount('runs', given.runs ?? '3', 1, 1000);
  const load = loadavg()[0] as number;
  let subjects: (readonly [Subject, number])[] = [];
  const stop = (): void => {
    for (const [subject] of subjects) subject.stop();
  };
  return inWorkFolder(async (folder) => {
    const progress = showProgress();
    const context = await imageContext({ onProgress: progress.update });
    const settings = { context, programs, folder, memory: MEMORY, refresh: false, limit: LIMIT };
    const files = suiteFiles([...programs, ...loads]);
    const machines: (readonly [SubjectOptions, number])[] = [];
    for (const vcpus of VCPUS) {
      const { hostrock, qemu } = await prepareEmulators({ ...settings, files, vcpus });
      machines.push([hostrock, vcpus], ...(given.qemu === true ? ([[qemu, vcpus]] as const) : []));
    }
    progress.done();
    machines.sort(([a], [b]) => a.name.localeCompare(b.name));
    subjects = machines.map(([machine, vcpus]) => [new Subject(machine), vcpus]);
    await Promise.all(subjects.map(([subject]) => subject.ready()));
    const results: Result[] = [];
    for (const each of chosen) {
      const result = await measure(subjects, each, runs);
      const gains = pairs(result).map((pair) => `${pair[0].subject.name} ${gain(pair).toFixed(2)}`);
      process.stderr.write(`bench: ${each.name}: ${gains.join(', ')}\n`);
      results.push(result);
    }
    const about = {
      runs,
      processor: cpus()[0]?.model ?? 'unknown',
      processors: availableParallelism(),
      loadAtStart: load,
    };
    if (given.json === true) process.stdout.write(`${JSON.stringify(jsonReport(results, about), null, 2)}\n`);
    else {
      process.stdout.write(
        `two jobs at a time; ${runs} warm runs, medians; ${about.processors} x ${about.processor}, load ${load.toFixed(1)} at the start\n\n`,
      );
      process.stdout.write(
        `${report(results)}\n\nGain: time with one vCPU by time with two; at most: by processor time, as if nothing else kept the host busy.\n`,
      );
    }
    return ExitStatus.success;
  }, stop);
};
