import { Op } from '../../../wasm/opcodes.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I32, V128 } from '../../ir/value.ts';
import { FP_EXACT } from '../state.ts';
import type { VectorShape } from './float-shape.ts';
import { hostFuses } from './host-fusion.ts';
import { Exact } from './routines.ts';

/**
 * The fused multiply-add as translated code. Where the host's rounds once, that is it; elsewhere the exact product and sum are
 * built from two doubles, and stand if they leave no doubt about the rounding.
 */

/** A result, and the conditions under which it stands: the usual one, and one for products of zeros. */
interface Candidate {
  readonly value: V128;
  readonly usual: I32;
  readonly withZeros: () => { readonly value: V128; readonly condition: I32 };
}

const fused = (o: Builder, shape: VectorShape, addend: V128, a: V128, b: V128): Candidate => {
  const value = o.now(o.simd3(shape.isDouble ? Op.f64x2RelaxedMadd : Op.f32x4RelaxedMadd, a, b, addend));
  return {
    value,
    usual: shape.normalGuarded(o, value, FP_EXACT),
    withZeros: () => ({ value, condition: shape.exactZeroGuarded(o, value, [a, b], FP_EXACT) }),
  };
};

const LOW_HALF = [0, 1, 2, 3, 4, 5, 6, 7];
const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15];

/**
 * Two singles by way of doubles: the product is exact, and the sum, rounded twice, is right unless the first rounding ends
 * halfway between two singles.
 */
const singlePair = (
  o: Builder,
  addend: V128,
  a: V128,
  b: V128,
  half: readonly number[],
): { readonly value: V128; readonly sure: V128 } => {
  const wide = (lanes: V128): V128 =>
    o.simd1(Op.f64x2PromoteLowF32x4, half === LOW_HALF ? lanes : o.shuffle(lanes, lanes, [...half, ...half]));
  const sum = o.now(o.simd2(Op.f64x2Add, o.simd2(Op.f64x2Mul, wide(a), wide(b)), wide(addend)));
  const cutOff = o.simd2(Op.v128And, sum, o.v128Splat64(0x1fffffff, 0));
  return {
    value: o.simd1(Op.f32x4DemoteF64x2Zero, sum),
    sure: o.simd2(Op.i64x2Ne, cutOff, o.v128Splat64(0x10000000, 0)),
  };
};

const singlesByDoubles = (o: Builder, shape: VectorShape, addend: V128, a: V128, b: V128): Candidate => {
  const low = singlePair(o, addend, a, b, LOW_HALF);
  let value = low.value;
  let { sure } = low;
  if (shape.isFull) {
    const high = singlePair(o, addend, a, b, HIGH_HALF);
    value = o.shuffle(value, high.value, [...LOW_HALF, 16, 17, 18, 19, 20, 21, 22, 23]);
    // The low words of four masks.
    sure = o.shuffle(sure, high.sure, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);
  } else sure = o.shuffle(sure, sure, [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
  const result = o.now(value);
  const known = o.now(sure);
  return {
    value: result,
    usual: shape.all(o, shape.both(o, known, shape.normal(o, result)), FP_EXACT),
    withZeros: () => {
      // Then the sum is the addend, a single.
      const zero = shape.exactZero(o, result, [a, b]);
      const normal = shape.both(o, known, shape.normal(o, result));
      return { value: result, condition: shape.all(o, shape.either(o, normal, zero), FP_EXACT) };
    },
  };
};

/** A number rounded to 26 significant bits, so that the rest has 26 as well, with a sign. */
const roundedHalf = (o: Builder, a: V128): V128 =>
  o.simd2(Op.v128And, o.simd2(Op.i64x2Add, a, o.v128Splat64(1 << 26, 0)), o.v128Splat64(-1 << 27, -1));

/**
 * Doubles: a * b = product + error (Dekker), product + addend = sum + rest (Knuth). tail = rest + error is off by half a unit
 * in its last place at most; if adding a little less and a little more to `sum` gives the same, it is the result.
 */
const doublesInParts = (o: Builder, shape: VectorShape, addend: V128, a: V128, b: V128): Candidate => {
  const plus = (x: V128, y: V128): V128 => o.simd2(Op.f64x2Add, x, y);
  const minus = (x: V128, y: V128): V128 => o.simd2(Op.f64x2Sub, x, y);
  const times = (x: V128, y: V128): V128 => o.simd2(Op.f64x2Mul, x, y);
  const highA = roundedHalf(o, a);
  const lowA = minus(a, highA);
  const highB = roundedHalf(o, b);
  const lowB = minus(b, highB);
  const product = times(a, b);
  const missing = minus(minus(minus(product, times(highA, highB)), times(lowA, highB)), times(highA, lowB));
  const error = minus(times(lowA, lowB), missing);
  const sum = o.now(plus(product, addend));
  const fromAddend = minus(sum, product);
  const rest = plus(minus(product, minus(sum, fromAddend)), minus(addend, fromAddend));
  const tail = plus(rest, error);
  const value = o.now(plus(sum, times(tail, o.v128Splat64(1, 0x3ff00000))));
  const other = plus(sum, times(tail, o.v128Splat64(-2, 0x3fefffff)));
  // The difference is zero only if both are finite. Far from underflow all error terms are exact, and so is a zero result.
  const magnitude = o.simd1(Op.f64x2Abs, product);
  const safe = o.simd2(Op.f64x2Gt, magnitude, shape.splatPower(o, -900));
  const sure = o.now(shape.both(o, shape.zero(o, minus(value, other)), safe));
  return {
    value,
    usual: shape.all(o, sure, FP_EXACT),
    withZeros: () => {
      const zero = o.now(shape.either(o, shape.zero(o, a), shape.zero(o, b)));
      const chosen = o.now(o.simd3(Op.v128Bitselect, sum, value, zero));
      const finite = shape.both(o, zero, shape.finite(o, chosen));
      return { value: chosen, condition: shape.all(o, shape.either(o, sure, finite), FP_EXACT) };
    },
  };
};

const candidate = (o: Builder, shape: VectorShape, addend: V128, a: V128, b: V128): Candidate => {
  if (hostFuses()) return fused(o, shape, addend, a, b);
  return shape.isDouble ? doublesInParts(o, shape, addend, a, b) : singlesByDoubles(o, shape, addend, a, b);
};

/** `finish` of addend + a * b rounded once, where `finish` is exact; or else what `exact` says. */
const multiplyAddThen = (
  o: Builder,
  shape: VectorShape,
  addend: V128,
  a: V128,
  b: V128,
  finish: (value: V128) => V128,
  exact: () => V128,
): V128 => {
  const { value, usual, withZeros } = candidate(o, shape, addend, a, b);
  return o.ifElse(
    usual,
    'v128',
    () => finish(value),
    () => {
      const second = withZeros();
      return o.ifElse(second.condition, 'v128', () => finish(second.value), exact);
    },
  );
};

/** addend + a * b. */
export const multiplyAdd = (o: Builder, shape: VectorShape, addend: V128, a: V128, b: V128): V128 =>
  multiplyAddThen(
    o,
    shape,
    addend,
    a,
    b,
    (value) => value,
    () => shape.exact(o, Exact.multiplyAdd, [addend, a, b]),
  );

/** FRECPS: 2 - a * b. */
export const reciprocalStep = (o: Builder, shape: VectorShape, a: V128, b: V128): V128 =>
  multiplyAddThen(
    o,
    shape,
    shape.splatPower(o, 1),
    shape.unary(o, 'neg', a),
    b,
    (value) => value,
    () => shape.exact(o, Exact.reciprocalStep, [a, b]),
  );

/** FRSQRTS: (3 - a * b) / 2. */
export const inverseRootStep = (o: Builder, shape: VectorShape, a: V128, b: V128): V128 =>
  multiplyAddThen(
    o,
    shape,
    shape.splat(o, shape.isDouble ? 0x40080000 : 0x40400000),
    shape.unary(o, 'neg', a),
    b,
    (value) => shape.binary(o, 'mul', value, shape.splatPower(o, -1)),
    () => shape.exact(o, Exact.inverseRootStep, [a, b]),
  );
