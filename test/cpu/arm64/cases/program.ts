import type { Image } from './image.ts';
import type { Override } from './initial-state.ts';

/** A few instructions in a slot of the code pages (layout.ts). */
export interface Program {
  readonly slot: number;
  readonly words: readonly number[];
}

/** How to make a run's initial state. */
export interface Input {
  readonly seed: number;
  readonly overrides: readonly Override[];
}

/** A program run once from an initial state. */
export interface Run {
  readonly program: Program;
  readonly initial: Image;
}

/** Programs in slots of their own, at most `SLOTS`, and what to run of them. */
export interface Batch {
  readonly programs: readonly Program[];
  readonly runs: readonly Run[];
}
