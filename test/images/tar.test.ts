import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type TarEntry, TarReader } from '../../src/images/tar.ts';
import { bytesOf, join, paxRecords, type TarItem, tar, tarHeader, tarItem } from './builders.ts';
import { imageError, survives } from './expect.ts';

interface Read {
  readonly entry: TarEntry;
  readonly content: string;
}

function read(archive: Uint8Array, chunk = archive.length): Read[] {
  const found: { entry: TarEntry; content: string }[] = [];
  const reader = new TarReader('test.tar', (entry) => {
    const item = { entry, content: '' };
    found.push(item);
    return (content) => {
      item.content = Buffer.from(content).toString();
    };
  });
  for (let at = 0; at < archive.length; at += chunk) {
    // As a decompressor may, the chunk's memory is used again afterwards.
    const piece = archive.slice(at, at + chunk);
    reader.push(piece);
    piece.fill(0xff);
  }
  reader.finish();
  return found;
}

const summary = (archive: Uint8Array): string[] =>
  read(archive).map(({ entry, content }) => `${entry.type} ${entry.path}=${content}`);

const example: TarItem[] = [
  { name: './', type: '5', mode: 0o755 },
  { name: './etc/motd', content: 'welcome', mtime: 1234567890 },
  { name: './etc/empty' },
  { name: './bin/sh', type: '2', link: 'busybox' },
  { name: './bin/ash', type: '1', link: './bin/sh' },
  { name: './big', content: 'x'.repeat(1500) },
];

test('entries are read in order, whatever the pieces', () => {
  const archive = tar(example);
  const whole = read(archive);
  assert.deepEqual(
    whole.map(({ entry }) => `${entry.type} ${entry.path} ${entry.size} ${entry.linkTarget}`),
    [
      'directory  0 ',
      'file etc/motd 7 ',
      'file etc/empty 0 ',
      'symlink bin/sh 0 busybox',
      'link bin/ash 0 bin/sh',
      'file big 1500 ',
    ],
  );
  assert.equal(whole[1].entry.mtime, 1234567890);
  assert.equal(whole[0].entry.mode, 0o755);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), (chunk) => assert.deepEqual(read(archive, chunk), whole)),
    { numRuns: 30 },
  );
});

test('content is skipped unless asked for', () => {
  let seen = '';
  const reader = new TarReader('test.tar', ({ path }) =>
    path === 'etc/motd' ? (content) => (seen += Buffer.from(content)) : undefined,
  );
  reader.push(tar(example));
  reader.finish();
  assert.equal(seen, 'welcome');
});

test('long names: ustar prefix, GNU and pax', () => {
  const long = 'folder/'.repeat(30);
  assert.deepEqual(summary(tar([{ name: 'file', prefix: 'a/b', content: '1' }])), ['file a/b/file=1']);
  const gnu = tar([
    { name: '././@LongLink', type: 'L', content: `${long}name\0` },
    { name: '././@LongLink', type: 'K', content: 'target\0' },
    { name: 'short', type: '2', link: 'shor' },
    { name: 'next', content: '2' },
  ]);
  assert.deepEqual(summary(gnu), [`symlink ${long}name=`, 'file next=2']);
  assert.equal(read(gnu)[0].entry.linkTarget, 'target');
  const records = paxRecords({ path: `${long}é`, mtime: '12.75', uid: '100000', comment: 'x' });
  const pax = tar([{ name: 'pax', type: 'x', content: records }, { name: 'short', content: '3' }, { name: 'next' }]);
  assert.deepEqual(summary(pax), [`file ${long}é=3`, 'file next=']);
  assert.deepEqual([read(pax)[0].entry.mtime, read(pax)[0].entry.uid], [12, 100000]);
});

test('a size from a pax header rules over the one in the entry', () => {
  const records = paxRecords({ size: '5' });
  const head = tarHeader({ name: 'file', size: bytesOf('00000000000\0') });
  const archive = join(
    tarItem({ name: 'pax', type: 'x', content: records }),
    head,
    'hello',
    new Uint8Array(507 + 1024),
  );
  assert.deepEqual(summary(archive), ['file file=hello']);
});

test('numbers in base 256', () => {
  const size = Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3);
  const archive = join(tarHeader({ name: 'file', size }), 'abc', new Uint8Array(509 + 1024));
  assert.deepEqual(summary(archive), ['file file=abc']);
  const huge = Uint8Array.of(0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 3);
  assert.throws(
    () => read(tarHeader({ name: 'file', size: huge })),
    imageError('format', /at byte 124: a tar size out of range/),
  );
});

test('paths out of the archive are refused, link targets are not paths', () => {
  for (const name of ['../etc/passwd', './a/../../b', '..']) {
    assert.throws(() => read(tar([{ name }])), imageError('format', /leads out of the archive/));
  }
  assert.throws(() => read(tar([{ name: 'a', type: '1', link: '../b' }])), imageError('format', /leads out/));
  assert.deepEqual(summary(tar([{ name: '/etc//passwd' }])), ['file etc/passwd=']);
  assert.equal(read(tar([{ name: 'a', type: '2', link: '../../b' }]))[0].entry.linkTarget, '../../b');
});

test('a damaged archive is refused with the place of the damage', () => {
  const archive = tar(example);
  assert.throws(() => read(archive.subarray(0, 700)), imageError('format', /^test.tar: at byte 700: truncated/));
  assert.throws(
    () => read(archive.subarray(0, -1024)),
    imageError('format', /truncated: the tar archive has no end mark/),
  );
  const damaged = archive.slice();
  damaged[513] ^= 1;
  assert.throws(() => read(damaged), imageError('format', /at byte 512: .*checksum/));
  assert.throws(() => read(tar([{ name: 'a', type: 'S' }])), imageError('format', /at byte 156: .*unknown type "S"/));
  assert.throws(
    () => read(tar([{ name: 'a', size: bytesOf('0000000z000\0') }])),
    imageError('format', /size that is not an octal/),
  );
  const lone = join(new Uint8Array(512), tarHeader({ name: 'a' }), new Uint8Array(1024));
  assert.throws(() => read(lone), imageError('format', /at byte 512: tar entries after an empty block/));
  const records = [' path=a\n', '99 path=a\n', '9 path=a', '7 path\n', '3 \n', 'x path=a\n'];
  for (const content of records) {
    assert.throws(
      () => read(tar([{ name: 'p', type: 'x', content }, { name: 'a' }])),
      imageError('format', /pax record/),
    );
  }
  const oversized = tarHeader({ name: 'p', type: 'x', size: bytesOf('00077777777\0') });
  assert.throws(() => read(oversized), imageError('format', /extension header of 16777215 bytes/));
});

test('no input makes the reader fail otherwise', () => {
  const archive = tar([{ name: 'p', type: 'x', content: paxRecords({ path: 'long' }) }, ...example]);
  fc.assert(
    fc.property(fc.nat(archive.length - 1), fc.uint8Array({ maxLength: 20 }), (at, bytes) => {
      const damaged = archive.slice();
      damaged.set(bytes.subarray(0, damaged.length - at), at);
      survives(() => read(damaged));
    }),
  );
});
