import { clearKick, isKicked } from '../../cpu/kick.ts';
import { BUDGET, INTERRUPT_LINE } from '../../cpu/state.ts';
import type { Core } from '../core.ts';
import { crash } from '../shutdown.ts';
import { domainOf, isBlocked, isOnline, isRunnable, stateOf, unblock } from '../vcpu.ts';
import { timerDeadline, updateTimers } from '../vtimer.ts';
import {
  assignedAt,
  assignedCount,
  lockAssignments,
  RUNNING,
  STOP,
  setTimeUsed,
  timeUsed,
  unlockAssignments,
} from './record.ts';

/**
 * A physical CPU: runs the vCPUs assigned to it in turn, whoever had the least time first, and tells when there is nothing to
 * run. Its thread calls `run` again and again.
 */

/** What a vCPU's turn in translated code ended with, for the scheduler. */
export const Outcome = {
  /** Go on. */
  again: 0,
  /** It waits, or has stopped. */
  yielded: 1,
  /** It waits for an event that nobody announces, another vCPU's store to a lock for one: it looks again when it runs. */
  spun: 2,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Runs a vCPU until it leaves translated code, and handles why. */
export interface VcpuRunner {
  run(vcpu: number): Outcome;
  /** The vCPU starts or ends its turn. */
  enter(vcpu: number): void;
  leave(vcpu: number): void;
  /** System time at which something besides the timers is due for the vCPU; Infinity if nothing is. */
  deadline(vcpu: number): number;
  /** Handles what is due. */
  expire(vcpu: number): void;
}

/** Nanoseconds of a turn, after which all are looked at again. */
const TURN = 5_000_000;
/** Instructions between looks at the clock. */
const BUDGET_INSTRUCTIONS = 50_000;
/** A vCPU that slept keeps at most this much of its unused share, in nanoseconds. */
const SLEEPER_CREDIT = 10_000_000;
const NANOSECONDS_PER_MILLISECOND = 1e6;

/** After so many turns in a row that only spun, the thread pauses (milliseconds), so that a lock's holder gets its core. */
const PATIENCE = 32;
const SPIN_PAUSE = 0.05;

/** Returned by `run` when the thread is to end. */
export const STOPPED = -1;

export class PhysicalCpu {
  readonly #core: Core;
  readonly #record: number;
  readonly #runner: VcpuRunner;
  /** Monotonic nanoseconds. */
  readonly #now: () => number;
  /** Time used by whoever ran last: a sleeper that wakes does not get all the time it missed. */
  #baseline = 0;
  /** Turns in a row that only spun. */
  #spins = 0;

  constructor(core: Core, record: number, runner: VcpuRunner, now: () => number) {
    this.#core = core;
    this.#record = record;
    this.#runner = runner;
    this.#now = now;
  }

  /** Runs one turn. Gives 0 to be called again at once, milliseconds to wait (or the doorbell), or STOPPED. */
  run(): number {
    const { memory } = this.#core;
    if (Atomics.load(memory.i32, (this.#record + STOP) >>> 2) !== 0) return STOPPED;
    lockAssignments(memory, this.#record);
    const wait = this.#expireTimers();
    const vcpu = this.#choose();
    if (vcpu !== 0) Atomics.store(memory.i32, (vcpu + RUNNING) >>> 2, 1);
    unlockAssignments(memory, this.#record);
    if (vcpu === 0) return wait;
    this.#spins = this.#turn(vcpu) === Outcome.spun ? this.#spins + 1 : 0;
    return this.#spins < PATIENCE ? 0 : Math.min(wait, SPIN_PAUSE);
  }

  /** Fires what is due for waiting vCPUs; milliseconds until the next of them. */
  #expireTimers(): number {
    const { memory, services } = this.#core;
    let wait = Number.POSITIVE_INFINITY;
    for (let i = 0; i < assignedCount(memory, this.#record); i++) {
      const vcpu = assignedAt(memory, this.#record, i);
      if (!isOnline(memory, vcpu)) continue;
      const now = services.systemTime(domainOf(memory, vcpu));
      if (timerDeadline(memory, vcpu) <= now) updateTimers(this.#core, vcpu);
      if (this.#runner.deadline(vcpu) <= now) this.#runner.expire(vcpu);
      const line = Atomics.load(memory.i32, (stateOf(memory, vcpu) + INTERRUPT_LINE) >>> 2);
      if (line !== 0 && isBlocked(memory, vcpu)) unblock(this.#core, vcpu);
      const next = Math.min(timerDeadline(memory, vcpu), this.#runner.deadline(vcpu)) - now;
      wait = Math.min(wait, Math.max(next, 0) / NANOSECONDS_PER_MILLISECOND);
    }
    return wait;
  }

  /** The runnable vCPU that had the least time; 0 if none is runnable. */
  #choose(): number {
    const { memory } = this.#core;
    let best = 0;
    for (let i = 0; i < assignedCount(memory, this.#record); i++) {
      const vcpu = assignedAt(memory, this.#record, i);
      if (!isRunnable(memory, vcpu)) continue;
      if (timeUsed(memory, vcpu) < this.#baseline - SLEEPER_CREDIT) {
        setTimeUsed(memory, vcpu, this.#baseline - SLEEPER_CREDIT);
      }
      if (best === 0 || timeUsed(memory, vcpu) < timeUsed(memory, best)) best = vcpu;
    }
    return best;
  }

  #turn(vcpu: number): Outcome {
    const { memory } = this.#core;
    let outcome: Outcome = Outcome.yielded;
    const domain = domainOf(memory, vcpu);
    this.#runner.enter(vcpu);
    const start = this.#now();
    try {
      outcome = this.#runUntil(vcpu, start + TURN);
    } catch (error) {
      // Whatever a guest made go wrong in here ends that guest, not the host.
      crash(this.#core, domain, `internal error: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    }
    setTimeUsed(memory, vcpu, timeUsed(memory, vcpu) + this.#now() - start);
    this.#baseline = Math.max(this.#baseline, timeUsed(memory, vcpu));
    this.#runner.leave(vcpu);
    Atomics.store(memory.i32, (vcpu + RUNNING) >>> 2, 0);
    return outcome;
  }

  /** Runs a vCPU until a time, or until it yields. */
  #runUntil(vcpu: number, end: number): Outcome {
    const { memory, services } = this.#core;
    const state = stateOf(memory, vcpu);
    const domain = domainOf(memory, vcpu);
    while (this.#now() < end) {
      clearKick(memory, state);
      if (!isRunnable(memory, vcpu)) return Outcome.yielded;
      memory.i32[(state + BUDGET) >>> 2] = BUDGET_INSTRUCTIONS;
      const outcome = this.#runFor(vcpu, state);
      if (outcome !== Outcome.again) return outcome;
      if (timerDeadline(memory, vcpu) <= services.systemTime(domain)) updateTimers(this.#core, vcpu);
    }
    return Outcome.again;
  }

  /** Runs until the budget is used up, the vCPU is kicked, or it yields. */
  #runFor(vcpu: number, state: number): Outcome {
    const { memory } = this.#core;
    for (;;) {
      const outcome = this.#runner.run(vcpu);
      if (outcome !== Outcome.again) return outcome;
      if (memory.i32[(state + BUDGET) >>> 2] <= 0) return Outcome.again;
      if (isKicked(memory, state)) return Outcome.again;
    }
  }
}
