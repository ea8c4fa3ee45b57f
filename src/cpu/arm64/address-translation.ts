import type { EngineRuntime } from '../architecture.ts';
import { Status } from '../runtime.ts';
import { dataAbort } from './mmu/access.ts';
import { Permission } from './mmu/permissions.ts';
import { isDevice, mapping, NO_FAULT, walk } from './mmu/walk.ts';
import { CACHE_MAINTENANCE_BIT, FaultStatus } from './syndrome.ts';
import { PAR_EL1 } from './system-state.ts';

/** AT S1E1R, S1E1W, S1E0R, S1E0W: what a translation would give goes to PAR_EL1. PAN does not count here. */

const PAR_FAULT = 1 << 0;
const PAR_RES1 = 1 << 11;
const OUTER_SHAREABLE = 2;
/** Normal memory that is cached nowhere: outer shareable whatever the descriptor says, as Device memory is. */
const NON_CACHEABLE = 0x44;

const setPar = (runtime: EngineRuntime, state: number, lo: number, hi: number): number => {
  runtime.memory.i32[(state + PAR_EL1) >>> 2] = lo;
  runtime.memory.i32[(state + PAR_EL1 + 4) >>> 2] = hi;
  return Status.done;
};

const faultOf = (
  runtime: EngineRuntime,
  state: number,
  lo: number,
  hi: number,
  user: boolean,
  write: boolean,
): number => {
  const fault = walk(runtime, state, lo, hi, user);
  if (fault !== NO_FAULT) return fault;
  const needed = user ? (write ? Permission.write0 : Permission.read0) : write ? Permission.write1 : Permission.read1;
  return (mapping.permissions & needed) !== 0 ? NO_FAULT : FaultStatus.permission | mapping.level;
};

export const addressTranslation = (
  runtime: EngineRuntime,
  state: number,
  lo: number,
  hi: number,
  user: boolean,
  write: boolean,
): number => {
  const fault = faultOf(runtime, state, lo, hi, user, write);
  if (fault !== NO_FAULT) {
    // An external abort on the walk is no result of the translation but an exception.
    if ((fault & -4) === FaultStatus.externalOnWalk) {
      return dataAbort(runtime, state, fault, lo, hi, true, CACHE_MAINTENANCE_BIT);
    }
    return setPar(runtime, state, PAR_FAULT | PAR_RES1 | (fault << 1), 0);
  }
  const uncached = isDevice(mapping.attribute) || mapping.attribute === NON_CACHEABLE;
  const shareability = uncached ? OUTER_SHAREABLE : mapping.shareability;
  const physicalHi = mapping.frame >>> 20;
  return setPar(
    runtime,
    state,
    (mapping.frame << 12) | PAR_RES1 | (shareability << 7),
    (mapping.attribute << 24) | physicalHi,
  );
};
