import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKernelImage } from '../../src/images/kernel-image.ts';
import { selftestImage } from '../../src/selftest/image.ts';

const MIB = 2 ** 20;

test('the image has the header of an arm64 Image', () => {
  const image = selftestImage();
  const view = new DataView(image.buffer, image.byteOffset);
  assert.equal(view.getUint32(56, true), 0x644d5241);
  const { textOffset, imageSize } = parseKernelImage(image, 'the self-test');
  assert.equal(textOffset, 0);
  assert.ok(imageSize > image.length && imageSize <= 2 * MIB, `${imageSize} bytes`);
  // Little-endian, 4 KiB pages.
  assert.equal(view.getUint32(24, true) & 7, 2);
});

test('the image is the same every time', () => {
  assert.deepEqual(selftestImage(), selftestImage());
});
