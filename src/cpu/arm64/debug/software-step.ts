import type { EngineRuntime } from '../../architecture.ts';
import type { Decoder } from '../../decoder.ts';
import type { MachineMemory } from '../../machine-memory.ts';
import { Status } from '../../runtime.ts';
import { CODE_PAGE, PC } from '../../state.ts';
import { fetch } from '../instruction-fetch.ts';
import { raise } from '../pending.ts';
import { DAIF_D, SPSR_SS } from '../processor-state.ts';
import { checkHeld, stackChanged } from '../stack-alignment.ts';
import { SOFTWARE_STEP } from '../state.ts';
import { ExceptionClass, FaultStatus, syndrome } from '../syndrome.ts';
import { MDSCR_EL1, STEPPED } from '../system-state.ts';
import { breakpointHit } from './breakpoints.ts';
import { debugEnabled, debugEnabledFrom, MDSCR_SS } from './enabled.ts';

/**
 * Single-stepping (Arm ARM D2.12) and what else happens around an instruction that runs by itself. PSTATE.SS is 1 before the
 * step ("active, not pending") and 0 when its exception is due.
 */

/** What lets instructions run by themselves. */
export interface SteppingRuntime extends EngineRuntime {
  readonly decoder: Decoder;
}

/** Values of the STEPPED field. */
const Step = {
  none: 0,
  /** The instruction in hand is being stepped. */
  running: 1,
  /** It has been; with `exclusive` it was a load-exclusive. */
  done: 2,
  exclusive: 4,
} as const;

const SYNDROME_VALID = 1 << 24;
const SYNDROME_EXCLUSIVE = 1 << 6;

const isLoadExclusive = (word: number): boolean => (word & 0x3fc00000) === 0x08400000;

/** PSTATE.SS after an exception return to `level` with this SPSR_EL1. */
export const stepStateOnReturn = (memory: MachineMemory, state: number, spsr: number, level: number): number => {
  if (((memory.i32[(state + MDSCR_EL1) >>> 2] as number) & MDSCR_SS) === 0) return 0;
  if (debugEnabled(memory, state)) return 0;
  if (!debugEnabledFrom(memory, state, level, (spsr & DAIF_D) !== 0)) return 0;
  return (spsr & SPSR_SS) !== 0 ? 1 : 0;
};

const isStepping = (memory: MachineMemory, state: number): boolean =>
  ((memory.i32[(state + MDSCR_EL1) >>> 2] as number) & MDSCR_SS) !== 0 && debugEnabled(memory, state);

/** Single-step exception: comes before anything that the instruction at PC could cause. */
const raiseStep = (memory: MachineMemory, state: number): number => {
  const words = memory.i32;
  const stepped = words[(state + STEPPED) >>> 2] as number;
  words[(state + STEPPED) >>> 2] = Step.none;
  const valid = (stepped & Step.done) !== 0 ? SYNDROME_VALID : 0;
  const exclusive = (stepped & Step.exclusive) !== 0 ? SYNDROME_EXCLUSIVE : 0;
  return raise(memory, state, syndrome(ExceptionClass.softwareStep, valid | exclusive | FaultStatus.debug));
};

/**
 * What comes before an instruction that runs by itself, while `debugActive` holds or because `isHeld`: a due single-step
 * exception, an instruction abort, a breakpoint, or a stack alignment fault. Gives a Status; Status.exception means that the
 * exception is pending and the instruction must not run.
 */
export const beforeInstruction = (runtime: SteppingRuntime, state: number): number => {
  const { memory, codeCache, decoder } = runtime;
  const words = memory.i32;
  const stepping = isStepping(memory, state);
  if (stepping && words[(state + SOFTWARE_STEP) >>> 2] === 0) return raiseStep(memory, state);
  words[(state + STEPPED) >>> 2] = Step.none;
  const status = fetch(runtime, state);
  if (status !== Status.done) return status;
  if (debugEnabled(memory, state) && breakpointHit(words, state)) {
    return raise(memory, state, syndrome(ExceptionClass.breakpoint, FaultStatus.debug));
  }
  const frame = codeCache.frameOf(memory.u32[(state + CODE_PAGE) >>> 2] as number);
  const word = words[(frame + ((words[(state + PC) >>> 2] as number) & 0xffc)) >>> 2] as number;
  if (stepping) words[(state + STEPPED) >>> 2] = Step.running | (isLoadExclusive(word) ? Step.exclusive : 0);
  return checkHeld(memory, decoder, state, word);
};

/** To be called after an instruction that beforeInstruction let run, unless it ended with an exception or was an ERET. */
export const afterStep = ({ memory }: EngineRuntime, state: number): void => {
  stackChanged(memory, state);
  const words = memory.i32;
  const step = words[(state + STEPPED) >>> 2] as number;
  if ((step & Step.running) === 0) return;
  words[(state + STEPPED) >>> 2] = Step.none;
  if (!isStepping(memory, state)) return;
  words[(state + SOFTWARE_STEP) >>> 2] = 0;
  words[(state + STEPPED) >>> 2] = Step.done | (step & Step.exclusive);
};
