import type { MachineMemory } from '../../machine-memory.ts';
import { defineRoutine, Status } from '../../runtime.ts';
import { SCRATCH } from '../../state.ts';
import { enterExact, leaveExact } from './control.ts';
import {
  double,
  type Format,
  half,
  type Operand,
  result,
  single,
  unpackDouble,
  unpackHalf,
  unpackSingle,
} from './format.ts';

/**
 * How routines of the exact path pass lanes: cell 0 has an arrangement (i32), the next cells the operands; the result comes back
 * in cell 0, zero beyond its lanes.
 */

/** Bytes of a scratch cell. */
export const CELL = 16;

const LANES_MASK = 7;
const PARAMETER_SHIFT = 3;

/** The number of lanes (1 to 4), and a number from 0 to 2^28 - 1 that further describes the operation. */
export const arrangementOf = (lanes: number, parameter: number): number => lanes | (parameter << PARAMETER_SHIFT);

/** Takes apart the operand at a machine address. */
export const loadLane = (memory: MachineMemory, operand: Operand, format: Format, address: number): void => {
  const { i32 } = memory;
  const at = address >>> 2;
  if (format === double) {
    unpackDouble(operand, i32[at] as number, i32[at + 1] as number, memory.f64[at >>> 1] as number);
  } else if (format === single) unpackSingle(operand, i32[at] as number, memory.f32[at] as number);
  else unpackHalf(operand, memory.u16[address >>> 1] as number);
};

/** Stores `result` at a machine address. */
export const storeLane = (memory: MachineMemory, format: Format, address: number): void => {
  if (format === half) memory.u16[address >>> 1] = result.lo;
  else memory.i32[address >>> 2] = result.lo;
  if (format === double) memory.i32[(address >>> 2) + 1] = result.hi;
};

/**
 * Defines a routine that works under FPCR and may raise flags of FPSR. `body` gets the machine address of cell 0, cleared, and
 * what the arrangement in it said.
 */
export const defineExact = (
  body: (memory: MachineMemory, cells: number, lanes: number, parameter: number) => void,
): number =>
  defineRoutine(({ memory }, state) => {
    const cells = state + SCRATCH;
    const { i32 } = memory;
    const at = cells >>> 2;
    const arrangement = i32[at] as number;
    i32[at] = 0;
    i32[at + 1] = 0;
    i32[at + 2] = 0;
    i32[at + 3] = 0;
    enterExact(memory, state);
    body(memory, cells, arrangement & LANES_MASK, arrangement >>> PARAMETER_SHIFT);
    leaveExact(memory, state);
    return Status.done;
  });
