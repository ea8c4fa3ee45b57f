import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import { parameterOf } from '../../src/hypervisor/parameters.ts';
import { isRunnable, setOnline } from '../../src/hypervisor/vcpu.ts';
import { channelFromDom0 } from './channels.ts';
import { RAM, TestHost } from './host.ts';

test('numbers count up and are not used again at once', () => {
  const host = new TestHost();
  assert.equal(host.createDomain(), 1);
  assert.equal(host.createDomain(), 2);
  host.hypervisor.destroyDomain(1);
  assert.equal(host.createDomain(), 3);
  assert.deepEqual(host.hypervisor.domids(), [2, 3]);
  assert.throws(() => host.hypervisor.destroyDomain(1), /no domain 1/);
  assert.throws(() => host.hypervisor.destroyDomain(0), /no domain 0/);
  assert.throws(() => host.hypervisor.domain(1), /no domain 1/);
  assert.throws(() => host.hypervisor.vcpu(2, 2), /no vCPU 2/);
});

test('a destroyed domain leaves nothing behind', () => {
  const host = new TestHost();
  const once = (): void => {
    const domid = host.createDomain({ vcpus: 3, memory: 2, eventChannels: 600 });
    const channels = Array.from({ length: 300 }, () => channelFromDom0(host, domid));
    for (let at = 0; at < 2 ** 20; at += 4096) host.write32(domid, RAM + at, at);
    host.hypervisor.destroyDomain(domid);
    for (const { dom0 } of channels) assert.equal(host.hypervisor.close(dom0), 0);
  };
  once();
  const frames = host.frames.available;
  const heap = host.memory.u32[(0x1000 + 4) >>> 2];
  for (let i = 0; i < 20; i++) once();
  assert.equal(host.frames.available, frames);
  assert.equal(host.memory.u32[(0x1000 + 4) >>> 2], heap, 'the heap has not grown');
});

test('options out of range', () => {
  const host = new TestHost();
  const make = (options: object): (() => number) => {
    return () => host.hypervisor.createDomain({ vcpus: 1, memory: 1, gicVersion: 3, ...options });
  };
  assert.throws(make({ vcpus: 0 }), /vCPUs must be a whole number from 1 to 8, not 0/);
  assert.throws(make({ vcpus: 9 }), RangeError);
  assert.throws(make({ vcpus: 1.5 }), RangeError);
  assert.throws(make({ memory: 0 }), RangeError);
  assert.throws(make({ memory: 3073 }), /memory in MiB must be a whole number from 1 to 3072/);
  assert.throws(make({ memory: 4, maximumMemory: 3 }), RangeError);
  assert.throws(make({ eventChannels: 131_072 }), RangeError);
  assert.throws(make({ uuid: new Uint8Array(15) }), /a UUID has 16 bytes, not 15/);
});

test('a host without room says so, and loses nothing', () => {
  const host = new TestHost(2 ** 20, 2 ** 19);
  const made: number[] = [];
  assert.throws(() => {
    for (;;) made.push(host.createDomain({ memory: 256 }));
  }, /the host has no memory left for a domain's/);
  assert.ok(made.length > 0);
  const frames = host.frames.available;
  assert.throws(() => host.createDomain({ memory: 256 }), /no memory left/);
  assert.equal(host.frames.available, frames);
  for (const domid of made) host.hypervisor.destroyDomain(domid);
  assert.ok(host.createDomain({ memory: 16 }) > 0);
});

test('domains begin paused, with vCPU 0 online', () => {
  const host = new TestHost();
  const domid = host.hypervisor.createDomain({ vcpus: 2, memory: 1, gicVersion: 2 });
  const [first, second] = [0, 1].map((index) => host.hypervisor.vcpu(domid, index));
  assert.ok(!isRunnable(host.memory, first));
  host.hypervisor.unpause(domid);
  assert.ok(isRunnable(host.memory, first));
  assert.ok(!isRunnable(host.memory, second));
  assert.deepEqual(host.woken, [first, second]);
  host.hypervisor.pause(domid);
  assert.ok(!isRunnable(host.memory, first));
});

test('another thread’s object sees the same domains', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const { memory, heap, frames, physicalMap, processor, services, quietPoint } = host.hypervisor;
  const other = new Hypervisor({ memory, heap, frames, physicalMap, processor, services, quietPoint });
  assert.equal(other.controlDomain, host.hypervisor.controlDomain);
  assert.equal(other.domain(domid), host.hypervisor.domain(domid));
  assert.equal(parameterOf(memory, other.domain(domid), 17), 0x39000);
  assert.equal(
    other.translate(host.state(domid), 0x40000, true),
    host.hypervisor.translate(host.state(domid), 0x40000, true),
  );
});

test('pieces of guest memory', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const pieces: number[][] = [];
  host.hypervisor.eachPiece(domid, RAM + 4000, 5000, (machine, offset, length) => {
    pieces.push([offset, length]);
    host.memory.u8.fill(7, machine, machine + length);
  });
  assert.deepEqual(pieces, [
    [0, 96],
    [96, 4096],
    [4192, 808],
  ]);
  assert.equal(host.read32(domid, RAM + 8996), 0x0707_0707);
  assert.equal(host.read32(domid, RAM + 9000), 0);
  assert.throws(
    () => host.hypervisor.eachPiece(domid, RAM + 2 ** 20 - 1, 2, () => {}),
    /no writable RAM at 0x40100000/,
  );
});

test('the CPU engine finds a vCPU’s brothers', () => {
  const host = new TestHost();
  const domid = host.createDomain({ vcpus: 3 });
  const others = (index: number): number[] => {
    const found: number[] = [];
    host.hypervisor.forEachOther(host.state(domid, index), (state) => void found.push(state));
    return found;
  };
  assert.deepEqual(others(0), [], 'those that are off count for nothing');
  assert.deepEqual(others(1), [host.state(domid, 0)]);
  setOnline(host.hypervisor, host.hypervisor.vcpu(domid, 2), true);
  assert.deepEqual(others(1), [host.state(domid, 0), host.state(domid, 2)]);
});
