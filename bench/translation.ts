import { arm64Architecture as architecture } from '../src/cpu/arm64/architecture.ts';
import { RECORDS } from '../src/cpu/code-page.ts';
import { Decoder } from '../src/cpu/decoder.ts';
import { MachineMemory } from '../src/cpu/machine-memory.ts';
import { ColdTier } from '../src/cpu/tiers/cold.ts';
import { EffectTable } from '../src/cpu/tiers/effects.ts';
import { RegionEncoder } from '../src/cpu/tiers/hot.ts';
import { IMPORT_MODULE, REGION_SLOTS } from '../src/cpu/tiers/imports.ts';
import { type CodeWindow, findRegion, pageOfPosition, REGION_REACH } from '../src/cpu/tiers/region.ts';
import type { RegionPage } from '../src/cpu/tiers/region-links.ts';

/** What translating regions costs: those that begin at the functions of files with AArch64 code, no guest being run. */

/** Bits of `stp x29, x30, [sp, #-n]!`, which most functions begin with, and which of them are fixed. */
const PROLOGUE = 0xa980_7bfd | 0;
const PROLOGUE_MASK = 0xffc0_7fff | 0;

/** Places of pages' records, at which nothing is. */
const FIRST_PAGE = 0x10_0000;
const PAGE_STEP = 0x1_0000;
const MEMORY_PAGES = 16384;

/** Code as it lies in a file, around one entry. */
class FileWindow implements CodeWindow {
  /** The pages that code was taken from. */
  readonly pages = new Map<number, RegionPage>();
  readonly #words: Int32Array;
  /** The word that the entry's page begins with. */
  readonly #origin: number;

  constructor(words: Int32Array, entry: number) {
    this.#words = words;
    this.#origin = entry & -RECORDS;
  }

  has(position: number): boolean {
    const index = this.#origin + position;
    return Math.abs(pageOfPosition(position)) <= REGION_REACH && index >= 0 && index < this.#words.length;
  }

  wordAt(position: number): number {
    const distance = pageOfPosition(position);
    if (!this.pages.has(distance)) this.pages.set(distance, { address: FIRST_PAGE + distance * PAGE_STEP, changes: 0 });
    return this.#words[this.#origin + position] as number;
  }
}

/**
 * Microseconds: what passed in each part, and the processor time of the translating thread and of the whole process, which also
 * has V8's compilers and collectors.
 */
export interface TranslationCost {
  regions: number;
  instructions: number;
  bytes: number;
  find: number;
  encode: number;
  module: number;
  instance: number;
  thread: number;
  process: number;
}

const noCost = (): TranslationCost => ({
  regions: 0,
  instructions: 0,
  bytes: 0,
  find: 0,
  encode: 0,
  module: 0,
  instance: 0,
  thread: 0,
  process: 0,
});

const total = ({ user, system }: NodeJS.CpuUsage): number => user + system;

/** An entry in one of the files. */
interface Place {
  readonly words: Int32Array;
  readonly entry: number;
}

/** `count` entries in all, evenly from all files, in turn; fewer if there are not so many. */
export const choosePlaces = (files: readonly Uint8Array[], count: number): Place[] => {
  const lists = files.map((bytes) => {
    const words = new Int32Array(bytes.slice(0, bytes.length & -4).buffer);
    const entries: number[] = [];
    for (const [index, word] of words.entries()) if ((word & PROLOGUE_MASK) === PROLOGUE) entries.push(index);
    return { words, entries };
  });
  const wanted = Math.ceil(count / lists.length);
  const places: Place[] = [];
  for (let i = 0; i < wanted; i++) {
    for (const { words, entries } of lists) {
      if (i >= entries.length) continue;
      const chosen = entries.length <= wanted ? i : Math.floor((i * entries.length) / wanted);
      places.push({ words, entry: entries[chosen] as number });
    }
  }
  return places.slice(0, count);
};

/** Translates what begins at places, and leaves it all to the collector. */
export class Translator {
  readonly #decoder = new Decoder(architecture.instructions, architecture.undefinedInstruction);
  readonly #effects = new EffectTable(this.#decoder);
  readonly #encoder = new RegionEncoder(architecture, MEMORY_PAGES);
  readonly #imports: WebAssembly.Imports;

  /** Makes the cold tier's loop, too, as an engine does before it translates. */
  constructor() {
    const nothing = (): number => 0;
    const memory = new MachineMemory(
      new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true }),
    );
    this.#imports = {
      [IMPORT_MODULE]: {
        memory: memory.memory,
        regions: new WebAssembly.Table({ element: 'anyfunc', initial: REGION_SLOTS, maximum: REGION_SLOTS }),
        load: nothing,
        store: nothing,
        address: nothing,
        fetch: nothing,
        decode: nothing,
        routine: nothing,
        normalise: nothing,
      },
    };
    const { epilogue } = architecture;
    new ColdTier({ memory, decoder: this.#decoder, heatTable: 0, hotThreshold: 1, epilogue }, this.#imports);
  }

  measure(places: readonly Place[]): TranslationCost {
    const cost = noCost();
    const before = { thread: process.threadCpuUsage(), process: process.cpuUsage() };
    for (const { words, entry } of places) {
      const start = performance.now();
      const window = new FileWindow(words, entry);
      const blocks = findRegion(this.#decoder, this.#effects, entry & (RECORDS - 1), window);
      const found = performance.now();
      const bytes = this.#encoder.encode([{ blocks, pages: window.pages }], 1);
      const encoded = performance.now();
      const module = new WebAssembly.Module(bytes);
      const made = performance.now();
      new WebAssembly.Instance(module, this.#imports);
      const end = performance.now();
      cost.regions++;
      cost.instructions += blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
      cost.bytes += bytes.length;
      cost.find += 1000 * (found - start);
      cost.encode += 1000 * (encoded - found);
      cost.module += 1000 * (made - encoded);
      cost.instance += 1000 * (end - made);
    }
    cost.thread = total(process.threadCpuUsage(before.thread));
    cost.process = total(process.cpuUsage(before.process));
    return cost;
  }
}
