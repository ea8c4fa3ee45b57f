import { Mutator } from './mutator.ts';
import type { FuzzTarget } from './target.ts';

/** Feeds a target with damaged seeds until it fails, or enough was tried. */

export interface FuzzOptions {
  /** The same seed gives the same inputs. */
  readonly seed: number;
  /** Inputs to try; the seeds themselves come first and count. */
  readonly runs: number;
  /** Milliseconds after which no further input is tried. */
  readonly milliseconds: number;
  /** Called before each input is run, which may never return. */
  readonly onInput?: (input: Uint8Array, run: number) => void;
}

export interface Finding {
  readonly target: string;
  readonly seed: number;
  /** Which input of this seed it was, from 0. */
  readonly run: number;
  readonly error: string;
  /** The input in hexadecimal. */
  readonly input: string;
}

export interface FuzzOutcome {
  readonly runs: number;
  readonly finding: Finding | null;
}

/** What a target threw, with where. */
export const describeError = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error);

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Tries inputs in a fixed order that depends on the seed alone; ends at the first that makes the target throw. */
export const fuzz = (target: FuzzTarget, { seed, runs, milliseconds, onInput }: FuzzOptions): FuzzOutcome => {
  const mutator = new Mutator(target.seeds, seed);
  const end = performance.now() + milliseconds;
  let run = 0;
  for (; run < runs && performance.now() < end; run++) {
    const input = target.seeds[run] ?? mutator.next();
    // The target may change its input: what is reported is what it was given.
    const given = input.slice();
    onInput?.(given, run);
    try {
      target.run(given);
    } catch (error) {
      return {
        runs: run + 1,
        finding: { target: target.name, seed, run, error: describeError(error), input: toHex(input) },
      };
    }
  }
  return { runs: run, finding: null };
};
