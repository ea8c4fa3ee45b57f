import type { MachineMemory } from '../machine-memory.ts';
import { EVENT } from './system-state.ts';

/** The local event register (Arm ARM D1.6.1), which WFE waits for. */

/** Sends an event to a vCPU; any thread. Whoever waits for the vCPU's sake must be woken besides. */
export const signalEvent = (memory: MachineMemory, state: number): void => {
  Atomics.store(memory.i32, (state + EVENT) >>> 2, 1);
};

/** Whether an event waits; it does no longer then. */
export const consumeEvent = (memory: MachineMemory, state: number): boolean =>
  Atomics.exchange(memory.i32, (state + EVENT) >>> 2, 0) !== 0;
