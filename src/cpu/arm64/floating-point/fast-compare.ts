import type { Builder, Flags } from '../../ir/builder.ts';
import type { I32, V128 } from '../../ir/value.ts';
import { FPCR } from '../state.ts';
import { type FloatValue, scalarShape, type VectorShape } from './float-shape.ts';
import { arrangementOf } from './lanes.ts';
import { DOUBLE, Exact, QUIET_INVALID } from './routines.ts';

/** Comparisons as translated code. They never round, so only NaNs and FPCR ask for the exact path. */

/** How two scalars compare: an `Order` (compare.ts). `quietToo` if quiet NaNs are invalid operands as well. */
export const compareScalars = (o: Builder, isDouble: boolean, a: FloatValue, b: FloatValue, quietToo: boolean): I32 => {
  const shape = scalarShape(isDouble);
  const atLeast = o.now(shape.compare(o, 'ge', a, b) as I32);
  const atMost = o.now(shape.compare(o, 'ge', b, a) as I32);
  return o.ifElse(
    o.gtU(o.or(atLeast, atMost), o.state32(FPCR)),
    'i32',
    () => o.or(o.shl(o.eqz(atLeast), o.i32(31)), o.eqz(atMost)),
    () => {
      const parameter = (isDouble ? DOUBLE : 0) | (quietToo ? QUIET_INVALID : 0);
      return o.call(Exact.compare, [o.i32(arrangementOf(1, parameter)), a, b], ['i32'])[0] as I32;
    },
  );
};

/** The flags of an `Order`. */
export const orderFlags = (o: Builder, order: I32): Flags => {
  const signed = o.extendS(order);
  return { n: signed, z: signed, c: o.geS(order, o.i32(0)), v: o.shl(signed, o.i64(62)) };
};

/** NZCV of an `Order` as bits 3 to 0. */
export const orderBits = (o: Builder, order: I32): I32 => {
  const n = o.shl(o.ltS(order, o.i32(0)), o.i32(3));
  const z = o.shl(o.eqz(order), o.i32(2));
  const c = o.shl(o.geS(order, o.i32(0)), o.i32(1));
  const v = o.and(o.shrU(order, o.i32(1)), o.i32(1));
  return o.or(o.or(n, z), o.or(c, v));
};

/** Lanes of ones where the comparison holds. */
export const compareLanes = (o: Builder, shape: VectorShape, operation: 'eq' | 'ge' | 'gt', a: V128, b: V128): V128 => {
  const ordered = shape.both(o, shape.compare(o, 'eq', a, a), shape.compare(o, 'eq', b, b));
  const routine = {
    eq: Exact.compareEqual,
    ge: Exact.compareGreaterEqual,
    gt: Exact.compareGreater,
  }[operation];
  return o.ifElse(
    shape.all(o, ordered, FPCR),
    'v128',
    () => shape.compare(o, operation, a, b),
    () => shape.exact(o, routine, [a, b]),
  );
};
