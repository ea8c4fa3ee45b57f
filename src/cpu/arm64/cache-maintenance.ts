import type { EngineRuntime } from '../architecture.ts';
import { NOT_MEMORY } from '../environment.ts';
import { Status } from '../runtime.ts';
import { TLB } from '../state.ts';
import { ADDEND, INDEX_MASK, INDEX_SHIFT, minusHigh, minusLow, READ_TAG } from '../translation-table.ts';
import { dataAbort, isUserAccess, locate, place } from './mmu/access.ts';
import { NO_FAULT } from './mmu/walk.ts';
import { CACHE_MAINTENANCE_BIT } from './syndrome.ts';

/**
 * Cache maintenance. There is no data cache, so an operation on data only has the faults of its address; but what was decoded
 * or translated of instructions is a cache of them, which the guest announces changes of.
 */

const LINE = 64;

/** Machine address behind an address by the translation table alone, or NOT_MEMORY. */
const lookUp = ({ memory }: EngineRuntime, state: number, lo: number, hi: number): number => {
  const words = memory.i32;
  const entry = ((words[(state + TLB) >>> 2] as number) + ((lo >>> INDEX_SHIFT) & INDEX_MASK)) >>> 2;
  const pageLo = lo & -4096;
  const tag = entry + READ_TAG / 4;
  if (words[tag] !== minusLow(pageLo) || words[tag + 1] !== minusHigh(pageLo, hi)) return NOT_MEMORY;
  return ((words[entry + ADDEND / 4] as number) + lo) >>> 0;
};

/** Leaves in `place` where an address leads, or makes the operation's fault pending, reported as a write's. */
const reach = (runtime: EngineRuntime, state: number, lo: number, hi: number, write: boolean): number => {
  const found = write ? NOT_MEMORY : lookUp(runtime, state, lo, hi);
  if (found !== NOT_MEMORY) {
    place.machine = found;
    return Status.done;
  }
  const user = isUserAccess(runtime.memory.i32, state, false);
  const fault = locate(runtime, state, lo, hi, user, write, false);
  return fault === NO_FAULT ? Status.done : dataAbort(runtime, state, fault, lo, hi, true, CACHE_MAINTENANCE_BIT);
};

/** DC CVAC, CVAU, CIVAC: need what a load needs. */
export const cleanData = (runtime: EngineRuntime, state: number, lo: number, hi: number): number =>
  reach(runtime, state, lo, hi, false);

/** DC IVAC: needs what a store needs. */
export const invalidateData = (runtime: EngineRuntime, state: number, lo: number, hi: number): number =>
  reach(runtime, state, lo, hi, true);

/** IC IVAU: forgets what was decoded of a line. */
export const invalidateInstruction = (runtime: EngineRuntime, state: number, lo: number, hi: number): number => {
  const status = reach(runtime, state, lo, hi, false);
  if (status !== Status.done || place.machine === NOT_MEMORY) return status;
  const frame = (place.machine & -4096) >>> 0;
  const first = lo & 0xfff & -LINE;
  runtime.codeCache.invalidate(frame, first, first + LINE - 1);
  return Status.done;
};

/** IC IALLU, IALLUIS: forgets everything decoded, for code that was changed is nowhere listed. */
export const invalidateInstructions = (runtime: EngineRuntime): number => {
  runtime.codeCache.invalidateAll();
  return Status.done;
};
