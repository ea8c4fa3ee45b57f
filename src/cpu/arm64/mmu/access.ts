import type { EngineRuntime } from '../../architecture.ts';
import { NOT_MEMORY } from '../../environment.ts';
import { raiseAt } from '../pending.ts';
import { CURRENT_EL, PAN } from '../state.ts';
import { ExceptionClass, FaultStatus, syndrome, WRITE_BIT } from '../syndrome.ts';
import { CHECK_ACCESSES, KERNEL_BANK } from '../system-state.ts';
import { fillData, fillGeneration, fillStands, userBank } from './banks.ts';
import { Permission } from './permissions.ts';
import { isDevice, mapping, NO_FAULT, walk } from './walk.ts';

/** Where a data access goes: translation, permissions, and the translation table's fill. */

/** Where the access that `locate` looked at last goes: valid until the next one. */
export const place = {
  /** Machine address, or NOT_MEMORY for a device. */
  machine: 0,
  /** Guest-physical address. */
  physical: 0,
};

/** Whether data accesses are made with EL0's rights. */
export const isUserAccess = (words: Int32Array, state: number, unprivileged: boolean): boolean =>
  unprivileged || words[(state + CURRENT_EL) >>> 2] === 0;

/** Whether `mapping` allows a data access. */
export const dataAllowed = (words: Int32Array, state: number, user: boolean, write: boolean): boolean => {
  const { permissions } = mapping;
  if (user) return (permissions & (write ? Permission.write0 : Permission.read0)) !== 0;
  if ((permissions & Permission.guarded) !== 0 && words[(state + PAN) >>> 2] !== 0) return false;
  return (permissions & (write ? Permission.write1 : Permission.read1)) !== 0;
};

/**
 * Finds where a data access inside one page goes, into `place`; enters the page in the translation table if it is plain
 * memory. With `memoryOnly`, as for misaligned accesses, it must not go to Device memory. Gives NO_FAULT or the fault status code.
 */
export const locate = (
  runtime: EngineRuntime,
  state: number,
  lo: number,
  hi: number,
  user: boolean,
  write: boolean,
  memoryOnly: boolean,
): number => {
  const { memory, environment } = runtime;
  const words = memory.i32;
  for (;;) {
    const generation = fillGeneration(memory, state);
    const fault = walk(runtime, state, lo, hi, user);
    if (fault !== NO_FAULT) return fault;
    const device = isDevice(mapping.attribute);
    if (device && memoryOnly) return FaultStatus.alignment;
    if (!dataAllowed(words, state, user, write)) return FaultStatus.permission | mapping.level;
    const frame = environment.translate(state, mapping.frame, write);
    place.physical = mapping.frame * 4096 + (lo & 0xfff);
    if (frame === NOT_MEMORY) {
      place.machine = NOT_MEMORY;
      return NO_FAULT;
    }
    const direct = (frame & 1) !== 0;
    // Memory that is not the domain's to write, such as a page granted for reading.
    if (write && !direct) return FaultStatus.external;
    place.machine = ((frame & -4096) | (lo & 0xfff)) >>> 0;
    if (device || words[(state + CHECK_ACCESSES) >>> 2] !== 0) return NO_FAULT;
    const { permissions } = mapping;
    const readable = (permissions & (user ? Permission.read0 : Permission.read1)) !== 0;
    const writable = direct && (permissions & (user ? Permission.write0 : Permission.write1)) !== 0;
    const guarded = (permissions & Permission.guarded) !== 0;
    const bank = user ? userBank(memory, state) : KERNEL_BANK;
    fillData(memory, state, bank, lo, hi, frame & -4096, readable, writable, guarded, mapping);
    if (fillStands(memory, state, bank, lo, generation)) return NO_FAULT;
  }
};

/** Makes a data abort pending; `extra` are more bits of the syndrome. */
export const dataAbort = (
  runtime: EngineRuntime,
  state: number,
  status: number,
  lo: number,
  hi: number,
  write: boolean,
  extra = 0,
): number => {
  const specific = status | (write ? WRITE_BIT : 0) | extra;
  return raiseAt(runtime.memory, state, syndrome(ExceptionClass.dataAbort, specific), lo, hi);
};
