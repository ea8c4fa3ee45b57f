import type { Builder } from '../../ir/builder.ts';
import type { I32, I64 } from '../../ir/value.ts';
import type { MachineMemory } from '../../machine-memory.ts';
import { FP_EXACT, FPCR, FPSR } from '../state.ts';

/** FPCR and FPSR (Arm ARM C5.2), and how the FP_EXACT field follows from them. */

/** Bits of FPCR that this processor has: no traps, no half-precision arithmetic, no AArch32 vectors. */
export const Fpcr = {
  /** Half precision is the alternative format, without infinities and NaNs. */
  ahp: 1 << 26,
  /** Every NaN result is the default NaN. */
  dn: 1 << 25,
  /** Flush-to-zero. */
  fz: 1 << 24,
  /** Lowest bit of the rounding mode. */
  rmodeShift: 22,
  mask: 0x7c00000,
} as const;

/** Cumulative flags of FPSR. */
export const Fpsr = {
  invalidOperation: 1 << 0,
  divideByZero: 1 << 1,
  overflow: 1 << 2,
  underflow: 1 << 3,
  inexact: 1 << 4,
  inputDenormal: 1 << 7,
  saturation: 1 << 27,
  mask: 0x800009f,
} as const;

/** Rounding modes as FPCR.RMode counts them, and those that only some instructions have. */
export const Rounding = {
  nearestEven: 0,
  up: 1,
  down: 2,
  zero: 3,
  nearestAway: 4,
  /** To the neighbour whose last bit is 1, unless exact. */
  odd: 5,
} as const;
export type Rounding = (typeof Rounding)[keyof typeof Rounding];

/** Brings FPSR's inexact flag, inverted, to the sign bit of FP_EXACT. */
const INEXACT_TO_SIGN = 27;

/**
 * FP_EXACT: FPCR, and the sign bit while inexactness must still be noticed. Being 0 or greater than any small unsigned number,
 * it can be or-ed into a number that is compared with a bound.
 */
const exactness = (o: Builder, fpcr: I32, fpsr: I32): I32 =>
  o.or(fpcr, o.shl(o.and(o.not(fpsr), o.i32(Fpsr.inexact)), o.i32(INEXACT_TO_SIGN)));

/** MSR FPCR: writes the bits there are. */
export const writeFpcr = (o: Builder, value: I64): void => {
  const fpcr = o.and(o.wrap(value), o.i32(Fpcr.mask));
  o.setState64(FPCR, o.extendU(fpcr));
  o.setState32(FP_EXACT, exactness(o, fpcr, o.state32(FPSR)));
};

/** MSR FPSR: writes the bits there are. */
export const writeFpsr = (o: Builder, value: I64): void => {
  const fpsr = o.and(o.wrap(value), o.i32(Fpsr.mask));
  o.setState64(FPSR, o.extendU(fpsr));
  o.setState32(FP_EXACT, exactness(o, o.state32(FPCR), fpsr));
};

/**
 * Sets FPCR and FPSR of a vCPU's record from outside translated code: at reset, when its registers are set. `state` is the
 * record's machine address.
 */
export const setFloatingPointControl = (memory: MachineMemory, state: number, fpcr: number, fpsr: number): void => {
  const { i32 } = memory;
  const kept = fpcr & Fpcr.mask;
  i32[(state + FPCR) >>> 2] = kept;
  i32[(state + FPCR + 4) >>> 2] = 0;
  i32[(state + FPSR) >>> 2] = fpsr & Fpsr.mask;
  i32[(state + FPSR + 4) >>> 2] = 0;
  i32[(state + FP_EXACT) >>> 2] = kept | ((~fpsr & Fpsr.inexact) << INEXACT_TO_SIGN);
};

/** The controls in force while a routine runs, and the flags it has raised. One set for a thread: routines do not nest. */
export const control = {
  rounding: Rounding.nearestEven as Rounding,
  flushToZero: false,
  defaultNan: false,
  alternativeHalf: false,
  /** FPSR as it was. */
  fpsr: 0,
  /** Flags raised so far, as in FPSR. */
  raised: 0,
};

/** Takes the controls from a vCPU's record. */
export const enterExact = (memory: MachineMemory, state: number): void => {
  const fpcr = memory.i32[(state + FPCR) >>> 2] as number;
  control.rounding = ((fpcr >>> Fpcr.rmodeShift) & 3) as Rounding;
  control.flushToZero = (fpcr & Fpcr.fz) !== 0;
  control.defaultNan = (fpcr & Fpcr.dn) !== 0;
  control.alternativeHalf = (fpcr & Fpcr.ahp) !== 0;
  control.fpsr = memory.i32[(state + FPSR) >>> 2] as number;
  control.raised = 0;
};

/** Adds the raised flags to FPSR. */
export const leaveExact = (memory: MachineMemory, state: number): void => {
  const fpsr = control.fpsr | control.raised;
  if (fpsr === control.fpsr) return;
  setFloatingPointControl(memory, state, memory.i32[(state + FPCR) >>> 2] as number, fpsr);
};

/** Raises flags of FPSR. */
export const raise = (flags: number): void => {
  control.raised |= flags;
};
