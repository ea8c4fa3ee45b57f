import { defineRoutine, Status } from '../../runtime.ts';
import { SCRATCH } from '../../state.ts';
import { control, Rounding } from './control.ts';
import { convertFormat, fromFixed, toFixed } from './convert.ts';
import { unsignedInverseRootEstimate, unsignedReciprocalEstimate } from './estimate.ts';
import { double, type Format, half, Operand, single } from './format.ts';
import { CELL, defineExact, loadLane, storeLane } from './lanes.ts';
import { roundingOf } from './routines.ts';

/** The exact path of conversions, on one to four lanes. */

const operand = new Operand();

/** Of an integer conversion: the floating-point format, the integer's type, the rounding mode for conversions to integers. */
export interface IntegerConversion {
  readonly isDouble: boolean;
  readonly isSigned: boolean;
  /** 64 bits, else 32. */
  readonly isLong: boolean;
  /** A mode, or CURRENT_ROUNDING. */
  readonly rounding: number;
}

const SIGNED = 8;
const LONG = 16;
const FROM_DOUBLE = 32;

/** An integer conversion as the parameter of its routine. */
export const integerConversion = ({ isDouble, isSigned, isLong, rounding }: IntegerConversion): number =>
  rounding | (isSigned ? SIGNED : 0) | (isLong ? LONG : 0) | (isDouble ? FROM_DOUBLE : 0);

const FORMATS: readonly Format[] = [half, single, double];
const TO_ODD = 16;

/** A conversion between formats as the parameter of its routine; to odd, or as FPCR says. */
export const formatConversion = (from: Format, to: Format, toOdd: boolean): number =>
  FORMATS.indexOf(from) | (FORMATS.indexOf(to) << 2) | (toOdd ? TO_ODD : 0);

/** An operation on the four words of cell 1, in which no flags can arise. */
const defineWords = (operation: (bits: number) => number): number =>
  defineRoutine(({ memory }, state) => {
    const at = (state + SCRATCH) >>> 2;
    for (let i = at; i < at + 4; i++) memory.i32[i] = operation(memory.i32[i + 4] as number);
    return Status.done;
  });

export const Convert = {
  /** The parameter is an `integerConversion`; cell 2 has the number of fraction bits (i32). */
  toInteger: defineExact((memory, cells, lanes, parameter) => {
    const fractionBits = memory.i32[(cells + 2 * CELL) >>> 2] as number;
    const format = (parameter & FROM_DOUBLE) !== 0 ? double : single;
    const integers = (parameter & LONG) !== 0 ? double : single;
    const isSigned = (parameter & SIGNED) !== 0;
    for (let lane = 0; lane < lanes; lane++) {
      loadLane(memory, operand, format, cells + CELL + lane * format.bytes);
      toFixed(operand, integers.bytes * 8, isSigned, fractionBits, roundingOf(parameter));
      storeLane(memory, integers, cells + lane * integers.bytes);
    }
  }),
  /** As `toInteger`, the other way. */
  fromInteger: defineExact((memory, cells, lanes, parameter) => {
    const { i32 } = memory;
    const fractionBits = i32[(cells + 2 * CELL) >>> 2] as number;
    const format = (parameter & FROM_DOUBLE) !== 0 ? double : single;
    const isLong = (parameter & LONG) !== 0;
    const isSigned = (parameter & SIGNED) !== 0;
    for (let lane = 0; lane < lanes; lane++) {
      const at = (cells + CELL + lane * (isLong ? 8 : 4)) >>> 2;
      const lo = i32[at] as number;
      const hi = isLong ? (i32[at + 1] as number) : isSigned ? lo >> 31 : 0;
      fromFixed(format, lo, hi, isSigned, fractionBits);
      storeLane(memory, format, cells + lane * format.bytes);
    }
  }),
  /** The parameter is a `formatConversion`. */
  format: defineExact((memory, cells, lanes, parameter) => {
    const from = FORMATS[parameter & 3] as Format;
    const to = FORMATS[(parameter >>> 2) & 3] as Format;
    const rounding = (parameter & TO_ODD) !== 0 ? Rounding.odd : control.rounding;
    for (let lane = 0; lane < lanes; lane++) {
      loadLane(memory, operand, from, cells + CELL + lane * from.bytes);
      convertFormat(to, from, operand, rounding);
      storeLane(memory, to, cells + lane * to.bytes);
    }
  }),
  /** On the words of cell 1. */
  unsignedReciprocalEstimate: defineWords(unsignedReciprocalEstimate),
  unsignedInverseRootEstimate: defineWords(unsignedInverseRootEstimate),
} as const;
