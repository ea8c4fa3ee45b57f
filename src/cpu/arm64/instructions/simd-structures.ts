import type { Fields, Immediate32Operand, RegisterOperand } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I64, Register } from '../../ir/value.ts';
import { memoryBase, source, vector, vectorAfter } from '../operands.ts';
import { mayMisalign } from '../stack-alignment.ts';

/**
 * What the loads and stores of SIMD structures have in common: a list of one to four registers from Vt on, a base register
 * and three ways to index it.
 */

export type Count = 1 | 2 | 3 | 4;
export const counts: readonly Count[] = [1, 2, 3, 4];

export interface Indexing {
  readonly name: 'no offset' | 'immediate post-index' | 'register post-index';
  /** Bit 23 and bits 20 to 16 of the encoding. */
  readonly post: string;
  readonly rm: string;
}

/** Among the post-indexed forms the one with Rm = 31 adds the size of what was transferred. */
export const indexings: readonly Indexing[] = [
  { name: 'no offset', post: '0', rm: '00000' },
  { name: 'immediate post-index', post: '1', rm: '11111' },
  { name: 'register post-index', post: '1', rm: 'Rm:5' },
];

/** A register list's operands, its base and, if it has one, its index register. */
export const structureOperands = (count: Count, indexing: Indexing): Record<string, RegisterOperand> => {
  const operands: Record<string, RegisterOperand> = { t0: vector('Rt') };
  for (let i = 1; i < count; i++) operands[`t${i}`] = vectorAfter('Rt', i);
  operands.n = memoryBase('Rn');
  if (indexing.name === 'register post-index') operands.m = source('Rm');
  return operands;
};

/** The same and the immediate that chooses an element. */
export const elementOperands = (
  count: Count,
  indexing: Indexing,
  index: Immediate32Operand,
): Record<string, RegisterOperand | Immediate32Operand> => ({ ...structureOperands(count, indexing), index });

/** For the table: whether the form of indexing may change the stack pointer's alignment. */
export const structureEpilogue = (indexing: Indexing): ((f: Fields) => boolean) | null =>
  indexing.name === 'no offset' ? null : mayMisalign('Rn');

type OperandsSeen = Readonly<Record<string, unknown>>;

/** The registers of the list, the first first. */
export const listedRegisters = (x: OperandsSeen, count: Count): Register[] =>
  counts.slice(0, count).map((n) => x[`t${n - 1}`] as Register);

export const baseRegister = (x: OperandsSeen): Register => x.n as Register;

/** Moves the base on as the form of indexing wants, `bytes` having been transferred from `base`. */
export const writeBack = (o: Builder, x: OperandsSeen, indexing: Indexing, base: I64, bytes: number): void => {
  if (indexing.name === 'no offset') return;
  const step = indexing.name === 'immediate post-index' ? o.i64(bytes) : o.get64(x.m as Register);
  o.set(baseRegister(x), o.add(base, step));
};
