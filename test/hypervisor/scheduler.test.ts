import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUDGET } from '../../src/cpu/state.ts';
import { Outcome, PhysicalCpu, STOPPED, type VcpuRunner } from '../../src/hypervisor/scheduler/physical-cpu.ts';
import {
  assign,
  assignedCount,
  PHYSICAL_CPU_SIZE,
  RUNNING,
  STOP,
  timeUsed,
  unassign,
} from '../../src/hypervisor/scheduler/record.ts';
import { block, isBlocked, setOnline, stateOf } from '../../src/hypervisor/vcpu.ts';
import { TestHost } from './host.ts';

const MICROSECOND = 1000;
/** Nanoseconds that a budget lasts. */
const SLICE = 500 * MICROSECOND;

/** A physical CPU whose guests only use time up: `behave` says what a vCPU does with its slice. */
class TestCpu implements VcpuRunner {
  readonly host = new TestHost(64 * 2 ** 20);
  readonly record: number;
  readonly cpu: PhysicalCpu;
  /** Who ran, in order, repetitions left out. */
  readonly turns: number[] = [];
  behave: (vcpu: number) => Outcome = () => Outcome.again;

  constructor() {
    this.record = this.host.heap.allocate(PHYSICAL_CPU_SIZE);
    this.cpu = new PhysicalCpu(this.host.hypervisor, this.record, this, () => this.host.now);
  }

  /** vCPUs of new domains, assigned. */
  vcpus(domains: number, each: number): number[] {
    const { hypervisor, memory } = this.host;
    return Array.from({ length: domains }, () => {
      const domid = this.host.createDomain({ vcpus: each });
      return Array.from({ length: each }, (_, index) => {
        const vcpu = hypervisor.vcpu(domid, index);
        setOnline(hypervisor, vcpu, true);
        assert.ok(assign(memory, this.record, vcpu));
        return vcpu;
      });
    }).flat();
  }

  run(vcpu: number): Outcome {
    if (this.turns.at(-1) !== vcpu) this.turns.push(vcpu);
    this.host.now += SLICE;
    this.host.memory.i32[(stateOf(this.host.memory, vcpu) + BUDGET) >>> 2] = 0;
    return this.behave(vcpu);
  }

  enter(): void {}
  leave(): void {}
  deadline(): number {
    return Number.POSITIVE_INFINITY;
  }
  expire(): void {}
}

test('vCPUs of several domains that never wait get equal shares', () => {
  const cpu = new TestCpu();
  const vcpus = cpu.vcpus(3, 2);
  for (let i = 0; i < 600; i++) assert.equal(cpu.cpu.run(), 0);
  const shares = vcpus.map((vcpu) => timeUsed(cpu.host.memory, vcpu));
  const least = Math.min(...shares);
  assert.ok(least > 0);
  assert.ok(Math.max(...shares) - least <= 20 * SLICE, `shares ${shares}`);
});

test('a vCPU that yields at once cannot starve another, and a latecomer does not get the time it missed', () => {
  const cpu = new TestCpu();
  const [early] = cpu.vcpus(1, 1) as [number];
  for (let i = 0; i < 100; i++) cpu.cpu.run();
  const before = timeUsed(cpu.host.memory, early);
  const [late] = cpu.vcpus(1, 1) as [number];
  cpu.behave = (vcpu) => (vcpu === late ? Outcome.yielded : Outcome.again);
  for (let i = 0; i < 400; i++) cpu.cpu.run();
  const got = timeUsed(cpu.host.memory, early) - before;
  assert.ok(got >= 100 * SLICE, `the first got ${got / SLICE} slices more`);
  assert.ok(cpu.turns.filter((vcpu) => vcpu === late).length > 10);
});

test('a waiting vCPU does not run, and nothing runnable means to wait', () => {
  const cpu = new TestCpu();
  const { memory } = cpu.host;
  const [one, two] = cpu.vcpus(1, 2) as [number, number];
  assert.ok(block(memory, one));
  for (let i = 0; i < 10; i++) cpu.cpu.run();
  assert.deepEqual(cpu.turns, [two]);
  assert.ok(block(memory, two));
  assert.equal(cpu.cpu.run(), Number.POSITIVE_INFINITY);
  assert.ok(isBlocked(memory, one));
});

test('an exception on the way ends the guest, with the reason, and the others go on', () => {
  const cpu = new TestCpu();
  const { hypervisor } = cpu.host;
  const [bad, good] = cpu.vcpus(2, 1) as [number, number];
  cpu.behave = (vcpu) => {
    if (vcpu === bad) throw new Error('a fault of ours');
    return Outcome.again;
  };
  for (let i = 0; i < 20; i++) cpu.cpu.run();
  const [domid] = hypervisor.domids() as [number];
  assert.match(hypervisor.crashReason(domid), /a fault of ours/);
  assert.equal(cpu.turns.filter((vcpu) => vcpu === bad).length, 1);
  assert.equal(cpu.turns.at(-1), good);
});

test('a vCPU that was taken away does not begin to run', () => {
  const cpu = new TestCpu();
  const { memory } = cpu.host;
  const [one] = cpu.vcpus(1, 1) as [number];
  cpu.cpu.run();
  unassign(memory, one);
  assert.equal(Atomics.load(memory.i32, (one + RUNNING) >>> 2), 0);
  assert.equal(assignedCount(memory, cpu.record), 0);
  const turns = cpu.turns.length;
  cpu.cpu.run();
  assert.equal(cpu.turns.length, turns);
});

test('a stopped physical CPU says so', () => {
  const cpu = new TestCpu();
  cpu.vcpus(1, 1);
  Atomics.store(cpu.host.memory.i32, (cpu.record + STOP) >>> 2, 1);
  assert.equal(cpu.cpu.run(), STOPPED);
});
