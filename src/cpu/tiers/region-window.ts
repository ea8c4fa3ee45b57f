import type { CodeCache } from '../code-cache.ts';
import { PAGE_SIZE, RECORDS } from '../code-page.ts';
import type { MachineMemory } from '../machine-memory.ts';
import { PC, TLB_CODE } from '../state.ts';
import { CODE, EXECUTE_TAG, INDEX_MASK, INDEX_SHIFT, minusHigh, minusLow } from '../translation-table.ts';
import { type CodeWindow, pageOfPosition, REGION_REACH } from './region.ts';
import type { RegionPage } from './region-links.ts';

/** Pages that a region may take code from: REGION_REACH before its entry's, that one, and as many behind it. */
export const WINDOW_PAGES = 2 * REGION_REACH + 1;

/**
 * The pre-decoded pages around PC's, which is `page`: those that the translation table knows as executable, 0 for others. Without
 * `neighbours` all but PC's are left out.
 */
export const pagesAround = (memory: MachineMemory, state: number, page: number, neighbours: boolean): number[] => {
  const pages: number[] = new Array(WINDOW_PAGES).fill(0);
  for (let distance = -REGION_REACH; distance <= REGION_REACH; distance++) {
    if (distance === 0) pages[REGION_REACH] = page;
    else if (neighbours) pages[REGION_REACH + distance] = lookUp(memory, state, distance);
  }
  return pages;
};

/** The page at a distance from PC's, if its entry in the translation table is valid. */
const lookUp = ({ i32, u32 }: MachineMemory, state: number, distance: number): number => {
  const low = (i32[(state + PC) >>> 2] as number) & -PAGE_SIZE;
  const high = i32[(state + PC + 4) >>> 2] as number;
  const wanted = low + distance * PAGE_SIZE;
  if (wanted !== (wanted | 0) || wanted < 0 !== low < 0) return 0;
  const entry = ((u32[(state + TLB_CODE) >>> 2] as number) + ((wanted >>> INDEX_SHIFT) & INDEX_MASK)) >>> 2;
  const tag = entry + EXECUTE_TAG / 4;
  const valid = i32[tag] === minusLow(wanted) && i32[tag + 1] === minusHigh(wanted, high);
  return valid ? (u32[entry + CODE / 4] as number) : 0;
};

/**
 * The code around a region's entry, from some pre-decoded pages (see pagesAround). Copies their frames' words when it is made,
 * as guests may change their code at any time, and notes which pages were used.
 */
export class RegionWindow implements CodeWindow {
  /** The pages that code was taken from. */
  readonly pages = new Map<number, RegionPage>();
  readonly #around = new Map<number, { readonly page: RegionPage; readonly words: Uint32Array }>();

  /** Who makes it is inside (quiet-point.ts): the pages must stay what they are meanwhile. */
  constructor(memory: MachineMemory, codeCache: CodeCache, pages: readonly number[]) {
    for (const [index, address] of pages.entries()) {
      if (address === 0) continue;
      // The number first: if the words change after it was read, it tells.
      const page = { address, changes: codeCache.changesOf(address) };
      const frame = codeCache.frameOf(address) >>> 2;
      this.#around.set(index - REGION_REACH, { page, words: memory.u32.slice(frame, frame + RECORDS) });
    }
  }

  has(position: number): boolean {
    return this.#around.has(pageOfPosition(position));
  }

  wordAt(position: number): number {
    const distance = pageOfPosition(position);
    const around = this.#around.get(distance);
    if (around === undefined) throw new RangeError(`position ${position} is not in the window`);
    this.pages.set(distance, around.page);
    return around.words[position - distance * RECORDS] as number;
  }
}
