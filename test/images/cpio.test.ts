import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CpioEntry, concatenateCpio, FileType, readCpio, writeCpio } from '../../src/images/cpio.ts';
import { bytesOf, join } from './builders.ts';
import { imageError, survives } from './expect.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

test('the bytes are those of the newc format', () => {
  const archive = writeCpio([{ path: 'ab', mode: FileType.Regular | 0o644, data: bytesOf('hello'), mtime: 16 }]);
  const header = (...fields: string[]): string => `070701${fields.map((field) => field.padStart(8, '0')).join('')}`;
  const file = header('1', '81a4', '', '', '1', '10', '5', '', '', '', '', '3', '');
  const trailer = header('', '', '', '', '1', '', '', '', '', '', '', 'b', '');
  assert.equal(text(archive), `${file}ab\0\0\0\0hello\0\0\0${trailer}TRAILER!!!\0\0\0\0`);
});

test('equal entries give equal bytes, at every time', () => {
  const entries: CpioEntry[] = [
    { path: 'dev', mode: FileType.Directory | 0o755 },
    { path: 'dev/console', mode: FileType.Character | 0o600, device: [5, 1] },
    { path: 'init', mode: FileType.Regular | 0o755, data: bytesOf('#!/bin/sh\n') },
  ];
  assert.deepEqual(writeCpio(entries), writeCpio(structuredClone(entries)));
});

const arbitraryEntries = fc.uniqueArray(
  fc.record(
    {
      path: fc.stringMatching(/^[a-zé][a-z0-9é/]{0,30}[a-zé]$/),
      mode: fc.constantFrom(FileType.Regular | 0o644, FileType.SymbolicLink | 0o777, FileType.Directory | 0o700),
      data: fc.uint8Array({ maxLength: 40 }),
      uid: fc.nat(),
      gid: fc.nat(),
      mtime: fc.nat(),
    },
    { noNullPrototype: true },
  ),
  { selector: ({ path }) => path, maxLength: 12 },
);

test('what is written is read back', () => {
  fc.assert(
    fc.property(arbitraryEntries, (entries) => {
      assert.deepEqual([...readCpio(writeCpio(entries), 'test')], entries);
    }),
  );
});

test('a device keeps its numbers', () => {
  const [entry] = readCpio(writeCpio([{ path: 'null', mode: FileType.Character | 0o666, device: [1, 3] }]), 'test');
  assert.deepEqual(entry.device, [1, 3]);
});

test('concatenated archives are read one after the other', () => {
  const one = writeCpio([{ path: 'one', mode: FileType.Regular, data: bytesOf('1') }]);
  const two = writeCpio([{ path: 'two', mode: FileType.Regular, data: bytesOf('22') }]);
  const paths = [...readCpio(concatenateCpio([one, two, new Uint8Array(512)]), 'test')].map(({ path }) => path);
  assert.deepEqual(paths, ['one', 'two']);
});

test('a wrong checksum is found in the form that has one', () => {
  const archive = writeCpio([{ path: 'file', mode: FileType.Regular, data: bytesOf('abc') }]);
  archive[5] = '2'.charCodeAt(0);
  assert.throws(() => [...readCpio(archive, 'test')], imageError('format', /file does not match its checksum/));
  archive.set(bytesOf((0x61 + 0x62 + 0x63).toString(16).padStart(8, '0')), 102);
  archive[archive.indexOf(0x54) - 105] = '2'.charCodeAt(0);
  assert.equal([...readCpio(archive, 'test')].length, 1);
});

test('a damaged archive is refused with the place of the damage', () => {
  const archive = writeCpio([{ path: 'file', mode: FileType.Regular, data: bytesOf('abc') }]);
  const read = (bytes: Uint8Array): CpioEntry[] => [...readCpio(bytes, 'ramdisk')];
  assert.throws(() => read(new Uint8Array(0)), imageError('format', /^ramdisk: at byte 0: truncated: no cpio trailer/));
  assert.throws(() => read(archive.subarray(0, 50)), imageError('format', /within a cpio header/));
  assert.throws(() => read(archive.subarray(0, 112)), imageError('format', /within a cpio path/));
  assert.throws(
    () => read(archive.subarray(0, 118)),
    imageError('format', /at byte 116: .*file needs 3 bytes, 2 are left/),
  );
  assert.throws(() => read(archive.subarray(0, 120)), imageError('format', /no cpio trailer/));
  assert.throws(() => read(join(archive, 'junk')), imageError('format', /truncated within a cpio header/));
  const notHex = archive.slice();
  notHex[20] = 0x78;
  assert.throws(() => read(notHex), imageError('format', /at byte 20: .*not a hexadecimal/));
});

test('impossible entries are not written', () => {
  const write = (path: string) => () => writeCpio([{ path, mode: FileType.Regular }]);
  for (const path of ['', '/etc', 'a\0b', 'TRAILER!!!']) assert.throws(write(path), imageError('format', /path/));
  const twice = [1, 2].map(() => ({ path: 'a', mode: FileType.Regular }));
  assert.throws(() => writeCpio(twice), imageError('format', /a is given twice/));
});

test('no input makes the reader fail otherwise', () => {
  const archive = writeCpio([{ path: 'file', mode: FileType.Regular, data: bytesOf('abc') }]);
  fc.assert(
    fc.property(fc.nat(archive.length - 1), fc.uint8Array({ maxLength: 20 }), (at, bytes) => {
      const damaged = archive.slice();
      damaged.set(bytes.subarray(0, damaged.length - at), at);
      survives(() => [...readCpio(damaged, 'test')]);
    }),
  );
});
