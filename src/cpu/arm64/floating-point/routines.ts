import type { MachineMemory } from '../../machine-memory.ts';
import * as arithmetic from './arithmetic.ts';
import * as comparison from './compare.ts';
import { control, type Rounding } from './control.ts';
import { roundToIntegral } from './convert.ts';
import * as estimation from './estimate.ts';
import { double, type Format, Operand, single } from './format.ts';
import { CELL, defineExact, loadLane, storeLane } from './lanes.ts';
import * as quick from './quick.ts';

/** The exact path of arithmetic and comparisons, on one to four lanes. Parameters: the format, and what a routine adds. */

export const DOUBLE = 1;
const REST_SHIFT = 1;

const first = new Operand();
const second = new Operand();
const third = new Operand();

/** Calls `each` for all lanes, with the address of the lane in cell 0. */
const defineLanes = (each: (memory: MachineMemory, format: Format, at: number, parameter: number) => void): number =>
  defineExact((memory, cells, lanes, parameter) => {
    const format = (parameter & DOUBLE) !== 0 ? double : single;
    const end = cells + lanes * format.bytes;
    for (let at = cells; at < end; at += format.bytes) each(memory, format, at, parameter >>> REST_SHIFT);
  });

const lanes1 = (operation: (format: Format, a: Operand, parameter: number) => void): number =>
  defineLanes((memory, format, at, parameter) => {
    loadLane(memory, first, format, at + CELL);
    operation(format, first, parameter);
    storeLane(memory, format, at);
  });

const readNumber = (memory: MachineMemory, isDouble: boolean, at: number): number =>
  (isDouble ? memory.f64[at >>> 3] : memory.f32[at >>> 2]) as number;

const writeNumber = (memory: MachineMemory, isDouble: boolean, at: number, value: number): void => {
  if (isDouble) memory.f64[at >>> 3] = value;
  else memory.f32[at >>> 2] = value;
};

const lanes2 = (
  operation: (format: Format, a: Operand, b: Operand) => void,
  host: quick.HostOperation | null = null,
): number =>
  defineLanes((memory, format, at) => {
    if (host !== null && quick.isQuick()) {
      const isDouble = format === double;
      const a = readNumber(memory, isDouble, at + CELL);
      const value = quick.quick2(host, a, readNumber(memory, isDouble, at + 2 * CELL), isDouble);
      if (!Number.isNaN(value)) {
        writeNumber(memory, isDouble, at, value);
        return;
      }
    }
    loadLane(memory, first, format, at + CELL);
    loadLane(memory, second, format, at + 2 * CELL);
    operation(format, first, second);
    storeLane(memory, format, at);
  });

const multiplyAdd = defineLanes((memory, format, at) => {
  if (quick.isQuick()) {
    const isDouble = format === double;
    const addend = readNumber(memory, isDouble, at + CELL);
    const a = readNumber(memory, isDouble, at + 2 * CELL);
    const b = readNumber(memory, isDouble, at + 3 * CELL);
    const value = quick.quickMultiplyAdd(addend, a, b, isDouble);
    if (!Number.isNaN(value)) {
      writeNumber(memory, isDouble, at, value);
      return;
    }
  }
  loadLane(memory, first, format, at + CELL);
  loadLane(memory, second, format, at + 2 * CELL);
  loadLane(memory, third, format, at + 3 * CELL);
  arithmetic.multiplyAdd(format, first, second, third);
  storeLane(memory, format, at);
});

/** Stands for FPCR's rounding mode where a parameter names a mode. */
export const CURRENT_ROUNDING = 7;
/** In a parameter: where the rounding mode lies, of three bits. */
const ROUNDING_MASK = 7;
/** In `roundToIntegral`'s parameter beside the rounding mode: a change raises the inexact flag. */
const RAISES_INEXACT = 8;

/** The rounding mode that a parameter names. */
export const roundingOf = (parameter: number): Rounding => {
  const mode = parameter & ROUNDING_MASK;
  return mode === CURRENT_ROUNDING ? control.rounding : (mode as Rounding);
};

/** The part of a parameter that comes after the format. */
const rest = (parameter: number): number => parameter << REST_SHIFT;

/** Added to the format for `roundToIntegral`: a mode, or CURRENT_ROUNDING. */
export const roundingParameter = (rounding: number, raisesInexact: boolean): number =>
  rest(rounding | (raisesInexact ? RAISES_INEXACT : 0));
/** Added to the format for `compare`: quiet NaNs are invalid operands too. */
export const QUIET_INVALID = rest(1);

/** Routines by what they do to each lane. The multiply-adds take the addend first. */
export const Exact = {
  add: lanes2(arithmetic.add, quick.hostAdd),
  subtract: lanes2(arithmetic.subtract, quick.hostSubtract),
  absoluteDifference: lanes2(arithmetic.absoluteDifference),
  multiply: lanes2(arithmetic.multiply, quick.hostMultiply),
  multiplyExtended: lanes2(arithmetic.multiplyExtended, quick.hostMultiply),
  divide: lanes2(arithmetic.divide, quick.hostDivide),
  squareRoot: lanes1(arithmetic.squareRoot),
  multiplyAdd,
  maximum: lanes2(comparison.maximum, quick.hostMaximum),
  minimum: lanes2(comparison.minimum, quick.hostMinimum),
  maximumNumber: lanes2(comparison.maximumNumber, quick.hostMaximum),
  minimumNumber: lanes2(comparison.minimumNumber, quick.hostMinimum),
  compareEqual: lanes2(comparison.compareEqual),
  compareGreaterEqual: lanes2(comparison.compareGreaterEqual),
  compareGreater: lanes2(comparison.compareGreater),
  reciprocalEstimate: lanes1(estimation.reciprocalEstimate),
  reciprocalExponent: lanes1(estimation.reciprocalExponent),
  reciprocalStep: lanes2(estimation.reciprocalStep),
  inverseRootEstimate: lanes1(estimation.inverseRootEstimate),
  inverseRootStep: lanes2(estimation.inverseRootStep),
  /** Its parameter: `roundingParameter`. */
  roundToIntegral: lanes1((format, a, parameter) => {
    roundToIntegral(format, a, roundingOf(parameter), (parameter & RAISES_INEXACT) !== 0);
  }),
  /** The result is an Order (i32). The parameter may be QUIET_INVALID. */
  compare: defineLanes((memory, format, at, parameter) => {
    loadLane(memory, first, format, at + CELL);
    loadLane(memory, second, format, at + 2 * CELL);
    memory.i32[at >>> 2] = comparison.compare(first, second, parameter !== 0);
  }),
} as const;
