import type { MachineMemory } from '../cpu/machine-memory.ts';
import { INTERRUPT_LINE, OWNER } from '../cpu/state.ts';
import { FIFO_QUEUES, VIRQS } from './abi/event-channel.ts';
import type { Core } from './core.ts';
import { POLLERS, statusOf } from './domain.ts';

/**
 * A vCPU's record beside its CPU record: byte offsets from its address. Words (u32) unless said otherwise.
 */

export const DOMAIN = 0;
export const INDEX = 4;
/** Address of the CPU record (cpu/state.ts), whose OWNER leads back here. */
export const CPU_STATE = 8;
/** 1 once started (Atomics). */
export const ONLINE = 12;
/** 1 while it waits for an interrupt or event (Atomics). */
export const BLOCKED = 16;
/** The port it polls, POLL_SEVERAL, or 0 (Atomics). */
export const POLL = 20;
/** System time at which a poll ends (f64), 0 if never. */
export const POLL_DEADLINE = 24;
/** A vcpu_runstate_info, 48 bytes. */
export const RUNSTATE = 32;
/**
 * Where the guest wants a copy of it: the address of its first part, how many bytes lie there, and the address of the rest
 * where a page boundary splits it.
 */
export const RUNSTATE_AREA = 80;
export const RUNSTATE_AREA_FIRST = 84;
export const RUNSTATE_AREA_REST = 88;
/** Address of the vcpu_info, and of its frame if the guest registered one, with that frame's guest number. */
export const VCPU_INFO = 92;
export const VCPU_INFO_PINNED = 96;
export const VCPU_INFO_FRAME = 100;
/** The FIFO control block: address and guest frame; then the last port of each queue. */
export const FIFO_CONTROL = 104;
export const FIFO_CONTROL_FRAME = 108;
export const FIFO_TAILS = 112;
/** The port bound to each virtual interrupt, 0 if none. */
export const VIRQ_PORTS = FIFO_TAILS + FIFO_QUEUES * 4;
/** The vcpu_info of a vCPU that has registered none. */
export const PRIVATE_INFO = VIRQ_PORTS + VIRQS * 4;
/** 64 bytes for the virtual timers. */
export const TIMERS = PRIVATE_INFO + 48;
/** 64 bytes for the scheduler. */
export const SCHEDULER = TIMERS + 64;
export const VCPU_RECORD_SIZE = SCHEDULER + 64;

export const POLL_SEVERAL = -1;

/** The vCPU that a CPU record belongs to. */
export const vcpuOfState = (memory: MachineMemory, state: number): number => memory.u32[(state + OWNER) >>> 2];

export const domainOf = (memory: MachineMemory, vcpu: number): number => memory.u32[(vcpu + DOMAIN) >>> 2];

export const indexOf = (memory: MachineMemory, vcpu: number): number => memory.u32[(vcpu + INDEX) >>> 2];

export const stateOf = (memory: MachineMemory, vcpu: number): number => memory.u32[(vcpu + CPU_STATE) >>> 2];

export const isOnline = (memory: MachineMemory, vcpu: number): boolean =>
  Atomics.load(memory.i32, (vcpu + ONLINE) >>> 2) !== 0;

export const isBlocked = (memory: MachineMemory, vcpu: number): boolean =>
  Atomics.load(memory.i32, (vcpu + BLOCKED) >>> 2) !== 0;

/** Whether the scheduler may run the vCPU. */
export const isRunnable = (memory: MachineMemory, vcpu: number): boolean =>
  isOnline(memory, vcpu) && !isBlocked(memory, vcpu) && statusOf(memory, domainOf(memory, vcpu)) === 0;

/** Starts or stops a vCPU, whose processor state is the caller's business. */
export const setOnline = (core: Core, vcpu: number, online: boolean): void => {
  Atomics.store(core.memory.i32, (vcpu + ONLINE) >>> 2, online ? 1 : 0);
  core.services.wake(vcpu);
};

/**
 * Lets a vCPU wait until an interrupt or a polled event comes. False if an interrupt waits already: then it does not wait.
 */
export const block = (memory: MachineMemory, vcpu: number): boolean => {
  Atomics.store(memory.i32, (vcpu + BLOCKED) >>> 2, 1);
  // After BLOCKED is visible: whoever raises the line later sees it and wakes the vCPU.
  if (Atomics.load(memory.i32, (stateOf(memory, vcpu) + INTERRUPT_LINE) >>> 2) === 0) return true;
  clearBlocked(memory, vcpu);
  return false;
};

/** Ends a vCPU's wait, if it waits, and tells the scheduler. */
export const unblock = (core: Core, vcpu: number): void => {
  clearBlocked(core.memory, vcpu);
  core.services.wake(vcpu);
};

/** Takes back BLOCKED and all that belongs to a poll. */
export const clearBlocked = (memory: MachineMemory, vcpu: number): void => {
  if (Atomics.load(memory.i32, (vcpu + POLL) >>> 2) !== 0) {
    const domain = domainOf(memory, vcpu);
    Atomics.store(memory.i32, (vcpu + POLL) >>> 2, 0);
    memory.f64[(vcpu + POLL_DEADLINE) >>> 3] = 0;
    Atomics.and(memory.i32, (domain + POLLERS) >>> 2, ~(1 << indexOf(memory, vcpu)));
  }
  Atomics.store(memory.i32, (vcpu + BLOCKED) >>> 2, 0);
};
