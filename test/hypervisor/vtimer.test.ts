import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { COUNTER_FREQUENCY, compareOffset, controlOffset, Timer } from '../../src/cpu/arm64/timer.ts';
import { VGIC } from '../../src/hypervisor/domain.ts';
import { Flag } from '../../src/hypervisor/vgic/record.ts';
import { counterAt, timerDeadline, updateTimers } from '../../src/hypervisor/vtimer.ts';
import { TestHost } from './host.ts';

const TICK = 1e9 / COUNTER_FREQUENCY;
const ENABLE = 1;
const MASK = 2;

/** The timers of a domain's second vCPU. */
class Timers {
  readonly host = new TestHost();
  readonly #domid: number = this.host.createDomain();
  readonly vcpu: number = this.host.hypervisor.vcpu(this.#domid, 1);

  set(timer: Timer, control: number, compare: bigint): void {
    const state = this.host.state(this.#domid, 1);
    this.host.memory.u32[(state + controlOffset(timer)) >>> 2] = control;
    this.host.memory.view.setBigUint64(state + compareOffset(timer), compare, true);
  }

  update(ticks: number): void {
    this.host.now = ticks * TICK;
    updateTimers(this.host.hypervisor, this.vcpu);
  }

  line(interrupt: number, vcpu = 1): boolean {
    const { memory, hypervisor } = this.host;
    const gic = memory.u32[(hypervisor.domain(this.#domid) + VGIC) >>> 2];
    return (hypervisor.vgic.flags(gic, vcpu, interrupt) & Flag.line) !== 0;
  }

  get lines(): [virtual: boolean, physical: boolean] {
    return [this.line(27), this.line(30)];
  }

  get deadline(): number {
    return timerDeadline(this.host.memory, this.vcpu);
  }
}

test('timers that are off never fire', () => {
  const timers = new Timers();
  assert.equal(timers.deadline, Number.POSITIVE_INFINITY);
  timers.update(1000);
  assert.equal(timers.deadline, Number.POSITIVE_INFINITY);
  assert.deepEqual(timers.lines, [false, false]);
});

test('each timer has its own interrupt, on its own vCPU', () => {
  const timers = new Timers();
  timers.set(Timer.virtual, ENABLE, 500n);
  timers.set(Timer.physical, ENABLE, 800n);
  timers.update(499);
  assert.deepEqual(timers.lines, [false, false]);
  assert.equal(timers.deadline, 500 * TICK);
  timers.update(500);
  assert.deepEqual(timers.lines, [true, false]);
  assert.equal(timers.deadline, 800 * TICK, 'the next one');
  timers.update(800);
  assert.deepEqual(timers.lines, [true, true]);
  assert.equal(timers.deadline, Number.POSITIVE_INFINITY, 'nothing more to come');
  assert.deepEqual([timers.line(27, 0), timers.line(30, 0)], [false, false]);
});

test('the line falls when the guest turns the timer off, masks it, or sets a later time', () => {
  for (const [control, compare, deadline] of [
    [0, 100n, Number.POSITIVE_INFINITY],
    [ENABLE | MASK, 100n, Number.POSITIVE_INFINITY],
    [ENABLE, 3000n, 3000 * TICK],
  ] as const) {
    const timers = new Timers();
    timers.set(Timer.virtual, ENABLE, 100n);
    timers.update(200);
    assert.deepEqual(timers.lines, [true, false]);
    timers.set(Timer.virtual, control, compare);
    timers.update(200);
    assert.deepEqual(timers.lines, [false, false]);
    assert.equal(timers.deadline, deadline);
  }
});

test('compare values out of any counter’s reach', () => {
  const timers = new Timers();
  timers.set(Timer.virtual, ENABLE, 2n ** 64n - 1n);
  timers.set(Timer.physical, ENABLE, 2n ** 63n);
  timers.update(2 ** 40);
  assert.deepEqual(timers.lines, [false, false]);
  assert.ok(timers.deadline > 2 ** 60);
});

test('at its deadline, and not a nanosecond earlier, a timer fires', () => {
  const timers = new Timers();
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 45 }), fc.boolean(), (compare, physical) => {
      timers.set(Timer.virtual, 0, 0n);
      timers.set(Timer.physical, 0, 0n);
      timers.set(physical ? Timer.physical : Timer.virtual, ENABLE, BigInt(compare));
      timers.update(0);
      const { deadline } = timers;
      timers.update((deadline - 1) / TICK);
      assert.deepEqual(timers.lines, [false, false]);
      assert.equal(timers.deadline, deadline);
      timers.update(deadline / TICK);
      assert.deepEqual(timers.lines, [!physical, physical]);
    }),
    { numRuns: 200 },
  );
});
test('the counter counts whole ticks of the system time', () => {
  assert.deepEqual([0, 15, 16, 31, 1e9].map(counterAt), [0, 0, 1, 1, COUNTER_FREQUENCY]);
});
