import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type CommandOptions, hostrock, PROGRAM, temporaryFolder } from './command.ts';
import { tinyGuest } from './tiny-guest.ts';

/** Files and places that are not what they should be: one line that names what and where, status 1, no hang. */

const folder = temporaryFolder();

const file = (name: string, content: Uint8Array | string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const fails = async (
  args: readonly string[],
  named: readonly RegExp[],
  options: CommandOptions = {},
): Promise<void> => {
  const { status, stdout, stderr } = await hostrock(['run', ...args], { limit: 30_000, ...options });
  assert.match(stderr, /^hostrock: [^\n]+\n$/);
  for (const name of named) assert.match(stderr, name);
  assert.doesNotMatch(stderr, /\n\s+at /);
  assert.equal(stdout, '');
  assert.equal(status, 1);
};

const image = tinyGuest('', 'idle');
const good = file('good', image);

test('a kernel that is none', async () => {
  const bzImage = new Uint8Array(1024);
  bzImage.set(Buffer.from('HdrS'), 0x202);
  const elf = new Uint8Array(64);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf[18] = 62;
  await fails(['--kernel', file('text', 'x'.repeat(4096))], [/text/, /not an arm64 kernel/]);
  await fails(['--kernel', file('empty', '')], [/empty/, /truncated/]);
  await fails(['--kernel', file('bzImage', bzImage)], [/bzImage/, /x86/]);
  await fails(['--kernel', file('vmlinux', elf)], [/vmlinux/, /ELF/, /x86-64/]);
});

test('a kernel cut short', async () => {
  const gzip = gzipSync(Buffer.concat([image, Buffer.alloc(100_000, 'noise')]));
  await fails(['--kernel', file('short.gz', gzip.subarray(0, gzip.length / 2))], [/short\.gz/]);
  await fails(['--kernel', file('short', image.subarray(0, 40))], [/short/, /truncated: 40 bytes/]);
});

test('files that are not there, not files, or not readable', async () => {
  const none = join(folder, 'none');
  const directory = join(folder, 'directory');
  mkdirSync(directory);
  await fails(['--kernel', none], [/none/, /no such file/]);
  await fails(['--kernel', directory], [/directory/]);
  await fails(['--kernel', good, '--ramdisk', none], [/none/, /no such file/]);
  await fails(['--kernel', good, '--ramdisk', directory], [/directory/]);
  // Readable to nobody, not even root.
  await fails(['--kernel', '/proc/self/mem'], [/\/proc\/self\/mem/]);
});

test('too little memory', async () => {
  const ramdisk = file('ramdisk', '');
  truncateSync(ramdisk, 20 * 2 ** 20);
  await fails(
    ['--kernel', good, '--memory', '1M'],
    [/the kernel needs 2\.0 MiB but the domain has 1\.0 MiB/, /--memory/],
  );
  await fails(
    ['--kernel', good, '--ramdisk', ramdisk, '--memory', '16M'],
    [/ramdisk of 20\.0 MiB/, /16\.0 MiB/, /--memory/],
  );
});

test('a cache that is no folder, a suite that is no name', async () => {
  await fails(['--cache', good, '--offline'], [/good/]);
  await fails(['--suite', '../etc', '--cache', join(folder, 'cache'), '--offline'], [/\.\.\/etc/]);
});

test('the message is the same from another folder, and names the file as it was given', async () => {
  await fails(['--kernel', './none'], [/\.\/none/], { folder, program: [PROGRAM] });
});
