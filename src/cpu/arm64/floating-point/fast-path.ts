import type { Builder } from '../../ir/builder.ts';
import type { I32 } from '../../ir/value.ts';
import { FP_EXACT, FPCR } from '../state.ts';
import { Rounding } from './control.ts';
import type { FloatShape, FloatValue } from './float-shape.ts';
import { CURRENT_ROUNDING, Exact, roundingParameter } from './routines.ts';

/**
 * Operations as translated code: the host's own arithmetic, whose result stands if it shows that no flag but the inexact one
 * can be due and that one is set already (or cannot be due either); else the exact path.
 */

/** The host's result if the condition holds. */
export const accept = (
  o: Builder,
  shape: FloatShape,
  condition: I32,
  value: FloatValue,
  otherwise: () => FloatValue,
): FloatValue => o.ifElse(condition, shape.type, () => value, otherwise);

export type Binary = (o: Builder, shape: FloatShape, a: FloatValue, b: FloatValue) => FloatValue;
export type Unary = (o: Builder, shape: FloatShape, a: FloatValue) => FloatValue;

/** Sums that are tiny are exact, so that only overflow and NaNs need the exact path. */
const sum =
  (operation: 'add' | 'sub', routine: number): Binary =>
  (o, shape, a, b) => {
    const value = o.now(shape.binary(o, operation, a, b));
    return accept(o, shape, shape.finiteGuarded(o, value, FP_EXACT), value, () => shape.exact(o, routine, [a, b]));
  };

export const add = sum('add', Exact.add);
export const subtract = sum('sub', Exact.subtract);

export const absoluteDifference: Binary = (o, shape, a, b) => {
  const value = o.now(shape.unary(o, 'abs', shape.binary(o, 'sub', a, b)));
  const otherwise = (): FloatValue => shape.exact(o, Exact.absoluteDifference, [a, b]);
  return accept(o, shape, shape.finiteGuarded(o, value, FP_EXACT), value, otherwise);
};

/** Normal results stand, and finite ones for which one of `operands` is zero. */
const acceptNormal = (
  o: Builder,
  shape: FloatShape,
  value: FloatValue,
  operands: readonly FloatValue[],
  otherwise: () => FloatValue,
): FloatValue =>
  accept(o, shape, shape.normalGuarded(o, value, FP_EXACT), value, () =>
    accept(o, shape, shape.exactZeroGuarded(o, value, operands, FP_EXACT), value, otherwise),
  );

const product =
  (routine: number): Binary =>
  (o, shape, a, b) => {
    const value = o.now(shape.binary(o, 'mul', a, b));
    return acceptNormal(o, shape, value, [a, b], () => shape.exact(o, routine, [a, b]));
  };

export const multiply = product(Exact.multiply);
export const multiplyExtended = product(Exact.multiplyExtended);

/** -(a * b), a NaN negated too. */
export const multiplyNegated: Binary = (o, shape, a, b) => shape.unary(o, 'neg', multiply(o, shape, a, b));

export const divide: Binary = (o, shape, a, b) => {
  const value = o.now(shape.binary(o, 'div', a, b));
  return acceptNormal(o, shape, value, [a], () => shape.exact(o, Exact.divide, [a, b]));
};

export const squareRoot: Unary = (o, shape, a) => {
  const value = o.now(shape.unary(o, 'sqrt', a));
  const otherwise = (): FloatValue => shape.exact(o, Exact.squareRoot, [a]);
  return accept(o, shape, shape.finiteGuarded(o, value, FP_EXACT), value, otherwise);
};

/** Wasm's min and max have Arm's order of zeros, and a NaN for NaN operands. They never round. */
const extreme =
  (operation: 'min' | 'max', routine: number): Binary =>
  (o, shape, a, b) => {
    const value = o.now(shape.binary(o, operation, a, b));
    return accept(o, shape, shape.numberGuarded(o, value, FPCR), value, () => shape.exact(o, routine, [a, b]));
  };

export const maximum = extreme('max', Exact.maximum);
export const minimum = extreme('min', Exact.minimum);
export const maximumNumber = extreme('max', Exact.maximumNumber);
export const minimumNumber = extreme('min', Exact.minimumNumber);

export const absolute: Unary = (o, shape, a) => shape.unary(o, 'abs', a);
export const negated: Unary = (o, shape, a) => shape.unary(o, 'neg', a);

/** Operations that have no fast path. */
export const exactUnary =
  (routine: number): Unary =>
  (o, shape, a) =>
    shape.exact(o, routine, [a]);

// Rounding to an integer

/** How the conversions to an integer round. */
export type IntegerRounding = 'nearest' | 'ceil' | 'floor' | 'trunc' | 'away';

/** The same for the exact path. */
export const roundingNumber: Readonly<Record<IntegerRounding, Rounding>> = {
  nearest: Rounding.nearestEven,
  ceil: Rounding.up,
  floor: Rounding.down,
  trunc: Rounding.zero,
  away: Rounding.nearestAway,
};

/** To nearest, ties away from zero. */
const roundAway: Unary = (o, shape, a) => {
  // Half is not added to the magnitude itself: what is just below half would become one.
  const magnitude = shape.unary(o, 'abs', a);
  const whole = shape.unary(o, 'trunc', magnitude);
  const part = shape.binary(o, 'sub', magnitude, whole);
  const step = shape.unary(o, 'trunc', shape.binary(o, 'add', part, part));
  return shape.withSign(o, shape.binary(o, 'add', whole, step), a);
};

/** A number rounded to an integer, as the host has it: right for all numbers but NaNs. */
export const hostRound = (o: Builder, shape: FloatShape, rounding: IntegerRounding, a: FloatValue): FloatValue =>
  rounding === 'away' ? roundAway(o, shape, a) : shape.unary(o, rounding, a);

/** FRINTN, FRINTP, FRINTM, FRINTZ, FRINTA. */
export const roundToIntegral =
  (rounding: IntegerRounding): Unary =>
  (o, shape, a) => {
    const value = o.now(hostRound(o, shape, rounding, a));
    return accept(o, shape, shape.numberGuarded(o, value, FPCR), value, () =>
      shape.exact(o, Exact.roundToIntegral, [a], roundingParameter(roundingNumber[rounding], false)),
    );
  };

/** FRINTI, and FRINTX, which raises the inexact flag. */
const roundAsControlled =
  (raisesInexact: boolean): Unary =>
  (o, shape, a) => {
    const value = o.now(shape.unary(o, 'nearest', a));
    const condition = shape.numberGuarded(o, value, raisesInexact ? FP_EXACT : FPCR);
    return accept(o, shape, condition, value, () =>
      shape.exact(o, Exact.roundToIntegral, [a], roundingParameter(CURRENT_ROUNDING, raisesInexact)),
    );
  };

export const roundToIntegralCurrent = roundAsControlled(false);
export const roundToIntegralExact = roundAsControlled(true);
