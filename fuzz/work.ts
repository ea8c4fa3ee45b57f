/** What a fuzzing thread is told, and the memory in which it says what it is doing. */

export interface FuzzWork {
  /** The module that exports the target. */
  readonly file: string;
  readonly seed: number;
  readonly runs: number;
  readonly milliseconds: number;
  /** Number of the input under way (i32), its length (i32), its bytes. */
  readonly current: SharedArrayBuffer;
}

export const CURRENT_HEADER = 8;
