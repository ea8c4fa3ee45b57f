import type {
  Fields,
  Immediate32Operand,
  Immediate64Operand,
  Parts,
  RegisterOperand,
  TargetOperand,
} from '../instruction.ts';
import { readOffset, stackOffset, vectorOffset, writeOffset } from './state.ts';

/** Operand makers for the instruction table; fields are named as in the manual (Rd, Rn, Rm, Ra, Rt, Rt2, Rs). */

const field = (fields: Fields, name: string): number => {
  const value = fields[name];
  if (value === undefined) throw new Error(`no field ${name}`);
  return value;
};

const offsetsOf = (offset: (n: number) => number): Uint16Array => Uint16Array.from({ length: 32 }, (_, n) => offset(n));
const readOffsets = offsetsOf(readOffset);
const writeOffsets = offsetsOf(writeOffset);
const stackOffsets = offsetsOf(stackOffset);
const vectorOffsets = offsetsOf(vectorOffset);

const register = (name: string, offsets: Uint16Array): RegisterOperand => ({
  kind: 'register',
  get: (f) => offsets[field(f, name)] as number,
  choice: { field: name, offsets },
});

/** A general register that is read; 31 is the zero register. */
export const source = (name: string): RegisterOperand => register(name, readOffsets);
/** A general register that is written; 31 is the zero register. */
export const destination = (name: string): RegisterOperand => register(name, writeOffsets);
/** A general register; 31 is the stack pointer. */
export const generalOrStack = (name: string): RegisterOperand => register(name, stackOffsets);
/** The same as the base of memory accesses. */
export const memoryBase = (name: string): RegisterOperand => ({ ...generalOrStack(name), base: true });
/** A vector register. */
export const vector = (name: string): RegisterOperand => register(name, vectorOffsets);
/** The vector register `step` places on, counting round from V31 to V0. */
export const vectorAfter = (name: string, step: number): RegisterOperand =>
  register(
    name,
    offsetsOf((n) => vectorOffset((n + step) & 31)),
  );
/** A register chosen by a function of the fields, given its offset in the record. */
export const computed = (get: (fields: Fields) => number): RegisterOperand => ({ kind: 'register', get });

export const immediate32 = (get: (fields: Fields) => number): Immediate32Operand => ({ kind: 'immediate32', get });
export const immediate64 = (get: (fields: Fields) => number | Parts): Immediate64Operand => ({
  kind: 'immediate64',
  get,
});
/** A branch's distance in bytes. */
export const target = (get: (fields: Fields) => number): TargetOperand => ({ kind: 'target', get });

/** A field as a signed number of `width` bits. */
export const signed = (value: number, width: number): number => (value << (32 - width)) >> (32 - width);
