import type { MachineMemory } from '../cpu/machine-memory.ts';
import { ControlWord, type MachineLayout } from './layout.ts';
import { lock, unlock } from './lock.ts';

/**
 * The hypervisor's heap: zeroed records in machine memory, so that every thread sees them. Freed records of a size are kept
 * for the next of that size, in lists headed in a table at the heap's start.
 */

const ALIGNMENT = 64;
/** Classes of record sizes in use at once: (size, head) pairs. */
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

  /** Index (in u32s) of the list head for a size, made if need be; -1 if there are too many sizes. */
  #headOf(size: number): number {
    for (let i = 0; i < CLASSES; i++) {
      const at = (this.#layout.heap >>> 2) + i * 2;
      if (this.#memory.u32[at] === size) return at + 1;
      if (this.#memory.u32[at] === 0) {
        this.#memory.u32[at] = size;
        return at + 1;
      }
    }
    return -1;
  }

  /** A zeroed record of `size` bytes, 64-byte aligned (frame-aligned if a multiple of 4 KiB); 0 if the heap is full. */
  allocate(size: number): number {
    const rounded = Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    const alignment = rounded % 4096 === 0 ? 4096 : ALIGNMENT;
    lock(this.#memory, ControlWord.heapLock);
    const record = this.#take(rounded, alignment);
    unlock(this.#memory, ControlWord.heapLock);
    if (record !== 0) this.#memory.u8.fill(0, record, record + rounded);
    return record;
  }

  #take(size: number, alignment: number): number {
    const head = this.#headOf(size);
    const free = head < 0 ? 0 : (this.#memory.u32[head] as number);
    if (free !== 0) {
      this.#memory.u32[head] = this.#memory.u32[free >>> 2] as number;
      return free;
    }
    const next = ControlWord.heapNext >>> 2;
    const record = Math.ceil((this.#memory.u32[next] as number) / alignment) * alignment;
    if (record + size > this.#layout.heapEnd) return 0;
    this.#memory.u32[next] = record + size;
    return record;
  }

  /** Gives a record back; `size` as it was asked for. */
  free(record: number, size: number): void {
    const rounded = Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    lock(this.#memory, ControlWord.heapLock);
    const head = this.#headOf(rounded);
    if (head >= 0) {
      this.#memory.u32[record >>> 2] = this.#memory.u32[head] as number;
      this.#memory.u32[head] = record;
    }
    unlock(this.#memory, ControlWord.heapLock);
  }
}
