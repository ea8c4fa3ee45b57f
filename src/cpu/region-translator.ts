import type { Architecture } from './architecture.ts';
import type { CodeCache } from './code-cache.ts';
import { RECORD_SIZE } from './code-page.ts';
import type { Decoder } from './decoder.ts';
import type { MachineMemory } from './machine-memory.ts';
import type { QuietPoint } from './quiet-point.ts';
import type { RegionBatch, RegionRequest } from './region-compiler.ts';
import { RegionCover } from './region-cover.ts';
import { nameOf, type Symbols } from './symbols.ts';
import { EffectTable } from './tiers/effects.ts';
import { RegionEncoder } from './tiers/hot.ts';
import { type Block, findRegion, REGION_REACH } from './tiers/region.ts';
import type { RegionPage, RegionPages } from './tiers/region-links.ts';
import { RegionWindow } from './tiers/region-window.ts';

/** Makes modules of guest code, for whichever thread wants them. */

export interface TranslationStatistics {
  regions: number;
  regionInstructions: number;
  /** Bytes of the regions' modules, and how many those are. */
  regionBytes: number;
  modules: number;
  /** Milliseconds spent in translating regions. */
  compileTime: number;
  /** Times all regions were dropped for want of room. */
  evictions: number;
}

export const noTranslations = (): TranslationStatistics => ({
  regions: 0,
  regionInstructions: 0,
  regionBytes: 0,
  modules: 0,
  compileTime: 0,
  evictions: 0,
});

export interface RegionTranslatorOptions {
  readonly architecture: Architecture;
  readonly memory: MachineMemory;
  readonly codeCache: CodeCache;
  /** The thread's. */
  readonly quietPoint: QuietPoint;
  readonly decoder: Decoder;
  /** Milliseconds from any origin, for statistics alone. */
  readonly now: () => number;
  /** Names regions for profilers. */
  readonly symbols?: Symbols | undefined;
  /** Counted in. */
  readonly statistics: TranslationStatistics;
}

/** What V8 keeps of a module, measured (docs/translation.md): so much for each, and so much for each byte of it. */
const MODULE_COST = 24 << 10;
const BYTE_COST = 5;

interface Found {
  readonly position: number;
  readonly name: string | undefined;
  readonly pages: RegionPages;
  readonly blocks: readonly Block[];
}

export class RegionTranslator {
  readonly statistics: TranslationStatistics;
  readonly #options: RegionTranslatorOptions;
  readonly #effects: EffectTable;
  readonly #encoder: RegionEncoder;
  readonly #cover = new RegionCover();

  constructor(options: RegionTranslatorOptions) {
    this.#options = options;
    this.statistics = options.statistics;
    this.#effects = new EffectTable(options.decoder);
    this.#encoder = new RegionEncoder(options.architecture, options.memory.size / 65536);
  }

  /**
   * Translates regions into one module, for new slots or, if `slot` says so, one for that slot. Null if nothing is left to do, or
   * if there was no room: then all regions were dropped, and what is hot will be asked for again. Called outside.
   */
  translate(requests: readonly RegionRequest[], slot = 0): RegionBatch | null {
    const { now, codeCache } = this.#options;
    const start = now();
    const { generation } = codeCache;
    const found = this.#find(this.#read(requests, generation, slot !== 0));
    if (found.length === 0) return null;
    const firstSlot = slot === 0 ? codeCache.takeRegionSlots(found.length) : slot;
    if (firstSlot === 0) {
      codeCache.startRegionsOver();
      this.#cover.clear();
      this.statistics.evictions++;
      return null;
    }
    const bytes = this.#encoder.encode(found, firstSlot);
    const module = new WebAssembly.Module(bytes);
    codeCache.chargeRegions(generation, MODULE_COST + bytes.length * BYTE_COST);
    this.#count(found, bytes.length, now() - start);
    return { generation, firstSlot, regions: found.map(({ position, pages }) => ({ position, pages })), module };
  }

  /** Copies the code around each entry, but of those that nobody waits for any more. */
  #read(requests: readonly RegionRequest[], generation: number, again: boolean): [RegionRequest, RegionWindow][] {
    const { memory, codeCache, quietPoint } = this.#options;
    return quietPoint.within(0, () => {
      // Now nobody drops pages; if it happened just before, their addresses are of another time.
      if (codeCache.generation !== generation) return [];
      return requests
        .filter(({ pages, position, generation: asked }) => {
          const page = pages[REGION_REACH] as number;
          return asked === generation && (again || codeCache.regionAt(page, position) < 0);
        })
        .map((request) => [request, new RegionWindow(memory, codeCache, request.pages)]);
    });
  }

  #find(windows: readonly [RegionRequest, RegionWindow][]): Found[] {
    const found: Found[] = [];
    for (const [{ position, pages, number, address }, window] of windows) {
      const record = (pages[REGION_REACH] as number) + position * RECORD_SIZE;
      if (number !== undefined && this.#cover.has(record, number)) continue;
      const blocks = findRegion(this.#options.decoder, this.#effects, position, window);
      if (number !== undefined) this.#cover.add(blocks, window.pages);
      found.push({ position, name: this.#nameOf(address), pages: window.pages, blocks });
    }
    return found;
  }

  #nameOf([low, high]: readonly [number, number]): string | undefined {
    const { symbols } = this.#options;
    return symbols === undefined ? undefined : nameOf(symbols, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
  }

  #count(found: readonly Found[], bytes: number, time: number): void {
    const { statistics } = this;
    statistics.modules++;
    statistics.regions += found.length;
    statistics.regionBytes += bytes;
    statistics.compileTime += time;
    for (const { blocks } of found) {
      for (const { instructions } of blocks) statistics.regionInstructions += instructions.length;
    }
  }

  /**
   * Lets the records of a batch's entries lead to its regions, unless their code has changed; the next request has the number
   * `next` if they are numbered. Called outside.
   */
  publish({ generation, firstSlot, regions }: RegionBatch, next = 0): void {
    const { codeCache, quietPoint } = this.#options;
    quietPoint.within(0, () => {
      if (codeCache.generation !== generation) return;
      for (const [index, { position, pages }] of regions.entries()) {
        const { address, changes } = pages.get(0) as RegionPage;
        codeCache.enterRegion(address, position, firstSlot + index, changes);
      }
    });
    this.#cover.end(next);
  }
}
