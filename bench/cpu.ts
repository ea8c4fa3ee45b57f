import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { CommandError, ExitStatus } from '../src/cli/exit-status.ts';
import {
  describeOptions,
  type OptionTable,
  parseCount,
  parseOptions,
  parseSeconds,
  parseSize,
} from '../src/cli/options.ts';
import { showProgress } from '../src/cli/progress.ts';
import { imageContext } from '../src/images/node/boot-image.ts';
import { qemuVersion } from './contenders.ts';
import { suiteFiles } from './cpu/image.ts';
import { measureAll } from './cpu/measure.ts';
import type { Program } from './cpu/program.ts';
import { programs } from './cpu/programs.ts';
import { jsonReport, textReport } from './cpu/report.ts';
import { Subject } from './cpu/subject.ts';
import { prepareEmulators, prepareNative } from './cpu/subjects.ts';
import { inWorkFolder } from './work-folder.ts';

/**
 * `npm run bench -- cpu`: processor time of real programs in hostrock and in QEMU, and natively. The emulators are booted once and
 * take turns, so that a busy machine slows both down: only the ratios mean anything.
 */

const options = {
  runs: { type: 'string', value: 'N', help: 'warm runs of each program, after a cold one (default 3)' },
  programs: { type: 'string', value: 'A,B', help: 'only the programs of these names or kinds' },
  quick: { type: 'boolean', help: 'one warm run, and nothing natively' },
  list: { type: 'boolean', help: 'say what programs there are' },
  memory: { type: 'string', short: 'm', value: 'SIZE', help: 'memory of the guests (default 512M)' },
  vcpus: { type: 'string', short: 'c', value: 'N', help: 'processors of the guests (default 1)' },
  timeout: { type: 'string', value: 'SECONDS', help: 'give up on a program after this time (default 300)' },
  refresh: { type: 'boolean', help: 'look for newer packages' },
  json: { type: 'boolean', help: 'print the figures as JSON' },
  save: { type: 'string', value: 'FILE', help: 'write the figures as JSON to this file, too' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

const MIB = 2 ** 20;

/** The programs of these names and kinds. */
const choose = (names: string | undefined): readonly Program[] => {
  if (names === undefined) return programs;
  return names.split(',').flatMap((wanted) => {
    const found = programs.filter(({ name, kind }) => name === wanted || kind === wanted);
    if (found.length > 0) return found;
    const all = programs.map(({ name }) => name).join(', ');
    throw new CommandError(`no program '${wanted}': there are ${all}`);
  });
};

const list = (): string => {
  const width = Math.max(...programs.map(({ name }) => name.length));
  return programs.map(({ name, kind, what }) => `${name.padEnd(width)}  ${kind.padEnd(14)}  ${what}\n`).join('');
};

export const benchCpu = async (args: string[]): Promise<number> => {
  const given = parseOptions(args, options);
  if (given.help === true) {
    process.stdout.write(`usage: npm run bench -- cpu [OPTION...]\n\n${describeOptions(options)}\n`);
    return ExitStatus.success;
  }
  if (given.list === true) {
    process.stdout.write(list());
    return ExitStatus.success;
  }
  const chosen = choose(given.programs);
  const quick = given.quick === true;
  const runs = parseCount('runs', given.runs ?? (quick ? '1' : '3'), 1, 1000);
  const vcpus = parseCount('vcpus', given.vcpus ?? '1', 1, 8);
  const memory = Math.floor(parseSize('memory', given.memory ?? '512M') / MIB);
  const limit = parseSeconds('timeout', given.timeout ?? '300');
  const qemu = qemuVersion();
  const load = loadavg()[0] as number;
  let subjects: readonly Subject[] = [];
  const stop = (): void => {
    for (const subject of subjects) subject.stop();
  };
  return inWorkFolder(async (folder) => {
    const progress = showProgress();
    const context = await imageContext({ onProgress: progress.update });
    const settings = {
      context,
      programs,
      files: suiteFiles(programs),
      folder,
      memory,
      vcpus,
      refresh: given.refresh === true,
      limit,
    };
    const emulators = await prepareEmulators(settings);
    const native = quick ? 'left out by --quick' : await prepareNative(settings);
    progress.done();
    process.stderr.write('bench: booting\n');
    const all = [emulators.hostrock, emulators.qemu, ...(typeof native === 'string' ? [] : [native])];
    subjects = all.map((each) => new Subject(each));
    await Promise.all(subjects.map((subject) => subject.ready()));
    const results = await measureAll(subjects, chosen, runs, (line) => process.stderr.write(`bench: ${line}\n`));
    const about = {
      kernel: emulators.description,
      memory,
      vcpus,
      runs,
      qemu,
      node: process.version,
      processor: cpus()[0]?.model ?? 'unknown',
      processors: availableParallelism(),
      loadAtStart: load,
      native: typeof native === 'string' ? native : 'the same packages for amd64',
      between: Object.fromEntries(subjects.slice(0, 2).map(({ name, between }) => [name, between])),
    };
    const json = `${JSON.stringify(jsonReport(results, about), null, 2)}\n`;
    if (given.save !== undefined) await writeFile(given.save, json);
    process.stdout.write(given.json === true ? json : textReport(results, about));
    return results.every(({ mismatch }) => mismatch === undefined) ? ExitStatus.success : ExitStatus.failure;
  }, stop);
};
