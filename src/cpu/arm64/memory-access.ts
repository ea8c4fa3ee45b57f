import type { EngineRuntime } from '../architecture.ts';
import { NOT_MEMORY } from '../environment.ts';
import { Access } from '../ir/builder.ts';
import { Status } from '../runtime.ts';
import { SCRATCH } from '../state.ts';
import { wideCopy } from '../wide-copy.ts';
import { watchpointHit } from './debug/watchpoints.ts';
import { dataAbort, isUserAccess, locate, place } from './mmu/access.ts';
import { NO_FAULT } from './mmu/walk.ts';
import { holdAccess } from './stack-alignment.ts';
import { FaultStatus } from './syndrome.ts';
import { CHECK_ACCESSES, SCTLR_EL1 } from './system-state.ts';

/** The slow paths of data accesses: what misses the translation table, crosses pages, must be checked, or meets a device. */

const SCTLR_A = 1 << 1;
const PAGE_SIZE = 4096;

/** Where an access's parts go: the first page's, and if it crosses into another one, that one's. */
const parts = { length: 0, machine: 0, physical: 0, nextMachine: 0, nextPhysical: 0 };

/** The bytes of an access that is done in parts. */
const pieces = new Uint8Array(16);

/** Accesses of 16 bytes are pairs of 8 bytes to the alignment checks. */
const isMisaligned = (lo: number, size: number): boolean => (lo & (Math.min(size, 8) - 1)) !== 0;

/** Translates all of an access into `parts`, or makes its fault pending. Gives a Status. */
const resolve = (
  runtime: EngineRuntime,
  state: number,
  lo: number,
  hi: number,
  kind: number,
  write: boolean,
): number => {
  const words = runtime.memory.i32;
  const size = kind & 0xff;
  const access = kind >>> 8;
  if (holdAccess(runtime, state) !== Status.done) return Status.exception;
  const user = isUserAccess(words, state, (access & Access.unprivileged) !== 0);
  const misaligned = isMisaligned(lo, size);
  if (
    ((access & Access.aligned) !== 0 && (lo & (size - 1)) !== 0) ||
    (misaligned && ((words[(state + SCTLR_EL1) >>> 2] as number) & SCTLR_A) !== 0)
  ) {
    return dataAbort(runtime, state, FaultStatus.alignment, lo, hi, write);
  }
  const memoryOnly = misaligned || (access & Access.memory) !== 0;
  const fault = locate(runtime, state, lo, hi, user, write, memoryOnly);
  if (fault !== NO_FAULT) return dataAbort(runtime, state, fault, lo, hi, write);
  parts.machine = place.machine;
  parts.physical = place.physical;
  parts.length = Math.min(size, PAGE_SIZE - (lo & (PAGE_SIZE - 1)));
  if (parts.length < size) {
    const nextLo = ((lo & -PAGE_SIZE) + PAGE_SIZE) | 0;
    const nextHi = nextLo === 0 ? (hi + 1) | 0 : hi;
    const nextFault = locate(runtime, state, nextLo, nextHi, user, write, memoryOnly);
    if (nextFault !== NO_FAULT) return dataAbort(runtime, state, nextFault, nextLo, nextHi, write);
    parts.nextMachine = place.machine;
    parts.nextPhysical = place.physical;
  }
  if (words[(state + CHECK_ACCESSES) >>> 2] !== 0) {
    return watchpointHit(runtime, state, lo, hi, size, write, user);
  }
  return Status.done;
};

const externalAbort = (runtime: EngineRuntime, state: number, lo: number, hi: number, write: boolean): number =>
  dataAbort(runtime, state, FaultStatus.external, lo, hi, write);

/** One byte of an access in parts. */
const byteMachine = (at: number): number => {
  const next = at >= parts.length;
  const start = next ? parts.nextMachine : parts.machine;
  return start === NOT_MEMORY ? NOT_MEMORY : start + (next ? at - parts.length : at);
};
const bytePhysical = (at: number): number =>
  at >= parts.length ? parts.nextPhysical + at - parts.length : parts.physical + at;

/** Puts zeros into scratch cell 0. */
const clearCell = (words: Int32Array, cell: number): void => {
  words[cell] = 0;
  words[cell + 1] = 0;
  words[cell + 2] = 0;
  words[cell + 3] = 0;
};

const loadBytes = (runtime: EngineRuntime, state: number, lo: number, hi: number, size: number): number => {
  const { memory, environment } = runtime;
  const cell = (state + SCRATCH) >>> 0;
  for (let i = 0; i < size; i++) {
    const machine = byteMachine(i);
    if (machine !== NOT_MEMORY) pieces[i] = memory.u8[machine] as number;
    else {
      if (!environment.deviceRead(state, bytePhysical(i), 1)) return externalAbort(runtime, state, lo, hi, false);
      pieces[i] = memory.u8[cell] as number;
    }
  }
  clearCell(memory.i32, cell >>> 2);
  for (let i = 0; i < size; i++) memory.u8[cell + i] = pieces[i] as number;
  return Status.done;
};

/** A load of one register or of a pair from a device. */
const loadDevice = (runtime: EngineRuntime, state: number, lo: number, hi: number, size: number): number => {
  const { memory, environment } = runtime;
  const words = memory.i32;
  const cell = (state + SCRATCH) >>> 2;
  const done = environment.deviceRead(state, parts.physical, Math.min(size, 8));
  if (!done) return externalAbort(runtime, state, lo, hi, false);
  if (size === 16) {
    const first = words[cell] as number;
    const second = words[cell + 1] as number;
    if (!environment.deviceRead(state, parts.physical + 8, 8)) return externalAbort(runtime, state, lo, hi, false);
    words[cell + 2] = words[cell] as number;
    words[cell + 3] = words[cell + 1] as number;
    words[cell] = first;
    words[cell + 1] = second;
  }
  return Status.done;
};

export const load = (runtime: EngineRuntime, state: number, lo: number, hi: number, kind: number): number => {
  const status = resolve(runtime, state, lo, hi, kind, false);
  if (status !== Status.done) return status;
  const { memory } = runtime;
  const size = kind & 0xff;
  if (parts.length < size) return loadBytes(runtime, state, lo, hi, size);
  const from = parts.machine;
  if (from === NOT_MEMORY) {
    return isMisaligned(lo, size) ? loadBytes(runtime, state, lo, hi, size) : loadDevice(runtime, state, lo, hi, size);
  }
  const cell = (state + SCRATCH) >>> 0;
  clearCell(memory.i32, cell >>> 2);
  if (size === 8) wideCopy(memory).copy8(cell, from);
  else if (size === 16) wideCopy(memory).copy16(cell, from);
  else if ((from & (size - 1)) !== 0)
    for (let i = 0; i < size; i++) memory.u8[cell + i] = memory.u8[from + i] as number;
  else if (size === 4) memory.i32[cell >>> 2] = memory.i32[from >>> 2] as number;
  else if (size === 2) memory.u16[cell >>> 1] = memory.u16[from >>> 1] as number;
  else memory.u8[cell] = memory.u8[from] as number;
  return Status.done;
};

const storeBytes = (runtime: EngineRuntime, state: number, lo: number, hi: number, size: number): number => {
  const { memory, environment } = runtime;
  const cell = (state + SCRATCH) >>> 0;
  for (let i = 0; i < size; i++) pieces[i] = memory.u8[cell + i] as number;
  for (let i = 0; i < size; i++) {
    const machine = byteMachine(i);
    if (machine !== NOT_MEMORY) memory.u8[machine] = pieces[i] as number;
    else {
      clearCell(memory.i32, cell >>> 2);
      memory.u8[cell] = pieces[i] as number;
      if (!environment.deviceWrite(state, bytePhysical(i), 1)) return externalAbort(runtime, state, lo, hi, true);
    }
  }
  return Status.done;
};

const storeDevice = (runtime: EngineRuntime, state: number, lo: number, hi: number, size: number): number => {
  const { memory, environment } = runtime;
  const words = memory.i32;
  const cell = (state + SCRATCH) >>> 2;
  const secondLo = words[cell + 2] as number;
  const secondHi = words[cell + 3] as number;
  const done = environment.deviceWrite(state, parts.physical, Math.min(size, 8));
  if (!done) return externalAbort(runtime, state, lo, hi, true);
  if (size === 16) {
    words[cell] = secondLo;
    words[cell + 1] = secondHi;
    if (!environment.deviceWrite(state, parts.physical + 8, 8)) return externalAbort(runtime, state, lo, hi, true);
  }
  return Status.done;
};

export const store = (runtime: EngineRuntime, state: number, lo: number, hi: number, kind: number): number => {
  const status = resolve(runtime, state, lo, hi, kind, true);
  if (status !== Status.done) return status;
  const { memory } = runtime;
  const size = kind & 0xff;
  if (parts.length < size) return storeBytes(runtime, state, lo, hi, size);
  const to = parts.machine;
  if (to === NOT_MEMORY) {
    return isMisaligned(lo, size)
      ? storeBytes(runtime, state, lo, hi, size)
      : storeDevice(runtime, state, lo, hi, size);
  }
  const cell = (state + SCRATCH) >>> 0;
  if (size === 8) wideCopy(memory).copy8(to, cell);
  else if (size === 16) wideCopy(memory).copy16(to, cell);
  else if ((to & (size - 1)) !== 0) for (let i = 0; i < size; i++) memory.u8[to + i] = memory.u8[cell + i] as number;
  else if (size === 4) memory.i32[to >>> 2] = memory.i32[cell >>> 2] as number;
  else if (size === 2) memory.u16[to >>> 1] = memory.u16[cell >>> 1] as number;
  else memory.u8[to] = memory.u8[cell] as number;
  return Status.done;
};

/** For atomic operations, which read and write: a fault that a read would have is reported as a read's. */
export const address = (runtime: EngineRuntime, state: number, lo: number, hi: number, kind: number): number => {
  const aligned = kind | (Access.aligned << 8);
  let status = resolve(runtime, state, lo, hi, aligned, false);
  if (status === Status.done) status = resolve(runtime, state, lo, hi, aligned, true);
  if (status !== Status.done) return status;
  if (parts.machine === NOT_MEMORY) return dataAbort(runtime, state, FaultStatus.unsupportedAtomic, lo, hi, true);
  runtime.memory.i32[(state + SCRATCH) >>> 2] = parts.machine;
  return Status.done;
};
