import type { EngineRuntime } from '../architecture.ts';
import { Status } from '../runtime.ts';
import { SCRATCH } from '../state.ts';

/** How a system register is described: its encoding, who may access it, and what an access does. */

/** A register's encoding in one number: op0, op1, CRn, CRm and op2 from bit 14 down. */
export const encodeRegister = (op0: number, op1: number, crn: number, crm: number, op2: number): number =>
  (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;

/** What an access from EL0 meets. */
export const UserAccess = {
  allowed: 0,
  undefined: 1,
  /** An exception of the class for trapped system register accesses. */
  trapped: 2,
} as const;
export type UserAccess = (typeof UserAccess)[keyof typeof UserAccess];

/** Reads leave the value in scratch cell 0, writes find it there (64 bits). Both give a Status. */
export type RegisterAccess = (runtime: EngineRuntime, state: number) => number;

export interface SystemRegister {
  readonly name: string;
  readonly encoding: number;
  /** Absent for a register that only can be written. */
  readonly read?: RegisterAccess;
  /** Absent for a register that only can be read. */
  readonly write?: RegisterAccess;
  /** Absent for registers that EL0 has not. */
  readonly user?: (words: Int32Array, state: number, write: boolean) => UserAccess;
  /** Byte offset of the field that holds the register, if a read is no more than that of the field. */
  readonly field?: number;
  /** Bits of the field that can be written, if a write is no more than that of the field. */
  readonly mask?: readonly [lo: number, hi: number];
}

export const ALL_BITS = [-1, -1] as const;
export const LOW_WORD = [-1, 0] as const;

/** Leaves a value as a read's result. */
export const giveValue = (runtime: EngineRuntime, state: number, lo: number, hi: number): number => {
  runtime.memory.i32[(state + SCRATCH) >>> 2] = lo;
  runtime.memory.i32[(state + SCRATCH + 4) >>> 2] = hi;
  return Status.done;
};

/** Leaves a number below 2^53 as a read's result. */
export const giveNumber = (runtime: EngineRuntime, state: number, value: number): number =>
  giveValue(runtime, state, value | 0, Math.floor(value / 4294967296) | 0);

export const valueLo = (runtime: EngineRuntime, state: number): number =>
  runtime.memory.i32[(state + SCRATCH) >>> 2] as number;
export const valueHi = (runtime: EngineRuntime, state: number): number =>
  runtime.memory.i32[(state + SCRATCH + 4) >>> 2] as number;

/** Reads a field. */
export const readField =
  (field: number): RegisterAccess =>
  (runtime, state) => {
    const words = runtime.memory.i32;
    return giveValue(
      runtime,
      state,
      words[(state + field) >>> 2] as number,
      words[(state + field + 4) >>> 2] as number,
    );
  };

/** Writes a field's bits that can be written; the others become zero. Then does what hangs on it. */
export const writeField =
  (
    field: number,
    mask: readonly [number, number],
    after?: (runtime: EngineRuntime, state: number) => void,
  ): RegisterAccess =>
  (runtime, state) => {
    const words = runtime.memory.i32;
    words[(state + field) >>> 2] = valueLo(runtime, state) & mask[0];
    words[(state + field + 4) >>> 2] = valueHi(runtime, state) & mask[1];
    after?.(runtime, state);
    return Status.done;
  };

/** A register that only holds what is written. */
export const plainRegister = (
  name: string,
  encoding: number,
  field: number,
  mask: readonly [number, number] = ALL_BITS,
): SystemRegister => ({
  name,
  encoding,
  field,
  mask,
  read: readField(field),
  write: writeField(field, mask),
});

/** A register with the same value always. */
export const constantRegister = (name: string, encoding: number, lo: number, hi = 0): SystemRegister => ({
  name,
  encoding,
  read: (runtime, state) => giveValue(runtime, state, lo, hi),
});

/** Ignores what is written. */
export const ignoreWrite: RegisterAccess = () => Status.done;
