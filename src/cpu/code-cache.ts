import {
  CODE_PAGE_FRAME,
  CODE_PAGE_HAS_REGIONS,
  CODE_PAGE_SLOTS,
  CODE_PAGE_STRIDE,
  Handler,
  PAGE_SHIFT,
  RECORD_SIZE,
  RECORDS,
  REGION_SLOTS_BYTES,
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
  /** Bookkeeping shared by all threads: CONTROL_BYTES, zero at first. */
  readonly control: number;
}

export const CONTROL_BYTES = 24;
const ARENA_NEXT = 0;
const ARENA_GENERATION = 4;
/** Bytes taken from the arena's end for region slots; pages grow towards them. */
const ARENA_SLOTS = 8;
/** Threads that are inside translated code or its engine calls. */
const INSIDE = 12;
/** 1 while a thread drops everything: nobody else goes inside. */
const DROPPING = 16;
/** The next region slot. */
const NEXT_REGION = 20;

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
    const page = this.#takePage();
    if (page === 0) return 0;
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
    // For a moment the counter also counts the page of a thread that is about to find the arena full.
    const end = Math.min(next, arenaEnd - Atomics.load(this.#memory.i32, (control + ARENA_SLOTS) >>> 2));
    for (let page = arena; page + CODE_PAGE_STRIDE <= end; page += CODE_PAGE_STRIDE) {
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

  /** Lets the record of an instruction of a page lead to a region; false if there is no room for the page's slots. */
  enterRegion(page: number, position: number, slot: number): boolean {
    const { i32, u16 } = this.#memory;
    const field = (page + CODE_PAGE_SLOTS) >>> 2;
    if (Atomics.load(i32, field) === 0) {
      const slots = this.#takeSlots();
      if (slots === 0) return false;
      Atomics.compareExchange(i32, field, 0, slots | 0);
    }
    Atomics.store(i32, ((Atomics.load(i32, field) >>> 0) + position * 4) >>> 2, slot);
    Atomics.store(i32, (page + CODE_PAGE_HAS_REGIONS) >>> 2, 1);
    Atomics.store(u16, (page + position * RECORD_SIZE) >>> 1, Handler.region);
    return true;
  }

  /** The slot of the region that an instruction's record leads to, -1 if it leads to none. */
  regionAt(page: number, position: number): number {
    if (this.#memory.u16[(page + position * RECORD_SIZE) >>> 1] !== Handler.region) return -1;
    return this.#memory.i32[
      ((this.#memory.u32[(page + CODE_PAGE_SLOTS) >>> 2] as number) + position * 4) >>> 2
    ] as number;
  }

  /** Room for a page's records at the arena's front; 0 if it is full. */
  #takePage(): number {
    const { i32 } = this.#memory;
    const { control, arenaEnd } = this.#layout;
    const next = (control + ARENA_NEXT) >>> 2;
    const page = Atomics.add(i32, next, CODE_PAGE_STRIDE) >>> 0;
    if (page + CODE_PAGE_STRIDE <= arenaEnd - Atomics.load(i32, (control + ARENA_SLOTS) >>> 2)) return page;
    // The counter must neither wrap nor count pages that are not there.
    Atomics.sub(i32, next, CODE_PAGE_STRIDE);
    return 0;
  }

  /** Room for a page's region slots at the arena's back; 0 if it is full. */
  #takeSlots(): number {
    const { i32 } = this.#memory;
    const { control, arenaEnd } = this.#layout;
    const taken = (control + ARENA_SLOTS) >>> 2;
    const slots = arenaEnd - Atomics.add(i32, taken, REGION_SLOTS_BYTES) - REGION_SLOTS_BYTES;
    if (slots >= Atomics.load(i32, (control + ARENA_NEXT) >>> 2) >>> 0) return slots;
    Atomics.sub(i32, taken, REGION_SLOTS_BYTES);
    return 0;
  }

  /** Forgets all that was decoded of a frame: it is being freed, or given other contents. */
  invalidateFrame(frameAddress: number): void {
    this.invalidate(frameAddress, 0, (1 << PAGE_SHIFT) - 1);
  }

  /** A region slot that no other has, counting from 0 since the cache last started over. */
  takeRegionSlot(): number {
    return Atomics.add(this.#memory.i32, (this.#layout.control + NEXT_REGION) >>> 2, 1);
  }

  /** To be called before a thread runs translated code: waits while another one drops everything. */
  enter(): void {
    const { i32 } = this.#memory;
    const inside = (this.#layout.control + INSIDE) >>> 2;
    const dropping = (this.#layout.control + DROPPING) >>> 2;
    for (;;) {
      Atomics.add(i32, inside, 1);
      if (Atomics.load(i32, dropping) === 0) return;
      Atomics.sub(i32, inside, 1);
      while (Atomics.load(i32, dropping) !== 0);
    }
  }

  /** To be called after `enter`, when the thread has left translated code. */
  leave(): void {
    Atomics.sub(this.#memory.i32, (this.#layout.control + INSIDE) >>> 2, 1);
  }

  /**
   * Drops every page, once all other threads have left translated code, which their budgets make them do soon. To be called
   * by a thread that is inside; if another one is at it, this one only waits. Whoever enters next finds that `generation`
   * changed, and must forget the addresses of pages.
   */
  startOver(): void {
    const { i32 } = this.#memory;
    const inside = (this.#layout.control + INSIDE) >>> 2;
    const dropping = (this.#layout.control + DROPPING) >>> 2;
    const mine = Atomics.compareExchange(i32, dropping, 0, 1) === 0;
    this.leave();
    if (mine) {
      while (Atomics.load(i32, inside) > 0);
      this.#dropAll();
      Atomics.store(i32, dropping, 0);
    }
    this.enter();
  }

  #dropAll(): void {
    const { frameTable, frames, control, arena } = this.#layout;
    this.#memory.i32.fill(0, frameTable >>> 2, (frameTable >>> 2) + frames);
    Atomics.store(this.#memory.i32, (control + ARENA_NEXT) >>> 2, arena | 0);
    Atomics.store(this.#memory.i32, (control + ARENA_SLOTS) >>> 2, 0);
    Atomics.store(this.#memory.i32, (control + NEXT_REGION) >>> 2, 0);
    Atomics.add(this.#memory.i32, (control + ARENA_GENERATION) >>> 2, 1);
  }
}
