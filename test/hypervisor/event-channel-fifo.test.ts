import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EventWord } from '../../src/hypervisor/abi/event-channel.ts';
import { channelFromDom0, eventOp, lineIsUp, lowerLine } from './channels.ts';
import { RAM, TestHost } from './host.ts';

const VCPUS = 2;
const PORTS = 6;
const controlFrame = (vcpu: number): number => 0x40010 + vcpu;
const control = (vcpu: number): number => RAM + 0x1_0000 + vcpu * 0x1000;
const info = (vcpu: number): number => RAM + 0x2_0000 + vcpu * 0x1000;
const ARRAY = RAM + 0x3_0000;
const READY = 0;
const HEAD = 8;

/** A guest that takes events as Linux does, next to a model of what it should get. */
class Guest {
  readonly host: TestHost = new TestHost();
  readonly domid: number = this.host.createDomain({ vcpus: VCPUS });
  readonly channels: { guest: number; dom0: number }[] = [];
  /** The guest's own idea of each queue's head. */
  readonly heads: number[][] = [];
  // The model.
  readonly pending: Set<number> = new Set();
  readonly masked: Set<number> = new Set();
  readonly linked: Set<number> = new Set();
  readonly queues: Map<string, number[]> = new Map();
  readonly vcpuOf: Map<number, number> = new Map();
  readonly priorityOf: Map<number, number> = new Map();

  constructor() {
    for (let vcpu = 0; vcpu < VCPUS; vcpu++) {
      assert.equal(eventOp(this.host, this.domid, 'init_control', controlFrame(vcpu), 0, 0, vcpu), 0);
      this.host.write32(this.domid, RAM, 0x40020 + vcpu, 0, 0, 0);
      assert.equal(this.host.call(this.domid, 24, [10, vcpu, RAM]), 0);
      this.host.write32(this.domid, info(vcpu), 0);
      lowerLine(this.host, this.domid, vcpu);
      this.heads.push(new Array<number>(16).fill(0));
    }
    assert.equal(eventOp(this.host, this.domid, 'expand_array', 0x40030, 0), 0);
    for (let i = 0; i < PORTS; i++) {
      const channel = channelFromDom0(this.host, this.domid);
      this.channels.push(channel);
      this.vcpuOf.set(channel.guest, 0);
      this.priorityOf.set(channel.guest, 7);
    }
  }

  word(port: number): number {
    return this.host.read32(this.domid, ARRAY + port * 4);
  }

  enqueue(port: number): void {
    if (this.masked.has(port) || this.linked.has(port) || !this.pending.has(port)) return;
    this.linked.add(port);
    const key = `${this.vcpuOf.get(port)}.${this.priorityOf.get(port)}`;
    const queue = this.queues.get(key) ?? [];
    queue.push(port);
    this.queues.set(key, queue);
  }

  send(index: number): void {
    this.pending.add(this.channels[index].guest);
    assert.equal(this.host.hypervisor.send(this.channels[index].dom0), 0);
    this.enqueue(this.channels[index].guest);
  }

  mask(index: number): void {
    const port = this.channels[index].guest;
    this.masked.add(port);
    this.host.write32(this.domid, ARRAY + port * 4, this.word(port) | EventWord.masked);
  }

  unmask(index: number): void {
    const port = this.channels[index].guest;
    assert.equal(eventOp(this.host, this.domid, 'unmask', port), 0);
    this.masked.delete(port);
    this.enqueue(port);
  }

  setPriority(index: number, priority: number): void {
    assert.equal(eventOp(this.host, this.domid, 'set_priority', this.channels[index].guest, priority), 0);
    this.priorityOf.set(this.channels[index].guest, priority);
  }

  bind(index: number, vcpu: number): void {
    assert.equal(eventOp(this.host, this.domid, 'bind_vcpu', this.channels[index].guest, vcpu), 0);
    this.vcpuOf.set(this.channels[index].guest, vcpu);
  }

  /** Takes one port off the first queue that is ready, as consume_one_event of Linux does; false if none is. */
  take(vcpu: number): boolean {
    const { host, domid } = this;
    const ready = host.read32(domid, control(vcpu) + READY);
    if (ready === 0) {
      for (const [key, queue] of this.queues)
        assert.ok(!key.startsWith(`${vcpu}.`) || queue.length === 0, 'lost events');
      return false;
    }
    const priority = 31 - Math.clz32(ready & -ready);
    const port = this.heads[vcpu][priority] || host.read32(domid, control(vcpu) + HEAD + priority * 4);
    const queue = this.queues.get(`${vcpu}.${priority}`) ?? [];
    assert.equal(port, queue.shift(), `the next port of queue ${vcpu}.${priority}`);
    const word = this.word(port);
    assert.notEqual(word & EventWord.linked, 0);
    const next = word & EventWord.linkMask;
    const handled = (word & EventWord.pending) !== 0 && (word & EventWord.masked) === 0;
    let after = word & ~EventWord.linked & ~EventWord.linkMask;
    if (handled) after &= ~EventWord.pending;
    host.write32(domid, ARRAY + port * 4, after);
    this.heads[vcpu][priority] = next;
    if (next === 0) host.write32(domid, control(vcpu) + READY, ready & ~(1 << priority));
    this.linked.delete(port);
    assert.equal(handled, this.pending.has(port) && !this.masked.has(port));
    if (handled) this.pending.delete(port);
    return true;
  }

  check(): void {
    for (const { guest } of this.channels) {
      const word = this.word(guest);
      assert.equal((word & EventWord.pending) !== 0, this.pending.has(guest), `pending of port ${guest}`);
      assert.equal((word & EventWord.linked) !== 0, this.linked.has(guest), `linked of port ${guest}`);
      assert.equal(word & EventWord.busy, 0);
    }
    for (const [key, queue] of this.queues) {
      const [vcpu, priority] = key.split('.').map(Number);
      const ready = this.host.read32(this.domid, control(vcpu)) & (1 << priority);
      assert.equal(ready !== 0, queue.length > 0, `ready bit of queue ${key}`);
      if (queue.length > 0) assert.ok(lineIsUp(this.host, this.domid, vcpu), 'the vCPU was told');
    }
  }

  /** What a guest does at the event interrupt before it takes events. */
  acknowledge(vcpu: number): void {
    this.host.write32(this.domid, info(vcpu), 0);
    lowerLine(this.host, this.domid, vcpu);
  }
}

const index = fc.nat({ max: PORTS - 1 });
const vcpu = fc.nat({ max: VCPUS - 1 });
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mask' as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unmask' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('priority' as const), index, priority: fc.nat({ max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('bind' as const), index, vcpu }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const), vcpu }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drain' as const), vcpu }) },
);

test('a guest gets each event once, in order, on the queue it belongs to', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const guest = new Guest();
      for (const step of actions) {
        if (step.do === 'send') guest.send(step.index);
        else if (step.do === 'mask') guest.mask(step.index);
        else if (step.do === 'unmask') guest.unmask(step.index);
        else if (step.do === 'priority') guest.setPriority(step.index, step.priority);
        else if (step.do === 'bind') guest.bind(step.index, step.vcpu);
        else if (step.do === 'take') guest.take(step.vcpu);
        else {
          guest.acknowledge(step.vcpu);
          while (guest.take(step.vcpu));
        }
        guest.check();
      }
      for (let each = 0; each < VCPUS; each++) while (guest.take(each));
      for (const port of guest.pending) assert.ok(guest.masked.has(port), 'only masked events wait');
    }),
    { numRuns: 150 },
  );
});

test('events that come before the event array reaches their port are kept', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(eventOp(host, domid, 'init_control', controlFrame(0), 0, 0, 0), 0);
  assert.equal(host.memory.u8[host.machine(domid, RAM + 16)], 17, 'link bits');
  const { guest, dom0 } = channelFromDom0(host, domid);
  assert.equal(host.hypervisor.send(dom0), 0);
  assert.equal(eventOp(host, domid, 'expand_array', 0x40030, 0), 0);
  assert.equal(host.read32(domid, ARRAY + guest * 4), (EventWord.pending | EventWord.linked) >>> 0);
  assert.equal(host.read32(domid, control(0) + HEAD + 7 * 4), guest);
});

test('an event of the two-level ABI is carried over', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const { guest, dom0 } = channelFromDom0(host, domid);
  assert.equal(host.hypervisor.send(dom0), 0);
  assert.equal(eventOp(host, domid, 'init_control', controlFrame(0), 0, 0, 0), 0);
  assert.equal(eventOp(host, domid, 'expand_array', 0x40030, 0), 0);
  assert.equal(host.read32(domid, ARRAY + guest * 4), (EventWord.pending | EventWord.linked) >>> 0);
});

test('control blocks and array pages are checked', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(eventOp(host, domid, 'expand_array', 0x40030, 0), -95, 'EOPNOTSUPP without FIFO');
  assert.equal(eventOp(host, domid, 'init_control', controlFrame(0), 0, 4096 - 64, 0), -22, 'crosses the page');
  assert.equal(eventOp(host, domid, 'init_control', controlFrame(0), 0, 4, 0), -22, 'misaligned');
  assert.equal(eventOp(host, domid, 'init_control', controlFrame(0), 0, 0, 2), -2, 'no such vCPU');
  assert.equal(eventOp(host, domid, 'init_control', 0x12, 0, 0, 0), -22, 'no RAM');
  assert.equal(eventOp(host, domid, 'init_control', controlFrame(0), 1, 0, 0), -22, 'beyond the map');
  assert.equal(eventOp(host, domid, 'init_control', controlFrame(0), 0, 4096 - 72, 0), 0);
  assert.equal(eventOp(host, domid, 'init_control', controlFrame(0), 0, 0, 0), -22, 'once only');
  assert.equal(eventOp(host, domid, 'expand_array', 0x41000, 0), -22, 'no RAM');
});

test('a guest that links a queue into knots harms itself alone', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(eventOp(host, domid, 'init_control', controlFrame(0), 0, 0, 0), 0);
  assert.equal(eventOp(host, domid, 'expand_array', 0x40030, 0), 0);
  const channels = [1, 2, 3].map(() => channelFromDom0(host, domid));
  for (let round = 0; round < 20; round++) {
    for (const { guest, dom0 } of channels) {
      host.write32(domid, ARRAY + guest * 4, round % 2 === 0 ? 0xffff_ffff : EventWord.linked | guest);
      host.write32(domid, control(0) + HEAD + 7 * 4, 0x1ffff);
      assert.equal(host.hypervisor.send(dom0), 0);
    }
  }
  assert.equal(eventOp(host, domid, 'reset', 0x7ff0), 0);
  assert.equal(eventOp(host, domid, 'expand_array', 0x40030, 0), -95, 'back to two levels');
});
