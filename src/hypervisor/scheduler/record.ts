import { kick } from '../../cpu/kick.ts';
import { lock, unlock } from '../../cpu/lock.ts';
import type { MachineMemory } from '../../cpu/machine-memory.ts';
import { SCHEDULER, stateOf } from '../vcpu.ts';

/**
 * The scheduler's records: one for each physical CPU, and the part of a vCPU's record that says where it runs. Byte offsets.
 */

/** Changes whenever the physical CPU should look again (Atomics; it waits on this word). */
export const DOORBELL = 0;
/** 1 when the physical CPU's thread is to end (Atomics). */
export const STOP = 4;
const LOCK = 8;
const COUNT = 12;
const VCPUS = 16;
export const MAXIMUM_ASSIGNED = 500;
export const PHYSICAL_CPU_SIZE = VCPUS + MAXIMUM_ASSIGNED * 4;

/** The record of the physical CPU that runs the vCPU (u32), 0 if none does yet. */
const ASSIGNED = SCHEDULER;
/** Processor time the vCPU has had, in nanoseconds (f64); what fairness goes by. */
const TIME_USED = SCHEDULER + 8;
/** 1 while it runs (Atomics). */
export const RUNNING = SCHEDULER + 16;

/** Makes a physical CPU look again, wherever it waits. */
export const ring = (memory: MachineMemory, physicalCpu: number): void => {
  Atomics.add(memory.i32, (physicalCpu + DOORBELL) >>> 2, 1);
  Atomics.notify(memory.i32, (physicalCpu + DOORBELL) >>> 2);
};

/** A vCPU has something to notice: its physical CPU looks again, leaving translated code if it runs there. */
export const wakeVcpu = (memory: MachineMemory, vcpu: number): void => {
  const physicalCpu = memory.u32[(vcpu + ASSIGNED) >>> 2];
  if (physicalCpu === 0) return;
  kick(memory, stateOf(memory, vcpu));
  ring(memory, physicalCpu);
};

/** Keeps the vCPUs assigned to a physical CPU as they are: whoever is to run must be marked RUNNING while this is held. */
export const lockAssignments = (memory: MachineMemory, physicalCpu: number): void => lock(memory, physicalCpu + LOCK);

export const unlockAssignments = (memory: MachineMemory, physicalCpu: number): void =>
  unlock(memory, physicalCpu + LOCK);

/** vCPUs assigned to a physical CPU. */
export const assignedCount = (memory: MachineMemory, physicalCpu: number): number =>
  Atomics.load(memory.i32, (physicalCpu + COUNT) >>> 2);

export const assignedAt = (memory: MachineMemory, physicalCpu: number, index: number): number =>
  memory.u32[(physicalCpu + VCPUS + index * 4) >>> 2];

/** Lets a physical CPU run a vCPU from now on; false if it has too many. */
export const assign = (memory: MachineMemory, physicalCpu: number, vcpu: number): boolean => {
  lock(memory, physicalCpu + LOCK);
  const count = assignedCount(memory, physicalCpu);
  if (count < MAXIMUM_ASSIGNED) {
    memory.u32[(physicalCpu + VCPUS + count * 4) >>> 2] = vcpu;
    memory.u32[(vcpu + ASSIGNED) >>> 2] = physicalCpu;
    Atomics.store(memory.i32, (physicalCpu + COUNT) >>> 2, count + 1);
  }
  unlock(memory, physicalCpu + LOCK);
  ring(memory, physicalCpu);
  return count < MAXIMUM_ASSIGNED;
};

/** Takes a vCPU from its physical CPU, which will not begin to run it any more; RUNNING tells whether it still does. */
export const unassign = (memory: MachineMemory, vcpu: number): void => {
  const physicalCpu = memory.u32[(vcpu + ASSIGNED) >>> 2];
  if (physicalCpu === 0) return;
  lock(memory, physicalCpu + LOCK);
  const count = assignedCount(memory, physicalCpu);
  for (let index = 0; index < count; index++) {
    if (assignedAt(memory, physicalCpu, index) !== vcpu) continue;
    memory.u32[(physicalCpu + VCPUS + index * 4) >>> 2] = assignedAt(memory, physicalCpu, count - 1);
    Atomics.store(memory.i32, (physicalCpu + COUNT) >>> 2, count - 1);
    break;
  }
  memory.u32[(vcpu + ASSIGNED) >>> 2] = 0;
  unlock(memory, physicalCpu + LOCK);
  kick(memory, stateOf(memory, vcpu));
};

export const timeUsed = (memory: MachineMemory, vcpu: number): number => memory.f64[(vcpu + TIME_USED) >>> 3];

export const setTimeUsed = (memory: MachineMemory, vcpu: number, nanoseconds: number): void => {
  memory.f64[(vcpu + TIME_USED) >>> 3] = nanoseconds;
};
