import type { MachineMemory } from '../machine-memory.ts';
import { Status } from '../runtime.ts';
import { PENDING_ADDRESS, PENDING_KIND, PENDING_SYNDROME } from '../state.ts';
import { Pending } from './syndrome.ts';

/** Makes an exception pending in the record; the run loop takes it once PC is its preferred return address. */

/** Without an address. Gives Status.exception, for the routine to return. */
export const raise = (memory: MachineMemory, state: number, syndrome: number): number => {
  memory.i32[(state + PENDING_KIND) >>> 2] = Pending.synchronous;
  memory.i32[(state + PENDING_SYNDROME) >>> 2] = syndrome;
  return Status.exception;
};

/** With the address for FAR_EL1. */
export const raiseAt = (memory: MachineMemory, state: number, syndrome: number, lo: number, hi: number): number => {
  const words = memory.i32;
  words[(state + PENDING_KIND) >>> 2] = Pending.withAddress;
  words[(state + PENDING_SYNDROME) >>> 2] = syndrome;
  words[(state + PENDING_ADDRESS) >>> 2] = lo;
  words[(state + PENDING_ADDRESS + 4) >>> 2] = hi;
  return Status.exception;
};
