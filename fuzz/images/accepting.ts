import { ImageError } from '../../src/images/errors.ts';
import type { FuzzTarget } from '../target.ts';

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
