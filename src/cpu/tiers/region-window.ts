import type { CodeCache } from '../code-cache.ts';
import { PAGE_SIZE, RECORDS } from '../code-page.ts';
import type { MachineMemory } from '../machine-memory.ts';
import { PC, TLB_CODE } from '../state.ts';
import { CODE, EXECUTE_TAG, INDEX_MASK, INDEX_SHIFT, minusHigh, minusLow } from '../translation-table.ts';
import { type CodeWindow, pageOfPosition, REGION_REACH } from './region.ts';
import type { RegionPage } from './region-links.ts';

/**
 * The code around a region's entry: its own page, and neighbours that the translation table knows as executable. Keeps a copy of
 * each page's words, as guests may change their code at any time, and notes which pages were used.
 */
export class RegionWindow implements CodeWindow {
  /** The pages that code was taken from. */
  readonly pages = new Map<number, RegionPage>();
  readonly #memory: MachineMemory;
  readonly #codeCache: CodeCache;
  readonly #words = new Map<number, Uint32Array>();
  /** Pre-decoded pages by distance; 0 where there is none. */
  readonly #known = new Map<number, number>();
  readonly #state: number;

  /** `page` is the pre-decoded page at PC. */
  constructor(memory: MachineMemory, codeCache: CodeCache, state: number, page: number) {
    this.#memory = memory;
    this.#codeCache = codeCache;
    this.#state = state;
    this.#known.set(0, page);
  }

  /** Keeps to the entry's page. */
  confine(): void {
    for (let distance = 1; distance <= REGION_REACH; distance++) {
      this.#known.set(distance, 0);
      this.#known.set(-distance, 0);
    }
  }

  has(position: number): boolean {
    const distance = pageOfPosition(position);
    return Math.abs(distance) <= REGION_REACH && this.#pageAt(distance) !== 0;
  }

  wordAt(position: number): number {
    const distance = pageOfPosition(position);
    return this.#wordsOf(distance)[position - distance * RECORDS] as number;
  }

  #pageAt(distance: number): number {
    let page = this.#known.get(distance);
    if (page === undefined) {
      page = this.#lookUp(distance);
      this.#known.set(distance, page);
    }
    return page;
  }

  /** The page at a distance from PC's, if its entry in the translation table is valid. */
  #lookUp(distance: number): number {
    const { i32, u32 } = this.#memory;
    const low = (i32[(this.#state + PC) >>> 2] as number) & -PAGE_SIZE;
    const high = i32[(this.#state + PC + 4) >>> 2] as number;
    const wanted = low + distance * PAGE_SIZE;
    if (wanted !== (wanted | 0) || wanted < 0 !== low < 0) return 0;
    const entry = ((u32[(this.#state + TLB_CODE) >>> 2] as number) + ((wanted >>> INDEX_SHIFT) & INDEX_MASK)) >>> 2;
    const tag = entry + EXECUTE_TAG / 4;
    const valid = i32[tag] === minusLow(wanted) && i32[tag + 1] === minusHigh(wanted, high);
    return valid ? (u32[entry + CODE / 4] as number) : 0;
  }

  #wordsOf(distance: number): Uint32Array {
    let words = this.#words.get(distance);
    if (words === undefined) {
      const address = this.#pageAt(distance);
      const frame = this.#codeCache.frameOf(address) >>> 2;
      this.pages.set(distance, { address, changes: this.#codeCache.changesOf(address) });
      words = this.#memory.u32.slice(frame, frame + RECORDS);
      this.#words.set(distance, words);
    }
    return words;
  }
}
