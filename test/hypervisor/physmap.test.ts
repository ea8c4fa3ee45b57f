import assert from 'node:assert/strict';
import { test } from 'node:test';
import { P2M_ROOT } from '../../src/hypervisor/domain.ts';
import { pinFrame } from '../../src/hypervisor/physmap.ts';
import { P2M_SHARED, P2M_WRITABLE } from '../../src/memory/p2m.ts';
import { RAM, TestHost } from './host.ts';

const FRAME = 0x40010;
const ADDRESS = RAM + 0x1_0000;

/** Two domains whose guest frame FRAME is one machine frame, copied on the first write. */
const setUp = (): { host: TestHost; domids: readonly [number, number]; frame: number } => {
  const host = new TestHost();
  const domids = [host.createDomain(), host.createDomain()] as const;
  host.write32(domids[0], ADDRESS, 0x5eed);
  const frame = host.machine(domids[0], ADDRESS);
  for (const domid of domids) {
    const root = host.memory.u32[(host.hypervisor.domain(domid) + P2M_ROOT) >>> 2];
    host.hypervisor.physicalMap.setEntry(root, FRAME, (frame | P2M_SHARED | P2M_WRITABLE) >>> 0);
  }
  host.frames.share(frame);
  host.dropped.length = 0;
  return { host, domids, frame };
};

test('a read of a shared frame does not copy it, and stores may not go to it', () => {
  const { host, domids, frame } = setUp();
  assert.equal(host.hypervisor.translate(host.state(domids[1]), FRAME, false), frame);
  assert.equal(host.frames.references(frame), 2);
  assert.deepEqual(host.dropped, []);
});

test('a write copies it, and leaves no translation to the old one', () => {
  const { host, domids, frame } = setUp();
  host.write32(domids[1], ADDRESS, 77);
  assert.deepEqual(
    host.dropped,
    [0, 1].map((vcpu) => ({ state: host.state(domids[1], vcpu), frame })),
  );
  assert.equal(host.frames.references(frame), 2, 'vCPUs may still be reading it');
  host.hypervisor.departing.release(host.hypervisor);
  assert.equal(host.frames.references(frame), 1);
  assert.equal(host.read32(domids[0], ADDRESS), 0x5eed);
  assert.equal(host.read32(domids[1], ADDRESS), 77);
});

test('a frame that the hypervisor holds on to is the domain’s own', () => {
  const { host, domids, frame } = setUp();
  const pinned = pinFrame(host.hypervisor, host.hypervisor.domain(domids[1]), FRAME);
  assert.notEqual(pinned, frame);
  assert.equal(host.machine(domids[1], ADDRESS), pinned);
  assert.equal(host.memory.u32[pinned >>> 2], 0x5eed);
  assert.equal(host.frames.references(pinned), 2);
  host.frames.release(pinned);
});

test('what is no RAM of the domain cannot be pinned', () => {
  const { host, domids } = setUp();
  const domain = host.hypervisor.domain(domids[0]);
  for (const frame of [0, 0x38000, 0x40100, 2 ** 22, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
    assert.equal(pinFrame(host.hypervisor, domain, frame), 0, `frame ${frame}`);
  }
});
