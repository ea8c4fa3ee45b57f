import type { MachineMemory } from './machine-memory.ts';
import type { RegionRequest } from './region-compiler.ts';
import { WINDOW_PAGES } from './tiers/region-window.ts';

/**
 * The regions that a translator on a thread of its own is asked for: a table in machine memory that any thread puts requests into,
 * and one takes them from. What is asked for again while it waits only becomes more urgent; when the table is full requests are
 * dropped, and come again when the code has been hot once more.
 */

/** Requests that can wait. */
export const REQUESTS = 127;
const ENTRY_SIZE = 64;
/** Room for all of it in machine memory, zero at first, 64-byte aligned. */
export const REGION_REQUESTS_BYTES = ENTRY_SIZE * (1 + REQUESTS);

/**
 * Milliseconds between the translator's looks, in which requests gather, and looks in vain before it sleeps. Who wakes a thread may
 * lose its processor to it, so a guest's thread seldom does.
 */
const NAP = 2;
const NAPS = 25;

// The shared line, in words

/** 1 while the translator sleeps until somebody wakes it. */
const ASLEEP = 0;
/** 1 when the translator is to end. */
const STOPPED = 1;
/** Requests made, by which they are ordered. */
const MADE = 2;

// A request, in words

const STATE = 0;
/** Times it was asked for. */
const COUNT = 1;
const ORDER = 2;
const GENERATION = 3;
const POSITION = 4;
/** The entry's virtual address in halves. */
const ADDRESS = 5;
/** WINDOW_PAGES addresses. */
const PAGES = 7;

const State = {
  free: 0,
  /** Somebody is filling it in. */
  writing: 1,
  waiting: 2,
  /** The translator is at it. */
  taken: 3,
} as const;

export class RegionRequests {
  readonly #words: Int32Array;
  readonly #base: number;
  /** Words of the requests taken and not yet finished. */
  readonly #taken: number[] = [];

  /** `address` is of REGION_REQUESTS_BYTES. */
  constructor(memory: MachineMemory, address: number) {
    this.#words = memory.i32;
    this.#base = address >>> 2;
  }

  #entry(index: number): number {
    return this.#base + ((index + 1) * ENTRY_SIZE) / 4;
  }

  /** Adds a request, unless it waits already or too many do. */
  add({ generation, pages, position, address: [low, high] }: RegionRequest): void {
    const words = this.#words;
    const page = pages[(WINDOW_PAGES - 1) / 2] as number;
    let free = -1;
    for (let index = 0; index < REQUESTS; index++) {
      const entry = this.#entry(index);
      const state = Atomics.load(words, entry + STATE);
      if (state === State.free) {
        if (free < 0) free = entry;
      } else if (words[entry + POSITION] === position && words[entry + PAGES + (WINDOW_PAGES - 1) / 2] === (page | 0)) {
        // If another one has just taken its place, that is a little more urgent now.
        Atomics.add(words, entry + COUNT, 1);
        return;
      }
    }
    if (free < 0 || Atomics.compareExchange(words, free + STATE, State.free, State.writing) !== State.free) return;
    words[free + COUNT] = 1;
    words[free + ORDER] = Atomics.add(words, this.#base + MADE, 1);
    words[free + GENERATION] = generation;
    words[free + POSITION] = position;
    words[free + ADDRESS] = low;
    words[free + ADDRESS + 1] = high;
    for (const [index, address] of pages.entries()) words[free + PAGES + index] = address;
    Atomics.store(words, free + STATE, State.waiting);
    this.#wake();
  }

  #wake(): void {
    const asleep = this.#base + ASLEEP;
    if (Atomics.exchange(this.#words, asleep, 0) !== 0) Atomics.notify(this.#words, asleep);
  }

  /** Ends the translator's wait for good. */
  stop(): void {
    Atomics.store(this.#words, this.#base + STOPPED, 1);
    Atomics.notify(this.#words, this.#base + STOPPED);
    this.#wake();
  }

  // For the translator alone

  /** Waits until there are requests; false if the translator is to end. */
  wait(): boolean {
    const words = this.#words;
    const asleep = this.#base + ASLEEP;
    const stopped = this.#base + STOPPED;
    for (let naps = 1; ; naps++) {
      if (Atomics.wait(words, stopped, 0, NAP) !== 'timed-out') return false;
      if (this.#waiting().length > 0) return true;
      if (naps < NAPS) continue;
      Atomics.store(words, asleep, 1);
      // Who asked just before has not seen that somebody sleeps.
      if (this.#waiting().length === 0 && Atomics.load(words, stopped) === 0) Atomics.wait(words, asleep, 1);
      Atomics.store(words, asleep, 0);
      naps = 0;
    }
  }

  #waiting(): number[] {
    const entries: number[] = [];
    for (let index = 0; index < REQUESTS; index++) {
      const entry = this.#entry(index);
      if (Atomics.load(this.#words, entry + STATE) === State.waiting) entries.push(entry);
    }
    return entries;
  }

  /** Takes requests, as many as `limit` says: those asked for most often, of these the oldest. */
  take(limit: number): RegionRequest[] {
    const words = this.#words;
    const at = (entry: number, field: number): number => words[entry + field] as number;
    const urgent = this.#waiting()
      .sort((a, b) => at(b, COUNT) - at(a, COUNT) || (at(a, ORDER) - at(b, ORDER)) | 0)
      .slice(0, limit);
    return urgent.map((entry) => {
      Atomics.store(words, entry + STATE, State.taken);
      this.#taken.push(entry);
      const pages = Array.from(words.subarray(entry + PAGES, entry + PAGES + WINDOW_PAGES), (page) => page >>> 0);
      return {
        generation: at(entry, GENERATION),
        position: at(entry, POSITION),
        address: [at(entry, ADDRESS) >>> 0, at(entry, ADDRESS + 1) >>> 0],
        pages,
        number: at(entry, ORDER),
      };
    });
  }

  /** The number of the next request. */
  get next(): number {
    return Atomics.load(this.#words, this.#base + MADE);
  }

  /** What was taken is done: it may be asked for again. */
  finish(): void {
    for (const entry of this.#taken) Atomics.store(this.#words, entry + STATE, State.free);
    this.#taken.length = 0;
  }
}
