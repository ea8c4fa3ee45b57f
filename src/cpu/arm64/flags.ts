import type { Builder, Flags } from '../ir/builder.ts';
import { type Integer, type Relation, sumFlags } from '../ir/flag-forms.ts';
import type { I32, I64 } from '../ir/value.ts';

/** NZCV: how the arithmetic instructions set the flags, and the sixteen conditions (Arm ARM C1.2.4). */

/** a + b, setting the flags. */
export const addFlags = (o: Builder, a: Integer, b: Integer): Integer => {
  const result = o.add(a, b);
  o.setFlagsOf('sum', a, b, result);
  return result;
};

/** a - b, setting the flags. */
export const subtractFlags = (o: Builder, a: Integer, b: Integer): Integer => {
  const result = o.sub(a, b);
  o.setFlagsOf('difference', a, b, result);
  return result;
};

/** a + b + the carry flag. */
export const addCarry = (o: Builder, a: Integer, b: Integer): Integer => {
  const carry = o.flags().c;
  return o.add(o.add(a, b), a.type === 'i32' ? carry : o.extendU(carry));
};

/** a + b + the carry flag, setting the flags. */
export const addCarryFlags = (o: Builder, a: Integer, b: Integer): Integer => {
  const result = addCarry(o, a, b);
  o.setFlags(sumFlags(o, a, b, result, o.select(o.flags().c, o.leU(result, a), o.ltU(result, a))));
  return result;
};

/** Sets N and Z by a result, clearing C and V. */
export const logicFlags = (o: Builder, result: Integer): void => o.setFlagsOf('logic', result, result, result);

/** The flags that NZCV in bits 3 to 0 of an i32 says. */
export const flagsOfBits = (o: Builder, nzcv: I32): Flags => {
  const wide = o.extendU(nzcv);
  return {
    n: o.shl(wide, o.i64(60)),
    z: o.and(o.not(wide), o.i64(4)),
    c: o.and(o.shrU(nzcv, o.i32(1)), o.i32(1)),
    v: o.shl(wide, o.i64(63)),
  };
};

/** Sets the flags from NZCV in bits 3 to 0 of an i32. */
export const setFlagBits = (o: Builder, nzcv: I32): void => o.setFlags(flagsOfBits(o, nzcv));

/** NZCV as bits 3 to 0 of an i32. */
export const flagBits = (o: Builder): I32 => {
  const { n, z, c, v } = o.flags();
  const sign = (value: I64): I32 => o.wrap(o.shrU(value, o.i64(63)));
  const high = o.or(o.shl(sign(n), o.i32(3)), o.shl(o.eqz(z), o.i32(2)));
  return o.or(high, o.or(o.shl(c, o.i32(1)), sign(v)));
};

/** What each pair of conditions asks; the second one of a pair asks for the opposite. */
const relations: readonly Relation[] = [
  'equal',
  'carry',
  'negative',
  'overflow',
  'higher',
  'greaterOrEqual',
  'greater',
];

/** Whether a condition holds (1 or 0): `condition` is the four-bit field, known when the code is made. */
export const conditionHolds = (o: Builder, condition: number): I32 => {
  const relation = relations[condition >> 1];
  if (relation === undefined) return o.i32(1);
  const holds = o.relation(relation);
  return (condition & 1) === 1 ? o.eqz(holds) : holds;
};
