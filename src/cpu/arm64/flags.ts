import type { Builder, Flags } from '../ir/builder.ts';
import type { I32, I64, Value } from '../ir/value.ts';

/** NZCV: how the arithmetic instructions set the flags, and the sixteen conditions (Arm ARM C1.2.4). */

type Integer = Value<'i32' | 'i64'>;

/** A 32-bit value as the 64-bit field that has its sign and its zeroness. */
const widen = (o: Builder, value: Integer): I64 => (value.type === 'i32' ? o.extendS(value as I32) : (value as I64));

/** The flags of a sum, given the carry out of it. */
const sumFlags = (o: Builder, a: Integer, b: Integer, result: Integer, carry: I32): Flags => {
  const signed = widen(o, result);
  return { n: signed, z: signed, c: carry, v: widen(o, o.and(o.xor(a, result), o.xor(b, result))) };
};

/** The flags of a + b. */
export const additionFlags = (o: Builder, a: Integer, b: Integer, result = o.add(a, b)): Flags =>
  sumFlags(o, a, b, result, o.ltU(result, a));

/** The flags of a - b; carry means no borrow. */
export const subtractionFlags = (o: Builder, a: Integer, b: Integer, result = o.sub(a, b)): Flags => {
  const signed = widen(o, result);
  return { n: signed, z: signed, c: o.geU(a, b), v: widen(o, o.and(o.xor(a, b), o.xor(a, result))) };
};

/** a + b, setting the flags. */
export const addFlags = (o: Builder, a: Integer, b: Integer): Integer => {
  const result = o.add(a, b);
  o.setFlags(additionFlags(o, a, b, result));
  return result;
};

/** a - b, setting the flags. */
export const subtractFlags = (o: Builder, a: Integer, b: Integer): Integer => {
  const result = o.sub(a, b);
  o.setFlags(subtractionFlags(o, a, b, result));
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
export const logicFlags = (o: Builder, result: Integer): void => {
  const signed = widen(o, result);
  o.setFlags({ n: signed, z: signed, c: o.i32(0), v: o.i64(0) });
};

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

/** Whether a condition holds (1 or 0): `condition` is the four-bit field, known when the code is made. */
export const conditionHolds = (o: Builder, condition: number): I32 => {
  const { n, z, c, v } = o.flags();
  const zero = o.i64(0);
  const base = (): I32 => {
    switch (condition >> 1) {
      case 0:
        return o.eqz(z);
      case 1:
        return c;
      case 2:
        return o.ltS(n, zero);
      case 3:
        return o.ltS(v, zero);
      case 4:
        return o.and(c, o.ne(z, zero));
      case 5:
        return o.geS(o.xor(n, v), zero);
      case 6:
        return o.and(o.geS(o.xor(n, v), zero), o.ne(z, zero));
      default:
        return o.i32(1);
    }
  };
  const holds = base();
  return (condition & 1) === 1 && condition !== 15 ? o.eqz(holds) : holds;
};
