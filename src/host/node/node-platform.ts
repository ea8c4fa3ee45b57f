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

const startPhysicalCpu = (shared: SharedMachine, record: number, options: PhysicalCpuOptions): PhysicalCpuThread => {
  const work: PhysicalCpuWork = { shared, record, options };
  const worker = new Worker(new URL('./physical-cpu-worker.ts', import.meta.url), { workerData: work });
  const ended = new Promise<ThreadStatistics>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread of a physical CPU ended with status ${code}`)));
  });
  // Whoever waits for the end hears of a failure; nobody has to wait.
  ended.catch(() => {});
  return { ended };
};

/** The platform of this process. */
export const nodePlatform = (): Platform => {
  // Cold paths out of line: on by default from Node 26 on.
  setFlagsFromString('--experimental-wasm-branch-hinting');
  return { clock: nodeClock(), startPhysicalCpu };
};
