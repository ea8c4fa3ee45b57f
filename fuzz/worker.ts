import { parentPort, workerData } from 'node:worker_threads';
import { fuzz } from './engine.ts';
import type { FuzzTarget } from './target.ts';
import { CURRENT_HEADER, type FuzzWork } from './work.ts';

/** A thread that fuzzes one target, so that an input which never ends can be told from outside. */

const { file, seed, runs, milliseconds, current } = workerData as FuzzWork;
const { target } = (await import(file)) as { target: FuzzTarget };
const header = new Int32Array(current, 0, 2);
const bytes = new Uint8Array(current, CURRENT_HEADER);

const outcome = fuzz(target, {
  seed,
  runs,
  milliseconds,
  onInput: (input, run) => {
    bytes.set(input);
    Atomics.store(header, 1, input.length);
    Atomics.store(header, 0, run);
  },
});
parentPort?.postMessage(outcome);
