import { RECORD_SIZE, RECORDS } from './code-page.ts';
import { type Block, pageOfPosition } from './tiers/region.ts';
import type { RegionPage, RegionPages } from './tiers/region-links.ts';

/**
 * What the latest regions contain. The blocks of a loop get hot together: by the time the first of them leads to a region, which has
 * all of them, the others have been asked for, too. Those need no regions of their own, unless they get hot once more.
 */

/** Instructions to remember. */
const LIMIT = 1 << 16;

export class RegionCover {
  /** By the address of an instruction's record: requests with smaller numbers are older than the region that contains it. */
  readonly #until = new Map<number, number>();
  /** Records of regions being made. */
  #pending: number[] = [];

  /** A region is being made: for now it covers what it contains from all requests. */
  add(blocks: readonly Block[], pages: RegionPages): void {
    for (const record of recordsOf(blocks, pages)) {
      this.#until.set(record, Number.POSITIVE_INFINITY);
      this.#pending.push(record);
    }
  }

  /** The regions being made are there; `requests` is the number of the next request. */
  end(requests: number): void {
    for (const record of this.#pending) this.#until.set(record, requests);
    this.#pending = [];
    if (this.#until.size > LIMIT) this.clear();
  }

  clear(): void {
    this.#until.clear();
    this.#pending = [];
  }

  /** Whether the instruction with a record is part of a region that has come since a request was made. */
  has(record: number, request: number): boolean {
    const until = this.#until.get(record);
    return until !== undefined && request < until;
  }
}

function* recordsOf(blocks: readonly Block[], pages: RegionPages): Generator<number> {
  for (const { instructions } of blocks) {
    for (const { position } of instructions) {
      const { address } = pages.get(pageOfPosition(position)) as RegionPage;
      yield address + (position & (RECORDS - 1)) * RECORD_SIZE;
    }
  }
}
