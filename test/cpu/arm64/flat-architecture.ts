import { type Architecture, type EngineRuntime, RegisterClass } from '../../../src/cpu/architecture.ts';
import { SINK, SP, V, X, ZERO } from '../../../src/cpu/arm64/state.ts';
import { ExceptionClass, FaultStatus, Pending, syndrome, WRITE_BIT } from '../../../src/cpu/arm64/syndrome.ts';
import { Exit } from '../../../src/cpu/exits.ts';
import { type Instruction, instruction } from '../../../src/cpu/instruction.ts';
import { Access } from '../../../src/cpu/ir/builder.ts';
import { defineRoutine, Status } from '../../../src/cpu/runtime.ts';
import {
  CODE_PAGE,
  PC,
  PENDING_ADDRESS,
  PENDING_KIND,
  PENDING_SYNDROME,
  SCRATCH,
  TLB,
} from '../../../src/cpu/state.ts';
import {
  ADDEND,
  CODE as CODE_FIELD,
  EXECUTE_TAG,
  INDEX_MASK,
  INDEX_SHIFT,
  READ_TAG,
  WRITE_TAG,
} from '../../../src/cpu/translation-table.ts';
import { CODE, CODE_BYTES, DATA, DATA_BYTES, PAGE, WRITABLE_BYTES } from './cases/layout.ts';

/**
 * The arm64 of the differential tests: EL0 in a fixed map of two stretches of memory, without tables to walk. Its slow paths do
 * what the real ones must, in the plainest way, so that instructions are tested for themselves.
 */

/** Machine addresses of the frames behind the data and code pages. */
export const DATA_FRAMES = 0x50000;
export const CODE_FRAMES = 0x60000;

/** The machine address behind an address, or -1. In the lower half the top byte is a tag, as for a process on Linux. */
const locate = (lo: number, hi: number): number => {
  if ((hi & 0x800000) !== 0) return -1;
  const address = (hi & 0xffffff) * 4294967296 + (lo >>> 0);
  if (address >= DATA && address < DATA + DATA_BYTES) return DATA_FRAMES + (address - DATA);
  if (address >= CODE && address < CODE + CODE_BYTES) return CODE_FRAMES + (address - CODE);
  return -1;
};

const isWritable = (place: number): boolean => place >= DATA_FRAMES && place < DATA_FRAMES + WRITABLE_BYTES;

const fail = (
  { memory }: EngineRuntime,
  state: number,
  exceptionClass: number,
  specific: number,
  lo: number,
  hi: number,
): number => {
  memory.i32[(state + PENDING_KIND) >>> 2] = Pending.withAddress;
  memory.i32[(state + PENDING_SYNDROME) >>> 2] = syndrome(exceptionClass, specific);
  memory.i32[(state + PENDING_ADDRESS) >>> 2] = lo;
  memory.i32[(state + PENDING_ADDRESS + 4) >>> 2] = hi;
  return Status.exception;
};

/** The translation table entry of an address. */
const entryOf = ({ memory }: EngineRuntime, state: number, lo: number): number =>
  (memory.i32[(state + TLB) >>> 2] as number) + ((lo >>> INDEX_SHIFT) & INDEX_MASK);

/** Enters a page for reading and, if it may be, for writing. */
const enter = (runtime: EngineRuntime, state: number, lo: number, hi: number, place: number): void => {
  const { i32 } = runtime.memory;
  const entry = entryOf(runtime, state, lo);
  const page = lo & -PAGE;
  const setTag = (tag: number, valid: boolean): void => {
    i32[(entry + tag) >>> 2] = valid ? page : -1;
    i32[(entry + tag + 4) >>> 2] = valid ? hi : -1;
  };
  setTag(READ_TAG, true);
  setTag(WRITE_TAG, isWritable(place));
  setTag(EXECUTE_TAG, false);
  i32[(entry + ADDEND) >>> 2] = ((place & -PAGE) - page) | 0;
};

/**
 * Checks every byte of an access and leaves the machine addresses in `places`; gives the number of the first byte that faults,
 * or -1.
 */
const places = new Uint32Array(16);
const check = (lo: number, hi: number, size: number, write: boolean): number => {
  for (let i = 0; i < size; i++) {
    const low = (lo + i) | 0;
    const high = low >>> 0 < i ? (hi + 1) | 0 : hi;
    const place = locate(low, high);
    if (place < 0 || (write && !isWritable(place))) return i;
    places[i] = place;
  }
  return -1;
};

/** Gives a Status after finding where an access goes. */
const access = (
  runtime: EngineRuntime,
  state: number,
  lo: number,
  hi: number,
  kind: number,
  write: boolean,
): number => {
  const size = kind & 0xff;
  const specific = write ? WRITE_BIT : 0;
  if (((kind >>> 8) & Access.aligned) !== 0 && (lo & (size - 1)) !== 0) {
    return fail(runtime, state, ExceptionClass.dataAbort, specific | FaultStatus.alignment, lo, hi);
  }
  const faulting = check(lo, hi, size, write);
  if (faulting >= 0) {
    // An access that crosses into a page which it may not touch faults there.
    const low = (lo + faulting) | 0;
    const high = low >>> 0 < faulting ? (hi + 1) | 0 : hi;
    return fail(runtime, state, ExceptionClass.dataAbort, specific | FaultStatus.translation | 3, low, high);
  }
  if ((lo & (PAGE - 1)) + size <= PAGE) enter(runtime, state, lo, hi, places[0] as number);
  return Status.done;
};

const pend = (exceptionClass: number): number =>
  defineRoutine(({ memory }, state) => {
    memory.i32[(state + PENDING_KIND) >>> 2] = Pending.synchronous;
    memory.i32[(state + PENDING_SYNDROME) >>> 2] = syndrome(exceptionClass, 0);
    return Status.done;
  });

const pendUndefined = pend(ExceptionClass.unknown);
const pendBreakpoint = pend(ExceptionClass.breakpointInstruction);

const undefinedInstruction = instruction({
  name: 'undefined',
  bits: 'any:32',
  operands: {},
  describe(o) {
    o.call(pendUndefined, [], []);
    o.leave(Exit.exception, 'this');
  },
});

/** BRK in its own right, whatever the table says of it: every program ends with one. */
const breakpoint = instruction({
  name: 'BRK (end of a case)',
  bits: '11010100 001 0000000000000000 000 00',
  operands: {},
  describe(o) {
    o.call(pendBreakpoint, [], []);
    o.leave(Exit.exception, 'this');
  },
});

const registerClass = (offset: number): RegisterClass => {
  if ((offset >= X && offset < ZERO) || offset === SP) return RegisterClass.general;
  if (offset >= V && offset < V + 32 * 16) return RegisterClass.vector;
  if (offset === ZERO) return RegisterClass.zero;
  return offset === SINK ? RegisterClass.sink : RegisterClass.memory;
};

/** An architecture with the given instructions in the map of layout.ts. */
export const flatArchitecture = (instructions: readonly Instruction[]): Architecture => ({
  name: 'arm64 (flat)',
  instructions: [...instructions, breakpoint],
  undefinedInstruction,
  registerClass,

  load(runtime, state, lo, hi, kind) {
    if (access(runtime, state, lo, hi, kind, false) !== Status.done) return Status.exception;
    const { u8 } = runtime.memory;
    u8.fill(0, state + SCRATCH, state + SCRATCH + 16);
    for (let i = 0; i < (kind & 0xff); i++) u8[state + SCRATCH + i] = u8[places[i] as number] as number;
    return Status.done;
  },

  store(runtime, state, lo, hi, kind) {
    if (access(runtime, state, lo, hi, kind, true) !== Status.done) return Status.exception;
    const { u8 } = runtime.memory;
    for (let i = 0; i < (kind & 0xff); i++) u8[places[i] as number] = u8[state + SCRATCH + i] as number;
    return Status.done;
  },

  address(runtime, state, lo, hi, kind) {
    if (access(runtime, state, lo, hi, kind | (Access.aligned << 8), true) !== Status.done) return Status.exception;
    runtime.memory.u32[(state + SCRATCH) >>> 2] = places[0] as number;
    return Status.done;
  },

  fetch(runtime, state) {
    const { i32, u32 } = runtime.memory;
    const lo = i32[(state + PC) >>> 2] as number;
    const hi = i32[(state + PC + 4) >>> 2] as number;
    if ((lo & 3) !== 0) return fail(runtime, state, ExceptionClass.pcAlignment, 0, lo, hi);
    const place = locate(lo, hi);
    if (place < CODE_FRAMES) {
      return fail(runtime, state, ExceptionClass.instructionAbort, FaultStatus.translation | 3, lo, hi);
    }
    enter(runtime, state, lo, hi, place);
    const entry = entryOf(runtime, state, lo);
    const page = runtime.codeCache.pageOf(place & -PAGE);
    i32[(entry + EXECUTE_TAG) >>> 2] = lo & -PAGE;
    i32[(entry + EXECUTE_TAG + 4) >>> 2] = hi;
    i32[(entry + CODE_FIELD) >>> 2] = page;
    u32[(state + CODE_PAGE) >>> 2] = page;
    return Status.done;
  },

  vectorTrap() {
    throw new Error('the vector registers are enabled');
  },
});
