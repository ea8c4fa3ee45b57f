import type { V128 } from '../../ir/value.ts';
import type { Lanes, Saturated, Unsigned } from './simd-lanes.ts';

/**
 * Shifts by a count of its own for each lane, which wasm does not have: one step for each bit of the count, each a shift by a
 * power of two in the lanes whose count has that bit.
 */

/** Shifts each lane by its count modulo the lane's width. */
const shiftEach = (l: Lanes, a: V128, counts: V128, shift: (value: V128, by: number) => V128): V128 => {
  const steps = 3 + l.size;
  let value = a;
  // The count's bits come to the sign's place one after another, the highest that matters first.
  let bit = l.shiftLeft(counts, l.bits - steps);
  for (let step = steps - 1; step >= 0; step--) {
    value = l.select(l.signs(bit), shift(value, 1 << step), value);
    if (step > 0) bit = l.add(bit, bit);
  }
  return value;
};

/** How the shifts by register differ. */
interface Manner {
  readonly rounding?: boolean;
  readonly saturating?: boolean;
}

/**
 * Shifts the lanes of `n` left by the lowest byte, signed, of each lane of `m`: right by a negative one. Right shifts round
 * down or to the nearest, left shifts drop bits or saturate.
 */
export const shiftByRegister = (
  l: Lanes,
  n: V128,
  m: V128,
  unsigned: Unsigned,
  { rounding = false, saturating = false }: Manner,
): V128 | Saturated => {
  const counts = l.size === 0 ? m : l.shiftRight(l.shiftLeft(m, l.bits - 8), l.bits - 8, false);
  const rightwards = l.signs(counts);
  const right = (value: V128, by: number): V128 => l.shiftRight(value, by, unsigned);

  // A right shift by k is one by k - 1, which is NOT the count, and one by 1, for which the bit to round by is still there.
  const allButOne = l.not(counts);
  const beyond = l.greater(allButOne, l.constant(l.bits - 1), false);
  const filled = unsigned ? l.zero() : l.signs(n);
  const nearly = l.select(beyond, filled, shiftEach(l, n, allButOne, right));
  const toRight = rounding ? l.halveRounded(nearly, unsigned) : l.shiftRight(nearly, 1, unsigned);

  const inRange = l.greater(l.constant(l.bits), counts, false);
  const toLeft = l.and(
    inRange,
    shiftEach(l, n, counts, (value, by) => l.shiftLeft(value, by)),
  );
  if (!saturating) return l.select(rightwards, toRight, toLeft);

  const back = shiftEach(l, toLeft, counts, right);
  const lost = l.andNot(l.different(back, n), rightwards);
  const saturated = unsigned ? l.or(toLeft, lost) : l.select(lost, l.limit(n), toLeft);
  return { value: l.select(rightwards, toRight, saturated), lost };
};
