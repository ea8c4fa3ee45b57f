import { COUNTER_FREQUENCY, timerDeadline as deadlineTick, Timer, timerAsserted } from '../cpu/arm64/timer.ts';
import type { MachineMemory } from '../cpu/machine-memory.ts';
import type { Core } from './core.ts';
import { VGIC } from './domain.ts';
import { domainOf, indexOf, stateOf, TIMERS } from './vcpu.ts';

/**
 * The generic timer's way to interrupts: a vCPU's virtual and physical timers against its domain's clock (Arm ARM D13). The
 * registers are the processor's; here is when they fire.
 */

const NANOSECONDS_PER_TICK = 1e9 / COUNTER_FREQUENCY;
const VIRTUAL_TIMER_INTERRUPT = 27;
const PHYSICAL_TIMER_INTERRUPT = 30;

/** System time (f64, nanoseconds) at which one of the vCPU's timers fires next; Infinity if none will. */
const NEXT_DEADLINE = TIMERS;

/** The counter at a system time in nanoseconds. */
export const counterAt = (systemTime: number): number => Math.floor(systemTime / NANOSECONDS_PER_TICK);

/** Brings a vCPU's timers up to date: after it wrote their registers, and when its deadline has come. */
export const updateTimers = (core: Core, vcpu: number): void => {
  const { memory } = core;
  const state = stateOf(memory, vcpu);
  const domain = domainOf(memory, vcpu);
  const gic = memory.u32[(domain + VGIC) >>> 2];
  const index = indexOf(memory, vcpu);
  const counter = counterAt(core.services.systemTime(domain));
  let next = Number.POSITIVE_INFINITY;
  for (const [timer, interrupt] of [
    [Timer.virtual, VIRTUAL_TIMER_INTERRUPT],
    [Timer.physical, PHYSICAL_TIMER_INTERRUPT],
  ] as const) {
    const asserted = timerAsserted(memory, state, timer, counter);
    core.vgic.setPrivateLine(gic, index, interrupt, asserted);
    if (!asserted) next = Math.min(next, deadlineTick(memory, state, timer));
  }
  memory.f64[(vcpu + NEXT_DEADLINE) >>> 3] = next * NANOSECONDS_PER_TICK;
};

/** System time in nanoseconds of the vCPU's next timer interrupt. */
export const timerDeadline = (memory: MachineMemory, vcpu: number): number => memory.f64[(vcpu + NEXT_DEADLINE) >>> 3];

/** Prepares the timers of a new vCPU, which are off. */
export const resetTimers = (memory: MachineMemory, vcpu: number): void => {
  memory.f64[(vcpu + NEXT_DEADLINE) >>> 3] = Number.POSITIVE_INFINITY;
};
