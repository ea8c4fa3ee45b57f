import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { moduleName, parseKernelModule } from '../../src/images/kernel-module.ts';
import { kernelModule } from './builders.ts';
import { imageError, survives } from './expect.ts';

test('what a module says of itself', () => {
  const module = kernelModule([
    'license=GPL',
    'alias=fs-ext4',
    'alias=ext3',
    'depends=jbd2,mbcache,nls-utf8',
    'name=ext4',
  ]);
  assert.deepEqual(parseKernelModule(module, 'ext4.ko'), {
    depends: ['jbd2', 'mbcache', 'nls_utf8'],
    aliases: ['fs-ext4', 'ext3'],
  });
  assert.deepEqual(parseKernelModule(kernelModule(['depends=']), 'a.ko').depends, []);
});

test('names are told apart regardless of how they are written', () => {
  assert.equal(moduleName('xen-blkfront'), moduleName('xen_blkfront'));
});

test('what is no module is refused', () => {
  const module = kernelModule(['name=a']);
  const parse = (bytes: Uint8Array) => () => parseKernelModule(bytes, 'a.ko');
  assert.throws(parse(new Uint8Array(100)), imageError('format', /^a.ko: at byte 0: not a kernel module/));
  assert.throws(parse(module.subarray(0, 60)), imageError('format', /not a kernel module/));
  assert.throws(parse(module.subarray(0, -1)), imageError('format', /section table is damaged or truncated/));
  const far = module.slice();
  far[far.length - 64 + 0x21] = 0xff;
  assert.throws(parse(far), imageError('format', /truncated: an ELF section ends at/));
  const nameless = module.slice();
  nameless[nameless.length - 2 * 64] = 0;
  assert.throws(parse(nameless), imageError('format', /no .modinfo section/));
});

test('no input makes the parser fail otherwise', () => {
  const module = kernelModule(['name=a', 'depends=b']);
  fc.assert(
    fc.property(fc.nat(module.length - 1), fc.uint8Array({ maxLength: 12 }), (at, bytes) => {
      const damaged = module.slice();
      damaged.set(bytes.subarray(0, damaged.length - at), at);
      survives(() => parseKernelModule(damaged, 'test'));
    }),
  );
});
