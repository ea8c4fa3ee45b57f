import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PlacementError, place } from '../../src/toolstack/placement.ts';

const MIB = 1 << 20;
const BASE = 0x4000_0000;

test('the ramdisk goes to 128 MiB where there is room', () => {
  const placed = place({
    memory: 256 * MIB,
    textOffset: 0,
    imageSize: 30 * MIB,
    ramdiskSize: 2 * MIB,
    deviceTreeSize: 4096,
  });
  assert.deepEqual(placed, { kernel: BASE, ramdisk: BASE + 128 * MIB, deviceTree: BASE + 130 * MIB });
});

test('what does not fit is refused with the sizes', () => {
  assert.throws(
    () => place({ memory: 8 * MIB, textOffset: 0, imageSize: 30 * MIB, ramdiskSize: 0, deviceTreeSize: 4096 }),
    /kernel needs 30\.0 MiB but the domain has 8\.0 MiB/,
  );
  assert.throws(
    () => place({ memory: 64 * MIB, textOffset: 0, imageSize: 30 * MIB, ramdiskSize: 100 * MIB, deviceTreeSize: 4096 }),
    /ramdisk of 100\.0 MiB does not fit/,
  );
});

test('nothing overlaps and all lies in memory', () => {
  const size = fc.integer({ min: 0, max: 200 * MIB });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3072 }),
      size,
      size,
      fc.integer({ min: 1, max: 65536 }),
      (memory, image, ramdisk, tree) => {
        const request = {
          memory: memory * MIB,
          textOffset: 0,
          imageSize: image,
          ramdiskSize: ramdisk,
          deviceTreeSize: tree,
        };
        let placed: ReturnType<typeof place>;
        try {
          placed = place(request);
        } catch (error) {
          assert.ok(error instanceof PlacementError);
          return;
        }
        assert.ok(placed.kernel + image <= placed.ramdisk);
        assert.ok(placed.ramdisk + ramdisk <= placed.deviceTree);
        assert.ok(placed.deviceTree + tree <= BASE + request.memory);
      },
    ),
  );
});
