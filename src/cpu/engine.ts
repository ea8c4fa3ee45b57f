import type { Architecture, EngineRuntime } from './architecture.ts';
import { CodeCache, type CodeCacheLayout } from './code-cache.ts';
import { PAGE_SIZE, RECORD_SIZE } from './code-page.ts';
import { Decoder } from './decoder.ts';
import type { Environment } from './environment.ts';
import { Exit } from './exits.ts';
import { clearKick, isKicked, kick } from './kick.ts';
import type { MachineMemory } from './machine-memory.ts';
import type { QuietPoint } from './quiet-point.ts';
import { RecordWriter } from './record-writer.ts';
import { routineTable } from './runtime.ts';
import { BUDGET, CODE_PAGE, PC, PENDING_KIND, REGION_ENTRIES, REGION_INSTRUCTIONS } from './state.ts';
import { ColdTier } from './tiers/cold.ts';
import { EffectTable } from './tiers/effects.ts';
import { encodeRegion, encodeStub } from './tiers/hot.ts';
import { IMPORT_MODULE, REGION_SLOTS } from './tiers/imports.ts';
import { encodeLink } from './tiers/link.ts';
import { type Block, findRegion } from './tiers/region.ts';
import type { RegionPages } from './tiers/region-links.ts';
import { RegionWindow } from './tiers/region-window.ts';

export interface EngineOptions {
  readonly architecture: Architecture;
  readonly memory: MachineMemory;
  readonly environment: Environment;
  readonly codeCache: CodeCacheLayout;
  /** The thread's. */
  readonly quietPoint: QuietPoint;
  /** Machine address of the heat table, HEAT_BYTES long. */
  readonly heatTable: number;
  /** Branches to an instruction before the code there is translated; 0 keeps everything in the cold tier. */
  readonly hotThreshold: number;
  /** Milliseconds from any origin, for statistics alone. */
  readonly now: () => number;
}

export interface EngineStatistics {
  regions: number;
  regionInstructions: number;
  regionBytes: number;
  /** Milliseconds spent in translating regions. */
  compileTime: number;
  decoded: number;
  /** Times the cold tier entered a region. */
  regionEntries: number;
  /** Instructions run in regions. */
  hotInstructions: number;
}

/** Where an instruction lies: its machine frame, its position there, and its pre-decoded page. */
interface Place {
  readonly frame: number;
  readonly position: number;
  readonly page: number;
}

/** What a step may meet before its instruction, and before the next one. */
const stepAgain: ReadonlySet<Exit> = new Set([Exit.budget, Exit.hot, Exit.notInstalled, Exit.settle, Exit.stale]);

/** A function in place of a region. */
const stub = (exit: Exit): unknown => new WebAssembly.Instance(new WebAssembly.Module(encodeStub(exit))).exports.r;

/**
 * One thread's engine: runs vCPUs, given by the address of their records, in both tiers. It returns for everything that is
 * not plain execution, with an Exit.
 */
export class Engine implements EngineRuntime {
  readonly memory: MachineMemory;
  readonly environment: Environment;
  readonly codeCache: CodeCache;
  readonly quietPoint: QuietPoint;
  readonly decoder: Decoder;
  readonly statistics: EngineStatistics = {
    regions: 0,
    regionInstructions: 0,
    regionBytes: 0,
    compileTime: 0,
    decoded: 0,
    regionEntries: 0,
    hotInstructions: 0,
  };
  /** Times translated code was left, by Exit. */
  readonly exits: Float64Array = new Float64Array(Object.keys(Exit).length);

  readonly #architecture: Architecture;
  readonly #options: EngineOptions;
  readonly #recordWriter: RecordWriter;
  readonly #effects: EffectTable;
  readonly #imports: WebAssembly.Imports;
  readonly #regions: WebAssembly.Table;
  readonly #absentRegion: unknown;
  /** Slots that this thread has filled, in which generation of the code cache. */
  readonly #installed = new Map<number, RegionPages>();
  /** Machine addresses of records whose regions keep to their page, because others around them did not stay. */
  readonly #confined = new Set<number>();
  #generation: number;
  readonly #run: (state: number) => Exit;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#architecture = options.architecture;
    this.memory = options.memory;
    this.environment = options.environment;
    this.quietPoint = options.quietPoint;
    this.codeCache = new CodeCache(options.memory, options.codeCache, options.quietPoint);
    this.decoder = new Decoder(options.architecture.instructions, options.architecture.undefinedInstruction);
    this.#recordWriter = new RecordWriter(options.memory, this.decoder);
    this.#effects = new EffectTable(this.decoder);
    this.#absentRegion = stub(Exit.notInstalled);
    this.#regions = new WebAssembly.Table(
      { element: 'anyfunc', initial: REGION_SLOTS, maximum: REGION_SLOTS },
      this.#absentRegion,
    );
    this.#regions.set(0, stub(Exit.continue));
    this.#generation = this.codeCache.generation;
    this.#imports = this.#makeImports();
    const { memory, decoder } = this;
    const { heatTable, hotThreshold, architecture } = options;
    const { epilogue } = architecture;
    this.#run = new ColdTier({ memory, decoder, heatTable, hotThreshold, epilogue }, this.#imports).run;
  }

  #makeImports(): WebAssembly.Imports {
    const architecture = this.#architecture;
    const routines = routineTable();
    const shared = { memory: this.memory.memory, regions: this.#regions };
    const link = new WebAssembly.Instance(new WebAssembly.Module(encodeLink(this.memory.size / 65536)), {
      [IMPORT_MODULE]: {
        ...shared,
        load: (state: number, lo: number, hi: number, kind: number) =>
          architecture.load(this, state >>> 0, lo, hi, kind),
        store: (state: number, lo: number, hi: number, kind: number) =>
          architecture.store(this, state >>> 0, lo, hi, kind),
        address: (state: number, lo: number, hi: number, kind: number) =>
          architecture.address(this, state >>> 0, lo, hi, kind),
      },
    }).exports;
    return {
      [IMPORT_MODULE]: {
        ...shared,
        fetch: (state: number) => this.#fetch(state >>> 0),
        decode: (state: number, record: number) => this.#decode(state >>> 0, record >>> 0),
        routine: (number: number, state: number) => {
          const routine = routines[number];
          if (routine === undefined) throw new Error(`no routine ${number}`);
          return routine(this, state >>> 0);
        },
        ...link,
      },
    };
  }

  /** Runs a vCPU until something needs attention; its budget field bounds the instructions. */
  run(state: number): Exit {
    this.#enter(state);
    try {
      return this.#runInside(state);
    } finally {
      this.quietPoint.leave();
      this.#count(state);
    }
  }

  /** Runs one instruction in the cold tier, whatever was translated there, kicked or not. */
  step(state: number): Exit {
    this.#enter(state);
    try {
      return this.#stepInside(state);
    } finally {
      this.quietPoint.leave();
    }
  }

  #enter(state: number): void {
    this.quietPoint.enter(state);
    this.#followCodeCache(state);
  }

  /** Does something outside, after which nothing that was looked up before may be used. */
  #outside<T>(state: number, body: () => T): T {
    this.quietPoint.leave();
    try {
      return body();
    } finally {
      this.#enter(state);
    }
  }

  /** Forgets what the code cache has dropped: this thread's regions and the vCPU's ways to pages. */
  #followCodeCache(state: number): void {
    this.#architecture.followCodeCache(this, state);
    const { generation } = this.codeCache;
    if (generation === this.#generation) return;
    this.#generation = generation;
    for (const slot of this.#installed.keys()) this.#regions.set(slot, this.#absentRegion);
    this.#installed.clear();
    this.#confined.clear();
  }

  #count(state: number): void {
    const { i32 } = this.memory;
    const { statistics } = this;
    statistics.regionEntries += i32[(state + REGION_ENTRIES) >>> 2] as number;
    statistics.hotInstructions += i32[(state + REGION_INSTRUCTIONS) >>> 2] as number;
    i32[(state + REGION_ENTRIES) >>> 2] = 0;
    i32[(state + REGION_INSTRUCTIONS) >>> 2] = 0;
  }

  #runInside(state: number): Exit {
    for (;;) {
      const exit = this.#run(state);
      this.exits[exit] = (this.exits[exit] as number) + 1;
      const rest = this.#attend(state, exit);
      if (rest !== Exit.continue) return rest;
    }
  }

  /** Does what an exit asks of the engine itself or of the processor; gives what is left for the layers above. */
  #attend(state: number, exit: Exit): Exit {
    switch (exit) {
      case Exit.hot:
        this.#translate(state);
        return Exit.continue;
      case Exit.notInstalled:
        this.#installAgain(state);
        return Exit.continue;
      case Exit.synchronize:
        this.#synchronize(state);
        return Exit.continue;
      case Exit.stale:
        this.#renew(state);
        return Exit.continue;
      case Exit.settle:
        this.#settle(state);
        return Exit.continue;
      default: {
        const rest = this.#architecture.resume(this, state, exit);
        return rest === Exit.continue && this.#isDue(state) ? Exit.budget : rest;
      }
    }
  }

  /** Whether to leave: exceptions can follow each other without an end and without an instruction, so each counts as one. */
  #isDue(state: number): boolean {
    const { i32 } = this.memory;
    const budget = (state + BUDGET) >>> 2;
    const left = (i32[budget] as number) - 1;
    i32[budget] = left;
    return left < 0 || isKicked(this.memory, state);
  }

  #stepInside(state: number): Exit {
    const budget = (state + BUDGET) >>> 2;
    let kicked = false;
    for (;;) {
      const place = this.#locate(state);
      if (place !== null) this.codeCache.forgetRegion(place.page, place.position);
      kicked = clearKick(this.memory, state) || kicked;
      this.memory.i32[budget] = 1;
      const exit = this.#run(state);
      const done = this.memory.i32[budget] !== 1;
      if (exit === Exit.settle) this.#settle(state);
      else if (exit === Exit.synchronize) this.#synchronize(state);
      // The code got hot just now, or somebody kicks: the instruction has not run yet.
      if (!done && stepAgain.has(exit)) continue;
      if (kicked) kick(this.memory, state);
      return stepAgain.has(exit) || exit === Exit.synchronize ? Exit.budget : exit;
    }
  }

  /** Waits until no other vCPU of the machine is in the middle of anything that began before. */
  #synchronize(state: number): void {
    const others: number[] = [];
    this.environment.forEachOther(state, (other) => others.push(other));
    this.#outside(state, () => this.quietPoint.wait(others));
  }

  /** Waits until nobody executes what was forgotten of the page in hand, so that it can be decoded anew. */
  #settle(state: number): void {
    const page = this.memory.u32[(state + CODE_PAGE) >>> 2] as number;
    const changes = this.codeCache.changesOf(page);
    const generation = this.#generation;
    this.#outside(state, () => this.quietPoint.wait(null));
    if (generation === this.#generation) this.codeCache.settle(page, changes);
  }

  /** Machine address of the frame and position in it of the instruction at PC, from the translation table. */
  #locate(state: number): Place | null {
    if (this.#fetch(state) !== 0) return null;
    const page = this.memory.u32[(state + CODE_PAGE) >>> 2] as number;
    const pcLow = this.memory.u32[(state + PC) >>> 2] as number;
    return { frame: this.codeCache.frameOf(page), position: (pcLow & 0xfff) >>> 2, page };
  }

  /** A fetch that finds the code cache full starts it over: regions of before must not be entered any more. */
  #fetch(state: number): number {
    const status = this.#architecture.fetch(this, state);
    if (this.codeCache.generation !== this.#generation) this.#followCodeCache(state);
    return status;
  }

  /** 0, or 1 if others must have left the record alone first. */
  #decode(state: number, record: number): number {
    const page = this.memory.u32[(state + CODE_PAGE) >>> 2] as number;
    return this.codeCache.decode(page, record, this.#writeRecords) ? 0 : 1;
  }

  readonly #writeRecords = (page: number, record: number): void => {
    const code = this.codeCache.frameOf(page) + ((record - page) / RECORD_SIZE) * 4;
    this.statistics.decoded += this.#recordWriter.writeRun(record, code);
  };

  /** Translates the region at PC and lets its record lead to it. */
  #translate(state: number): void {
    const place = this.#locate(state);
    if (place === null) return;
    if (this.codeCache.regionAt(place.page, place.position) >= 0) return;
    const slot = this.codeCache.takeRegionSlot();
    if (slot >= REGION_SLOTS) {
      this.#startOver(state);
      return;
    }
    const changes = this.codeCache.changesOf(place.page);
    if (!this.#install(state, slot, place)) return;
    this.codeCache.enterRegion(place.page, place.position, slot, changes);
  }

  /** The record at PC leads to a region that another thread translated: makes it here too. */
  #installAgain(state: number): void {
    const place = this.#locate(state);
    if (place === null) return;
    const slot = this.codeCache.regionAt(place.page, place.position);
    if (slot >= 0) this.#install(state, slot, place);
  }

  /** Makes the region at a place and puts it into a slot; false if the code cache has dropped both meanwhile. */
  #install(state: number, slot: number, { page, position }: Place): boolean {
    const start = this.#options.now();
    const window = new RegionWindow(this.memory, this.codeCache, state, page);
    if (this.#confined.has(page + position * RECORD_SIZE)) window.confine();
    const blocks = findRegion(this.decoder, this.#effects, position, window);
    const generation = this.#generation;
    // That takes milliseconds, for which nobody should wait.
    const region = this.#outside(state, () => this.#compile(blocks, window.pages));
    this.statistics.compileTime += this.#options.now() - start;
    if (generation !== this.#generation) return false;
    this.#regions.set(slot, region);
    this.#installed.set(slot, window.pages);
    return true;
  }

  /**
   * The region at PC found a page of its code replaced, or gone from the translation table: enters the pages there again, or
   * takes the lead into the region back.
   */
  #renew(state: number): void {
    const generation = this.#generation;
    const place = this.#locate(state);
    if (place === null || generation !== this.#generation) return;
    const pages = this.#installed.get(this.codeCache.regionAt(place.page, place.position));
    if (pages === undefined) return;
    if (this.#fetchPages(state, pages) || generation !== this.#generation) return;
    this.#confined.add(place.page + place.position * RECORD_SIZE);
    this.codeCache.forgetRegion(place.page, place.position);
  }

  /** Fetches the pages around PC's; true if they are those. */
  #fetchPages(state: number, pages: RegionPages): boolean {
    const { i32, u32 } = this.memory;
    const pc = (state + PC) >>> 2;
    const low = i32[pc] as number;
    const high = i32[pc + 1] as number;
    const pending = i32[(state + PENDING_KIND) >>> 2] as number;
    let same = true;
    for (const [distance, page] of pages) {
      i32[pc] = low + distance * PAGE_SIZE;
      same &&= this.#fetch(state) === 0 && u32[(state + CODE_PAGE) >>> 2] === page.address;
      same &&= this.codeCache.changesOf(page.address) === page.changes;
      i32[pc] = low;
      i32[pc + 1] = high;
    }
    i32[(state + PENDING_KIND) >>> 2] = pending;
    return same;
  }

  /** No slot or no room is left: begins with an empty code cache, and with slots from 0 on. */
  #startOver(state: number): void {
    this.codeCache.startOver();
    this.#followCodeCache(state);
  }

  /** Translates a region, whose code was copied. */
  #compile(blocks: readonly Block[], pages: RegionPages): WebAssembly.ExportValue {
    const bytes = encodeRegion(this.#architecture, blocks, pages, this.memory.size / 65536);
    const region = this.#instantiate(bytes);
    const { statistics } = this;
    statistics.regions++;
    statistics.regionBytes += bytes.length;
    for (const block of blocks) statistics.regionInstructions += block.instructions.length;
    return region;
  }

  #instantiate(bytes: Uint8Array<ArrayBuffer>): WebAssembly.ExportValue {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes), this.#imports).exports.r as WebAssembly.ExportValue;
  }
}
