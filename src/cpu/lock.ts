import type { MachineMemory } from './machine-memory.ts';

/**
 * Short spin locks in machine memory: a word that is 0 when free. Whoever holds one neither runs guest code nor waits, but for
 * what quiet-point.ts says of a domain's lock, so spinning is brief; a browser's main thread, which may not block, can take them
 * too.
 */

export const lock = (memory: MachineMemory, address: number): void => {
  const word = address >>> 2;
  while (Atomics.compareExchange(memory.i32, word, 0, 1) !== 0) {
    while (Atomics.load(memory.i32, word) !== 0);
  }
};

export const unlock = (memory: MachineMemory, address: number): void => {
  Atomics.store(memory.i32, address >>> 2, 0);
};
