import { Worker } from 'node:worker_threads';
import { type FuzzOptions, type FuzzOutcome, toHex } from './engine.ts';
import type { FoundTarget } from './targets.ts';
import { CURRENT_HEADER, type FuzzWork } from './work.ts';

/** Fuzzes a target in a thread and watches that it goes on. */

/** The longest an input may take, in milliseconds. */
const HANG = 20_000;
const INTERVAL = 500;
/** Seeds may be longer than what the mutator makes. */
const ROOM = 1 << 22;

/** Runs one target; `onProgress` hears now and then how many inputs were tried. */
export const fuzzWatched = async (
  { file, target }: FoundTarget,
  { seed, runs, milliseconds }: FuzzOptions,
  onProgress: (runs: number) => void,
): Promise<FuzzOutcome> => {
  const current = new SharedArrayBuffer(CURRENT_HEADER + ROOM);
  const header = new Int32Array(current, 0, 2);
  const workerData: FuzzWork = { file, seed, runs, milliseconds, current };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData });
  let timer: NodeJS.Timeout | undefined;
  /** The input under way as a finding. */
  const blame = (error: string): FuzzOutcome => {
    const run = Atomics.load(header, 0);
    const input = toHex(new Uint8Array(current, CURRENT_HEADER, Atomics.load(header, 1)));
    return { runs: run + 1, finding: { target: target.name, seed, run, error, input } };
  };
  try {
    return await new Promise<FuzzOutcome>((resolve) => {
      let seen = -1;
      let since = performance.now();
      timer = setInterval(() => {
        const run = Atomics.load(header, 0);
        const now = performance.now();
        if (run !== seen) {
          seen = run;
          since = now;
          onProgress(run);
        } else if (now - since > HANG) {
          resolve(blame(`no end after ${HANG / 1000} s`));
        }
      }, INTERVAL);
      worker.on('message', resolve);
      worker.on('error', (error) => resolve(blame(`the thread died: ${error.stack ?? error.message}`)));
      worker.on('exit', (status) => resolve(blame(`the thread ended with status ${status}`)));
    });
  } finally {
    clearInterval(timer);
    await worker.terminate();
  }
};
