import type { MachineMemory } from '../../machine-memory.ts';
import { defineRoutine, Status } from '../../runtime.ts';
import { SCRATCH } from '../../state.ts';
import * as arithmetic from './arithmetic.ts';
import * as comparison from './compare.ts';
import { control, enterExact, leaveExact, Rounding } from './control.ts';
import * as conversion from './convert.ts';
import * as estimation from './estimate.ts';
import { double, type Format, half, isNan, Operand, result, single, unpack } from './format.ts';

/**
 * The exact path: engine calls for floating-point operations on one to four lanes. Cell 0 has an arrangement (i32), the next
 * cells the operands; the result comes back in cell 0, zero beyond its lanes.
 */

/** Words in a scratch cell. */
const CELL = 4;

const LANES_MASK = 7;
const DOUBLE = 8;
const PARAMETER_SHIFT = 4;

/** How operands are laid out, and a number from 0 to 2^27 - 1 that further describes the operation. */
export const arrangementOf = (isDouble: boolean, lanes: number, parameter = 0): number =>
  lanes | (isDouble ? DOUBLE : 0) | (parameter << PARAMETER_SHIFT);

const formatOf = (arrangement: number): Format => ((arrangement & DOUBLE) !== 0 ? double : single);

const first = new Operand();
const second = new Operand();
const third = new Operand();

/** Takes apart the operand that begins at an index of memory.i32. */
const load = (memory: MachineMemory, operand: Operand, format: Format, at: number): void => {
  unpack(operand, format, memory.i32[at] as number, format === double ? (memory.i32[at + 1] as number) : 0);
};

const store = (memory: MachineMemory, format: Format, at: number): void => {
  memory.i32[at] = result.lo;
  if (format === double) memory.i32[at + 1] = result.hi;
};

/** Calls `each` for all lanes, with the index of the lane's first word in cell 0. */
const defineLanes = (
  each: (memory: MachineMemory, format: Format, at: number, parameter: number) => void,
): number =>
  defineRoutine(({ memory }, state) => {
    const cell = (state + SCRATCH) >>> 2;
    const arrangement = memory.i32[cell] as number;
    const format = formatOf(arrangement);
    const step = format === double ? 2 : 1;
    memory.i32.fill(0, cell, cell + CELL);
    enterExact(memory, state);
    const end = cell + (arrangement & LANES_MASK) * step;
    for (let at = cell; at < end; at += step) each(memory, format, at, arrangement >>> PARAMETER_SHIFT);
    leaveExact(memory, state);
    return Status.done;
  });

const lanes1 = (operation: (format: Format, a: Operand, parameter: number) => void): number =>
  defineLanes((memory, format, at, parameter) => {
    load(memory, first, format, at + CELL);
    operation(format, first, parameter);
    store(memory, format, at);
  });

const lanes2 = (operation: (format: Format, a: Operand, b: Operand) => void): number =>
  defineLanes((memory, format, at) => {
    load(memory, first, format, at + CELL);
    load(memory, second, format, at + 2 * CELL);
    operation(format, first, second);
    store(memory, format, at);
  });

const lanes3 = (operation: (format: Format, addend: Operand, a: Operand, b: Operand) => void): number =>
  defineLanes((memory, format, at) => {
    load(memory, first, format, at + CELL);
    load(memory, second, format, at + 2 * CELL);
    load(memory, third, format, at + 3 * CELL);
    operation(format, first, second, third);
    store(memory, format, at);
  });

/** Stands for FPCR's rounding mode where a parameter names a mode. */
export const CURRENT_ROUNDING = 7;

const roundingOf = (parameter: number): Rounding =>
  (parameter & 7) === CURRENT_ROUNDING ? control.rounding : ((parameter & 7) as Rounding);

/** In a parameter beside the rounding mode: FRINTX, which raises the inexact flag. */
export const RAISES_INEXACT = 8;
/** In a parameter: the integer is signed. */
export const SIGNED_INTEGER = 8;
/** In a parameter: the integer has 64 bits, else 32. */
export const LONG_INTEGER = 16;
/** In a parameter of `compare`: quiet NaNs are invalid operands too. */
export const QUIET_INVALID = 1;

/** Routines on lanes, by what they do to each. The multiply-adds take the addend first. */
export const Exact = {
  add: lanes2(arithmetic.add),
  subtract: lanes2(arithmetic.subtract),
  absoluteDifference: lanes2(arithmetic.absoluteDifference),
  multiply: lanes2(arithmetic.multiply),
  multiplyExtended: lanes2(arithmetic.multiplyExtended),
  divide: lanes2(arithmetic.divide),
  squareRoot: lanes1(arithmetic.squareRoot),
  multiplyAdd: lanes3(arithmetic.multiplyAdd),
  multiplySubtract: lanes3(arithmetic.multiplySubtract),
  maximum: lanes2(comparison.maximum),
  minimum: lanes2(comparison.minimum),
  maximumNumber: lanes2(comparison.maximumNumber),
  minimumNumber: lanes2(comparison.minimumNumber),
  compareEqual: lanes2(comparison.compareEqual),
  compareGreaterEqual: lanes2(comparison.compareGreaterEqual),
  compareGreater: lanes2(comparison.compareGreater),
  compareAbsoluteGreaterEqual: lanes2(comparison.compareAbsoluteGreaterEqual),
  compareAbsoluteGreater: lanes2(comparison.compareAbsoluteGreater),
  reciprocalEstimate: lanes1(estimation.reciprocalEstimate),
  reciprocalExponent: lanes1(estimation.reciprocalExponent),
  reciprocalStep: lanes2(estimation.reciprocalStep),
  inverseRootEstimate: lanes1(estimation.inverseRootEstimate),
  inverseRootStep: lanes2(estimation.inverseRootStep),
  /** The parameter is a rounding mode, and RAISES_INEXACT. */
  roundToIntegral: lanes1((format, a, parameter) => {
    conversion.roundToIntegral(format, a, roundingOf(parameter), (parameter & RAISES_INEXACT) !== 0);
  }),
  /** Compares the lowest lanes; the result is an Order (i32). The parameter may be QUIET_INVALID. */
  compare: defineLanes((memory, format, at, parameter) => {
    load(memory, first, format, at + CELL);
    load(memory, second, format, at + 2 * CELL);
    memory.i32[at] = comparison.compare(first, second, (parameter & QUIET_INVALID) !== 0);
  }),
} as const;

// Integers

const integerBits = (parameter: number): number => ((parameter & LONG_INTEGER) !== 0 ? 64 : 32);

/**
 * Conversion to integers. The arrangement is that of the floating-point lanes, the parameter has the rounding mode,
 * SIGNED_INTEGER and LONG_INTEGER; cell 2 has the number of fraction bits (i32). A scalar may go to an integer of the other
 * width.
 */
const toInteger = defineRoutine(({ memory }, state) => {
  const { i32 } = memory;
  const cell = (state + SCRATCH) >>> 2;
  const arrangement = i32[cell] as number;
  const parameter = arrangement >>> PARAMETER_SHIFT;
  const fractionBits = i32[cell + 2 * CELL] as number;
  const format = formatOf(arrangement);
  const isLong = (parameter & LONG_INTEGER) !== 0;
  const lanes = arrangement & LANES_MASK;
  i32.fill(0, cell, cell + CELL);
  enterExact(memory, state);
  for (let lane = 0; lane < lanes; lane++) {
    load(memory, first, format, cell + CELL + lane * (format === double ? 2 : 1));
    const isSigned = (parameter & SIGNED_INTEGER) !== 0;
    conversion.toFixed(first, integerBits(parameter), isSigned, fractionBits, roundingOf(parameter));
    store(memory, isLong ? double : single, cell + lane * (isLong ? 2 : 1));
  }
  leaveExact(memory, state);
  return Status.done;
});

/** Conversion from integers; as `toInteger`, without a rounding mode. */
const fromInteger = defineRoutine(({ memory }, state) => {
  const { i32 } = memory;
  const cell = (state + SCRATCH) >>> 2;
  const arrangement = i32[cell] as number;
  const parameter = arrangement >>> PARAMETER_SHIFT;
  const fractionBits = i32[cell + 2 * CELL] as number;
  const format = formatOf(arrangement);
  const isLong = (parameter & LONG_INTEGER) !== 0;
  const isSigned = (parameter & SIGNED_INTEGER) !== 0;
  const lanes = arrangement & LANES_MASK;
  i32.fill(0, cell, cell + CELL);
  enterExact(memory, state);
  for (let lane = 0; lane < lanes; lane++) {
    const at = cell + CELL + lane * (isLong ? 2 : 1);
    const lo = i32[at] as number;
    const hi = isLong ? (i32[at + 1] as number) : isSigned ? lo >> 31 : 0;
    conversion.fromFixed(format, lo, hi, isSigned, fractionBits);
    store(memory, format, cell + lane * (format === double ? 2 : 1));
  }
  leaveExact(memory, state);
  return Status.done;
});

// Formats

/** Formats as a parameter of `convertFormat` counts them. */
const formats = [half, single, double] as const;

const readLane = (memory: MachineMemory, format: Format, address: number): void => {
  const { i32, u16 } = memory;
  if (format === half) unpack(first, half, u16[address >>> 1] as number, 0);
  else load(memory, first, format, address >>> 2);
  void i32;
};

/** What `Convert.format` gets as its arrangement. */
export const formatConversion = (
  from: Format['name'],
  to: Format['name'],
  lanes: number,
  toOdd = false,
): number => {
  const code = (name: Format['name']): number => formats.findIndex((format) => format.name === name);
  return lanes | (code(from) << 4) | (code(to) << 6) | (toOdd ? 1 << 8 : 0);
};

const convertFormat = defineRoutine(({ memory }, state) => {
  const address = state + SCRATCH;
  const arrangement = memory.i32[address >>> 2] as number;
  const from = formats[(arrangement >>> 4) & 3] as Format;
  const to = formats[(arrangement >>> 6) & 3] as Format;
  const lanes = arrangement & LANES_MASK;
  memory.u8.fill(0, address, address + 16);
  enterExact(memory, state);
  const rounding = (arrangement & (1 << 8)) !== 0 ? Rounding.odd : control.rounding;
  for (let lane = 0; lane < lanes; lane++) {
    readLane(memory, from, address + 16 + lane * from.bytes);
    conversion.convertFormat(to, from, first, rounding);
    const at = address + lane * to.bytes;
    if (to === half) memory.u16[at >>> 1] = result.lo;
    else store(memory, to, at >>> 2);
  }
  leaveExact(memory, state);
  return Status.done;
});

/** An operation on the four words of cell 1. */
const words4 = (operation: (bits: number) => number): number =>
  defineRoutine(({ memory }, state) => {
    const cell = (state + SCRATCH) >>> 2;
    for (let i = cell; i < cell + CELL; i++) memory.i32[i] = operation(memory.i32[i + CELL] as number);
    return Status.done;
  });

export const Convert = {
  toInteger,
  fromInteger,
  /** The arrangement is a `formatConversion`. */
  format: convertFormat,
  unsignedReciprocalEstimate: words4(estimation.unsignedReciprocalEstimate),
  unsignedInverseRootEstimate: words4(estimation.unsignedInverseRootEstimate),
} as const;
