import { workerData } from 'node:worker_threads';
import { TestHost } from './host.ts';

/**
 * A thread that is inside for a vCPU (cpu/quiet-point.ts) with the address of a frame, and stores to it after a while: as
 * translated code that a processor of the host's takes away from at the wrong moment.
 */
export interface InsiderData {
  readonly memory: WebAssembly.Memory;
  readonly state: number;
  /** Machine address of what it stores, VALUE. */
  readonly address: number;
  /** 1 once it is inside (i32). */
  readonly control: SharedArrayBuffer;
}

export const VALUE = 0x5eed;
/** Milliseconds. */
const DELAY = 60;

if (workerData !== null) {
  const { memory, state, address, control } = workerData as InsiderData;
  const { quietPoint } = new TestHost(undefined, undefined, memory);
  const words = new Int32Array(control);
  quietPoint.within(state, () => {
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    Atomics.wait(words, 0, 1, DELAY);
    new Uint32Array(memory.buffer)[address >>> 2] = VALUE;
  });
}
