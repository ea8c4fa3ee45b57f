import type { MachineMemory } from './machine-memory.ts';

/**
 * Engine calls: what descriptions leave to TypeScript because it is too rare or too long to be translated code. A routine
 * finds its inputs in the record's scratch cells and leaves its results there.
 */

/** What every architecture's run-time object offers. */
export interface Runtime {
  readonly memory: MachineMemory;
}

/** Returned by a routine. */
export const Status = {
  done: 0,
  /** The PENDING fields hold an exception; the instruction ends with it. */
  exception: 1,
} as const;

/** `state` is the byte address of the vCPU's record in machine memory. */
export type Routine<R extends Runtime = Runtime> = (runtime: R, state: number) => number;

const routines: Routine[] = [];

/** Registers a routine; the number is what a description passes to `call`. Every thread registers the same in the same order. */
export const defineRoutine = <R extends Runtime>(routine: Routine<R>): number => {
  routines.push(routine as Routine);
  return routines.length - 1;
};

export const routineTable = (): readonly Routine[] => routines;
