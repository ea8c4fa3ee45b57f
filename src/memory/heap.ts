import { lock, unlock } from '../cpu/lock.ts';
import type { MachineMemory } from '../cpu/machine-memory.ts';
import { ControlWord, FRAME_SIZE, type MachineLayout } from './layout.ts';

/**
 * The hypervisor's heap: zeroed records in machine memory, so that every thread sees them. Freed records of a size are kept
 * for the next of that size, in lists headed in a table at the heap's start.
 */

const ALIGNMENT = 64;
/** Classes of record sizes, each made by the first record of its size: (size, head) pairs, 0 where there is none yet. */
const CLASSES = 32;
const CLASS_TABLE_BYTES = CLASSES * 8;

export class Heap {
  readonly #memory: MachineMemory;
  readonly #layout: MachineLayout;

  constructor(memory: MachineMemory, layout: MachineLayout) {
    this.#memory = memory;
    this.#layout = layout;
    Atomics.compareExchange(memory.i32, ControlWord.heapNext >>> 2, 0, (layout.heap + CLASS_TABLE_BYTES) | 0);
  }

  /** Index (in u32s) of a size's class, or of an empty one if it has none; -1 if all are other sizes'. */
  #classOf(size: number): number {
    for (let i = 0; i < CLASSES; i++) {
      const at = (this.#layout.heap >>> 2) + i * 2;
      if (this.#memory.u32[at] === size || this.#memory.u32[at] === 0) return at;
    }
    return -1;
  }

  /**
   * A zeroed record of `size` bytes, 64-byte aligned (frame-aligned if a multiple of 4 KiB); 0 if the heap is full.
   *
   * @throws RangeError if the size is no whole number above 0, or one of more different sizes than the heap keeps lists for
   */
  allocate(size: number): number {
    const rounded = roundUp(size);
    if (rounded > this.#layout.heapEnd - this.#layout.heap) return 0;
    lock(this.#memory, ControlWord.heapLock);
    const at = this.#classOf(rounded);
    const record = at < 0 ? 0 : this.#take(at, rounded);
    unlock(this.#memory, ControlWord.heapLock);
    // A record without a list would be lost when it is freed.
    if (at < 0) throw new RangeError(`the heap has records of ${CLASSES} sizes, and none of ${rounded} bytes`);
    if (record !== 0) this.#memory.u8.fill(0, record, record + rounded);
    return record;
  }

  #take(at: number, size: number): number {
    const head = at + 1;
    this.#memory.u32[at] = size;
    const free = this.#memory.u32[head] as number;
    if (free !== 0) {
      this.#memory.u32[head] = this.#memory.u32[free >>> 2] as number;
      return free;
    }
    const next = ControlWord.heapNext >>> 2;
    const alignment = size % FRAME_SIZE === 0 ? FRAME_SIZE : ALIGNMENT;
    const record = Math.ceil((this.#memory.u32[next] as number) / alignment) * alignment;
    if (record + size > this.#layout.heapEnd) return 0;
    this.#memory.u32[next] = record + size;
    return record;
  }

  /**
   * Gives a record back; `size` as it was asked for.
   *
   * @throws RangeError if there can be no such record
   */
  free(record: number, size: number): void {
    const rounded = roundUp(size);
    lock(this.#memory, ControlWord.heapLock);
    const at = this.#classOf(rounded);
    const isRecord = this.#memory.u32[at] === rounded && this.#couldBeAt(record, rounded);
    if (isRecord) {
      this.#memory.u32[record >>> 2] = this.#memory.u32[at + 1] as number;
      this.#memory.u32[at + 1] = record;
    }
    unlock(this.#memory, ControlWord.heapLock);
    if (!isRecord) throw new RangeError(`the heap has no record of ${size} bytes at 0x${record.toString(16)} to free`);
  }

  /** Whether such a record could lie there, in what was handed out. */
  #couldBeAt(record: number, size: number): boolean {
    const first = this.#layout.heap + CLASS_TABLE_BYTES;
    const next = this.#memory.u32[ControlWord.heapNext >>> 2] as number;
    return record % ALIGNMENT === 0 && record >= first && record + size <= next;
  }
}

/** The bytes that a record takes. */
const roundUp = (size: number): number => {
  if (!Number.isInteger(size) || size <= 0) throw new RangeError(`a record cannot have ${size} bytes`);
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
};
