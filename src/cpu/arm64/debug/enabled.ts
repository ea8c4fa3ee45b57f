import type { MachineMemory } from '../../machine-memory.ts';
import { selectBanks } from '../mmu/banks.ts';
import { DAIF_D } from '../processor-state.ts';
import { CURRENT_EL, DAIF } from '../state.ts';
import {
  BREAKPOINTS,
  CHECK_ACCESSES,
  DBGBCR,
  DBGPRCR_EL1,
  DBGWCR,
  MDSCR_EL1,
  OS_DOUBLE_LOCK,
  OS_LOCK,
  SCTLR_EL1,
  WATCHPOINTS,
} from '../system-state.ts';

/** When self-hosted debug exceptions are taken (Arm ARM D2.3): all go to EL1. */

export const MDSCR_SS = 1 << 0;
export const MDSCR_KDE = 1 << 13;
export const MDSCR_MDE = 1 << 15;

const SCTLR_A = 1 << 1;
/** Enables a breakpoint or a watchpoint. */
const CONTROL_ENABLE = 1 << 0;

const locked = (words: Int32Array, state: number): boolean =>
  words[(state + OS_LOCK) >>> 2] !== 0 ||
  (words[(state + OS_DOUBLE_LOCK) >>> 2] !== 0 && words[(state + DBGPRCR_EL1) >>> 2] === 0);

/** Whether an exception level takes debug exceptions; `masked` is PSTATE.D. */
export const debugEnabledFrom = (memory: MachineMemory, state: number, level: number, masked: boolean): boolean => {
  const words = memory.i32;
  if (locked(words, state)) return false;
  if (level === 0) return true;
  return !masked && ((words[(state + MDSCR_EL1) >>> 2] as number) & MDSCR_KDE) !== 0;
};

/** Whether debug exceptions are taken now. */
export const debugEnabled = (memory: MachineMemory, state: number): boolean => {
  const words = memory.i32;
  const masked = ((words[(state + DAIF) >>> 2] as number) & DAIF_D) !== 0;
  return debugEnabledFrom(memory, state, words[(state + CURRENT_EL) >>> 2] as number, masked);
};

const anyEnabled = (words: Int32Array, state: number, controls: number, count: number): boolean => {
  for (let i = 0; i < count; i++) {
    if (((words[(state + controls + i * 8) >>> 2] as number) & CONTROL_ENABLE) !== 0) return true;
  }
  return false;
};

/** Whether instructions have to run one by one: single-stepping, or a breakpoint is set. */
export const debugActive = ({ memory }: { readonly memory: MachineMemory }, state: number): boolean => {
  const words = memory.i32;
  const mdscr = words[(state + MDSCR_EL1) >>> 2] as number;
  if ((mdscr & (MDSCR_SS | MDSCR_MDE)) === 0) return false;
  if (!debugEnabled(memory, state)) return false;
  return (mdscr & MDSCR_SS) !== 0 || anyEnabled(words, state, DBGBCR, BREAKPOINTS);
};

/** Has all data accesses checked while SCTLR_EL1.A is set or watchpoints are on; to be called when those change. */
export const updateAccessChecks = (memory: MachineMemory, state: number): void => {
  const words = memory.i32;
  const watching =
    ((words[(state + MDSCR_EL1) >>> 2] as number) & MDSCR_MDE) !== 0 &&
    !locked(words, state) &&
    anyEnabled(words, state, DBGWCR, WATCHPOINTS);
  const aligned = ((words[(state + SCTLR_EL1) >>> 2] as number) & SCTLR_A) !== 0;
  words[(state + CHECK_ACCESSES) >>> 2] = watching || aligned ? 1 : 0;
  selectBanks(memory, state);
};
