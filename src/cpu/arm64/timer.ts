import type { MachineMemory } from '../machine-memory.ts';
import { CNTKCTL_EL1, CNTP_CTL_EL0, CNTP_CVAL_EL0, CNTV_CTL_EL0, CNTV_CVAL_EL0 } from './system-state.ts';

/** The generic timer (Arm ARM D11): its two timers as functions of the record and of a counter value. */

/** What CNTFRQ_EL0 tells: ticks of both counters in a second. */
export const COUNTER_FREQUENCY = 62_500_000;

export const Timer = {
  virtual: 0,
  physical: 1,
} as const;
export type Timer = (typeof Timer)[keyof typeof Timer];

export const CTL_ENABLE = 1 << 0;
export const CTL_IMASK = 1 << 1;
export const CTL_ISTATUS = 1 << 2;

export const controlOffset = (timer: Timer): number => (timer === Timer.virtual ? CNTV_CTL_EL0 : CNTP_CTL_EL0);
export const compareOffset = (timer: Timer): number => (timer === Timer.virtual ? CNTV_CVAL_EL0 : CNTP_CVAL_EL0);

/** The compare value in ticks: exact below 2^53, else too far away for any counter to reach. */
export const compareValue = (memory: MachineMemory, state: number, timer: Timer): number => {
  const at = (state + compareOffset(timer)) >>> 2;
  return (memory.u32[at + 1] as number) * 4294967296 + (memory.u32[at] as number);
};

/** Whether a timer's condition holds (ISTATUS) when its counter is at `counter`. */
export const timerCondition = (memory: MachineMemory, state: number, timer: Timer, counter: number): boolean =>
  ((memory.i32[(state + controlOffset(timer)) >>> 2] as number) & CTL_ENABLE) !== 0 &&
  counter >= compareValue(memory, state, timer);

/** Whether a timer asks for its interrupt when its counter is at `counter`. */
export const timerAsserted = (memory: MachineMemory, state: number, timer: Timer, counter: number): boolean =>
  ((memory.i32[(state + controlOffset(timer)) >>> 2] as number) & CTL_IMASK) === 0 &&
  timerCondition(memory, state, timer, counter);

/** The counter value from which on a timer asks for its interrupt; Infinity if it never will as it is set. */
export const timerDeadline = (memory: MachineMemory, state: number, timer: Timer): number => {
  const control = memory.i32[(state + controlOffset(timer)) >>> 2] as number;
  return (control & (CTL_ENABLE | CTL_IMASK)) === CTL_ENABLE ? compareValue(memory, state, timer) : Infinity;
};

const CNTKCTL_EVNTEN = 1 << 2;

/** Ticks of the virtual counter between the events of the event stream, which end WFE; Infinity if it is off. */
export const eventStreamPeriod = (memory: MachineMemory, state: number): number => {
  const control = memory.i32[(state + CNTKCTL_EL1) >>> 2] as number;
  return (control & CNTKCTL_EVNTEN) !== 0 ? 2 ** (((control >>> 4) & 15) + 1) : Infinity;
};
