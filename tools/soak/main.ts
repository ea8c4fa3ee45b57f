import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fastestQemu, hostrock, type Machine } from '../../bench/contenders.ts';
import { SUITE } from '../../bench/cpu/debian-tree.ts';
import { CommandError, ExitStatus } from '../../src/cli/exit-status.ts';
import { describeOptions, type OptionTable, parseCount, parseOptions, parseSeconds } from '../../src/cli/options.ts';
import { sha256Hex } from '../../src/images/bytes.ts';
import { imageContext, resolveBootImage } from '../../src/images/node/boot-image.ts';
import type { ObjectStore } from '../../src/images/store.ts';
import { jobs, soakRamdisk } from './image.ts';
import { type Job, runMachine } from './machine.ts';

/**
 * The soak: a guest runs a random mix of programs at the same time, which get signals, while its engine is disturbed at random
 * (src/cpu/disturbance.ts). What each program prints must be what it prints in QEMU.
 */

const options = {
  minutes: { type: 'string', value: 'N', help: 'how long, fractions allowed (default 3)' },
  seed: { type: 'string', value: 'N', help: 'for everything random (default: one from the clock)' },
  vcpus: { type: 'string', short: 'c', value: 'N', help: 'processors of the guest (default 2)' },
  pcpus: { type: 'string', value: 'N', help: 'threads that run it (default: as hostrock run)' },
  jobs: { type: 'string', value: 'N', help: 'programs at the same time (default 2 for each processor)' },
  programs: { type: 'string', value: 'A,B', help: 'only these programs' },
  undisturbed: { type: 'boolean', help: 'leave the engine alone' },
  list: { type: 'boolean', help: 'say what programs there are' },
  verbose: { type: 'boolean', help: 'print each job' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

/** MiB. */
const MEMORY = 1024;
/** Seconds without the end of any job that count as a hang. */
const PATIENCE = 300;
const APPEND = 'quiet loglevel=5 print-fatal-signals=1';

const say = (line: string): void => {
  process.stderr.write(`soak: ${line}\n`);
};

const choose = (names: string | undefined): string[] => {
  const all = jobs.map(({ name }) => name);
  if (names === undefined) return all;
  const chosen = names.split(',');
  const unknown = chosen.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new CommandError(`no program '${unknown}': there are ${all.join(', ')}`);
  return chosen;
};

/** What each job prints in QEMU (MD5), from the cache if this ramdisk ran there before. */
const referenceSums = async (
  store: ObjectStore,
  machine: Machine,
  ramdisk: Uint8Array,
): Promise<ReadonlyMap<string, string>> => {
  const record = `soak-${(await sha256Hex(ramdisk)).slice(0, 32)}`;
  const known = await store.readRecord(record);
  if (known !== undefined) return new Map(Object.entries(JSON.parse(known) as Record<string, string>));
  say('running each program once in QEMU');
  const sums = new Map<string, string>();
  const wrong: Job[] = [];
  const lines: string[] = [];
  const work = ['0 0 1', ...jobs.map(({ name }) => name)].join(' ');
  const { trouble } = await runMachine(fastestQemu.command, fastestQemu.arguments(machine), work, PATIENCE, {
    onJob: (job) => {
      sums.set(job.name, job.sum);
      if (job.status !== 0) wrong.push(job);
    },
    onLine: (line) => lines.push(line),
  });
  const failed = trouble ?? (wrong.length > 0 ? `failed: ${wrong.map(({ name }) => name).join(', ')}` : undefined);
  if (failed !== undefined) {
    throw new CommandError(`in QEMU: ${failed}\n${lines.slice(-20).join('\n')}`, ExitStatus.failure);
  }
  await store.writeRecord(record, JSON.stringify(Object.fromEntries(sums)));
  return sums;
};

const main = async (args: string[]): Promise<number> => {
  const given = parseOptions(args, options);
  if (given.help === true) {
    process.stdout.write(`usage: node tools/soak/main.ts [OPTION...]\n\n${describeOptions(options)}\n`);
    return ExitStatus.success;
  }
  const names = choose(given.programs);
  if (given.list === true) {
    process.stdout.write(names.map((name) => `${name}\n`).join(''));
    return ExitStatus.success;
  }
  const seconds = parseSeconds('minutes', given.minutes ?? '3') * 60;
  const seed = parseCount('seed', given.seed ?? String(1 + (Date.now() % 1e9)), 1, 1e9);
  const vcpus = parseCount('vcpus', given.vcpus ?? '2', 1, 8);
  const atOnce = parseCount('jobs', given.jobs ?? String(2 * vcpus), 1, 100);
  const folder = await mkdtemp(join(tmpdir(), 'hostrock-soak-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(ExitStatus.failure));
  const context = await imageContext({});
  const { kernel, description } = await resolveBootImage({ suite: SUITE });
  const ramdisk = await soakRamdisk(context);
  const machine: Machine = {
    kernel: join(folder, 'Image'),
    ramdisk: join(folder, 'ramdisk'),
    memory: MEMORY,
    vcpus,
    append: APPEND,
  };
  await writeFile(machine.kernel, kernel);
  await writeFile(machine.ramdisk as string, ramdisk);
  const expected = await referenceSums(context.store, { ...machine, vcpus: 1 }, ramdisk);

  say(`${description}; ${vcpus} vCPU, ${atOnce} programs at a time, ${seconds / 60} minutes, seed ${seed}`);
  const disturb = given.undisturbed === true ? [] : ['--disturb', String(seed)];
  const threads = given.pcpus === undefined ? [] : ['--pcpus', given.pcpus];
  const divergences: string[] = [];
  const log: string[] = [];
  let done = 0;
  const started = performance.now();
  const at = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
  const { trouble, messages } = await runMachine(
    hostrock.command,
    [...hostrock.arguments(machine), '--stats', ...disturb, ...threads],
    [seed, seconds, atOnce, ...names].join(' '),
    PATIENCE,
    {
      onJob: ({ name, status, sum }) => {
        done++;
        if (given.verbose === true) say(`${at()}: ${name} ${status} ${sum}`);
        if (status === 0 && sum === expected.get(name)) return;
        const what = `${name}: status ${status}, ${sum} instead of ${expected.get(name)} (after ${at()})`;
        divergences.push(what);
        say(`DIVERGENCE: ${what}`);
      },
      onLine: (line) => {
        log.push(line);
        say(`${at()}: ${line}`);
      },
    },
  );
  if (given.verbose === true) process.stderr.write(messages);
  if (trouble !== undefined) {
    divergences.push(trouble);
    say(`TROUBLE: ${trouble}`);
  }
  process.stdout.write(`${done} jobs, ${divergences.length} divergences, seed ${seed}\n`);
  return divergences.length === 0 ? ExitStatus.success : ExitStatus.failure;
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`soak: ${error.message}\n`);
  process.exitCode = error instanceof CommandError ? error.status : ExitStatus.failure;
}
