import { NOT_MEMORY } from '../cpu/environment.ts';
import type { MachineMemory } from '../cpu/machine-memory.ts';
import type { Frames } from './frames.ts';
import type { Heap } from './heap.ts';
import { FRAME_SIZE } from './layout.ts';

/**
 * A domain's physical-to-machine map (Xen's p2m): guest frame number to machine frame and flags, in a two-level table in
 * machine memory. An entry is the frame's machine address and the flags below; 0 is a hole, where devices may answer.
 */

/** The guest may write. */
export const P2M_WRITABLE = 1;
/** Shared: the first write copies the frame (copy-on-write). */
export const P2M_SHARED = 2;
/** RAM that has no frame yet: it reads as zero and gets one on first touch. */
export const P2M_UNTOUCHED = 4;
/** Another domain's frame, mapped by a grant. */
export const P2M_GRANT = 8;
/** The hypervisor's own frame: shared information or grant table. */
export const P2M_HYPERVISOR = 16;

const FLAGS = 0xfff;
const LEAF_SHIFT = 10;
const LEAF_ENTRIES = 1 << LEAF_SHIFT;
const LEAF_BYTES = LEAF_ENTRIES * 4;
/** For FrameMap (cpu/environment.ts). */
export const P2M_LEAF_SHIFT = LEAF_SHIFT;
const ROOT_ENTRIES = 4096;
export const P2M_ROOT_BYTES = ROOT_ENTRIES * 4;
/** Guest frame numbers end here (16 GiB of guest-physical addresses). */
export const P2M_LIMIT = ROOT_ENTRIES * LEAF_ENTRIES;

/** Views a map whose root table is at a machine address; holds no state of its own. */
export class PhysicalMap {
  readonly #memory: MachineMemory;
  readonly #heap: Heap;
  readonly #frames: Frames;
  /**
   * The shared frame that the latest `resolve` made a copy of, 0 if it made none. The caller takes over its reference: vCPUs may
   * still be using the frame.
   */
  replaced = 0;

  constructor(memory: MachineMemory, heap: Heap, frames: Frames) {
    this.#memory = memory;
    this.#heap = heap;
    this.#frames = frames;
  }

  /** Index (in u32s) of an entry, or 0 if its part of the map is empty. */
  #slot(root: number, guestFrame: number): number {
    if (guestFrame < 0 || guestFrame >= P2M_LIMIT) return 0;
    const leaf = this.#memory.u32[(root >>> 2) + (guestFrame >>> LEAF_SHIFT)] as number;
    return leaf === 0 ? 0 : (leaf >>> 2) + (guestFrame & (LEAF_ENTRIES - 1));
  }

  /** An entry: machine address and flags; 0 for a hole. */
  entry(root: number, guestFrame: number): number {
    const slot = this.#slot(root, guestFrame);
    return slot === 0 ? 0 : (this.#memory.u32[slot] as number);
  }

  /** Sets an entry without touching what was there; false if the heap is full or the number too large. */
  setEntry(root: number, guestFrame: number, entry: number): boolean {
    if (guestFrame < 0 || guestFrame >= P2M_LIMIT) return false;
    const at = (root >>> 2) + (guestFrame >>> LEAF_SHIFT);
    if (this.#memory.u32[at] === 0) {
      const leaf = this.#heap.allocate(LEAF_BYTES);
      if (leaf === 0) return false;
      this.#memory.u32[at] = leaf;
    }
    this.#memory.u32[this.#slot(root, guestFrame)] = entry;
    return true;
  }

  /** Makes `count` frames RAM that is allocated on first touch. */
  addRam(root: number, firstGuestFrame: number, count: number): boolean {
    for (let i = 0; i < count; i++) {
      if (!this.setEntry(root, firstGuestFrame + i, P2M_UNTOUCHED | P2M_WRITABLE)) return false;
    }
    return true;
  }

  /**
   * Resolves a guest frame to its machine address plus 1 if it may be written at once, or NOT_MEMORY. A write gets a frame of
   * the domain's own first; so does a read of an untouched one. OUT_OF_FRAMES if there is none.
   */
  resolve(root: number, guestFrame: number, write: boolean, owner: number): number {
    this.replaced = 0;
    const slot = this.#slot(root, guestFrame);
    const entry = slot === 0 ? 0 : (this.#memory.u32[slot] as number);
    if (entry === 0) return NOT_MEMORY;
    if ((entry & P2M_UNTOUCHED) !== 0) return this.#populate(slot, owner);
    if ((entry & P2M_SHARED) !== 0 && write) return this.#unshare(slot, entry, owner);
    return frameResult(entry);
  }

  #populate(slot: number, owner: number): number {
    const frame = this.#frames.allocate(owner);
    if (frame === 0) return OUT_OF_FRAMES;
    const entry = this.#memory.u32[slot] as number;
    this.#memory.u32[slot] = (frame | (entry & P2M_WRITABLE)) >>> 0;
    return frame + (entry & P2M_WRITABLE);
  }

  #unshare(slot: number, entry: number, owner: number): number {
    const shared = (entry & ~FLAGS) >>> 0;
    if (this.#frames.references(shared) === 1) {
      // Nobody else is left: the frame itself becomes the domain's own.
      this.#frames.setOwner(shared, owner);
      this.#memory.u32[slot] = (entry & ~P2M_SHARED) >>> 0;
      return shared + (entry & P2M_WRITABLE);
    }
    const frame = this.#frames.allocate(owner);
    if (frame === 0) return OUT_OF_FRAMES;
    this.#memory.u8.copyWithin(frame, shared, shared + FRAME_SIZE);
    this.#memory.u32[slot] = (frame | (entry & P2M_WRITABLE)) >>> 0;
    this.replaced = shared;
    return frame + (entry & P2M_WRITABLE);
  }

  /** Makes a hole and gives the frame back. */
  remove(root: number, guestFrame: number): void {
    const slot = this.#slot(root, guestFrame);
    if (slot === 0) return;
    const entry = this.#memory.u32[slot] as number;
    this.#memory.u32[slot] = 0;
    if (entry >= FRAME_SIZE) this.#frames.release((entry & ~FLAGS) >>> 0);
  }

  /** Gives back every frame and the tables under the root. */
  clear(root: number): void {
    for (let i = 0; i < ROOT_ENTRIES; i++) {
      const leaf = this.#memory.u32[(root >>> 2) + i] as number;
      if (leaf === 0) continue;
      for (let j = 0; j < LEAF_ENTRIES; j++) this.remove(root, i * LEAF_ENTRIES + j);
      this.#memory.u32[(root >>> 2) + i] = 0;
      this.#heap.free(leaf, LEAF_BYTES);
    }
  }
}

/** Returned by `resolve` when no machine frame is left. */
export const OUT_OF_FRAMES = -2;

/** The address of an entry's frame, plus 1 if it may be written and is not shared. */
const frameResult = (entry: number): number => {
  const frame = (entry & ~FLAGS) >>> 0;
  return (entry & (P2M_WRITABLE | P2M_SHARED)) === P2M_WRITABLE ? frame + 1 : frame;
};
