import type { MachineMemory } from '../cpu/machine-memory.ts';
import type { QuietPoint } from '../cpu/quiet-point.ts';
import { FRAME_SIZE } from '../memory/layout.ts';
import type { Processor } from './processor.ts';

/** Up to this many bytes a loop is quicker than a view of the guest's memory. */
const SHORT = 64;

/**
 * Copies between a guest's memory, named by virtual addresses as in hypercall arguments, and a private buffer. Each byte is
 * read or written once; pages are translated one by one, so a copy that fails may have been done in part, as in Xen.
 */
export class GuestAccess {
  readonly #memory: MachineMemory;
  readonly #processor: Processor;
  readonly #quietPoint: QuietPoint;

  constructor(memory: MachineMemory, processor: Processor, quietPoint: QuietPoint) {
    this.#memory = memory;
    this.#processor = processor;
    this.#quietPoint = quietPoint;
  }

  /** Copies `length` bytes at an address in the memory of the vCPU with the CPU record `state`; false if it has no such memory. */
  copyFrom(state: number, lo: number, hi: number, target: Uint8Array, at: number, length: number): boolean {
    this.#quietPoint.enter(state);
    try {
      return this.#copyFrom(state, lo, hi, target, at, length);
    } finally {
      this.#quietPoint.leave();
    }
  }

  #copyFrom(state: number, lo: number, hi: number, target: Uint8Array, at: number, length: number): boolean {
    for (let done = 0; done < length; ) {
      const from = this.#translate(state, lo, hi, done, false);
      if (from < 0) return false;
      const count = Math.min(length - done, FRAME_SIZE - (from & (FRAME_SIZE - 1)));
      if (count <= SHORT) {
        for (let i = 0; i < count; i++) target[at + done + i] = this.#memory.u8[from + i];
      } else {
        target.set(this.#memory.u8.subarray(from, from + count), at + done);
      }
      done += count;
    }
    return true;
  }

  /** Copies `length` bytes to an address in the guest's memory; false if it has none there or may not write it. */
  copyTo(state: number, lo: number, hi: number, source: Uint8Array, at: number, length: number): boolean {
    this.#quietPoint.enter(state);
    try {
      return this.#copyTo(state, lo, hi, source, at, length);
    } finally {
      this.#quietPoint.leave();
    }
  }

  #copyTo(state: number, lo: number, hi: number, source: Uint8Array, at: number, length: number): boolean {
    for (let done = 0; done < length; ) {
      const to = this.#translate(state, lo, hi, done, true);
      if (to < 0) return false;
      const count = Math.min(length - done, FRAME_SIZE - (to & (FRAME_SIZE - 1)));
      if (count <= SHORT) {
        for (let i = 0; i < count; i++) this.#memory.u8[to + i] = source[at + done + i];
      } else {
        this.#memory.u8.set(source.subarray(at + done, at + done + count), to);
      }
      done += count;
    }
    return true;
  }

  #translate(state: number, lo: number, hi: number, offset: number, write: boolean): number {
    const low = (lo >>> 0) + offset;
    const carry = low >= 0x1_0000_0000 ? 1 : 0;
    return this.#processor.translate(state, low | 0, (hi + carry) | 0, write);
  }
}
