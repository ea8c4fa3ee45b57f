import {
  CODE_PAGE_CHANGES,
  CODE_PAGE_FRAME,
  CODE_PAGE_HAS_REGIONS,
  CODE_PAGE_LOCK,
  CODE_PAGE_SLOTS,
  CODE_PAGE_STRIDE,
  CODE_PAGE_UNSETTLED,
  Handler,
  PAGE_SHIFT,
  RECORD_HANDLER,
  RECORD_SIZE,
  RECORDS,
} from './code-page.ts';
import { lock, unlock } from './lock.ts';
import type { MachineMemory } from './machine-memory.ts';
import type { QuietPoint } from './quiet-point.ts';
import { REGION_SLOTS } from './tiers/imports.ts';

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
  /** Bytes that the hot tier's code may take, as `chargeRegions` is told; without a bound if absent. */
  readonly regionBytes?: number;
}

export const CONTROL_BYTES = 20;
const ARENA_NEXT = 0;
const ARENA_GENERATION = 4;
/** Region slots given out. */
const REGIONS = 8;
/** Changes of all pages. */
const CHANGES = 12;
/** What the hot tier's code takes, in units of 1 KiB. */
const REGION_KIB = 16;

/** Index in the memory's words of an instruction's region slot. */
const slotWord = (page: number, position: number): number => (page + CODE_PAGE_SLOTS + position * 4) >>> 2;

/** What became of a region that was to be entered. */
export const EnteredRegion = {
  done: 0,
  /** The page's code was changed since it was read: the region may be of what is no more. */
  outOfDate: 1,
} as const;
export type EnteredRegion = (typeof EnteredRegion)[keyof typeof EnteredRegion];

/**
 * Pre-decoded pages by machine frame (design I7). Threads share the tables; a page's records are valid for whoever runs the
 * frame. When the arena is full everything is dropped and decoded again as it is run.
 *
 * Records are executed without a lock, so one that was decoded is not written again while anybody may be in the middle of it:
 * forgetting only changes its handler's number, and leaves the page *unsettled*. Who comes to decode in an unsettled page waits
 * for a quiet point first.
 */
export class CodeCache {
  readonly #memory: MachineMemory;
  readonly #layout: CodeCacheLayout;
  readonly #quietPoint: QuietPoint;

  constructor(memory: MachineMemory, layout: CodeCacheLayout, quietPoint: QuietPoint) {
    this.#memory = memory;
    this.#layout = layout;
    this.#quietPoint = quietPoint;
    const next = (layout.control + ARENA_NEXT) >>> 2;
    Atomics.compareExchange(memory.i32, next, 0, layout.arena | 0);
  }

  /** Changes whenever everything was dropped, or all regions. */
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
    this.#countChange(page);
    const raced = Atomics.compareExchange(this.#memory.i32, slot, 0, page | 0) >>> 0;
    return raced !== 0 ? raced : page;
  }

  /** The pre-decoded page of a frame if it has one, or 0. */
  existingPage(frameAddress: number): number {
    return Atomics.load(this.#memory.i32, (this.#layout.frameTable >>> 2) + (frameAddress >>> PAGE_SHIFT)) >>> 0;
  }

  /**
   * Lets a record that is not decoded be written, by `write`, unless another thread has just done so. False if the page is
   * unsettled: then nothing was done.
   */
  decode(page: number, record: number, write: (page: number, record: number) => void): boolean {
    const { i32, u16 } = this.#memory;
    lock(this.#memory, page + CODE_PAGE_LOCK);
    try {
      if (i32[(page + CODE_PAGE_UNSETTLED) >>> 2] !== 0) return false;
      if (u16[(record + RECORD_HANDLER) >>> 1] === Handler.decode) write(page, record);
      return true;
    } finally {
      unlock(this.#memory, page + CODE_PAGE_LOCK);
    }
  }

  #countChange(page: number): void {
    const change = Atomics.add(this.#memory.i32, (this.#layout.control + CHANGES) >>> 2, 1) + 1;
    Atomics.store(this.#memory.i32, (page + CODE_PAGE_CHANGES) >>> 2, change);
  }

  /**
   * The number of a page's latest change: what was read of its code before may be out of date. No number comes twice, even if
   * another frame's page lies there.
   */
  changesOf(page: number): number {
    return Atomics.load(this.#memory.i32, (page + CODE_PAGE_CHANGES) >>> 2);
  }

  /** Says that all threads have been outside since `changesOf` gave `changes`: what was forgotten until then nobody executes. */
  settle(page: number, changes: number): void {
    lock(this.#memory, page + CODE_PAGE_LOCK);
    if (this.changesOf(page) === changes) this.#memory.i32[(page + CODE_PAGE_UNSETTLED) >>> 2] = 0;
    unlock(this.#memory, page + CODE_PAGE_LOCK);
  }

  /** Forgets what was decoded of a frame's bytes from `first` to `last` (offsets in the frame, inclusive): they changed. */
  invalidate(frameAddress: number, first: number, last: number): void {
    const page = this.existingPage(frameAddress);
    if (page !== 0) this.#forget(page, first >>> 2, last >>> 2, true);
  }

  /** Forgets what was decoded of every frame; the pages stay. */
  invalidateAll(): void {
    this.#forEachPage((page) => this.#forget(page, 0, RECORDS - 1, true));
  }

  #forEachPage(each: (page: number) => void): void {
    const pages = this.#pagesInUse();
    for (let number = 0; number < pages; number++) each(this.#layout.arena + number * CODE_PAGE_STRIDE);
  }

  #pagesInUse(): number {
    const { arena, arenaEnd, control } = this.#layout;
    const next = Atomics.load(this.#memory.i32, (control + ARENA_NEXT) >>> 2) >>> 0;
    // For a moment the counter also counts the page of a thread that is about to find the arena full.
    return Math.floor((Math.min(next, arenaEnd) - arena) / CODE_PAGE_STRIDE);
  }

  /** The pre-decoded page at a place from 0 to below 1 among those in use; 0 if there is none. */
  pageInUse(place: number): number {
    const pages = this.#pagesInUse();
    return pages === 0 ? 0 : this.#layout.arena + Math.floor(place * pages) * CODE_PAGE_STRIDE;
  }

  /** Forgets a range of a page's records, and all its regions; `executed` says that somebody may be executing them. */
  #forget(page: number, first: number, last: number, executed: boolean): void {
    const { u16, i32 } = this.#memory;
    lock(this.#memory, page + CODE_PAGE_LOCK);
    let any = false;
    for (let record = first; record <= last; record++) {
      const at = (page + record * RECORD_SIZE + RECORD_HANDLER) >>> 1;
      if (u16[at] === Handler.decode) continue;
      any = true;
      if (u16[at] === Handler.region) i32[slotWord(page, record)] = 0;
      u16[at] = Handler.decode;
    }
    if (i32[(page + CODE_PAGE_HAS_REGIONS) >>> 2] !== 0) {
      any = true;
      this.#dropRegions(page);
    }
    if (any && executed) i32[(page + CODE_PAGE_UNSETTLED) >>> 2] = 1;
    this.#countChange(page);
    unlock(this.#memory, page + CODE_PAGE_LOCK);
  }

  /** Takes back every lead into a region: regions may span any part of their page. */
  #dropRegions(page: number): void {
    this.#memory.i32[(page + CODE_PAGE_HAS_REGIONS) >>> 2] = 0;
    for (let record = 0; record < RECORDS; record++) {
      const at = (page + record * RECORD_SIZE + RECORD_HANDLER) >>> 1;
      if (this.#memory.u16[at] !== Handler.region) continue;
      this.#memory.i32[slotWord(page, record)] = 0;
      this.#memory.u16[at] = Handler.decode;
    }
  }

  /** The machine address of the frame that a pre-decoded page is of. */
  frameOf(page: number): number {
    return this.#memory.u32[(page + CODE_PAGE_FRAME) >>> 2] as number;
  }

  /**
   * Lets the record of an instruction of a page lead to a region, made from the code as it was when `changesOf` gave `changes`.
   */
  enterRegion(page: number, position: number, slot: number, changes: number): EnteredRegion {
    lock(this.#memory, page + CODE_PAGE_LOCK);
    const result = this.#enterLocked(page, position, slot, changes);
    unlock(this.#memory, page + CODE_PAGE_LOCK);
    return result;
  }

  #enterLocked(page: number, position: number, slot: number, changes: number): EnteredRegion {
    const { i32, u16 } = this.#memory;
    if (this.changesOf(page) !== changes) return EnteredRegion.outOfDate;
    Atomics.store(i32, slotWord(page, position), slot);
    i32[(page + CODE_PAGE_HAS_REGIONS) >>> 2] = 1;
    Atomics.store(u16, (page + position * RECORD_SIZE + RECORD_HANDLER) >>> 1, Handler.region);
    return EnteredRegion.done;
  }

  /** Takes the lead into the region at an instruction back, if there is one. */
  forgetRegion(page: number, position: number): void {
    const at = (page + position * RECORD_SIZE + RECORD_HANDLER) >>> 1;
    lock(this.#memory, page + CODE_PAGE_LOCK);
    if (this.#memory.u16[at] === Handler.region) {
      this.#memory.i32[slotWord(page, position)] = 0;
      this.#memory.u16[at] = Handler.decode;
      this.#memory.i32[(page + CODE_PAGE_UNSETTLED) >>> 2] = 1;
    }
    unlock(this.#memory, page + CODE_PAGE_LOCK);
  }

  /** The slot of the region that an instruction's record leads to, -1 if it leads to none. */
  regionAt(page: number, position: number): number {
    if (this.#memory.u16[(page + position * RECORD_SIZE + RECORD_HANDLER) >>> 1] !== Handler.region) return -1;
    return this.#memory.i32[slotWord(page, position)] as number;
  }

  /** Room for a page's records at the arena's front; 0 if it is full. */
  #takePage(): number {
    const { i32 } = this.#memory;
    const { control, arenaEnd } = this.#layout;
    const next = (control + ARENA_NEXT) >>> 2;
    const page = Atomics.add(i32, next, CODE_PAGE_STRIDE) >>> 0;
    if (page + CODE_PAGE_STRIDE <= arenaEnd) return page;
    // The counter must neither wrap nor count pages that are not there.
    Atomics.sub(i32, next, CODE_PAGE_STRIDE);
    return 0;
  }

  /** Forgets all that was decoded of a frame that nobody runs any more: it is being freed. */
  invalidateFrame(frameAddress: number): void {
    // Inside, so that the page is not dropped meanwhile and given to another frame.
    this.#quietPoint.within(0, () => {
      const page = this.existingPage(frameAddress);
      if (page !== 0) this.#forget(page, 0, RECORDS - 1, false);
    });
  }

  /**
   * The first of several region slots, one after the other, that no other region has had since regions were last dropped; 0 if
   * there are no more, or if the regions made so far take all the room they may.
   */
  takeRegionSlots(count: number): number {
    const { i32 } = this.#memory;
    const { control, regionBytes } = this.#layout;
    const used = Atomics.load(i32, (control + REGION_KIB) >>> 2);
    if (regionBytes !== undefined && used * 1024 >= regionBytes) return 0;
    const first = Atomics.add(i32, (control + REGIONS) >>> 2, count) + 1;
    return first + count <= REGION_SLOTS ? first : 0;
  }

  /** Counts the bytes that the regions of a generation take. */
  chargeRegions(generation: number, bytes: number): void {
    if (generation !== this.generation) return;
    Atomics.add(this.#memory.i32, (this.#layout.control + REGION_KIB) >>> 2, Math.ceil(bytes / 1024));
  }

  /**
   * Drops every page, alone; if another thread is at it, only waits. Who was inside finds that `generation` changed, and must
   * forget the addresses of pages.
   */
  startOver(): void {
    this.#quietPoint.alone(() => this.#dropAll());
  }

  /** As startOver, for all regions alone: no room is left for more. What was decoded stays. */
  startRegionsOver(): void {
    this.#quietPoint.alone(() => {
      this.#forEachPage((page) => {
        if (this.#memory.i32[(page + CODE_PAGE_HAS_REGIONS) >>> 2] !== 0) this.#dropRegions(page);
      });
      this.#beginGeneration();
    });
  }

  #dropAll(): void {
    const { frameTable, frames, control, arena } = this.#layout;
    this.#memory.i32.fill(0, frameTable >>> 2, (frameTable >>> 2) + frames);
    Atomics.store(this.#memory.i32, (control + ARENA_NEXT) >>> 2, arena | 0);
    this.#beginGeneration();
  }

  /** Slots and bytes count from the start again. */
  #beginGeneration(): void {
    const { i32 } = this.#memory;
    const { control } = this.#layout;
    Atomics.store(i32, (control + REGIONS) >>> 2, 0);
    Atomics.store(i32, (control + REGION_KIB) >>> 2, 0);
    Atomics.add(i32, (control + ARENA_GENERATION) >>> 2, 1);
  }
}
