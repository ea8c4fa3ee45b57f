import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { PhysicalCpuOptions, PhysicalCpuThread, Platform } from '../host.ts';
import type { SharedMachine } from '../machine.ts';
import type { ThreadStatistics } from '../thread-statistics.ts';
import { nodeClock } from './node-clock.ts';

/** Node's threads and clock. */

/** What a worker is given. */
export interface PhysicalCpuWork {
  readonly shared: SharedMachine;
  readonly record: number;
  readonly options: PhysicalCpuOptions;
}

/** A thread that loads its program and then waits for work; until it has some, it keeps no process from ending. */
const startWorker = (): Worker => {
  const worker = new Worker(new URL('./physical-cpu-worker.ts', import.meta.url));
  worker.unref();
  return worker;
};

const giveWork = (worker: Worker, work: PhysicalCpuWork): PhysicalCpuThread => {
  worker.ref();
  const ended = new Promise<ThreadStatistics>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread of a physical CPU ended with status ${code}`)));
  });
  // Whoever waits for the end hears of a failure; nobody has to wait.
  ended.catch(() => {});
  worker.postMessage(work);
  return { ended };
};

/**
 * The platform of this process. Threads take a while to start: as many as `threads` says are started at once, for the first
 * physical CPUs.
 */
export const nodePlatform = (threads = 0): Platform => {
  // Cold paths out of line: on by default from Node 26 on.
  setFlagsFromString('--experimental-wasm-branch-hinting');
  const waiting = Array.from({ length: threads }, startWorker);
  return {
    clock: nodeClock(),
    startPhysicalCpu: (shared, record, options) =>
      giveWork(waiting.pop() ?? startWorker(), { shared, record, options }),
  };
};
