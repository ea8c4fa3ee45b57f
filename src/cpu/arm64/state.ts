import { ARCHITECTURE } from '../state.ts';

/**
 * The arm64 part of a vCPU record: byte offsets from the record's start. An operand's register number gives its offset; the
 * zero register is a field that stays zero for reads and another one that swallows writes.
 */

/** X0 to X30, eight bytes each. */
export const X = ARCHITECTURE;
/** Reads as zero (XZR, WZR). */
export const ZERO = X + 31 * 8;
/** Swallows writes to XZR and WZR. */
export const SINK = X + 32 * 8;
/** The stack pointer in use: SP_EL0 or SP_EL1 as PSTATE.SP says. */
export const SP = X + 33 * 8;

/** The exclusive monitor: its size in bytes, 0 when open (i32), the virtual address (i64), and what the load saw (two i64). */
export const EXCLUSIVE_SIZE = 0x210;
export const EXCLUSIVE_ADDRESS = 0x218;
export const EXCLUSIVE_VALUE = 0x220;

/** PSTATE's parts (i32 each): DAIF in the layout of MSR DAIF (bits 9 to 6), EL 0 or 1, SPSel 0 or 1, and single bits. */
export const DAIF = 0x230;
export const CURRENT_EL = 0x234;
export const SP_SELECT = 0x238;
export const PAN = 0x23c;
export const IL = 0x240;
export const SOFTWARE_STEP = 0x244;

/** FPCR and FPSR (i64 each, the high half zero). */
export const FPCR = 0x248;
export const FPSR = 0x250;
/**
 * Nonzero when floating-point operations must take the exact path whatever their operands (i32): FPCR asks for a rounding
 * mode other than to nearest, flush-to-zero or default NaNs, or FPSR.IXC is clear so that inexactness must be noticed. Who
 * writes FPCR or FPSR keeps it up to date.
 */
export const FP_EXACT = 0x258;

/** V0 to V31, sixteen bytes each. */
export const V = 0x280;

/** System registers kept as plain 64-bit fields: system-registers.ts names them. */
export const SYSTEM = 0x500;
export const SYSTEM_END = 0xc00;

/** Offset of general register `n`, 31 being the zero register, for reading. */
export const readOffset = (n: number): number => (n === 31 ? ZERO : X + n * 8);
/** Offset of general register `n`, 31 being the zero register, for writing. */
export const writeOffset = (n: number): number => (n === 31 ? SINK : X + n * 8);
/** Offset of general register `n`, 31 being the stack pointer. */
export const stackOffset = (n: number): number => (n === 31 ? SP : X + n * 8);
/** Offset of vector register `n`. */
export const vectorOffset = (n: number): number => V + n * 16;
