import { generateKeyPairSync, getDiffieHellman } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeText } from '../../src/images/bytes.ts';
import { type CpioEntry, FileType, readCpio, writeCpio } from '../../src/images/cpio.ts';
import { guestDriver, nativeDriver } from './driver.ts';
import { functions, sound, table, text } from './inputs.ts';
import type { Program } from './program.ts';

/**
 * What the suite adds to Debian's files:
 * - /bench/run: a script for each program
 * - /bench/bin: programs of our own for arm64
 * - /bench/guest: what the interpreters run
 * - /bench/data: text (4 MiB of words), table (a key and two numbers a row), sound.wav (15 s), functions.c, key.pem (RSA),
 *   prime (2048 bits, hexadecimal)
 * - /init: the driver
 */

const MIB = 2 ** 20;
const GUEST_SOURCES = fileURLToPath(new URL('guest/', import.meta.url));

const folder = (path: string): CpioEntry => ({ path, mode: FileType.Directory | 0o755 });
const file = (path: string, data: Uint8Array): CpioEntry => ({ path, mode: FileType.Regular | 0o644, data });
const executable = (path: string, data: Uint8Array): CpioEntry => ({ path, mode: FileType.Regular | 0o755, data });

/** A key made anew each time: a signature takes as long with any. */
const key = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

/** That of the 2048-bit group of RFC 3526. */
const prime = (): string => getDiffieHellman('modp14').getPrime('hex');

const data = (): Record<string, Uint8Array> => ({
  text: text(4 * MIB),
  table: table(60_000),
  'sound.wav': sound(15),
  'functions.c': functions(3),
  'key.pem': encodeText(key()),
  prime: encodeText(`${prime()}\n`),
});

/** Files for every machine. */
export const suiteFiles = (programs: readonly Program[]): CpioEntry[] => [
  ...['bench', 'bench/bin', 'bench/run', 'bench/guest', 'bench/data', 'dev', 'proc', 'sys', 'tmp'].map(folder),
  ...programs.map(({ name, script }) => file(`bench/run/${name}`, encodeText(`${script}\n`))),
  ...programs.flatMap(({ binaries = {} }) =>
    Object.entries(binaries).map(([name, content]) => executable(`bench/bin/${name}`, content)),
  ),
  ...readdirSync(GUEST_SOURCES).map((name) => file(`bench/guest/${name}`, readFileSync(join(GUEST_SOURCES, name)))),
  ...Object.entries(data()).map(([name, content]) => file(`bench/data/${name}`, content)),
];

/** The archive to unpack after Debian's files in a machine. */
export const guestAdditions = (files: readonly CpioEntry[]): Uint8Array =>
  writeCpio([
    ...files,
    // The kernel opens this before the driver has mounted anything.
    { path: 'dev/console', mode: FileType.Character | 0o600, device: [5, 1] },
    executable('init', encodeText(guestDriver)),
  ]);

/** The archive to unpack after Debian's files in a folder of the host. */
export const nativeAdditions = (files: readonly CpioEntry[]): Uint8Array =>
  writeCpio([...files, executable('init', encodeText(nativeDriver))]);

/** Unpacks an archive of files, folders and symbolic links. The archive is one of ours: its paths are good. */
export const unpack = async (archive: Uint8Array, root: string): Promise<void> => {
  for (const { path, mode, data = new Uint8Array(0) } of readCpio(archive, 'the tree for native runs')) {
    const target = join(root, path);
    const type = mode & FileType.Mask;
    if (type === FileType.Directory) await mkdir(target, { recursive: true });
    else if (type === FileType.SymbolicLink) await symlink(Buffer.from(data).toString(), target);
    else await writeFile(target, data, { mode: mode & 0o777 });
  }
};
