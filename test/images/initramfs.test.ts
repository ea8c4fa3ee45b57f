import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { busyboxApplets } from '../../src/images/busybox.ts';
import { FileType, readCpio } from '../../src/images/cpio.ts';
import { buildInitramfs, type InitramfsInput, type RamdiskModule } from '../../src/images/initramfs.ts';
import { Applets, busybox, bytesOf } from './builders.ts';
import { imageError } from './expect.ts';

const module = (path: string, depends: string[] = [], aliases: string[] = []): RamdiskModule => ({
  path,
  content: bytesOf(`content of ${path}`),
  depends,
  aliases,
});

const input: InitramfsInput = {
  busybox: busybox(),
  kernelVersion: '6.1.0-50-arm64',
  modules: [
    module('kernel/net/9p/9pnet_xen.ko', ['9pnet'], ['xen:9pfs', '9p-xen']),
    module('kernel/fs/9p/9p.ko', ['9pnet', 'built_in'], ['fs-9p']),
    module('kernel/drivers/block/xen-blkfront.ko'),
    module('kernel/net/9p/9pnet.ko', ['netfs']),
    module('kernel/fs/netfs/netfs.ko'),
  ],
  load: ['9pnet_xen', 'xen-blkfront', 'xen-fbfront'],
};

const filesOf = (archive: Uint8Array): Map<string, { mode: number; text: string }> =>
  new Map(
    [...readCpio(archive, 'ramdisk')].map(({ path, mode, data }) => [
      path,
      { mode, text: Buffer.from(data ?? []).toString() },
    ]),
  );

test('every folder stands before what is in it', () => {
  const seen = new Set<string>();
  for (const { path, mode } of readCpio(buildInitramfs(input), 'ramdisk')) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    assert.ok(parent === '' || seen.has(parent), `${path} comes before its folder`);
    if ((mode & FileType.Mask) === FileType.Directory) seen.add(path);
  }
});

test('busybox can be called by each of its names', () => {
  const files = filesOf(buildInitramfs(input));
  assert.equal(files.get('bin/busybox')?.mode, FileType.Regular | 0o755);
  const others = ['busybox', 'poweroff', 'reboot'];
  for (const name of Applets.filter((applet) => !others.includes(applet))) {
    assert.deepEqual(files.get(`bin/${name}`), { mode: FileType.SymbolicLink | 0o777, text: 'busybox' });
  }
  assert.equal(files.get('usr/sbin')?.text, '../bin');
  assert.equal(files.get('init')?.mode, FileType.Regular | 0o755);
  assert.equal(files.get('dev/console')?.mode, FileType.Character | 0o600);
});

test('poweroff and reboot ask the first process until it obeys', () => {
  const files = filesOf(buildInitramfs(input));
  for (const name of ['poweroff', 'reboot']) {
    const file = files.get(`bin/${name}`);
    assert.equal(file?.mode, FileType.Regular | 0o755);
    assert.match(file?.text ?? '', new RegExp(`^#!/bin/sh\n[^]*while busybox ${name}; do`));
  }
});

test('modules are listed as modprobe and /init need them', () => {
  const files = filesOf(buildInitramfs(input));
  const root = 'lib/modules/6.1.0-50-arm64';
  const netfs = 'kernel/fs/netfs/netfs.ko';
  const net = 'kernel/net/9p/9pnet.ko';
  assert.equal(files.get(`${root}/${net}`)?.text, `content of ${net}`);
  assert.deepEqual(files.get(`${root}/modules.dep`)?.text.split('\n'), [
    'kernel/drivers/block/xen-blkfront.ko:',
    `kernel/fs/9p/9p.ko: ${net} ${netfs}`,
    `${netfs}:`,
    `${net}: ${netfs}`,
    `kernel/net/9p/9pnet_xen.ko: ${net} ${netfs}`,
    '',
  ]);
  assert.equal(
    files.get(`${root}/modules.alias`)?.text,
    'alias fs-9p 9p\nalias xen:9pfs 9pnet_xen\nalias 9p-xen 9pnet_xen\n',
  );
  assert.equal(
    files.get(`${root}/hostrock.load`)?.text,
    `${netfs}\n${net}\nkernel/net/9p/9pnet_xen.ko\nkernel/drivers/block/xen-blkfront.ko\n`,
  );
});

test('modules that need each other do not hang the builder', () => {
  const modules = [module('kernel/a.ko', ['b']), module('kernel/b.ko', ['a'])];
  const files = filesOf(buildInitramfs({ ...input, modules, load: ['a'] }));
  assert.equal(files.get('lib/modules/6.1.0-50-arm64/hostrock.load')?.text, 'kernel/b.ko\nkernel/a.ko\n');
});

test('equal inputs give equal bytes, in whatever order the modules come', () => {
  const reversed = { ...input, modules: [...(input.modules ?? [])].reverse() };
  assert.deepEqual(buildInitramfs(reversed), buildInitramfs(input));
});

test('without modules there is no folder for them', () => {
  const files = filesOf(buildInitramfs({ busybox: busybox(), kernelVersion: '6.1.0' }));
  assert.equal(files.has('lib/modules/6.1.0'), false);
});

test('/init is a script a shell accepts', () => {
  const script = filesOf(buildInitramfs(input)).get('init')?.text ?? '';
  assert.ok(script.startsWith('#!/bin/sh\n'));
  const { status, stderr } = spawnSync('/bin/sh', ['-n'], { input: script, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('what is not busybox, and what is no version, are refused', () => {
  assert.throws(() => busyboxApplets(bytesOf('\x7fELF'), 'bb'), imageError('format', /^bb: .*not a busybox binary/));
  assert.throws(() => busyboxApplets(busybox(['[', '[[', 'sh']), 'bb'), imageError('format', /no table of applets/));
  for (const kernelVersion of ['', '../x', 'a/b', '6.1 0']) {
    assert.throws(
      () => buildInitramfs({ busybox: busybox(), kernelVersion }),
      imageError('format', /not a kernel version/),
    );
  }
});
