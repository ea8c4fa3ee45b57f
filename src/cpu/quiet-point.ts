import { kick } from './kick.ts';
import type { MachineMemory } from './machine-memory.ts';

/**
 * Quiet points: how a thread learns that all others have let go of what they had looked up.
 *
 * A thread is *inside* while it runs translated code, and while its TypeScript holds what another thread may take away: a
 * translation, a pre-decoded page. Who takes something away first makes sure that nobody finds it any more, then calls `wait`.
 * When that returns, each thread that was inside has been outside since, and nobody holds it.
 *
 * - A thread that waits is outside, so two that wait for each other both go on. Who goes outside in the middle of something
 *   must look up again whatever it held.
 * - Nobody waits or goes inside while it holds a lock that threads take inside, for the one that it waits for may be after that
 *   lock. Those are the locks of physical maps, frames, heap, interrupt controllers, UARTs, console logs and code pages. A
 *   domain's lock and those above it are never taken inside: they may be held.
 */

/** A line for what all share and one for each thread, so that they do not contend for a cache line. */
const LINE = 64;
export const MAXIMUM_THREADS = 127;
/** Room for all of it in machine memory, zero at first, 64-byte aligned. */
export const QUIET_POINT_BYTES = LINE * (1 + MAXIMUM_THREADS);

// The shared line

/** Threads that have a line. */
const THREADS = 0;
/** 1 while a thread wants to be alone: nobody else goes inside. */
const CLOSED = 4;

// A thread's line

/** Odd while the thread is inside; changes whenever it enters or leaves. */
const EPOCH = 0;
/** The record of the vCPU that it works for, 0 for all. */
const VCPU = 4;
/** Threads that sleep until EPOCH changes. */
const SLEEPERS = 8;

/** Looks at a word before the thread sleeps: some microseconds, as a running vCPU takes to notice a kick. */
const SPINS = 2000;

/** One thread's part in it. */
export class QuietPoint {
  readonly #memory: MachineMemory;
  readonly #address: number;
  readonly #maySleep: boolean;
  /** Where each thread's epoch stood when a wait began. */
  readonly #seen: Int32Array = new Int32Array(MAXIMUM_THREADS);
  /** This thread's line, 0 until it first enters. */
  #line = 0;
  /** How often it entered without having left. */
  #depth = 0;

  /** `address` is of QUIET_POINT_BYTES. A thread that may not sleep, like a browser's main thread, spins instead. */
  constructor(memory: MachineMemory, address: number, maySleep: boolean) {
    this.#memory = memory;
    this.#address = address;
    this.#maySleep = maySleep;
  }

  /** Goes inside, for the vCPU with the record `state` or, if it is 0, for any; may be nested. */
  enter(state: number): void {
    if (this.#line === 0) this.#line = this.#join();
    if (this.#depth++ > 0) return;
    const { i32 } = this.#memory;
    const closed = (this.#address + CLOSED) >>> 2;
    Atomics.store(i32, (this.#line + VCPU) >>> 2, state);
    for (;;) {
      Atomics.add(i32, (this.#line + EPOCH) >>> 2, 1);
      if (Atomics.load(i32, closed) === 0) return;
      this.#goOutside();
      this.#waitUntilOpen();
    }
  }

  /** Ends the latest `enter`. */
  leave(): void {
    if (--this.#depth === 0) this.#goOutside();
  }

  /** Does something inside. */
  within<T>(state: number, body: () => T): T {
    this.enter(state);
    try {
      return body();
    } finally {
      this.leave();
    }
  }

  /**
   * Waits until each other thread that is inside for a vCPU of the given ones (their records; null for all) has left; it is asked
   * to.
   *
   * @throws Error if this thread is inside itself
   */
  wait(states: readonly number[] | null): void {
    if (this.#depth > 0) throw new Error('a thread that is inside waits for a quiet point');
    const { i32 } = this.#memory;
    const threads = Math.min(Atomics.load(i32, (this.#address + THREADS) >>> 2), MAXIMUM_THREADS);
    for (let thread = 0; thread < threads; thread++) {
      const line = this.#lineOf(thread);
      // By read-modify-write: what this thread did before is seen by the other one when it enters next.
      const epoch = Atomics.add(i32, (line + EPOCH) >>> 2, 0);
      const state = Atomics.load(i32, (line + VCPU) >>> 2) >>> 0;
      const concerned = (epoch & 1) !== 0 && (states === null || state === 0 || states.includes(state));
      this.#seen[thread] = concerned ? epoch : 0;
      if (concerned && state !== 0) kick(this.#memory, state);
    }
    for (let thread = 0; thread < threads; thread++) {
      const epoch = this.#seen[thread] as number;
      if (epoch !== 0) this.#waitForChange(this.#lineOf(thread), epoch);
    }
  }

  /**
   * Does something while no other thread is inside. If another one is at the same, only waits for it. A thread that is inside
   * leaves for that time.
   *
   * @returns whether it was done
   */
  alone(body: () => void): boolean {
    const { i32 } = this.#memory;
    const closed = (this.#address + CLOSED) >>> 2;
    const depth = this.#depth;
    if (depth > 0) {
      this.#depth = 0;
      this.#goOutside();
    }
    const mine = Atomics.compareExchange(i32, closed, 0, 1) === 0;
    if (mine) {
      try {
        this.wait(null);
        body();
      } finally {
        Atomics.store(i32, closed, 0);
        Atomics.notify(i32, closed);
      }
    } else {
      this.#waitUntilOpen();
    }
    if (depth > 0) {
      this.enter(Atomics.load(i32, (this.#line + VCPU) >>> 2) >>> 0);
      this.#depth = depth;
    }
    return mine;
  }

  #join(): number {
    const thread = Atomics.add(this.#memory.i32, (this.#address + THREADS) >>> 2, 1);
    if (thread >= MAXIMUM_THREADS) throw new Error(`more than ${MAXIMUM_THREADS} threads use the machine`);
    return this.#lineOf(thread);
  }

  #lineOf(thread: number): number {
    return this.#address + LINE * (1 + thread);
  }

  #goOutside(): void {
    const { i32 } = this.#memory;
    Atomics.add(i32, (this.#line + EPOCH) >>> 2, 1);
    if (Atomics.load(i32, (this.#line + SLEEPERS) >>> 2) !== 0) Atomics.notify(i32, (this.#line + EPOCH) >>> 2);
  }

  /** Waits until a thread's epoch is another one. */
  #waitForChange(line: number, epoch: number): void {
    const { i32 } = this.#memory;
    const word = (line + EPOCH) >>> 2;
    if (this.#spinWhile(word, epoch)) return;
    // Who leaves after this sees that somebody sleeps; who has left before changed the word, so that nobody falls asleep.
    Atomics.add(i32, (line + SLEEPERS) >>> 2, 1);
    while (Atomics.load(i32, word) === epoch) Atomics.wait(i32, word, epoch);
    Atomics.sub(i32, (line + SLEEPERS) >>> 2, 1);
  }

  #waitUntilOpen(): void {
    const { i32 } = this.#memory;
    const closed = (this.#address + CLOSED) >>> 2;
    if (this.#spinWhile(closed, 1)) return;
    while (Atomics.load(i32, closed) === 1) Atomics.wait(i32, closed, 1);
  }

  /** Spins while a word has a value; false if it still has it after a while and the thread may sleep. */
  #spinWhile(word: number, value: number): boolean {
    const { i32 } = this.#memory;
    for (let spins = 0; Atomics.load(i32, word) === value; spins++) {
      if (this.#maySleep && spins === SPINS) return false;
    }
    return true;
  }
}
