import type { MachineMemory } from '../cpu/machine-memory.ts';
import { HVM_PARAMETERS } from './domain.ts';

/** HVM parameters as the toolstack sets them (HvmParam names them); values below 2^53. */

export const setParameter = (memory: MachineMemory, domain: number, index: number, value: number): void => {
  const field = (domain + HVM_PARAMETERS + index * 8) >>> 2;
  memory.u32[field] = value;
  memory.u32[field + 1] = Math.floor(value / 0x1_0000_0000);
};

export const parameterOf = (memory: MachineMemory, domain: number, index: number): number => {
  const field = (domain + HVM_PARAMETERS + index * 8) >>> 2;
  return memory.u32[field + 1] * 0x1_0000_0000 + memory.u32[field];
};
