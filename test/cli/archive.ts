import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after } from 'node:test';
import { ShutdownReason } from '../../src/hypervisor/abi/sched.ts';
import { type ArchiveInput, type ArchivePackage, archiveFiles, type Served, serve } from '../images/archive-server.ts';
import { busybox, deb } from '../images/builders.ts';
import { makeKey, type TestKey } from '../images/keys.ts';
import { type CommandOptions, hostrock, type Outcome } from './command.ts';
import { tinyGuest } from './tiny-guest.ts';

/** A Debian archive on this machine whose kernel boots, for `hostrock run` without `--kernel`. */

const GREETING = 'hello from the archive\n';
/** So that a disk can be full in the middle of the kernel; no compression is used. */
const KERNEL_BYTES = 2 ** 16;
const KERNEL = 'boot/vmlinuz-6.1.0-1-cloud-arm64';

const kernel = (): Uint8Array => {
  const image = new Uint8Array(KERNEL_BYTES);
  image.set(tinyGuest(GREETING, { shutdown: ShutdownReason.poweroff }));
  return image;
};

const packages: readonly ArchivePackage[] = [
  {
    name: 'linux-image-cloud-arm64',
    version: '6.1',
    content: deb({ data: [{ name: `./${KERNEL}`, content: kernel() }], suffix: '' }),
  },
  {
    name: 'busybox-static',
    version: '1.35',
    content: deb({ data: [{ name: './bin/busybox', content: busybox() }], suffix: '' }),
  },
];

export const INDEX = 'dists/bookworm/main/binary-arm64/Packages.gz';
export const KERNEL_PACKAGE = 'pool/main/linux-image-cloud-arm64_6.1_arm64.deb';

export type ArchiveChanges = Partial<Omit<ArchiveInput, 'suite' | 'packages'>>;

/** What is signed by the key that the tests trust unless told otherwise. */
export const trustedKey: TestKey = await makeKey();

/** Files of the archive, by path. */
export const bootableFiles = async (changes: ArchiveChanges = {}): Promise<Map<string, Uint8Array>> =>
  await archiveFiles({ suite: 'bookworm', packages, key: trustedKey, ...changes });

export interface Case {
  readonly server: Served;
  readonly cache: string;
  readonly keyring: string;
}

/** Serves an archive as long as the test file lasts, with an empty cache beside it. */
export const serveArchive = async (folder: string, changes: ArchiveChanges = {}): Promise<Case> => {
  const server = await serve(await bootableFiles(changes));
  after(() => server.close());
  const own = mkdtempSync(join(folder, 'archive-'));
  const keyring = join(own, 'key.asc');
  writeFileSync(keyring, trustedKey.armored);
  return { server, cache: join(own, 'cache'), keyring };
};

/** This process's environment without what would change where images come from. */
export const plainEnvironment = (folder: string): NodeJS.ProcessEnv => {
  const kept = Object.entries(process.env).filter(([name]) => !/^HOSTROCK_|^XDG_|_proxy$/i.test(name));
  return { ...Object.fromEntries(kept), XDG_CONFIG_HOME: folder };
};

/** The arguments every run of the archive's kernel needs. */
export const GUEST = ['--vuart', '--memory', '16M'];

export const argumentsOf = ({ server, cache, keyring }: Case): string[] => [
  'run',
  ...GUEST,
  ...['--mirror', server.url],
  ...['--cache', cache],
  ...['--keyring', keyring],
];

/** Runs the archive's kernel. */
export const runFrom = async (
  archive: Case,
  further: readonly string[] = [],
  options: CommandOptions = {},
): Promise<Outcome> =>
  await hostrock([...argumentsOf(archive), ...further], { environment: plainEnvironment(archive.cache), ...options });

export const assertBooted = ({ status, stdout, stderr }: Outcome): void => {
  assert.equal(stdout, GREETING, stderr);
  assert.equal(status, 0, stderr);
};

/** Wants a run to have failed with status 1 and a last line that says why; gives that line. */
export const assertRefused = (
  { status, stdout, stderr }: Outcome,
  ...reasons: readonly (string | RegExp)[]
): string => {
  const lines = stderr.trimEnd().split('\n');
  const last = lines.at(-1) as string;
  for (const reason of reasons) {
    if (typeof reason === 'string') assert.ok(last.includes(reason), `no ${reason} in: ${stderr}`);
    else assert.match(last, reason);
  }
  assert.ok(
    lines.every((line) => line.startsWith('hostrock: ')),
    stderr,
  );
  assert.equal(stdout, '');
  assert.equal(status, 1);
  return last;
};

export const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

/** Wants a cache without anything that is not what its name says: whole objects, whole records, no temporary files. */
export const assertSound = (cache: string): void => {
  for (const path of filesIn(join(cache, 'objects'))) {
    assert.equal(basename(path), createHash('sha256').update(readFileSync(path)).digest('hex'));
  }
  for (const path of filesIn(join(cache, 'records'))) {
    assert.match(path, /\.json$/);
    JSON.parse(readFileSync(path, 'utf8'));
  }
};

/** Downloads that a later run would go on with. */
export const interrupted = (cache: string): string[] => filesIn(join(cache, 'partial'));

export const assertEmpty = (cache: string): void => assert.deepEqual(filesIn(cache), []);
