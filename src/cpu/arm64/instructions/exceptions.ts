import { Exit } from '../../exits.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I32, Register } from '../../ir/value.ts';
import { TLB_CODE, VECTOR_TRAP } from '../../state.ts';
import { MDSCR_MDE, MDSCR_SS } from '../debug/enabled.ts';
import { flagBits, setFlagBits } from '../flags.ts';
import { immediate32 } from '../operands.ts';
import { SPSR_DAIF, SPSR_IL, SPSR_PAN } from '../processor-state.ts';
import { changeStack, SA_SHIFT, SA0_SHIFT } from '../stack-alignment.ts';
import { CURRENT_EL, DAIF, EXCLUSIVE_SIZE, IL, PAN, SOFTWARE_STEP, SP_SELECT } from '../state.ts';
import { ExceptionClass, syndrome } from '../syndrome.ts';
import {
  ALIGNED_TLB_UNPRIVILEGED,
  CPACR_EL1,
  ELR_EL1,
  ESR_EL1,
  EVENT,
  KERNEL_TLB,
  KERNEL_TLB_CODE,
  LOOSE_USER,
  MDSCR_EL1,
  SCTLR_EL1,
  SPSR_EL1,
  USER_BANK,
  USER_TLB_CODE,
  VBAR_EL1,
} from '../system-state.ts';
import { interruptDue, selectStack, stackInUse, writePan } from './processor-state.ts';

/**
 * System calls and exception returns without leaving translated code: what exceptions.ts does, to which the rare cases of ERET
 * are left. A test compares the two.
 */

const SCTLR_SPAN_SHIFT = 23;
const SPSR_PAN_SHIFT = 22;
const SPSR_FLAGS_SHIFT = 28;
const CPACR_FPEN_SHIFT = 20;
/** The exception level in SPSR_EL1.M; bit 0 selects the stack pointer. */
const LEVEL_SHIFT = 2;
/** Bits that SPSR_EL1.M has in no mode of this processor. */
const FOREIGN_MODES = 0x1a;

const FROM_CURRENT_SPX = 0x200;
const FROM_LOWER = 0x400;

const bit = (o: Builder, value: I32, shift: number): I32 => o.and(o.shrU(value, o.i32(shift)), o.i32(1));

/** PSTATE in the form of SPSR_EL1, but for SS and IL. */
const processorState = (o: Builder): I32 => {
  const level = o.or(o.shl(o.state32(CURRENT_EL), o.i32(LEVEL_SHIFT)), o.state32(SP_SELECT));
  const masks = o.or(o.state32(DAIF), o.shl(o.state32(PAN), o.i32(SPSR_PAN_SHIFT)));
  return o.or(o.shl(flagBits(o), o.i32(SPSR_FLAGS_SHIFT)), o.or(masks, level));
};

/** What an exception and the return from one have in common; `daif` is the new DAIF. */
const changeProcessorState = (o: Builder, daif: I32): void => {
  o.setState32(DAIF, daif);
  o.setState32(SOFTWARE_STEP, o.i32(0));
  o.setState32(IL, o.i32(0));
  o.setState32(EXCLUSIVE_SIZE, o.i32(0));
};

/** Enters EL1 at the vector for synchronous exceptions. */
const enter = (o: Builder, sp: Register, esr: I32): void => {
  const source = o.select(
    o.state32(CURRENT_EL),
    o.mul(o.state32(SP_SELECT), o.i32(FROM_CURRENT_SPX)),
    o.i32(FROM_LOWER),
  );
  const vector = o.now(o.add(o.state64(VBAR_EL1), o.extendU(source)));
  o.setState64(SPSR_EL1, o.extendU(processorState(o)));
  o.setState64(ELR_EL1, o.programCounter(4));
  o.setState64(ESR_EL1, o.extendU(esr));
  changeProcessorState(o, o.i32(SPSR_DAIF));
  writePan(o, o.or(o.state32(PAN), o.eqz(bit(o, o.state32(SCTLR_EL1), SCTLR_SPAN_SHIFT))));
  const stack = selectStack(o, sp, o.i32(1));
  o.setState32(CURRENT_EL, o.i32(1));
  o.setState32(TLB_CODE, o.state32(KERNEL_TLB_CODE));
  changeStack(o, o.wrap(stack), o.state32(KERNEL_TLB), o.i32(SA_SHIFT));
  o.setState32(VECTOR_TRAP, o.eqz(bit(o, o.state32(CPACR_EL1), CPACR_FPEN_SHIFT)));
  o.jumpTo(vector);
};

/** Nonzero for the exception returns that exceptions.ts does. */
const isRareReturn = (o: Builder, spsr: I32, user: I32): I32 => {
  const refused = o.or(o.eqz(o.state32(CURRENT_EL)), o.and(spsr, o.i32(FOREIGN_MODES | SPSR_IL)));
  // EL0 has but one stack pointer.
  const illegal = o.and(user, spsr);
  const debugged = o.and(o.state32(MDSCR_EL1), o.i32(MDSCR_SS | MDSCR_MDE));
  const unready = o.or(
    o.and(user, o.eqz(o.state32(USER_BANK))),
    o.select(o.and(spsr, o.i32(SPSR_PAN)), o.state32(LOOSE_USER), o.i32(0)),
  );
  return o.or(o.or(o.or(refused, illegal), o.or(debugged, unready)), interruptDue(o, spsr));
};

export const exceptionEntryAndReturn: readonly Instruction[] = [
  instruction({
    name: 'SVC',
    bits: '11010100 000 imm16:16 000 01',
    operands: { imm: immediate32((f) => f.imm16 as number), sp: stackInUse },
    describe(o, x) {
      enter(o, x.sp, o.or(o.i32(syndrome(ExceptionClass.supervisorCall, 0)), x.imm));
    },
  }),
  instruction({
    name: 'ERET',
    bits: '1101011 0100 11111 000000 11111 00000',
    operands: { sp: stackInUse },
    endsRun: true,
    describe(o, x) {
      const spsr = o.now(o.state32(SPSR_EL1));
      const user = o.now(o.eqz(bit(o, spsr, LEVEL_SHIFT)));
      o.abandonIf(isRareReturn(o, spsr, user), Exit.exceptionReturn);
      const address = o.now(o.state64(ELR_EL1));
      setFlagBits(o, o.shrU(spsr, o.i32(SPSR_FLAGS_SHIFT)));
      changeProcessorState(o, o.and(spsr, o.i32(SPSR_DAIF)));
      o.setState32(EVENT, o.i32(1));
      o.setState32(PAN, bit(o, spsr, SPSR_PAN_SHIFT));
      const stack = selectStack(o, x.sp, o.and(spsr, o.i32(1)));
      o.setState32(CURRENT_EL, o.eqz(user));
      o.setState32(TLB_CODE, o.select(user, o.state32(USER_TLB_CODE), o.state32(KERNEL_TLB_CODE)));
      const table = o.select(user, o.state32(ALIGNED_TLB_UNPRIVILEGED), o.state32(KERNEL_TLB));
      changeStack(o, o.wrap(stack), table, o.select(user, o.i32(SA0_SHIFT), o.i32(SA_SHIFT)));
      const enabled = o.and(o.shrU(o.state32(CPACR_EL1), o.i32(CPACR_FPEN_SHIFT)), o.i32(3));
      // EL0 needs both bits of FPEN, EL1 the lower one.
      o.setState32(VECTOR_TRAP, o.ne(o.or(enabled, o.select(user, o.i32(0), o.i32(2))), o.i32(3)));
      o.jumpTo(address);
    },
  }),
];
