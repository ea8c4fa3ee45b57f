import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '../images/builders.ts';
import {
  argumentsOf,
  assertBooted,
  assertRefused,
  assertSound,
  type Case,
  filesIn,
  INDEX,
  plainEnvironment,
  runFrom,
  serveArchive,
} from './archive.ts';
import { hostrock, type Outcome, PROGRAM, temporaryFolder } from './command.ts';

/** The disk that has the cache is full: a line that says which file, status 1, and nothing that is trusted later. */

const folder = temporaryFolder();

const assertFull = (outcome: Outcome, place: string): void => {
  assertRefused(
    outcome,
    `hostrock: cannot write ${place}/`,
    ': no space is left on its disk. The cache folder can be chosen with HOSTROCK_CACHE or --cache.',
  );
};

/** Mounts a disk with options $1 at $2, runs the rest, and copies what is on the disk then to $3. */
const ON_DISK = `mount -t tmpfs -o "$1" none "$2" || exit
disk=$2 copy=$3
shift 3
"$@"
status=$?
cp -R "$disk/." "$copy"
exit $status`;

/** A program with a disk of its own in memory, which needs no rights in a namespace of the user's. */
const onDisk = (options: string, disk: string, copy: string, program: string) =>
  ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', ON_DISK, 'sh', options, disk, copy, program] as const;

const temporary = (): string => mkdtempSync(join(folder, 'disk-'));

/** Why no disk can be mounted here; false if one can. */
const obstacle = (): string | false => {
  const [command, ...args] = onDisk('size=4k', temporary(), temporary(), 'true');
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return status !== 0 && `users may not mount disks in memory here: ${error?.message ?? stderr.trim()}`;
};

/** Runs with the cache on a small disk; gives the archive with what was left of the cache, where there is room. */
const runOnDisk = async (archive: Case, options: string): Promise<{ outcome: Outcome; later: Case }> => {
  const cache = temporary();
  const outcome = await hostrock(argumentsOf(archive), {
    program: onDisk(options, archive.cache, cache, PROGRAM),
    environment: plainEnvironment(folder),
  });
  return { outcome, later: { ...archive, cache } };
};

/** Bytes that a finished cache takes on a disk in memory. */
const roomFor = async (): Promise<{ all: number; page: number }> => {
  const page = Number(spawnSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }).stdout);
  const archive = await serveArchive(folder);
  assertBooted(await runFrom(archive));
  const pages = filesIn(archive.cache).map((path) => Math.ceil(statSync(path).size / page));
  return { all: pages.reduce((sum, count) => sum + count, 0) * page, page };
};

test('a disk that fills up, at whichever file', { skip: obstacle() }, async (t) => {
  const { all, page } = await roomFor();
  // In the order in which a run writes: signed index, index, packages, kernel, ramdisk, and the record that leads to these.
  const disks: readonly (readonly [options: string, place: string])[] = [
    ['size=1m,nr_inodes=1', 'records'],
    ['size=1m,nr_inodes=2', 'records'],
    [`size=${page}`, 'partial'],
    ['size=40k', 'partial'],
    ['size=120k', 'objects'],
    [`size=${all - 2 * page}`, 'objects'],
    [`size=${all - page}`, 'records'],
  ];
  for (const [options, place] of disks) {
    await t.test(options, async () => {
      const archive = await serveArchive(folder);
      mkdirSync(archive.cache);
      const { outcome, later } = await runOnDisk(archive, options);
      assertFull(outcome, join(archive.cache, place));
      assertSound(later.cache);
      assertBooted(await runFrom(later));
      assertSound(later.cache);
    });
  }
  await t.test('and one that just suffices', async () => {
    const archive = await serveArchive(folder);
    mkdirSync(archive.cache);
    const { outcome, later } = await runOnDisk(archive, `size=${all}`);
    assertBooted(outcome);
    assertBooted(await runFrom(later, ['--offline']));
  });
});

test('a download to a device that is always full', async () => {
  const archive = await serveArchive(folder);
  const index = sha256(archive.server.files.get(INDEX) as Uint8Array);
  // As if left by a process that has ended: no process has this number, which is above the largest that Linux gives.
  const partial = join(archive.cache, 'partial', `${index}.4194999.1`);
  mkdirSync(dirname(partial), { recursive: true });
  symlinkSync('/dev/full', partial);
  assertFull(await runFrom(archive), join(archive.cache, 'partial'));
  assertSound(archive.cache);
  assert.ok(!filesIn(archive.cache).some((path) => path.endsWith(index)));
  rmSync(dirname(partial), { recursive: true });
  assertBooted(await runFrom(archive));
});
