import type { CodeCache } from './code-cache.ts';
import { PAGE_SIZE } from './code-page.ts';
import type { MachineMemory } from './machine-memory.ts';
import { BUDGET } from './state.ts';

/**
 * Disturbs an engine at random, for soak tests: translates what is not hot, forgets what is, empties the code cache and the
 * translation table, changes the threshold, ends runs early. A guest must not notice anything of it but the time it takes.
 */

/** What it does to the engine, for the vCPU that is about to run. */
export interface Disturbed {
  readonly memory: MachineMemory;
  readonly codeCache: CodeCache;
  /** Translates the code at PC. */
  translate(state: number): void;
  /** The code cache was emptied, or all regions were dropped. */
  codeCacheDropped(state: number): void;
  /** Empties the vCPU's translation table. */
  forgetTranslations(state: number): void;
  setThreshold(threshold: number): void;
}

/** Thresholds to change to: never, soon, later; the one that the engine was made with is added. */
const THRESHOLDS = [0, 4000, 30_000];

/** Each happens once in so many runs of a vCPU, which last 50,000 instructions at most. */
const Rarity = {
  short: 6,
  translate: 300,
  forgetPage: 300,
  forgetTranslations: 200,
  changeThreshold: 1000,
  forgetAll: 60_000,
  startOver: 80_000,
} as const;

/** Instructions of a run that is ended early, at most. */
const SHORT = 3000;

export class Disturbance {
  readonly #engine: Disturbed;
  readonly #thresholds: readonly number[];
  #random: number;

  /** `seed` is a whole number other than 0. */
  constructor(engine: Disturbed, seed: number, threshold: number) {
    this.#engine = engine;
    this.#random = seed | 0 || 1;
    this.#thresholds = [...THRESHOLDS, threshold];
  }

  /** Marsaglia's xorshift; a number from 0 to `count` - 1. */
  #below(count: number): number {
    let random = this.#random;
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    this.#random = random;
    return (random >>> 0) % count;
  }

  #happens(rarity: number): boolean {
    return this.#below(rarity) === 0;
  }

  /** Called inside, before a vCPU runs. Gives how much of its budget was set aside, to be given back when it has run. */
  before(state: number): number {
    const engine = this.#engine;
    const { codeCache, memory } = engine;
    if (this.#happens(Rarity.startOver)) this.#startOver(state);
    if (this.#happens(Rarity.forgetAll)) codeCache.invalidateAll();
    if (this.#happens(Rarity.forgetPage)) {
      const page = codeCache.pageInUse(this.#below(0x10000) / 0x10000);
      if (page !== 0) codeCache.invalidate(codeCache.frameOf(page), 0, PAGE_SIZE - 1);
    }
    if (this.#happens(Rarity.forgetTranslations)) engine.forgetTranslations(state);
    if (this.#happens(Rarity.changeThreshold)) {
      engine.setThreshold(this.#thresholds[this.#below(this.#thresholds.length)] as number);
    }
    if (this.#happens(Rarity.translate)) engine.translate(state);
    return this.#happens(Rarity.short) ? this.#shorten(memory, state) : 0;
  }

  #startOver(state: number): void {
    const { codeCache, codeCacheDropped } = this.#engine;
    if (this.#happens(2)) codeCache.startOver();
    else codeCache.startRegionsOver();
    codeCacheDropped(state);
  }

  #shorten({ i32 }: MachineMemory, state: number): number {
    const at = (state + BUDGET) >>> 2;
    const whole = i32[at] as number;
    const short = Math.min(whole, 2 + this.#below(SHORT));
    i32[at] = short;
    return whole - short;
  }
}
