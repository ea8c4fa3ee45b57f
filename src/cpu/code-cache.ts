import {
  CODE_PAGE_FRAME,
  CODE_PAGE_HAS_REGIONS,
  CODE_PAGE_STRIDE,
  Handler,
  PAGE_SHIFT,
  RECORD_SIZE,
  RECORDS,
} from './code-page.ts';
import type { MachineMemory } from './machine-memory.ts';

/** Where the code cache lies in machine memory; the layers above decide. All addresses are in bytes, 64-byte aligned. */
export interface CodeCacheLayout {
  /** One u32 for each machine frame: the address of its pre-decoded page, or 0. */
  readonly frameTable: number;
  readonly frames: number;
  /** The arena of pre-decoded pages. */
  readonly arena: number;
  readonly arenaEnd: number;
  /** Bookkeeping shared by all threads: ARENA_NEXT and ARENA_GENERATION. */
  readonly control: number;
}

const ARENA_NEXT = 0;
const ARENA_GENERATION = 4;

/**
 * Pre-decoded pages by machine frame (design I7). Threads share the tables; a page's records are valid for whoever runs the
 * frame. When the arena is full everything is dropped and decoded again as it is run.
 */
export class CodeCache {
  readonly #memory: MachineMemory;
  readonly #layout: CodeCacheLayout;

  constructor(memory: MachineMemory, layout: CodeCacheLayout) {
    this.#memory = memory;
    this.#layout = layout;
    const next = (layout.control + ARENA_NEXT) >>> 2;
    Atomics.compareExchange(memory.i32, next, 0, layout.arena | 0);
  }

  /** Changes whenever everything was dropped. */
  get generation(): number {
    return Atomics.load(this.#memory.i32, (this.#layout.control + ARENA_GENERATION) >>> 2);
  }

  /** The address of the pre-decoded page of the frame at a machine address, made if need be; 0 if the arena is full. */
  pageOf(frameAddress: number): number {
    const slot = (this.#layout.frameTable >>> 2) + (frameAddress >>> PAGE_SHIFT);
    const present = Atomics.load(this.#memory.i32, slot) >>> 0;
    if (present !== 0) return present;
    const page = Atomics.add(this.#memory.i32, (this.#layout.control + ARENA_NEXT) >>> 2, CODE_PAGE_STRIDE) >>> 0;
    if (page + CODE_PAGE_STRIDE > this.#layout.arenaEnd) return 0;
    this.#memory.u8.fill(0, page, page + CODE_PAGE_STRIDE);
    this.#memory.u32[(page + CODE_PAGE_FRAME) >>> 2] = frameAddress;
    this.#memory.u16[(page + RECORDS * RECORD_SIZE) >>> 1] = Handler.pageEnd;
    const raced = Atomics.compareExchange(this.#memory.i32, slot, 0, page | 0) >>> 0;
    return raced !== 0 ? raced : page;
  }

  /** The pre-decoded page of a frame if it has one, or 0. */
  existingPage(frameAddress: number): number {
    return Atomics.load(this.#memory.i32, (this.#layout.frameTable >>> 2) + (frameAddress >>> PAGE_SHIFT)) >>> 0;
  }

  /** Forgets what was decoded of a frame's bytes from `first` to `last` (offsets in the frame, inclusive). */
  invalidate(frameAddress: number, first: number, last: number): void {
    const page = this.existingPage(frameAddress);
    if (page === 0) return;
    for (let record = first >>> 2; record <= last >>> 2; record++) {
      this.#memory.u16[(page + record * RECORD_SIZE) >>> 1] = Handler.decode;
    }
    if (this.#memory.i32[(page + CODE_PAGE_HAS_REGIONS) >>> 2] !== 0) this.#dropRegions(page);
  }

  /** Forgets what was decoded of every frame; the pages stay. */
  invalidateAll(): void {
    const { arena, arenaEnd, control } = this.#layout;
    const next = Atomics.load(this.#memory.i32, (control + ARENA_NEXT) >>> 2) >>> 0;
    for (let page = arena; page + CODE_PAGE_STRIDE <= Math.min(next, arenaEnd); page += CODE_PAGE_STRIDE) {
      this.#memory.i32[(page + CODE_PAGE_HAS_REGIONS) >>> 2] = 0;
      for (let record = 0; record < RECORDS; record++) {
        this.#memory.u16[(page + record * RECORD_SIZE) >>> 1] = Handler.decode;
      }
    }
  }

  /** Takes back every lead into a region: regions may span any part of their page. */
  #dropRegions(page: number): void {
    this.#memory.i32[(page + CODE_PAGE_HAS_REGIONS) >>> 2] = 0;
    for (let record = 0; record < RECORDS; record++) {
      const at = (page + record * RECORD_SIZE) >>> 1;
      if (this.#memory.u16[at] === Handler.region) this.#memory.u16[at] = Handler.decode;
    }
  }

  /** The machine address of the frame that a pre-decoded page is of. */
  frameOf(page: number): number {
    return this.#memory.u32[(page + CODE_PAGE_FRAME) >>> 2] as number;
  }

  /** Marks that a region begins in a page; before its record leads there. */
  noteRegion(page: number): void {
    Atomics.store(this.#memory.i32, (page + CODE_PAGE_HAS_REGIONS) >>> 2, 1);
  }

  /** Forgets all that was decoded of a frame: it is being freed, or given other contents. */
  invalidateFrame(frameAddress: number): void {
    this.invalidate(frameAddress, 0, (1 << PAGE_SHIFT) - 1);
  }

  /**
   * Drops every page; no vCPU may be running translated code. The translation tables' CODE fields must be cleared by the
   * caller.
   */
  dropAll(): void {
    const { frameTable, frames, control, arena } = this.#layout;
    this.#memory.i32.fill(0, frameTable >>> 2, (frameTable >>> 2) + frames);
    Atomics.store(this.#memory.i32, (control + ARENA_NEXT) >>> 2, arena | 0);
    Atomics.add(this.#memory.i32, (control + ARENA_GENERATION) >>> 2, 1);
  }
}
