import type { MachineMemory } from './machine-memory.ts';
import { KICK } from './state.ts';

/**
 * Making a vCPU leave translated code, with Exit.budget at its next branch. Whoever runs it takes the kick back first and then
 * looks at what it may have been about, so that none is missed.
 */

/** What KICK holds then: both tiers look at its sign, which goes together with the budget's. */
const KICKED = -1;

export const kick = (memory: MachineMemory, state: number): void => {
  Atomics.store(memory.i32, (state + KICK) >>> 2, KICKED);
};

export const isKicked = (memory: MachineMemory, state: number): boolean =>
  Atomics.load(memory.i32, (state + KICK) >>> 2) < 0;

/** Takes a kick back; true if there was one. */
export const clearKick = (memory: MachineMemory, state: number): boolean =>
  Atomics.exchange(memory.i32, (state + KICK) >>> 2, 0) < 0;
