import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { alignColumns } from '../src/cli/table.ts';
import { resolveBootImage } from '../src/images/node/boot-image.ts';
import { readKernelFile } from '../src/images/node/named-files.ts';
import { type Boot, type BootExpectation, watchBoot } from './boot-process.ts';
import { contenders, type Machine, qemuVersion } from './contenders.ts';
import { type Measure, measures, median, ratio } from './statistics.ts';

/**
 * `npm run bench -- boot`: how long a kernel takes to its first program and to a shell, and what that costs, in hostrock and in
 * QEMU. Runs are interleaved, so that a busy machine slows all of them down: only the ratios mean anything.
 */

const options = {
  runs: { type: 'string', value: 'N', help: 'boots of each program (default 5)' },
  kernel: { type: 'string', value: 'FILE', help: 'kernel to boot (default: the one hostrock run boots)' },
  ramdisk: { type: 'string', value: 'FILE', help: 'with this initial ramdisk' },
  prompt: {
    type: 'string',
    value: 'TEXT',
    help: "what the console shows when the shell is there (default 'root@hostrock:~# ')",
  },
  memory: { type: 'string', short: 'm', value: 'SIZE', help: 'memory of the guest (default 256M)' },
  vcpus: { type: 'string', short: 'c', value: 'N', help: 'processors of the guest (default 1)' },
  timeout: { type: 'string', value: 'SECONDS', help: 'give up on a boot after this time (default 180)' },
  json: { type: 'boolean', help: 'print the figures as JSON' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

const MIB = 2 ** 20;

interface Result {
  readonly name: string;
  readonly boots: readonly Boot[];
}

/** Writes kernel and ramdisk where every contender can read them. */
const prepare = async (
  folder: string,
  kernel: string | undefined,
  ramdisk: string | undefined,
): Promise<{ kernel: string; ramdisk: string | undefined; description: string }> => {
  const image = join(folder, 'Image');
  if (kernel !== undefined) {
    await writeFile(image, await readKernelFile(kernel));
    return { kernel: image, ramdisk, description: kernel };
  }
  const progress = showProgress();
  try {
    const found = await resolveBootImage({ onProgress: progress.update });
    const file = join(folder, 'ramdisk');
    await writeFile(image, found.kernel);
    await writeFile(file, found.ramdisk);
    return { kernel: image, ramdisk: file, description: found.description };
  } finally {
    progress.done();
  }
};

/** Boots everything `runs` times in turn, beginning with another program each time. */
const boot = async (machine: Machine, runs: number, expected: BootExpectation): Promise<Result[]> => {
  const results = contenders.map(({ name }) => ({ name, boots: [] as Boot[] }));
  for (let run = 0; run < runs; run++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (run + turn) % contenders.length;
      const contender = contenders[index] as (typeof contenders)[number];
      process.stderr.write(`bench: run ${run + 1} of ${runs}: ${contender.name}\n`);
      results[index]?.boots.push(await watchBoot(contender.command, contender.arguments(machine), expected));
    }
  }
  return results;
};

const table = ([ours, ...peers]: readonly Result[]): string => {
  if (ours === undefined) return '';
  const rows = [
    ['', ours.name, ...peers.flatMap(({ name }) => [name, 'ratio'])],
    ...measures.map(({ name, unit, of }: Measure) => [
      `${name} (${unit})`,
      median(ours.boots.map(of)).toFixed(2),
      ...peers.flatMap(({ boots }) => [median(boots.map(of)).toFixed(2), ratio(ours.boots, boots, of).toFixed(2)]),
    ]),
  ];
  return alignColumns(rows);
};

const report = (results: readonly Result[], about: object): object => {
  const [ours, ...peers] = results;
  return {
    ...about,
    contenders: results.map(({ name, boots }) => ({
      name,
      median: Object.fromEntries(measures.map(({ key, of }) => [key, median(boots.map(of))])),
      runs: boots,
    })),
    ratios: peers.map(({ name, boots }) => ({
      against: name,
      ...Object.fromEntries(measures.map(({ key, of }) => [key, ratio(ours?.boots ?? [], boots, of)])),
    })),
  };
};

export const benchBoot = async (args: string[]): Promise<number> => {
  const given = parseOptions(args, options);
  if (given.help === true) {
    process.stdout.write(`usage: npm run bench -- boot [OPTION...]\n\n${describeOptions(options)}\n`);
    return ExitStatus.success;
  }
  if (given.ramdisk !== undefined && given.kernel === undefined) {
    throw new CommandError('--ramdisk goes with --kernel: the default kernel has a ramdisk of its own');
  }
  const runs = parseCount('runs', given.runs ?? '5', 1, 1000);
  const memory = Math.floor(parseSize('memory', given.memory ?? '256M') / MIB);
  const vcpus = parseCount('vcpus', given.vcpus ?? '1', 1, 8);
  const expected = {
    prompt: given.prompt ?? 'root@hostrock:~# ',
    timeout: parseSeconds('timeout', given.timeout ?? '180'),
  };
  const qemu = qemuVersion();
  const load = loadavg()[0] as number;
  const folder = await mkdtemp(join(tmpdir(), 'hostrock-bench-'));
  try {
    const { description, ...files } = await prepare(folder, given.kernel, given.ramdisk);
    const results = await boot({ ...files, memory, vcpus }, runs, expected);
    const about = {
      kernel: description,
      memory,
      vcpus,
      qemu,
      node: process.version,
      processor: cpus()[0]?.model ?? 'unknown',
      processors: availableParallelism(),
      loadAtStart: load,
    };
    if (given.json === true) {
      process.stdout.write(`${JSON.stringify(report(results, about), null, 2)}\n`);
    } else {
      process.stdout.write(
        `${description}; ${memory} MiB, ${vcpus} vCPU; ${runs} interleaved runs, medians\n` +
          `${qemu}; Node ${process.version}; ${about.processors} x ${about.processor}, load ${load.toFixed(1)} at the start\n\n` +
          `${table(results)}\n\n` +
          'A ratio is ours divided by theirs: below 1 hostrock needs less. Only ratios can be compared between machines.\n',
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return ExitStatus.success;
};
