import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { decodeKernel, identifyKernel, parseKernelImage } from '../../src/images/kernel-image.ts';
import { NodeDecoders } from '../../src/images/node/decoders.ts';
import { WebDecoders } from '../../src/images/web-decoders.ts';
import { bytesOf, join, kernelImage, xz, zboot } from './builders.ts';
import { imageError, survives } from './expect.ts';

const decode = (bytes: Uint8Array): Promise<Uint8Array> => decodeKernel(bytes, 'vmlinuz', NodeDecoders);
const parse = (bytes: Uint8Array) => parseKernelImage(bytes, 'vmlinuz');

test('the header of a raw Image', () => {
  assert.deepEqual(parse(kernelImage({ textOffset: 0x80000, imageSize: 0x1234000, flags: 0b0010 })), {
    textOffset: 0x80000,
    imageSize: 0x1234000,
    pageSize: 4096,
    anywhere: false,
  });
  assert.deepEqual(
    [0b1000, 0b1010, 0b1100, 0b1110].map((flags) => parse(kernelImage({ flags })).pageSize),
    [undefined, 4096, 16384, 65536],
  );
  assert.equal(parse(kernelImage({ flags: 0b1000 })).anywhere, true);
});

test('kernels from before Linux 3.17 do not state their size', () => {
  const header = parse(kernelImage({ imageSize: 0, length: 0x3000 }));
  assert.deepEqual([header.textOffset, header.imageSize, header.anywhere], [0x80000, 0x3000, false]);
});

test('the memory needed covers the file', () => {
  assert.equal(parse(kernelImage({ imageSize: 0x1000, length: 0x3000 })).imageSize, 0x3000);
});

const image = kernelImage({ sectionEnd: 0x10000 });

test('every form gives the raw Image', async () => {
  const forms = {
    raw: image,
    gzip: gzipSync(image),
    xz: xz(image),
    zstd: zstdCompressSync(image),
    'zboot gzip': zboot('gzip', gzipSync(image)),
    'zboot xz': zboot('xzkern', xz(image)),
    'zboot zstd': zboot('zstd22', zstdCompressSync(image)),
    'gzip of zboot': gzipSync(zboot('gzip', gzipSync(image))),
  };
  for (const [form, bytes] of Object.entries(forms)) {
    assert.deepEqual(new Uint8Array(await decode(new Uint8Array(bytes))), image, form);
  }
  assert.deepEqual(
    Object.values(forms).map((bytes) => identifyKernel(new Uint8Array(bytes), 'vmlinuz').form),
    ['raw', 'compressed', 'compressed', 'compressed', 'zboot', 'zboot', 'zboot', 'compressed'],
  );
});

test('a host without a decoder says so', async () => {
  const bytes = new Uint8Array(zstdCompressSync(image));
  await assert.rejects(
    decodeKernel(bytes, 'vmlinuz', WebDecoders),
    imageError('unsupported', /vmlinuz: compressed with zstd/),
  );
  assert.deepEqual(await decodeKernel(new Uint8Array(gzipSync(image)), 'vmlinuz', WebDecoders), image);
});

test('a truncated kernel is refused', async () => {
  assert.throws(() => parse(image.subarray(0, 63)), imageError('format', /truncated: 63 bytes are too short/));
  assert.throws(
    () => parse(image.subarray(0, 0x8000)),
    imageError('format', /the kernel has 65536 bytes, the file only 32768/),
  );
  assert.throws(() => parse(image.subarray(0, 100)), imageError('format', /truncated/));
  assert.throws(() => parse(image.subarray(0, 220)), imageError('format', /truncated within the EFI section table/));
  for (const whole of [gzipSync(image), xz(image), zstdCompressSync(image)]) {
    await assert.rejects(
      decode(new Uint8Array(whole.subarray(0, whole.length / 2))),
      imageError('format', /corrupt or truncated/),
    );
  }
  const container = zboot('gzip', gzipSync(image));
  await assert.rejects(decode(container.subarray(0, 300)), imageError('format', /truncated: the payload ends at/));
  await assert.rejects(decode(container.subarray(0, 40)), imageError('format', /too short for a kernel/));
  await assert.rejects(
    decode(new Uint8Array(gzipSync(image.subarray(0, 0x8000)))),
    imageError('format', /\(unpacked\).*the file only 32768/),
  );
});

test('other files are refused by what they are', async () => {
  const withMagic = (offset: number, magic: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(0x400);
    bytes.set(magic, offset);
    return bytes;
  };
  const elf = (machine: number): Uint8Array =>
    join('\x7fELF\x02\x01\x01', new Uint8Array(11), Uint8Array.of(machine, 0), new Uint8Array(100));
  const cases: [Uint8Array, RegExp][] = [
    [withMagic(0x202, bytesOf('HdrS')), /x86 kernel \(bzImage\)/],
    [withMagic(56, bytesOf('RSC\x05')), /RISC-V kernel/],
    [withMagic(0x24, Uint8Array.of(0x18, 0x28, 0x6f, 0x01)), /32-bit Arm kernel/],
    [withMagic(0, Uint8Array.of(0x27, 0x05, 0x19, 0x56)), /uImage/],
    [withMagic(0, Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed)), /device tree/],
    [bytesOf(`070701${'0'.repeat(100)}`), /cpio archive/],
    [bytesOf(`!<arch>\n${' '.repeat(100)}`), /Debian package/],
    [bytesOf(`BZh9${' '.repeat(100)}`), /bzip2, which is not supported/],
    [elf(62), /ELF file for x86-64/],
    [elf(183), /ELF file for AArch64, .*not vmlinux/],
    [new Uint8Array(1000), /at byte 56: not an arm64 kernel/],
    [new Uint8Array(0), /0 bytes are too short/],
    [kernelImage({ sectionEnd: 0x2000, machine: 0x8664 }), /at byte 68: an EFI image for machine 0x8664/],
    [zboot('gzip', gzipSync(image), 0x5064), /zboot kernel for machine 0x5064/],
    [kernelImage({ flags: 0b1011 }), /at byte 24: a big-endian kernel/],
    [new Uint8Array(gzipSync('text')), /\(unpacked\): .*too short/],
    [new Uint8Array(gzipSync(gzipSync(image))), /compressed twice/],
    [zboot('gzip', gzipSync(zboot('gzip', gzipSync(image)))), /compressed twice/],
  ];
  for (const [bytes, message] of cases) await assert.rejects(decode(bytes), imageError('format', message));
  await assert.rejects(decode(zboot('lz4', image)), imageError('unsupported', /zboot kernel compressed with "lz4"/));
});

test('an impossible header is refused', () => {
  const beyond = kernelImage();
  beyond[20] = 1;
  assert.throws(() => parse(beyond), imageError('format', /image_size of the kernel header is beyond 4 GiB/));
  const empty = zboot('gzip', new Uint8Array(0));
  assert.throws(() => identifyKernel(empty, 'vmlinuz'), imageError('format', /impossible payload/));
});

test('no input makes the parser fail otherwise', () => {
  const seeds = [image.slice(0, 0x200), zboot('gzip', new Uint8Array(50)), kernelImage({ length: 64 })];
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.nat(0x120), fc.uint8Array({ maxLength: 12 }), (seed, at, bytes) => {
      const damaged = seed.slice();
      if (at < damaged.length) damaged.set(bytes.subarray(0, damaged.length - at), at);
      survives(() => identifyKernel(damaged, 'test'));
    }),
  );
});
