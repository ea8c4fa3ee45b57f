import type { EngineRuntime } from '../../architecture.ts';
import { Exit } from '../../exits.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I32, I64, Register } from '../../ir/value.ts';
import { defineRoutine, Status } from '../../runtime.ts';
import { INTERRUPT_LINE, SCRATCH } from '../../state.ts';
import { MDSCR_KDE } from '../debug/enabled.ts';
import { flagBits, setFlagBits } from '../flags.ts';
import { writeFpcr, writeFpsr } from '../floating-point/control.ts';
import { panSet } from '../mmu/banks.ts';
import { computed, destination, immediate32, source } from '../operands.ts';
import { DAIF_I } from '../processor-state.ts';
import { CURRENT_EL, DAIF, FPCR, FPSR, PAN, SP, SP_SELECT } from '../state.ts';
import { encodeRegister } from '../system-register.ts';
import { accessOperand, trapAccess } from '../system-registers.ts';
import { LOOSE_USER, MDSCR_EL1, SCTLR_EL1, SP_EL0, SP_EL1 } from '../system-state.ts';
import { registerMoveBits, requirePrivilege, undefinedRoutine } from './system-registers.ts';

/**
 * MRS, MSR (register) and MSR (immediate) of the parts of PSTATE, the stack pointers that are not in use, FPCR and FPSR
 * (Arm ARM C5.2).
 */

const encoding = {
  nzcv: encodeRegister(3, 3, 4, 2, 0),
  daif: encodeRegister(3, 3, 4, 2, 1),
  currentEl: encodeRegister(3, 0, 4, 2, 2),
  spSel: encodeRegister(3, 0, 4, 2, 0),
  pan: encodeRegister(3, 0, 4, 2, 3),
  spEl0: encodeRegister(3, 0, 4, 1, 0),
  fpcr: encodeRegister(3, 3, 4, 4, 0),
  fpsr: encodeRegister(3, 3, 4, 4, 1),
} as const;

const DAIF_BITS = 0x3c0;
const DAIF_SHIFT = 6;
const PAN_SHIFT = 22;

// What EL0 may do

const SCTLR_UMA = 1 << 9;

const trapWrite = (runtime: EngineRuntime, state: number): number =>
  trapAccess(runtime, state, runtime.memory.i32[(state + SCRATCH) >>> 2] as number, true);
const trapRead = (runtime: EngineRuntime, state: number): number =>
  trapAccess(runtime, state, runtime.memory.i32[(state + SCRATCH) >>> 2] as number, false);
const trapWriteRoutine = defineRoutine<EngineRuntime>(trapWrite);
const trapReadRoutine = defineRoutine<EngineRuntime>(trapRead);
/** 1 if DAIF is beyond the current level. */
const daifTrapped = (o: Builder): I32 =>
  o.eqz(o.or(o.state32(CURRENT_EL), o.and(o.state32(SCTLR_EL1), o.i32(SCTLR_UMA))));

/** Nonzero if an interrupt waits that `daif` does not mask. */
export const interruptDue = (o: Builder, daif: I32): I32 =>
  o.select(o.and(daif, o.i32(DAIF_I)), o.i32(0), o.state32(INTERRUPT_LINE));

/** Writes DAIF and ends the instruction: outside translated code if an interrupt waits, or EL1 debugs itself. */
const writeDaif = (o: Builder, daif: I32): void => {
  const value = o.now(daif);
  o.setState32(DAIF, value);
  o.leaveIf(o.or(interruptDue(o, value), o.and(o.state32(MDSCR_EL1), o.i32(MDSCR_KDE))), Exit.interruptCheck);
};

/** The access operand of an instruction, for the trap. */
const moveOf = (which: number) => immediate32((f) => accessOperand(which, f.Rt as number));
/** The same for MSR (immediate), whose CRm is the immediate: Rt is 31, op0 is 0. */
const immediateMove = (op1: number, op2: number) =>
  immediate32((f) => accessOperand(encodeRegister(0, op1, 4, f.CRm as number, op2), 31));
/** The immediate, out of such an operand. */
const immediateOf = (o: Builder, operand: I32): I32 => o.and(o.shrU(operand, o.i32(3)), o.i32(15));

// PAN

const panRoutine = defineRoutine<EngineRuntime>(({ memory }, state) => {
  panSet(memory, state);
  return Status.done;
});

/** Writes PAN, an i32 of 0 or 1. */
export const writePan = (o: Builder, value: I32): void => {
  const pan = o.now(value);
  o.ifThen(o.and(pan, o.state32(LOOSE_USER)), () => {
    o.call(panRoutine, [], []);
  });
  o.setState32(PAN, pan);
};

// Stack pointers

/** Selects the stack pointer in use, by an i32 of 0 or 1; `sp` names it. Gives the one selected. */
export const selectStack = (o: Builder, sp: Register, value: I32): I64 => {
  const selected = o.now(value);
  const before = o.state32(SP_SELECT);
  const current = o.get64(sp);
  const user = o.now(o.select(before, o.state64(SP_EL0), current));
  const kernel = o.now(o.select(before, current, o.state64(SP_EL1)));
  o.setState64(SP_EL0, user);
  o.setState64(SP_EL1, kernel);
  const stack = o.select(selected, kernel, user);
  o.set(sp, stack);
  o.setState32(SP_SELECT, selected);
  return stack;
};

export const stackInUse = computed(() => SP);

/** SP_EL0 is undefined while it is the stack pointer in use, as it always is at EL0. */
const requireOwnStack = (o: Builder): void => {
  o.ifThen(o.eqz(o.state32(SP_SELECT)), () => {
    o.callChecked(undefinedRoutine, [], []);
  });
};

const bit0 = (o: Builder, value: I64): I32 => o.and(o.wrap(value), o.i32(1));

const reads: readonly Instruction[] = [
  instruction({
    name: 'MRS (NZCV)',
    bits: registerMoveBits(encoding.nzcv, true),
    operands: { t: destination('Rt') },
    describe(o, x) {
      o.set(x.t, o.shl(flagBits(o), o.i32(28)));
    },
  }),
  instruction({
    name: 'MRS (DAIF)',
    bits: registerMoveBits(encoding.daif, true),
    operands: { t: destination('Rt'), move: moveOf(encoding.daif) },
    describe(o, x) {
      o.ifThen(daifTrapped(o), () => {
        o.callChecked(trapReadRoutine, [x.move], []);
      });
      o.set(x.t, o.state32(DAIF));
    },
  }),
  instruction({
    name: 'MRS (CurrentEL)',
    bits: registerMoveBits(encoding.currentEl, true),
    operands: { t: destination('Rt') },
    describe(o, x) {
      requirePrivilege(o);
      o.set(x.t, o.shl(o.state32(CURRENT_EL), o.i32(2)));
    },
  }),
  instruction({
    name: 'MRS (SPSel)',
    bits: registerMoveBits(encoding.spSel, true),
    operands: { t: destination('Rt') },
    describe(o, x) {
      requirePrivilege(o);
      o.set(x.t, o.state32(SP_SELECT));
    },
  }),
  instruction({
    name: 'MRS (PAN)',
    bits: registerMoveBits(encoding.pan, true),
    operands: { t: destination('Rt') },
    describe(o, x) {
      requirePrivilege(o);
      o.set(x.t, o.shl(o.state32(PAN), o.i32(PAN_SHIFT)));
    },
  }),
  instruction({
    name: 'MRS (SP_EL0)',
    bits: registerMoveBits(encoding.spEl0, true),
    operands: { t: destination('Rt') },
    describe(o, x) {
      requireOwnStack(o);
      o.set(x.t, o.state64(SP_EL0));
    },
  }),
  instruction({
    name: 'MRS (FPCR)',
    bits: registerMoveBits(encoding.fpcr, true),
    operands: { t: destination('Rt') },
    vector: true,
    describe(o, x) {
      o.set(x.t, o.state64(FPCR));
    },
  }),
  instruction({
    name: 'MRS (FPSR)',
    bits: registerMoveBits(encoding.fpsr, true),
    operands: { t: destination('Rt') },
    vector: true,
    describe(o, x) {
      o.set(x.t, o.state64(FPSR));
    },
  }),
];

const writes: readonly Instruction[] = [
  instruction({
    name: 'MSR (NZCV)',
    bits: registerMoveBits(encoding.nzcv, false),
    operands: { t: source('Rt') },
    describe(o, x) {
      setFlagBits(o, o.shrU(o.get32(x.t), o.i32(28)));
    },
  }),
  instruction({
    name: 'MSR (DAIF)',
    bits: registerMoveBits(encoding.daif, false),
    operands: { t: source('Rt'), move: moveOf(encoding.daif) },
    describe(o, x) {
      o.ifThen(daifTrapped(o), () => {
        o.callChecked(trapWriteRoutine, [x.move], []);
      });
      writeDaif(o, o.and(o.get32(x.t), o.i32(DAIF_BITS)));
    },
  }),
  instruction({
    name: 'MSR (SPSel)',
    bits: registerMoveBits(encoding.spSel, false),
    operands: { t: source('Rt'), sp: stackInUse },
    epilogue: () => true,
    describe(o, x) {
      requirePrivilege(o);
      selectStack(o, x.sp, bit0(o, o.get64(x.t)));
    },
  }),
  instruction({
    name: 'MSR (PAN)',
    bits: registerMoveBits(encoding.pan, false),
    operands: { t: source('Rt') },
    describe(o, x) {
      requirePrivilege(o);
      writePan(o, o.and(o.shrU(o.get32(x.t), o.i32(PAN_SHIFT)), o.i32(1)));
    },
  }),
  instruction({
    name: 'MSR (SP_EL0)',
    bits: registerMoveBits(encoding.spEl0, false),
    operands: { t: source('Rt') },
    describe(o, x) {
      requireOwnStack(o);
      o.setState64(SP_EL0, o.get64(x.t));
    },
  }),
  instruction({
    name: 'MSR (FPCR)',
    bits: registerMoveBits(encoding.fpcr, false),
    operands: { t: source('Rt') },
    vector: true,
    describe(o, x) {
      writeFpcr(o, o.get64(x.t));
    },
  }),
  instruction({
    name: 'MSR (FPSR)',
    bits: registerMoveBits(encoding.fpsr, false),
    operands: { t: source('Rt') },
    vector: true,
    describe(o, x) {
      writeFpsr(o, o.get64(x.t));
    },
  }),
];

const immediates: readonly Instruction[] = [
  instruction({
    name: 'MSR (DAIFSet)',
    bits: '1101010100000 011 0100 CRm:4 110 11111',
    operands: { move: immediateMove(3, 6) },
    describe(o, x) {
      o.ifThen(daifTrapped(o), () => {
        o.callChecked(trapWriteRoutine, [x.move], []);
      });
      o.setState32(DAIF, o.or(o.state32(DAIF), o.shl(immediateOf(o, x.move), o.i32(DAIF_SHIFT))));
    },
  }),
  instruction({
    name: 'MSR (DAIFClr)',
    bits: '1101010100000 011 0100 CRm:4 111 11111',
    operands: { move: immediateMove(3, 7) },
    describe(o, x) {
      o.ifThen(daifTrapped(o), () => {
        o.callChecked(trapWriteRoutine, [x.move], []);
      });
      writeDaif(o, o.and(o.state32(DAIF), o.not(o.shl(immediateOf(o, x.move), o.i32(DAIF_SHIFT)))));
    },
  }),
  instruction({
    name: 'MSR (SPSel, immediate)',
    bits: '1101010100000 000 0100 CRm:4 101 11111',
    operands: { sp: stackInUse, move: immediateMove(0, 5) },
    epilogue: () => true,
    describe(o, x) {
      requirePrivilege(o);
      selectStack(o, x.sp, o.and(immediateOf(o, x.move), o.i32(1)));
    },
  }),
  instruction({
    name: 'MSR (PAN, immediate)',
    bits: '1101010100000 000 0100 CRm:4 100 11111',
    operands: { move: immediateMove(0, 4) },
    describe(o, x) {
      requirePrivilege(o);
      writePan(o, o.and(immediateOf(o, x.move), o.i32(1)));
    },
  }),
];

export const processorStateMoves: readonly Instruction[] = [...reads, ...writes, ...immediates];
