import type { Builder } from '../ir/builder.ts';
import type { I32, I64, Value } from '../ir/value.ts';

/** NZCV: how the arithmetic instructions set the flags, and the sixteen conditions (Arm ARM C1.2.4). */

type Integer = Value<'i32' | 'i64'>;

/** A 32-bit value as the 64-bit field that has its sign and its zeroness. */
const widen = (o: Builder, value: Integer): I64 => (value.type === 'i32' ? o.extendS(value as I32) : (value as I64));

/** a + b, setting the flags. */
export const addFlags = (o: Builder, a: Integer, b: Integer): Integer => {
  const result = o.add(a, b);
  const signed = widen(o, result);
  const overflow = widen(o, o.and(o.xor(a, result), o.xor(b, result)));
  o.setFlags({ n: signed, z: signed, c: o.ltU(result, a), v: overflow });
  return result;
};

/** a - b, setting the flags; carry means no borrow. */
export const subtractFlags = (o: Builder, a: Integer, b: Integer): Integer => {
  const result = o.sub(a, b);
  const signed = widen(o, result);
  const overflow = widen(o, o.and(o.xor(a, b), o.xor(a, result)));
  o.setFlags({ n: signed, z: signed, c: o.geU(a, b), v: overflow });
  return result;
};

/** Sets N and Z by a result, clearing C and V. */
export const logicFlags = (o: Builder, result: Integer): void => {
  const signed = widen(o, result);
  o.setFlags({ n: signed, z: signed, c: o.i32(0), v: o.i64(0) });
};

/** Sets the flags from NZCV in bits 3 to 0 of an i32. */
export const setFlagBits = (o: Builder, nzcv: I32): void => {
  const wide = o.extendU(nzcv);
  o.setFlags({
    n: o.shl(wide, o.i64(60)),
    z: o.and(o.not(wide), o.i64(4)),
    c: o.and(o.shrU(nzcv, o.i32(1)), o.i32(1)),
    v: o.shl(wide, o.i64(63)),
  });
};

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
