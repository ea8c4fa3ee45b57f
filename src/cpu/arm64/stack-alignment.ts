import type { EngineRuntime } from '../architecture.ts';
import type { Decoded, Decoder } from '../decoder.ts';
import type { Fields } from '../instruction.ts';
import type { Builder } from '../ir/builder.ts';
import type { I32 } from '../ir/value.ts';
import type { MachineMemory } from '../machine-memory.ts';
import { defineRoutine, Status } from '../runtime.ts';
import { PENDING_KIND, TLB, TLB_UNPRIVILEGED } from '../state.ts';
import { selectBanks } from './mmu/banks.ts';
import { raise } from './pending.ts';
import { CURRENT_EL, SP } from './state.ts';
import { ExceptionClass, Pending, syndrome } from './syndrome.ts';
import {
  ALIGNED_TLB,
  ALIGNED_TLB_UNPRIVILEGED,
  MISALIGNED_TLB,
  SCTLR_EL1,
  STACK_MASK,
  STACK_MISALIGNED,
} from './system-state.ts';

/**
 * SP alignment checking (SCTLR_EL1.SA and SA0; Arm ARM D1, "SP alignment checking"): a load or store whose base is SP while that
 * is no multiple of 16 faults.
 *
 * Loads and stores do not look at SP, which is nearly always aligned. Instead, what may change SP's alignment is followed by
 * `stackMoved`, which sends all data accesses down the slow path while SP is misaligned. There the instruction is held: it
 * ends without effect and is run again by itself, after a look at its base register. So code that only computes with a
 * misaligned SP, as Linux does on each entry to the kernel, loses no time.
 */

/** The places in SCTLR_EL1 of the checks at EL1 and at EL0. */
export const SA_SHIFT = 3;
export const SA0_SHIFT = 4;
const SCTLR_SA = 1 << SA_SHIFT;
const SCTLR_SA0 = 1 << SA0_SHIFT;
const ALIGNMENT = 16;

/** For the table: whether an instruction that writes the register of field `to` may change SP's alignment. */
export const mayMisalign =
  (to: 'Rd' | 'Rn', step: ((f: Fields) => number) | null = null) =>
  (f: Fields): boolean => {
    if (f[to] !== 31) return false;
    return step === null || f.Rn !== 31 || step(f) % ALIGNMENT !== 0;
  };

/** Has data accesses take the slow path if the stack pointer has one of the bits of `mask`; else `table` is theirs. */
const useTable = (o: Builder, stack: I32, mask: I32, table: I32): void => {
  const misaligned = o.and(stack, mask);
  const slow = o.state32(MISALIGNED_TLB);
  o.setState32(STACK_MISALIGNED, misaligned);
  o.setState32(TLB, o.select(misaligned, slow, table));
  o.setState32(TLB_UNPRIVILEGED, o.select(misaligned, slow, o.state32(ALIGNED_TLB_UNPRIVILEGED)));
};

/** What follows an instruction that may have changed SP's alignment. */
export const stackMoved = (o: Builder): void =>
  useTable(o, o.get32(o.stateRegister(SP)), o.state32(STACK_MASK), o.state32(ALIGNED_TLB));

/**
 * What goes with a change of the exception level, inside translated code: `stack` is the new stack pointer's low half, `table` the
 * level's translation table for data accesses, `shift` the place of its check in SCTLR_EL1.
 */
export const changeStack = (o: Builder, stack: I32, table: I32, shift: I32): void => {
  const mask = o.and(o.neg(o.and(o.shrU(o.state32(SCTLR_EL1), shift), o.i32(1))), o.i32(ALIGNMENT - 1));
  o.setState32(STACK_MASK, mask);
  o.setState32(ALIGNED_TLB, table);
  useTable(o, stack, mask, table);
};

/** The same outside translated code: to be called when SP, the exception level or SCTLR_EL1 changed. */
export const stackChanged = (memory: MachineMemory, state: number): void => {
  const words = memory.i32;
  const control = words[(state + CURRENT_EL) >>> 2] === 0 ? SCTLR_SA0 : SCTLR_SA;
  const mask = ((words[(state + SCTLR_EL1) >>> 2] as number) & control) !== 0 ? ALIGNMENT - 1 : 0;
  words[(state + STACK_MASK) >>> 2] = mask;
  words[(state + STACK_MISALIGNED) >>> 2] = (words[(state + SP) >>> 2] as number) & mask;
  selectBanks(memory, state);
};

/** Called by a data access before it does anything: Status.exception if its instruction is to be held. */
export const holdAccess = ({ memory }: EngineRuntime, state: number): number => {
  if (memory.i32[(state + STACK_MISALIGNED) >>> 2] === 0) return Status.done;
  memory.i32[(state + PENDING_KIND) >>> 2] = Pending.held;
  return Status.exception;
};

export const holdAccessRoutine = defineRoutine(holdAccess);

/** Whether translated code left for no exception but because the instruction at PC must run by itself. */
export const isHeld = (memory: MachineMemory, state: number): boolean =>
  memory.i32[(state + PENDING_KIND) >>> 2] === Pending.held;

/**
 * Before the instruction `word` runs by itself: if it was held, makes its stack alignment fault pending or lets its accesses
 * pass, after which stackChanged must be called. Gives a Status.
 */
export const checkHeld = (memory: MachineMemory, decoder: Decoder, state: number, word: number): number => {
  if (!isHeld(memory, state)) return Status.done;
  const words = memory.i32;
  words[(state + PENDING_KIND) >>> 2] = Pending.none;
  const misaligned = ((words[(state + SP) >>> 2] as number) & (words[(state + STACK_MASK) >>> 2] as number)) !== 0;
  if (misaligned && isStackAccess(decoder.decode(word))) {
    return raise(memory, state, syndrome(ExceptionClass.stackAlignment, 0));
  }
  words[(state + STACK_MISALIGNED) >>> 2] = 0;
  return Status.done;
};

const isStackAccess = ({ entry, fields }: Decoded): boolean =>
  entry.operands.some(([, operand]) => operand.kind === 'register' && operand.base && operand.get(fields) === SP);
