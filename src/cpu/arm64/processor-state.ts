import type { MachineMemory } from '../machine-memory.ts';
import { FLAG_C, FLAG_N, FLAG_V, FLAG_Z, VECTOR_TRAP } from '../state.ts';
import { panSet, userBank } from './mmu/banks.ts';
import { stackChanged } from './stack-alignment.ts';
import { CURRENT_EL, DAIF, IL, PAN, SOFTWARE_STEP, SP, SP_SELECT } from './state.ts';
import { CPACR_EL1, SP_EL0, SP_EL1 } from './system-state.ts';

/** PSTATE as a whole: its form in SPSR_EL1, and changes of the exception level with all that hangs on it. */

export const SPSR_SS = 1 << 21;
export const SPSR_IL = 1 << 20;
export const SPSR_PAN = 1 << 22;
export const SPSR_DAIF = 0x3c0;
/** PSTATE.D and I as bits of DAIF. */
export const DAIF_D = 1 << 9;
export const DAIF_I = 1 << 7;

/** NZCV in bits 31 to 28. */
export const readFlags = (memory: MachineMemory, state: number): number => {
  const words = memory.i32;
  const n = (words[(state + FLAG_N + 4) >>> 2] as number) & (1 << 31);
  const z = ((words[(state + FLAG_Z) >>> 2] as number) | (words[(state + FLAG_Z + 4) >>> 2] as number)) === 0 ? 1 : 0;
  const c = words[(state + FLAG_C) >>> 2] as number;
  const v = (words[(state + FLAG_V + 4) >>> 2] as number) >>> 31;
  return n | (z << 30) | (c << 29) | (v << 28);
};

export const writeFlags = (memory: MachineMemory, state: number, value: number): void => {
  const words = memory.i32;
  words[(state + FLAG_N) >>> 2] = 0;
  words[(state + FLAG_N + 4) >>> 2] = value & (1 << 31);
  words[(state + FLAG_Z) >>> 2] = ((value >>> 30) & 1) ^ 1;
  words[(state + FLAG_Z + 4) >>> 2] = 0;
  words[(state + FLAG_C) >>> 2] = (value >>> 29) & 1;
  words[(state + FLAG_V) >>> 2] = 0;
  words[(state + FLAG_V + 4) >>> 2] = value << 3;
};

/** PSTATE in the form of SPSR_EL1. */
export const readProcessorState = (memory: MachineMemory, state: number): number => {
  const words = memory.i32;
  return (
    readFlags(memory, state) |
    ((words[(state + PAN) >>> 2] as number) << 22) |
    ((words[(state + SOFTWARE_STEP) >>> 2] as number) << 21) |
    ((words[(state + IL) >>> 2] as number) << 20) |
    (words[(state + DAIF) >>> 2] as number) |
    ((words[(state + CURRENT_EL) >>> 2] as number) << 2) |
    (words[(state + SP_SELECT) >>> 2] as number)
  );
};

/** VECTOR_TRAP follows CPACR_EL1.FPEN and the exception level. */
export const updateVectorTrap = (memory: MachineMemory, state: number): void => {
  const words = memory.i32;
  const enable = ((words[(state + CPACR_EL1) >>> 2] as number) >>> 20) & 3;
  const enabled = enable === 3 || (enable === 1 && words[(state + CURRENT_EL) >>> 2] === 1);
  words[(state + VECTOR_TRAP) >>> 2] = enabled ? 0 : 1;
};

const copyStackPointer = (words: Int32Array, state: number, to: number, from: number): void => {
  words[(state + to) >>> 2] = words[(state + from) >>> 2] as number;
  words[(state + to + 4) >>> 2] = words[(state + from + 4) >>> 2] as number;
};

/** Changes the exception level and the stack pointer in use. */
export const setLevel = (memory: MachineMemory, state: number, level: number, select: number): void => {
  const words = memory.i32;
  const selected = words[(state + SP_SELECT) >>> 2] as number;
  if (selected !== select) {
    copyStackPointer(words, state, selected === 0 ? SP_EL0 : SP_EL1, SP);
    copyStackPointer(words, state, SP, select === 0 ? SP_EL0 : SP_EL1);
    words[(state + SP_SELECT) >>> 2] = select;
  }
  words[(state + CURRENT_EL) >>> 2] = level;
  stackChanged(memory, state);
  if (level === 0) userBank(memory, state);
  updateVectorTrap(memory, state);
};

export const setPan = (memory: MachineMemory, state: number, value: number): void => {
  memory.i32[(state + PAN) >>> 2] = value;
  if (value === 1) panSet(memory, state);
};
