import type { Architecture, EngineRuntime } from './architecture.ts';
import { CodeCache, type CodeCacheLayout } from './code-cache.ts';
import { PAGE_SIZE, RECORD_SIZE } from './code-page.ts';
import { Decoder } from './decoder.ts';
import { Disturbance } from './disturbance.ts';
import type { Environment } from './environment.ts';
import { Exit } from './exits.ts';
import { clearKick, isKicked, kick } from './kick.ts';
import type { MachineMemory } from './machine-memory.ts';
import type { QuietPoint } from './quiet-point.ts';
import { RecordWriter } from './record-writer.ts';
import { InThreadCompiler, type RegionBatch, type RegionCompiler, type RegionRequest } from './region-compiler.ts';
import { noTranslations, RegionTranslator, type TranslationStatistics } from './region-translator.ts';
import { routineTable } from './runtime.ts';
import { type SlowPathStatistics, slowPaths } from './slow-paths.ts';
import { BUDGET, CODE_PAGE, PC, PENDING_KIND, REGION_ENTRIES, REGION_INSTRUCTIONS, TLB_FILLS } from './state.ts';
import type { Symbols } from './symbols.ts';
import { ColdTier } from './tiers/cold.ts';
import { encodeStub } from './tiers/hot.ts';
import { IMPORT_MODULE, REGION_SLOTS } from './tiers/imports.ts';
import { encodeLink } from './tiers/link.ts';
import type { RegionPages } from './tiers/region-links.ts';
import { pagesAround } from './tiers/region-window.ts';
import type { Trace } from './trace.ts';

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
  /** Who translates; if absent, the engine does, when it needs a region. */
  readonly compiler?: RegionCompiler;
  /** Milliseconds from any origin, for statistics alone. */
  readonly now: () => number;
  readonly trace?: Trace | undefined;
  /** Names translated code for profilers, if the engine translates. */
  readonly symbols?: Symbols | undefined;
  /** Seed of random disturbances (disturbance.ts), for soak tests. */
  readonly disturbance?: number | undefined;
}

/** What an engine counts; with a compiler of its own also what that does. */
export interface EngineStatistics extends TranslationStatistics, SlowPathStatistics {
  /** Milliseconds for which guests waited for translation, in all and at most at once. */
  pauseTime: number;
  longestPause: number;
  decoded: number;
  /** Times the cold tier entered a region. */
  regionEntries: number;
  /** Instructions run in regions. */
  hotInstructions: number;
  /** Times the translation table was filled without leaving wasm. */
  quickFills: number;
}

/** Where an instruction lies: its machine frame, its position there, and its pre-decoded page. */
interface Place {
  readonly frame: number;
  readonly position: number;
  readonly page: number;
}

/** What a step may meet before its instruction, and before the next one. */
const stepAgain: ReadonlySet<Exit> = new Set([Exit.budget, Exit.hot, Exit.regionAhead, Exit.settle]);

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
  readonly trace: Trace | undefined;
  readonly statistics: EngineStatistics = {
    ...noTranslations(),
    pauseTime: 0,
    longestPause: 0,
    decoded: 0,
    regionEntries: 0,
    hotInstructions: 0,
    quickFills: 0,
    slowLoads: 0,
    slowStores: 0,
    slowAtomics: 0,
    slowFetches: 0,
  };
  /** Times translated code was left, by Exit. */
  readonly exits: Float64Array = new Float64Array(Object.keys(Exit).length);

  readonly #architecture: Architecture;
  readonly #options: EngineOptions;
  readonly #recordWriter: RecordWriter;
  readonly #compiler: RegionCompiler;
  readonly #imports: WebAssembly.Imports;
  readonly #regions: WebAssembly.Table;
  readonly #absentRegion: unknown;
  /** Regions that have come and are not in the table yet. */
  #arrived: RegionBatch[] = [];
  /** Slots that this thread has filled. */
  readonly #installed = new Map<number, RegionPages>();
  /** Machine addresses of records whose regions keep to their page, because others around them did not stay. */
  readonly #confined = new Set<number>();
  #generation: number;
  #run: (state: number) => Exit;
  readonly #disturbance: Disturbance | null;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#architecture = options.architecture;
    this.memory = options.memory;
    this.environment = options.environment;
    this.quietPoint = options.quietPoint;
    this.trace = options.trace;
    this.codeCache = new CodeCache(options.memory, options.codeCache, options.quietPoint);
    this.decoder = new Decoder(options.architecture.instructions, options.architecture.undefinedInstruction);
    this.#recordWriter = new RecordWriter(options.memory, this.decoder);
    this.#compiler = options.compiler ?? this.#makeCompiler(options);
    this.#absentRegion = stub(Exit.notInstalled);
    this.#regions = new WebAssembly.Table(
      { element: 'anyfunc', initial: REGION_SLOTS, maximum: REGION_SLOTS },
      this.#absentRegion,
    );
    this.#regions.set(0, stub(Exit.continue));
    this.#generation = this.codeCache.generation;
    this.#imports = this.#makeImports();
    const { hotThreshold, disturbance } = options;
    this.#run = this.#makeColdTier(hotThreshold);
    this.#disturbance = disturbance === undefined ? null : this.#makeDisturbance(disturbance);
  }

  #makeColdTier(hotThreshold: number): (state: number) => Exit {
    const { memory, decoder, trace } = this;
    const { heatTable, architecture } = this.#options;
    const { epilogue } = architecture;
    const { run } = new ColdTier({ memory, decoder, heatTable, hotThreshold, epilogue }, this.#imports);
    if (trace?.wants('exits') !== true) return run;
    return (state) => {
      const exit = run(state);
      trace.note(state, 'exits', exit);
      return exit;
    };
  }

  #makeDisturbance(seed: number): Disturbance {
    const { hotThreshold } = this.#options;
    const tiers = new Map([[hotThreshold, this.#run]]);
    return new Disturbance(
      {
        memory: this.memory,
        codeCache: this.codeCache,
        translate: (state) => this.#askForRegion(state),
        codeCacheDropped: (state) => this.#followCodeCache(state),
        forgetTranslations: (state) => this.#architecture.forgetTranslations(this, state),
        setThreshold: (threshold) => {
          const run = tiers.get(threshold) ?? this.#makeColdTier(threshold);
          tiers.set(threshold, run);
          this.#run = run;
        },
      },
      seed,
      hotThreshold,
    );
  }

  #makeCompiler({ architecture, now, symbols }: EngineOptions): RegionCompiler {
    const { memory, codeCache, quietPoint, decoder, statistics } = this;
    const translator = new RegionTranslator({
      architecture,
      memory,
      codeCache,
      quietPoint,
      decoder,
      now,
      statistics,
      symbols,
    });
    return new InThreadCompiler(translator, codeCache);
  }

  #makeImports(): WebAssembly.Imports {
    const routines = routineTable();
    const { fetch, ...accesses } = slowPaths(this, this.#architecture, this.statistics, (state) => this.#fetch(state));
    const shared = { memory: this.memory.memory, regions: this.#regions };
    const { frameMap } = this.environment;
    const quickFill = frameMap === undefined ? null : this.#architecture.quickFill(frameMap);
    const encoded = encodeLink(this.memory.size / 65536, quickFill);
    const link = new WebAssembly.Instance(new WebAssembly.Module(encoded), {
      [IMPORT_MODULE]: { ...shared, ...accesses },
    }).exports;
    return {
      [IMPORT_MODULE]: {
        ...shared,
        fetch,
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
    const setAside = this.#disturbance?.before(state) ?? 0;
    try {
      return this.#runInside(state);
    } finally {
      this.quietPoint.leave();
      this.#count(state);
      if (setAside !== 0) this.memory.i32[(state + BUDGET) >>> 2] += setAside;
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
    this.#receive();
    this.#arrived = this.#arrived.filter((batch) => batch.generation === generation);
  }

  #count(state: number): void {
    const { i32 } = this.memory;
    const { statistics } = this;
    statistics.regionEntries += i32[(state + REGION_ENTRIES) >>> 2] as number;
    statistics.hotInstructions += i32[(state + REGION_INSTRUCTIONS) >>> 2] as number;
    statistics.quickFills += i32[(state + TLB_FILLS) >>> 2] as number;
    i32[(state + TLB_FILLS) >>> 2] = 0;
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
        this.#askForRegion(state);
        return Exit.continue;
      case Exit.notInstalled:
        this.#installMissing(state);
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
      case Exit.regionAhead:
        this.memory.i32[(state + BUDGET) >>> 2] = -1;
        return Exit.budget;
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

  /** The code at PC is hot. */
  #askForRegion(state: number): void {
    const place = this.#locate(state);
    if (place === null || this.codeCache.regionAt(place.page, place.position) >= 0) return;
    const request = this.#requestAt(state, place);
    this.trace?.note(state, 'regions', 0);
    this.#pause(state, () => this.#compiler.request(request));
  }

  #requestAt(state: number, { page, position }: Place): RegionRequest {
    const neighbours = !this.#confined.has(page + position * RECORD_SIZE);
    const { memory } = this;
    const pc = (state + PC) >>> 2;
    return {
      generation: this.#generation,
      pages: pagesAround(memory, state, page, neighbours),
      position,
      address: [memory.u32[pc] as number, memory.u32[pc + 1] as number],
    };
  }

  /** Does something for which the vCPU waits, outside. */
  #pause(state: number, body: () => void): void {
    this.#outside(state, () => {
      const start = this.#options.now();
      body();
      const time = this.#options.now() - start;
      this.statistics.pauseTime += time;
      this.statistics.longestPause = Math.max(this.statistics.longestPause, time);
    });
  }

  /** The record at PC leads to a region that is not in this thread's table: puts it there. */
  #installMissing(state: number): void {
    const place = this.#locate(state);
    if (place === null) return;
    const slot = this.codeCache.regionAt(place.page, place.position);
    if (slot < 0) return;
    const request = this.#requestAt(state, place);
    this.trace?.note(state, 'regions', 1);
    this.#pause(state, () => {
      this.#receive();
      if (this.#install(slot)) return;
      this.#compiler.requestAgain(request, slot);
      this.#receive();
    });
    if (request.generation !== this.#generation) return;
    if (!this.#installed.has(slot) && !this.#install(slot)) this.codeCache.forgetRegion(place.page, place.position);
  }

  /** Takes what has come; regions of before the code cache was last emptied are of no use. */
  #receive(): void {
    const { generation } = this.codeCache;
    for (let batch = this.#compiler.take(); batch !== null; batch = this.#compiler.take()) {
      if (batch.generation === generation) this.#arrived.push(batch);
    }
  }

  /** Puts a region that has come into the table, with all of its module; false if it has not come. */
  #install(slot: number): boolean {
    const index = this.#arrived.findIndex(
      ({ firstSlot, regions }) => slot >= firstSlot && slot < firstSlot + regions.length,
    );
    if (index < 0) return false;
    const { module, firstSlot, regions } = this.#arrived[index] as RegionBatch;
    this.#arrived.splice(index, 1);
    new WebAssembly.Instance(module, this.#imports);
    for (const [offset, { pages }] of regions.entries()) this.#installed.set(firstSlot + offset, pages);
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
}
