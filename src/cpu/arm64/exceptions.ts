import type { EngineRuntime } from '../architecture.ts';
import { Exit } from '../exits.ts';
import { Status } from '../runtime.ts';
import { INTERRUPT_LINE, PC, PENDING_ADDRESS, PENDING_KIND, PENDING_SYNDROME } from '../state.ts';
import { debugActive } from './debug/enabled.ts';
import { stepStateOnReturn } from './debug/software-step.ts';
import { fetch } from './instruction-fetch.ts';
import { raise } from './pending.ts';
import {
  DAIF_I,
  readProcessorState,
  SPSR_DAIF,
  SPSR_IL,
  SPSR_PAN,
  setLevel,
  setPan,
  writeFlags,
} from './processor-state.ts';
import { isHeld } from './stack-alignment.ts';
import { CURRENT_EL, DAIF, EXCLUSIVE_SIZE, IL, SOFTWARE_STEP, SP_SELECT } from './state.ts';
import { ALWAYS, CLASS_SHIFT, ExceptionClass, Pending, syndrome } from './syndrome.ts';
import { ELR_EL1, ESR_EL1, EVENT, FAR_EL1, SCTLR_EL1, SPSR_EL1, VBAR_EL1 } from './system-state.ts';

/** Exception entry and return between EL0 and EL1 (Arm ARM D1.3, D1.4). */

/** Vector offsets by kind, and by where the exception comes from. */
const SYNCHRONOUS = 0x000;
const IRQ = 0x080;
const FIQ = 0x100;
const FROM_CURRENT_SPX = 0x200;
const FROM_LOWER = 0x400;

const SCTLR_SPAN = 1 << 23;

/** Enters EL1 at a vector; PC is the preferred return address. */
const enter = (runtime: EngineRuntime, state: number, vector: number): void => {
  const { memory } = runtime;
  const words = memory.i32;
  words[(state + SPSR_EL1) >>> 2] = readProcessorState(memory, state);
  words[(state + SPSR_EL1 + 4) >>> 2] = 0;
  words[(state + ELR_EL1) >>> 2] = words[(state + PC) >>> 2] as number;
  words[(state + ELR_EL1 + 4) >>> 2] = words[(state + PC + 4) >>> 2] as number;
  const fromLower = words[(state + CURRENT_EL) >>> 2] === 0;
  const source = fromLower ? FROM_LOWER : words[(state + SP_SELECT) >>> 2] === 1 ? FROM_CURRENT_SPX : 0;
  words[(state + PC) >>> 2] = (words[(state + VBAR_EL1) >>> 2] as number) + source + vector;
  words[(state + PC + 4) >>> 2] = words[(state + VBAR_EL1 + 4) >>> 2] as number;
  words[(state + DAIF) >>> 2] = SPSR_DAIF;
  words[(state + SOFTWARE_STEP) >>> 2] = 0;
  words[(state + IL) >>> 2] = 0;
  words[(state + EXCLUSIVE_SIZE) >>> 2] = 0;
  setLevel(memory, state, 1, 1);
  if (((words[(state + SCTLR_EL1) >>> 2] as number) & SCTLR_SPAN) === 0) setPan(memory, state, 1);
};

/** Whether a class has another number when the exception comes from EL1 itself. */
const hasSameLevelForm = (exceptionClass: number): boolean =>
  exceptionClass === ExceptionClass.instructionAbort ||
  exceptionClass === ExceptionClass.dataAbort ||
  exceptionClass === ExceptionClass.breakpoint ||
  exceptionClass === ExceptionClass.softwareStep ||
  exceptionClass === ExceptionClass.watchpoint;

/** The halves of the address that goes with the pending exception, if one does: for traces. */
const faultAddress = (words: Int32Array, state: number): number[] =>
  words[(state + PENDING_KIND) >>> 2] === Pending.withAddress
    ? [words[(state + PENDING_ADDRESS) >>> 2] as number, words[(state + PENDING_ADDRESS + 4) >>> 2] as number]
    : [];

/** Takes the exception that the PENDING fields hold; PC is its preferred return address. */
export const takePending = (runtime: EngineRuntime, state: number): void => {
  const words = runtime.memory.i32;
  let value = words[(state + PENDING_SYNDROME) >>> 2] as number;
  const exceptionClass = value >>> CLASS_SHIFT;
  if (words[(state + CURRENT_EL) >>> 2] === 1 && hasSameLevelForm(exceptionClass)) value |= 1 << CLASS_SHIFT;
  // A system call is done when it is taken, so a single step ends with it.
  if (exceptionClass === ExceptionClass.supervisorCall) words[(state + SOFTWARE_STEP) >>> 2] = 0;
  words[(state + ESR_EL1) >>> 2] = value;
  words[(state + ESR_EL1 + 4) >>> 2] = 0;
  if (words[(state + PENDING_KIND) >>> 2] === Pending.withAddress) {
    words[(state + FAR_EL1) >>> 2] = words[(state + PENDING_ADDRESS) >>> 2] as number;
    words[(state + FAR_EL1 + 4) >>> 2] = words[(state + PENDING_ADDRESS + 4) >>> 2] as number;
  }
  runtime.trace?.note(state, 'exceptions', value, ...faultAddress(words, state));
  words[(state + PENDING_KIND) >>> 2] = Pending.none;
  enter(runtime, state, SYNCHRONOUS);
};

/** Takes an interrupt; PC is the next instruction. */
export const takeInterrupt = (runtime: EngineRuntime, state: number, fiq: boolean): void => {
  runtime.trace?.note(state, 'interrupts', fiq ? 1 : 0);
  enter(runtime, state, fiq ? FIQ : IRQ);
};

/** Whether an IRQ waits and PSTATE lets it in. */
export const interruptDeliverable = (runtime: EngineRuntime, state: number): boolean => {
  const words = runtime.memory.i32;
  if (Atomics.load(words, (state + INTERRUPT_LINE) >>> 2) === 0) return false;
  return ((words[(state + DAIF) >>> 2] as number) & DAIF_I) === 0;
};

/** The EL0t, EL1t and EL1h of SPSR_EL1.M; all other modes this processor does not have. */
const isLegalMode = (mode: number): boolean => mode === 0 || mode === 4 || mode === 5;

/** ERET: PC is the instruction. An illegal return leads to the illegal state exception at once. */
export const exceptionReturn = (runtime: EngineRuntime, state: number): void => {
  const { memory } = runtime;
  const words = memory.i32;
  if (words[(state + CURRENT_EL) >>> 2] === 0) {
    raise(memory, state, syndrome(ExceptionClass.unknown, 0));
    takePending(runtime, state);
    return;
  }
  const spsr = words[(state + SPSR_EL1) >>> 2] as number;
  const mode = spsr & 0x1f;
  const legal = isLegalMode(mode);
  const level = legal ? mode >>> 2 : 1;
  words[(state + SOFTWARE_STEP) >>> 2] = stepStateOnReturn(memory, state, spsr, level);
  words[(state + PC) >>> 2] = words[(state + ELR_EL1) >>> 2] as number;
  words[(state + PC + 4) >>> 2] = words[(state + ELR_EL1 + 4) >>> 2] as number;
  writeFlags(memory, state, spsr);
  words[(state + DAIF) >>> 2] = spsr & SPSR_DAIF;
  words[(state + EXCLUSIVE_SIZE) >>> 2] = 0;
  Atomics.store(words, (state + EVENT) >>> 2, 1);
  setPan(memory, state, (spsr & SPSR_PAN) !== 0 ? 1 : 0);
  const illegal = !legal || (spsr & SPSR_IL) !== 0;
  words[(state + IL) >>> 2] = illegal ? 1 : 0;
  if (legal) setLevel(memory, state, level, mode & 1);
  runtime.trace?.note(state, 'returns', level);
  if (!illegal) return;
  // What is wrong with the address itself comes first.
  const status = runtime.quietPoint.within(state, () => fetch(runtime, state));
  if (status === Status.done) raise(memory, state, syndrome(ExceptionClass.illegalState, 0));
  takePending(runtime, state);
};

/** CPACR_EL1.FPEN keeps the current level from the vector registers. */
const trapVector = (runtime: EngineRuntime, state: number): void => {
  raise(runtime.memory, state, syndrome(ExceptionClass.vectorTrap, ALWAYS));
  takePending(runtime, state);
};

/** See Architecture.resume. What follows may have to run instruction by instruction, which the layers above do. */
export const resume = (runtime: EngineRuntime, state: number, exit: Exit): Exit => {
  switch (exit) {
    case Exit.exception:
      if (isHeld(runtime.memory, state)) return exit;
      takePending(runtime, state);
      break;
    case Exit.exceptionReturn:
      exceptionReturn(runtime, state);
      break;
    case Exit.vectorTrap:
      trapVector(runtime, state);
      break;
    case Exit.interruptCheck:
      break;
    default:
      return exit;
  }
  if (interruptDeliverable(runtime, state)) takeInterrupt(runtime, state, false);
  return debugActive(runtime, state) ? Exit.interruptCheck : Exit.continue;
};
