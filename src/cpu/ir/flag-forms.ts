import type { Flags } from './builder.ts';
import type { Operations } from './operations.ts';
import type { I32, I64, Value } from './value.ts';

/**
 * The flags as what makes them: most come from a sum, a difference or a logical result, of 32 or 64 bits. Kept as the operands,
 * they cost nothing until somebody asks, and a comparison that a branch follows becomes one wasm comparison.
 */

export type Integer = Value<'i32' | 'i64'>;

/** What made the flags, with the width of its operands. */
export const FlagForm = {
  /** Kept as Flags (state.ts). */
  fields: 0,
  sum32: 1,
  sum64: 2,
  difference32: 3,
  difference64: 4,
  /** N and Z by a value; C and V are clear. */
  logic32: 5,
  logic64: 6,
} as const;
export type FlagForm = (typeof FlagForm)[keyof typeof FlagForm];

export type FlagSource = 'sum' | 'difference' | 'logic';

/** The form of flags made by an operation on operands like `a`. */
export const flagForm = (source: FlagSource, a: Integer): FlagForm => {
  const wide = a.type === 'i64';
  if (source === 'sum') return wide ? FlagForm.sum64 : FlagForm.sum32;
  if (source === 'difference') return wide ? FlagForm.difference64 : FlagForm.difference32;
  return wide ? FlagForm.logic64 : FlagForm.logic32;
};

/** A 32-bit value as the 64-bit field that has its sign and its zeroness. */
const widen = (o: Operations, value: Integer): I64 => (value.type === 'i32' ? o.extendS(value as I32) : (value as I64));

/** The flags of a sum, given the carry out of it. */
export const sumFlags = (o: Operations, a: Integer, b: Integer, result: Integer, carry: I32): Flags => {
  const signed = widen(o, result);
  return { n: signed, z: signed, c: carry, v: widen(o, o.and(o.xor(a, result), o.xor(b, result))) };
};

/** The flags of a + b. */
export const additionFlags = (o: Operations, a: Integer, b: Integer, result = o.add(a, b)): Flags =>
  sumFlags(o, a, b, result, o.ltU(result, a));

/** The flags of a - b; carry means no borrow. */
export const subtractionFlags = (o: Operations, a: Integer, b: Integer, result = o.sub(a, b)): Flags => {
  const signed = widen(o, result);
  return { n: signed, z: signed, c: o.geU(a, b), v: widen(o, o.and(o.xor(a, b), o.xor(a, result))) };
};

/** N and Z by a result, C and V clear. */
export const resultFlags = (o: Operations, result: Integer): Flags => {
  const signed = widen(o, result);
  return { n: signed, z: signed, c: o.i32(0), v: o.i64(0) };
};

const isNarrow = (form: FlagForm): boolean =>
  form === FlagForm.sum32 || form === FlagForm.difference32 || form === FlagForm.logic32;

/** The operands of a form, kept as 64-bit values, at their own width. */
const operandsOf = (o: Operations, form: FlagForm, a: I64, b: I64): readonly [Integer, Integer] =>
  isNarrow(form) ? [o.wrap(a), o.wrap(b)] : [a, b];

/** The flags that operands of a form make. */
export const flagsOfForm = (o: Operations, form: FlagForm, a: I64, b: I64): Flags => {
  const [first, second] = operandsOf(o, form, a, b);
  switch (form) {
    case FlagForm.sum32:
    case FlagForm.sum64:
      return additionFlags(o, first, second);
    case FlagForm.difference32:
    case FlagForm.difference64:
      return subtractionFlags(o, first, second);
    case FlagForm.logic32:
    case FlagForm.logic64:
      return resultFlags(o, first);
    default:
      throw new RangeError(`flags of form ${form} have no operands`);
  }
};

/** A question about the flags that comparisons ask; its opposite is asked by negation. */
export type Relation = 'equal' | 'carry' | 'negative' | 'overflow' | 'higher' | 'greaterOrEqual' | 'greater';

/** Whether a relation holds (1 or 0), by the flags themselves. */
export const relationOfFlags = (o: Operations, { n, z, c, v }: Flags, relation: Relation): I32 => {
  const zero = o.i64(0);
  switch (relation) {
    case 'equal':
      return o.eqz(z);
    case 'carry':
      return c;
    case 'negative':
      return o.ltS(n, zero);
    case 'overflow':
      return o.ltS(v, zero);
    case 'higher':
      return o.and(c, o.ne(z, zero));
    case 'greaterOrEqual':
      return o.geS(o.xor(n, v), zero);
    case 'greater':
      return o.and(o.geS(o.xor(n, v), zero), o.ne(z, zero));
  }
};

const answerOfDifference = (o: Operations, a: Integer, b: Integer, relation: Relation): I32 | null => {
  switch (relation) {
    case 'equal':
      return o.eq(a, b);
    case 'carry':
      return o.geU(a, b);
    case 'negative':
      return o.ltS(o.sub(a, b), o.constantLike(a, 0));
    case 'higher':
      return o.gtU(a, b);
    case 'greaterOrEqual':
      return o.geS(a, b);
    case 'greater':
      return o.gtS(a, b);
    default:
      return null;
  }
};

const answerOfLogic = (o: Operations, a: Integer, relation: Relation): I32 => {
  const zero = o.constantLike(a, 0);
  switch (relation) {
    case 'equal':
      return o.eqz(a);
    case 'negative':
      return o.ltS(a, zero);
    case 'greaterOrEqual':
      return o.geS(a, zero);
    case 'greater':
      return o.gtS(a, zero);
    default:
      return o.i32(0);
  }
};

/** Whether a relation holds (1 or 0), by the operands that made the flags. */
export const relationOfForm = (o: Operations, form: FlagForm, a: I64, b: I64, relation: Relation): I32 => {
  const [first, second] = operandsOf(o, form, a, b);
  if (form === FlagForm.difference32 || form === FlagForm.difference64) {
    const answer = answerOfDifference(o, first, second, relation);
    if (answer !== null) return answer;
  }
  if (form === FlagForm.logic32 || form === FlagForm.logic64) return answerOfLogic(o, first, relation);
  return relationOfFlags(o, flagsOfForm(o, form, a, b), relation);
};
