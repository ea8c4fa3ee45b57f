import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as gicv3 from '../../src/hypervisor/vgic/gicv3.ts';
import { ICC_SGI1R, Offset, TestGic } from './test-gic.ts';

const icc = (crm: number, op2: number): number => (3 << 14) | (12 << 7) | (crm << 3) | op2;

describe('GICv2', () => {
  test('identification and type', () => {
    const gic = new TestGic(2, 3);
    assert.equal(gic.readDistributor(0x004), (2 << 5) | 7);
    assert.equal(gic.readDistributor(0x008), 0x43b);
    assert.equal((gic.readDistributor(0xfe8) >>> 4) & 15, 2);
    assert.equal(gic.readInterface(0, 0xfc), 0x2_043b);
  });

  test('control keeps its enable bits', () => {
    const gic = new TestGic(2);
    gic.writeDistributor(0, 0xffff_ffff);
    assert.equal(gic.readDistributor(0), 3);
    gic.write(0, 'control', 0xffff_ffff);
    assert.equal(gic.read(0, 'control'), 0x201);
    assert.equal(gic.read(1, 'control'), 0);
  });

  test('targets: private interrupts name their reader, shared ones are byte-addressed', () => {
    const gic = new TestGic(2, 4);
    assert.equal(gic.readDistributor(0x800, 2), 0x0404_0404);
    gic.writeDistributor(0x800, 0xffff_ffff, 2);
    assert.equal(gic.readDistributor(0x800, 2), 0x0404_0404);
    gic.writeDistributor(0x820, 0x0804_0201);
    assert.deepEqual(
      [0, 1, 2, 3].map((byte) => gic.readDistributor(0x820 + byte, 0, 1)),
      [1, 2, 4, 8],
    );
    gic.writeDistributor(0x821, 0xf, 0, 1);
    assert.equal(gic.readDistributor(0x820), 0x0804_0f01);
  });

  test('a software interrupt to the sender itself; the reserved filter does nothing', () => {
    const gic = new TestGic(2, 2).open();
    for (const vcpu of [0, 1]) gic.setPriority(5, 0x80, vcpu);
    gic.writeDistributor(0xf00, (3 << 24) | (3 << 16) | 5, 1);
    assert.deepEqual([gic.line(0), gic.line(1)], [0, 0]);
    gic.writeDistributor(0xf00, (2 << 24) | 5, 1);
    assert.deepEqual([gic.line(0), gic.line(1)], [0, 1]);
  });

  test('a software interrupt comes once from each who sent it, and says from whom', () => {
    const gic = new TestGic(2, 4).open();
    gic.setPriority(5, 0x80, 2);
    for (const sender of [3, 1, 3]) gic.send(sender, 5, 0b100);
    assert.equal(gic.read(2, 'highest'), (1 << 10) | 5);
    assert.equal(gic.read(2, 'acknowledge'), (1 << 10) | 5);
    assert.deepEqual([gic.bit(Offset.setPending, 5, 2), gic.read(2, 'acknowledge')], [1, 1023], 'active: it waits');
    gic.write(2, 'end', (1 << 10) | 5);
    assert.equal(gic.read(2, 'acknowledge'), (3 << 10) | 5);
    gic.write(2, 'end', (3 << 10) | 5);
    assert.deepEqual([gic.bit(Offset.setPending, 5, 2), gic.read(2, 'acknowledge')], [0, 1023]);
    gic.send(0, 5, 0b1111);
    assert.deepEqual([gic.read(2, 'acknowledge'), gic.read(2, 'highest')], [5, 1023]);
  });

  test('who waits with a software interrupt can be read, set and cleared, each processor for itself', () => {
    const gic = new TestGic(2, 3).open();
    gic.setPriority(6, 0x80, 1);
    gic.send(2, 6, 0b010);
    for (const offset of [0xf14, 0xf24]) {
      assert.equal(gic.readDistributor(offset, 1), 0x0004_0000);
      assert.equal(gic.readDistributor(offset + 2, 1, 1), 4);
      assert.equal(gic.readDistributor(offset, 0), 0);
    }
    gic.writeDistributor(0xf24, 0xff01_0000, 1);
    assert.equal(gic.readDistributor(0xf24, 1), 0x0705_0000, 'of three processors');
    gic.writeDistributor(0xf16, 0x04, 1, 1);
    assert.equal(gic.readDistributor(0xf14, 1), 0x0701_0000);
    gic.writeDistributor(0x280, 0xffff_ffff, 1);
    gic.writeDistributor(0x200, 1, 1);
    assert.equal(gic.readDistributor(0x200, 1), (1 << 6) | (1 << 7), 'not by the registers of other interrupts');
    gic.writeDistributor(0xf14, 0xffff_ffff, 1);
    assert.deepEqual([gic.readDistributor(0x200, 1), gic.line(1)], [0, 0]);
  });

  test('priority mask and binary points have their limits', () => {
    const gic = new TestGic(2);
    gic.write(0, 'mask', 0xff);
    assert.equal(gic.read(0, 'mask'), 0xf8);
    gic.writeInterface(0, 0x08, 0);
    gic.writeInterface(0, 0x1c, 0);
    assert.deepEqual([gic.readInterface(0, 0x08), gic.readInterface(0, 0x1c)], [2, 3]);
    gic.writeInterface(0, 0x08, 7);
    assert.equal(gic.readInterface(0, 0x08), 7);
  });
});

describe('GICv3', () => {
  const redistributor = (gic: TestGic, offset: number, size = 4): number =>
    gicv3.readRedistributor(gic.vgic, gic.record, offset, size);

  test('identification and type', () => {
    const gic = new TestGic(3, 3);
    assert.equal(gic.readDistributor(0x004) & 31, 7);
    assert.equal((gic.readDistributor(0x004) >>> 19) & 31, 9);
    assert.equal((gic.readDistributor(0xffe8) >>> 4) & 15, 3);
    assert.equal((redistributor(gic, 0xffe8) >>> 4) & 15, 3);
    assert.equal(gic.readDistributor(0), 1 << 4, 'affinity routing');
    gic.writeDistributor(0, 0xffff_ffff);
    assert.equal(gic.readDistributor(0), 0x13);
  });

  test('redistributors: numbers and affinities, the last one marked, nothing after it', () => {
    const gic = new TestGic(3, 3);
    const types = [0, 1, 2, 3].map((vcpu) => redistributor(gic, vcpu * 0x2_0000 + 8));
    assert.deepEqual(types, [0, 0x100, 0x210, 0]);
    assert.deepEqual(
      [0, 1, 2].map((vcpu) => redistributor(gic, vcpu * 0x2_0000 + 12)),
      [0, 1, 2],
    );
    gicv3.writeRedistributor(gic.vgic, gic.record, 3 * 0x2_0000 + 0x1_0100, 4, 0xffff_ffff);
    assert.equal(redistributor(gic, 3 * 0x2_0000 + 0x1_0100), 0);
  });

  test('a redistributor wakes its children', () => {
    const gic = new TestGic(3);
    assert.equal(redistributor(gic, 0x14), 6);
    gicv3.writeRedistributor(gic.vgic, gic.record, 0x14, 4, 0);
    assert.deepEqual([redistributor(gic, 0x14), redistributor(gic, 0x2_0014)], [0, 6]);
    gicv3.writeRedistributor(gic.vgic, gic.record, 0x14, 4, 2);
    assert.equal(redistributor(gic, 0x14), 6);
  });

  test('private interrupts are the redistributors’, not the distributor’s', () => {
    const gic = new TestGic(3, 2);
    for (const offset of [0x100, 0x400, 0xc04]) {
      gic.writeDistributor(offset, 0xffff_ffff);
      assert.equal(gic.readDistributor(offset), 0);
    }
    assert.equal(gic.readPrivate(0, 0x100), 0);
    gic.writePrivate(1, 0x100, 0x8000_0001);
    assert.deepEqual([gic.readPrivate(0, 0x100), gic.readPrivate(1, 0x100)], [0, 0x8000_0001]);
    gic.writePrivate(1, 0x180, 1);
    assert.equal(gic.readPrivate(1, 0x180), 0x8000_0000);
    gic.writePrivate(1, 0xc00, 0);
    assert.equal(gic.readPrivate(1, 0xc00), 0xaaaa_aaaa, 'software interrupts are edges');
  });

  test('routes: affinity, any processor, none there is', () => {
    const gic = new TestGic(3, 2).open();
    gic.setBit(Offset.setEnable, 40);
    gic.setBit(Offset.setPending, 40);
    gic.writeDistributor(0x6000 + 40 * 8, 0xffff_ffff);
    assert.equal(gic.readDistributor(0x6000 + 40 * 8), 0x80ff_ffff);
    assert.deepEqual([gic.line(0), gic.line(1)], [1, 0], 'one of all');
    gic.writeDistributor(0x6000 + 40 * 8, 0x100);
    assert.deepEqual([gic.line(0), gic.line(1)], [0, 0], 'another cluster');
    gic.writeDistributor(0x6000 + 40 * 8, 1);
    gic.writeDistributor(0x6000 + 40 * 8 + 4, 0xffff_ffff);
    assert.deepEqual([gic.line(0), gic.line(1)], [0, 1]);
    assert.equal(gic.readDistributor(0x6000 + 40 * 8 + 4), 0);
    for (const offset of [0x6000, 0x60f8, 0x6800]) assert.equal(gic.readDistributor(offset), 0);
  });

  test('a software interrupt to another cluster reaches nobody', () => {
    const gic = new TestGic(3, 2).open();
    for (const vcpu of [0, 1]) gic.setBit(Offset.setEnable, 4, vcpu);
    const send = (lo: number, hi: number): boolean =>
      gicv3.writeCpuInterface(gic.vgic, gic.record, 0, ICC_SGI1R, lo, hi);
    for (const [lo, hi] of [
      [1 << 16, 0],
      [0, 1],
      [0, 1 << 16],
    ]) {
      assert.ok(send((4 << 24) | 3 | lo, hi));
      assert.deepEqual([gic.line(0), gic.line(1)], [0, 0]);
    }
    assert.ok(send((4 << 24) | 2, 0));
    assert.deepEqual([gic.line(0), gic.line(1)], [0, 1]);
  });

  test('binary points have their limits, and one stands for both if the guest wants', () => {
    const gic = new TestGic(3);
    const read = (): number[] => [gic.read(0, 'binaryPoint0'), gic.read(0, 'binaryPoint1')];
    assert.deepEqual(read(), [2, 3]);
    for (const register of ['binaryPoint0', 'binaryPoint1'] as const) gic.write(0, register, 0);
    assert.deepEqual(read(), [2, 3]);
    gic.write(0, 'binaryPoint1', 5);
    gic.commonBinaryPoint(0, true);
    assert.deepEqual(read(), [2, 3]);
    gic.write(0, 'binaryPoint1', 7);
    gic.write(0, 'binaryPoint0', 6);
    assert.deepEqual(read(), [6, 7]);
    gic.write(0, 'binaryPoint0', 7);
    assert.deepEqual(read(), [7, 7]);
    gic.commonBinaryPoint(0, false);
    assert.deepEqual(read(), [7, 5], 'kept meanwhile');
  });

  test('CPU interface registers: fixed bits, group 0, keys there are not', () => {
    const gic = new TestGic(3);
    gic.writeInterface(0, icc(12, 4), 0xffff_ffff);
    assert.equal(gic.readInterface(0, icc(12, 4)), 0x403);
    gic.writeInterface(0, icc(12, 5), 0);
    assert.equal(gic.readInterface(0, icc(12, 5)), 7);
    for (const group0 of [icc(8, 0), icc(8, 2)]) assert.equal(gic.readInterface(0, group0), 1023);
    for (const kept of [icc(8, 4), icc(9, 0)]) {
      gic.writeInterface(0, kept, 0x8000_0000);
      assert.equal(gic.readInterface(0, kept), 0x8000_0000);
    }
    assert.equal(gic.readInterface(0, icc(12, 1)), undefined, 'only to be written');
    assert.equal(gic.writeInterface(0, icc(12, 0), 0), false, 'only to be read');
    assert.equal(gic.readInterface(0, icc(13, 0)), undefined);
    assert.equal(gic.writeInterface(0, 0, 0), false);
  });
});

for (const version of [2, 3] as const) {
  test(`GICv${version}: registers past the last interrupt and gaps read as zero and take anything`, () => {
    const gic = new TestGic(version);
    const before = gic.memory.u8.slice();
    for (const offset of [0x10, 0x40, 0x120, 0x27c, 0x500, 0x7fc, 0x900, 0xc40, 0xcfc, 0xd00, 0xe00, 0xf10, 0xff0]) {
      assert.equal(gic.readDistributor(offset), 0, `0x${offset.toString(16)}`);
      gic.writeDistributor(offset, 0xffff_ffff);
    }
    assert.deepEqual(gic.memory.u8, before);
  });

  test(`GICv${version}: the last shared interrupt`, () => {
    const gic = new TestGic(version).open();
    gic.setEdge(255, true);
    gic.setPriority(255, 0xff);
    gic.setBit(Offset.setEnable, 255);
    assert.equal(gic.readDistributor(0x4fc), 0xf800_0000, 'five bits of priority');
    gic.setPriority(255, 0x50);
    gic.setLine(255, true);
    assert.equal(gic.readDistributor(0x21c), 0x8000_0000);
    assert.equal(gic.read(0, 'acknowledge'), 255);
  });

  test(`GICv${version}: bytes of a one-bit register`, () => {
    const gic = new TestGic(version);
    gic.writeDistributor(0x106, 0x81, 0, 1);
    assert.equal(gic.readDistributor(0x104), 0x81_0000);
    assert.equal(gic.readDistributor(0x106, 0, 1), 0x81);
    assert.equal(gic.readDistributor(0x106, 0, 2), 0x81);
  });
}
