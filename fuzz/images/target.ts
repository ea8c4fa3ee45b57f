import { ImageError } from '../../src/images/errors.ts';

/** Something to be fed with arbitrary bytes: `run` returns, or throws only if there is a bug. */
export interface FuzzTarget {
  readonly name: string;
  readonly seeds: Uint8Array[];
  run(input: Uint8Array): void;
}

/** The parsers may refuse their input, but only with the layer's own error. */
export function accepting(parse: (input: Uint8Array) => unknown): FuzzTarget['run'] {
  return (input) => {
    try {
      parse(input);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
    }
  };
}
