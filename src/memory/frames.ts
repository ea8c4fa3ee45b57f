import type { CodeCache } from '../cpu/code-cache.ts';
import { lock, unlock } from '../cpu/lock.ts';
import type { MachineMemory } from '../cpu/machine-memory.ts';
import { ControlWord, FRAME_ENTRY_SIZE, FRAME_SHIFT, FRAME_SIZE, type MachineLayout } from './layout.ts';

/**
 * Machine frames and the frame table: who owns each frame and in how many places it is used. An entry is a u32 count of
 * references and a u16 owner (a domain's id) with u16 flags.
 */

const COUNT = 0;
const OWNER = 4;

/** Owner of a frame that several domains share. */
export const OWNER_SHARED = 0x7ff2;

/** Frames are named by their machine address. */
export class Frames {
  readonly #memory: MachineMemory;
  readonly #layout: MachineLayout;
  readonly #codeCache: CodeCache;

  constructor(memory: MachineMemory, layout: MachineLayout, codeCache: CodeCache) {
    this.#memory = memory;
    this.#layout = layout;
    this.#codeCache = codeCache;
    Atomics.compareExchange(memory.i32, ControlWord.freshFrame >>> 2, 0, layout.firstFrame);
  }

  #entry(frame: number): number {
    return this.#layout.frameTable + (frame >>> FRAME_SHIFT) * FRAME_ENTRY_SIZE;
  }

  /** A zeroed frame with one reference; 0 if there is none left. */
  allocate(owner: number): number {
    lock(this.#memory, ControlWord.frameLock);
    const frame = this.#take();
    unlock(this.#memory, ControlWord.frameLock);
    if (frame === 0) return 0;
    const entry = this.#entry(frame);
    this.#memory.u32[(entry + COUNT) >>> 2] = 1;
    this.#memory.u16[(entry + OWNER) >>> 1] = owner;
    return frame;
  }

  #take(): number {
    const free = this.#memory.u32[ControlWord.freeFrames >>> 2] as number;
    if (free > 0) {
      this.#memory.u32[ControlWord.freeFrames >>> 2] = free - 1;
      const frame = this.#memory.u32[(this.#layout.freeStack >>> 2) + free - 1] as number;
      this.#memory.u8.fill(0, frame, frame + FRAME_SIZE);
      return frame;
    }
    const fresh = this.#memory.u32[ControlWord.freshFrame >>> 2] as number;
    if (fresh >= this.#layout.frames) return 0;
    this.#memory.u32[ControlWord.freshFrame >>> 2] = fresh + 1;
    return fresh * FRAME_SIZE;
  }

  /** One more place that uses the frame. */
  share(frame: number): void {
    Atomics.add(this.#memory.i32, (this.#entry(frame) + COUNT) >>> 2, 1);
  }

  /** References to the frame. */
  references(frame: number): number {
    return Atomics.load(this.#memory.i32, (this.#entry(frame) + COUNT) >>> 2);
  }

  owner(frame: number): number {
    return this.#memory.u16[(this.#entry(frame) + OWNER) >>> 1] as number;
  }

  /** Gives a frame that is in use to another owner. */
  setOwner(frame: number, owner: number): void {
    this.#memory.u16[(this.#entry(frame) + OWNER) >>> 1] = owner;
  }

  /**
   * One place fewer uses the frame; the last one frees it and its code.
   *
   * @throws Error if no place uses it; nothing has changed then
   */
  release(frame: number): void {
    const count = (this.#entry(frame) + COUNT) >>> 2;
    let before: number;
    do {
      before = Atomics.load(this.#memory.i32, count);
      if (before <= 0) throw new Error(`frame ${frame.toString(16)} released more often than it was used`);
    } while (Atomics.compareExchange(this.#memory.i32, count, before, before - 1) !== before);
    if (before > 1) return;
    this.#codeCache.invalidateFrame(frame);
    lock(this.#memory, ControlWord.frameLock);
    const free = this.#memory.u32[ControlWord.freeFrames >>> 2] as number;
    this.#memory.u32[(this.#layout.freeStack >>> 2) + free] = frame;
    this.#memory.u32[ControlWord.freeFrames >>> 2] = free + 1;
    unlock(this.#memory, ControlWord.frameLock);
  }

  /** Frames that could still be allocated. */
  get available(): number {
    const fresh = this.#layout.frames - (Atomics.load(this.#memory.i32, ControlWord.freshFrame >>> 2) >>> 0);
    return fresh + Atomics.load(this.#memory.i32, ControlWord.freeFrames >>> 2);
  }
}
