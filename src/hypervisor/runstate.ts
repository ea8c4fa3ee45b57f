import type { MachineMemory } from '../cpu/machine-memory.ts';
import { FRAME_SIZE } from '../memory/layout.ts';
import { VM_ASSIST_RUNSTATE_UPDATE_FLAG } from './abi/shared-info.ts';
import { type Runstate, RunstateInfo } from './abi/vcpu.ts';
import { type Core, wide } from './core.ts';
import { domidOf, VM_ASSIST } from './domain.ts';
import { domainOf, RUNSTATE, RUNSTATE_AREA, RUNSTATE_AREA_FIRST, RUNSTATE_AREA_REST } from './vcpu.ts';

/**
 * How long a vCPU has been in each state (public/vcpu.h): kept in its record, and copied to where the guest asked for it.
 * Times are system time in nanoseconds.
 */

/** The topmost byte of the entry time, whose top bit says that the copy is being changed. */
const UPDATE_BYTE = RunstateInfo.entryTime + 7;
const UPDATE_BIT = 0x80;

const readTime = ({ u32 }: MachineMemory, address: number): number =>
  wide(u32[address >>> 2], u32[(address >>> 2) + 1]);

const writeTime = ({ u32 }: MachineMemory, address: number, time: number): void => {
  u32[address >>> 2] = time;
  u32[(address >>> 2) + 1] = Math.floor(time / 0x1_0000_0000);
};

export const runstateOf = (memory: MachineMemory, vcpu: number): number =>
  memory.u32[(vcpu + RUNSTATE + RunstateInfo.state) >>> 2];

/** Nanoseconds that a vCPU has spent in a state, the present stay included. */
export const runstateTime = (memory: MachineMemory, vcpu: number, state: Runstate, now: number): number => {
  const past = readTime(memory, vcpu + RUNSTATE + RunstateInfo.times + state * 8);
  const entered = readTime(memory, vcpu + RUNSTATE + RunstateInfo.entryTime);
  return runstateOf(memory, vcpu) === state ? past + Math.max(0, now - entered) : past;
};

/** Moves a vCPU to a state. To be called by whoever schedules it, on its thread or while it does not run. */
export const runstateChange = (core: Core, vcpu: number, state: Runstate, now: number): void => {
  accumulate(core.memory, vcpu, now);
  core.memory.u32[(vcpu + RUNSTATE + RunstateInfo.state) >>> 2] = state;
  copyToGuest(core, vcpu);
};

/** Brings the time spent in the present state up to date. */
export const accumulate = (memory: MachineMemory, vcpu: number, now: number): void => {
  const entry = vcpu + RUNSTATE + RunstateInfo.entryTime;
  const spent = vcpu + RUNSTATE + RunstateInfo.times + runstateOf(memory, vcpu) * 8;
  writeTime(memory, spent, readTime(memory, spent) + Math.max(0, now - readTime(memory, entry)));
  writeTime(memory, entry, now);
};

/** The address of a byte of the guest's copy, which may lie in two pages. */
const areaByte = (memory: MachineMemory, vcpu: number, offset: number): number => {
  const first = memory.u32[(vcpu + RUNSTATE_AREA_FIRST) >>> 2];
  return offset < first
    ? memory.u32[(vcpu + RUNSTATE_AREA) >>> 2] + offset
    : memory.u32[(vcpu + RUNSTATE_AREA_REST) >>> 2] + offset - first;
};

/** Copies the runstate to where the guest wants it; byte by byte, since that need not be aligned. */
export const copyToGuest = (core: Core, vcpu: number): void => {
  const { memory } = core;
  if (memory.u32[(vcpu + RUNSTATE_AREA) >>> 2] === 0) return;
  const assists = memory.u32[(domainOf(memory, vcpu) + VM_ASSIST) >>> 2];
  const flagged = (assists & (1 << VM_ASSIST_RUNSTATE_UPDATE_FLAG)) !== 0;
  const update = areaByte(memory, vcpu, UPDATE_BYTE);
  const { u8 } = memory;
  const last = u8[vcpu + RUNSTATE + UPDATE_BYTE];
  if (flagged) Atomics.store(u8, update, last | UPDATE_BIT);
  for (let i = 0; i < RunstateInfo.size; i++) {
    if (i !== UPDATE_BYTE) Atomics.store(u8, areaByte(memory, vcpu, i), u8[vcpu + RUNSTATE + i]);
  }
  Atomics.store(u8, update, last);
};

/**
 * Makes a guest's virtual address the place of the copy: translated now and kept, as Xen on Arm does. False if the guest has
 * no memory there.
 */
export const registerRunstateArea = (core: Core, vcpu: number, state: number, lo: number, hi: number): boolean =>
  core.quietPoint.within(state, () => register(core, vcpu, state, lo, hi));

const register = (core: Core, vcpu: number, state: number, lo: number, hi: number): boolean => {
  const { memory, processor, frames } = core;
  const start = processor.translate(state, lo, hi, true);
  if (start < 0) return false;
  const first = Math.min(RunstateInfo.size, FRAME_SIZE - (start & (FRAME_SIZE - 1)));
  let rest = 0;
  if (first < RunstateInfo.size) {
    const next = (lo >>> 0) + first;
    rest = processor.translate(state, next | 0, (hi + (next >= 0x1_0000_0000 ? 1 : 0)) | 0, true);
    if (rest < 0) return false;
  }
  // A page that another domain granted may have to be given back: it will not do.
  const domid = domidOf(memory, domainOf(memory, vcpu));
  if (frames.owner(frameOf(start)) !== domid || (rest !== 0 && frames.owner(frameOf(rest)) !== domid)) return false;
  forgetRunstateArea(core, vcpu);
  frames.share(frameOf(start));
  if (rest !== 0) frames.share(frameOf(rest));
  memory.u32[(vcpu + RUNSTATE_AREA_FIRST) >>> 2] = first;
  memory.u32[(vcpu + RUNSTATE_AREA_REST) >>> 2] = rest;
  memory.u32[(vcpu + RUNSTATE_AREA) >>> 2] = start;
  copyToGuest(core, vcpu);
  return true;
};

const frameOf = (address: number): number => (address & ~(FRAME_SIZE - 1)) >>> 0;

/** Stops copying. */
export const forgetRunstateArea = (core: Core, vcpu: number): void => {
  const { memory, frames } = core;
  const start = memory.u32[(vcpu + RUNSTATE_AREA) >>> 2];
  const rest = memory.u32[(vcpu + RUNSTATE_AREA_REST) >>> 2];
  memory.u32[(vcpu + RUNSTATE_AREA) >>> 2] = 0;
  memory.u32[(vcpu + RUNSTATE_AREA_REST) >>> 2] = 0;
  if (start !== 0) frames.release(frameOf(start));
  if (rest !== 0) frames.release(frameOf(rest));
};
