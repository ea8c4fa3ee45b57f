import type { Builder } from '../../ir/builder.ts';
import type { Register, V128 } from '../../ir/value.ts';
import { vector } from '../operands.ts';
import type { Size } from './simd-lanes.ts';

/** What the groups of Advanced SIMD instructions have in common: element sizes, registers, and their old values. */

export const B: Size = 0;
export const H: Size = 1;
export const S: Size = 2;
export const D: Size = 3;
export const AllSizes: readonly Size[] = [B, H, S, D];
export const BytesToWords: readonly Size[] = [B, H, S];

export const twoRegisters = { d: vector('Rd'), n: vector('Rn') } as const;
export const threeRegisters = { ...twoRegisters, m: vector('Rm') } as const;

/** What the registers hold before the instruction. */
export interface Sources {
  readonly d: V128;
  readonly n: V128;
  readonly m: V128;
}

export const sourcesOf = (o: Builder, x: Readonly<Record<keyof Sources, Register>>): Sources => ({
  d: o.getV(x.d),
  n: o.getV(x.n),
  m: o.getV(x.m),
});

/** An instruction's name with more words in its brackets. */
export const withForm = (name: string, ...form: readonly string[]): string =>
  name.endsWith(')') ? `${name.slice(0, -1)}, ${form.join(', ')})` : `${name} (${form.join(', ')})`;

/** What names call the elements of vectors and the registers of scalar forms, by size. */
export const elementNames = ['bytes', 'halfwords', 'words', 'doublewords'] as const;
export const scalarNames = ['B', 'H', 'S', 'D'] as const;
