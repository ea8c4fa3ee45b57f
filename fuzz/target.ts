/** Something to be fed with arbitrary bytes: `run` returns, or throws only if there is a bug. */
export interface FuzzTarget {
  readonly name: string;
  readonly seeds: Uint8Array[];
  run(input: Uint8Array): void;
}
