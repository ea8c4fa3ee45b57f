import type { EngineRuntime } from '../architecture.ts';
import type { MachineMemory } from '../machine-memory.ts';
import { ARCHITECTURE, FLAG_C, PC, PENDING_KIND, SCRATCH } from '../state.ts';
import { updateAccessChecks } from './debug/enabled.ts';
import { setFloatingPointControl } from './floating-point/control.ts';
import { resetBanks } from './mmu/banks.ts';
import { SPSR_DAIF, updateVectorTrap, writeFlags } from './processor-state.ts';
import { stackChanged } from './stack-alignment.ts';
import { CURRENT_EL, DAIF, SP_SELECT, SYSTEM_END, X } from './state.ts';
import { INTERRUPT_REGISTERS, MPIDR_EL1, OS_LOCK, SCTLR_EL1 } from './system-state.ts';

/** What a processor is, apart from its registers' contents; it outlives resets. */
export interface ProcessorIdentity {
  /** The affinity fields of MPIDR_EL1, where they lie in its low 32 bits. */
  readonly affinity: number;
  /** Whether the interrupt controller has system registers: true for GICv3, false for GICv2. */
  readonly interruptRegisters: boolean;
}

/** Says what a processor is, in its record, once and before its first reset. */
export const identifyProcessor = (memory: MachineMemory, state: number, identity: ProcessorIdentity): void => {
  const words = memory.i32;
  words[(state + MPIDR_EL1) >>> 2] = (1 << 31) | (identity.affinity & 0xffffff);
  words[(state + MPIDR_EL1 + 4) >>> 2] = 0;
  words[(state + INTERRUPT_REGISTERS) >>> 2] = identity.interruptRegisters ? 1 : 0;
};

export interface Entry {
  /** Where execution begins. */
  readonly pc: number;
  /** X0 then: the device tree, or PSCI's context ID. */
  readonly x0: number;
}

/** SCTLR_EL1 as Xen leaves it for a guest: without translation and caches. */
const SCTLR_RESET = 0x00c50078;

const setNumber = (memory: MachineMemory, at: number, value: number): void => {
  memory.u32[at >>> 2] = value >>> 0;
  memory.u32[(at + 4) >>> 2] = Math.floor(value / 4294967296) >>> 0;
};

/**
 * Resets a processor to EL1 with its own stack pointer and all exceptions masked. Its identity, its place in the layers above
 * and its interrupt line stay.
 */
export const resetProcessor = ({ memory }: EngineRuntime, state: number, { pc, x0 }: Entry): void => {
  const words = memory.i32;
  const affinity = words[(state + MPIDR_EL1) >>> 2] as number;
  const interruptRegisters = words[(state + INTERRUPT_REGISTERS) >>> 2] as number;
  words.fill(0, (state + PC) >>> 2, (state + FLAG_C + 4) >>> 2);
  words[(state + PENDING_KIND) >>> 2] = 0;
  words.fill(0, (state + SCRATCH) >>> 2, (state + ARCHITECTURE) >>> 2);
  words.fill(0, (state + ARCHITECTURE) >>> 2, (state + SYSTEM_END) >>> 2);
  words[(state + MPIDR_EL1) >>> 2] = affinity | (1 << 31);
  words[(state + INTERRUPT_REGISTERS) >>> 2] = interruptRegisters;
  words[(state + SCTLR_EL1) >>> 2] = SCTLR_RESET;
  words[(state + DAIF) >>> 2] = SPSR_DAIF;
  words[(state + CURRENT_EL) >>> 2] = 1;
  words[(state + SP_SELECT) >>> 2] = 1;
  words[(state + OS_LOCK) >>> 2] = 1;
  writeFlags(memory, state, 0);
  setFloatingPointControl(memory, state, 0, 0);
  setNumber(memory, state + PC, pc);
  setNumber(memory, state + X, x0);
  resetBanks(memory, state);
  updateAccessChecks(memory, state);
  stackChanged(memory, state);
  updateVectorTrap(memory, state);
};

/** Readies a copy of a processor's record at a new place: the banks, which the copy need not bring, are made empty. */
export const adoptProcessor = ({ memory }: EngineRuntime, state: number): void => {
  resetBanks(memory, state);
};
