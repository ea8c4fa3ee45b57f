import type { CodeCache } from './code-cache.ts';
import type { RegionTranslator } from './region-translator.ts';
import type { RegionPages } from './tiers/region-links.ts';

/**
 * What an engine knows of who translates: it asks for regions, goes on in the cold tier, and finds them when the code leads
 * there.
 */

/** A region to be made. */
export interface RegionRequest {
  /** The generation of the code cache in which the pages are what they are. */
  readonly generation: number;
  /** Pre-decoded pages around its entry (tiers/region-window.ts), and the entry's position in the middle one. */
  readonly pages: readonly number[];
  readonly position: number;
  /** The entry's virtual address in halves, low first, where it was asked for: profilers show the region by it. */
  readonly address: readonly [number, number];
  /** Requests that wait for a translator are numbered. */
  readonly number?: number;
}

/** Regions made together, in one module; can be posted to another thread. */
export interface RegionBatch {
  readonly generation: number;
  /** The module puts its regions into slots from here on. */
  readonly firstSlot: number;
  readonly regions: readonly { readonly position: number; readonly pages: RegionPages }[];
  readonly module: WebAssembly.Module;
}

/** One engine's way to whoever translates. Called outside (quiet-point.ts). */
export interface RegionCompiler {
  /**
   * Asks for a region, which records lead to when it is there. It may be made at once, or later, or not at all if there is too
   * much to do.
   */
  request(request: RegionRequest): void;
  /** Asks for a region that has a slot already, but that no batch brought this thread. */
  requestAgain(request: RegionRequest, slot: number): void;
  /** The next batch of regions that this thread has not taken yet; null if there is none. */
  take(): RegionBatch | null;
}

/** Translates at once on the engine's own thread, each region in a module of its own, and for this thread alone. */
export class InThreadCompiler implements RegionCompiler {
  readonly #translator: RegionTranslator;
  readonly #codeCache: CodeCache;
  readonly #finished: RegionBatch[] = [];

  constructor(translator: RegionTranslator, codeCache: CodeCache) {
    this.#translator = translator;
    this.#codeCache = codeCache;
  }

  request(request: RegionRequest): void {
    const batch = this.#translator.translate([request]);
    if (batch === null) return;
    this.#finished.push(batch);
    this.#translator.publish(batch);
  }

  requestAgain(request: RegionRequest, slot: number): void {
    if (request.generation !== this.#codeCache.generation) return;
    const batch = this.#translator.translate([request], slot);
    if (batch !== null) this.#finished.push(batch);
  }

  take(): RegionBatch | null {
    return this.#finished.shift() ?? null;
  }
}
