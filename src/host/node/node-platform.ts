import { setFlagsFromString } from 'node:v8';
import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  type TransferListItem,
  Worker,
} from 'node:worker_threads';
import type { TranslationStatistics } from '../../cpu/region-translator.ts';
import type { HostThread, PhysicalCpuOptions, Platform } from '../host.ts';
import type { SharedMachine } from '../machine.ts';
import type { ThreadStatistics } from '../thread-statistics.ts';
import { nodeClock } from './node-clock.ts';

/** Node's threads and clock. */

/** What the worker of a physical CPU is given. */
export interface PhysicalCpuWork {
  readonly shared: SharedMachine;
  readonly record: number;
  readonly options: PhysicalCpuOptions;
  /** Where batches of regions come from; null if there is no translator. */
  readonly regions: MessagePort | null;
}

/** What the translator's worker is given. */
export interface TranslatorWork {
  readonly shared: SharedMachine;
  readonly options: PhysicalCpuOptions;
  /** Where batches of regions go to: one for each physical CPU. */
  readonly regions: readonly MessagePort[];
}

/** A thread that loads its program and then waits for work; until it has some, it keeps no process from ending. */
const startWorker = (program: string, resourceLimits: ResourceLimits = {}): Worker => {
  const worker = new Worker(new URL(program, import.meta.url), { resourceLimits });
  worker.unref();
  return worker;
};

const giveWork = <S>(
  worker: Worker,
  name: string,
  work: PhysicalCpuWork | TranslatorWork,
  transferred: readonly TransferListItem[],
): HostThread<S> => {
  worker.ref();
  const ended = new Promise<S>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', (error) =>
      reject(new Error(`the thread of ${name} failed: ${error.message}`, { cause: error })),
    );
    worker.once('exit', (code) => reject(new Error(`the thread of ${name} ended with status ${code}`)));
  });
  // Whoever waits for the end hears of a failure; nobody has to wait.
  ended.catch(() => {});
  worker.postMessage(work, transferred);
  return { ended };
};

const startPhysicalCpu = (): Worker => startWorker('./physical-cpu-worker.ts');

// What it makes is soon garbage: more room for it would only be more memory.
const startTranslator = (): Worker => startWorker('./translator-worker.ts', { maxYoungGenerationSizeMb: 4 });

const giveTranslatorWork = (
  worker: Worker,
  shared: SharedMachine,
  options: PhysicalCpuOptions,
  channels: readonly (MessageChannel | null)[],
): HostThread<TranslationStatistics> => {
  const regions = channels.flatMap((channel) => channel?.port2 ?? []);
  return giveWork(worker, 'the translator', { shared, options, regions }, regions);
};

/**
 * The platform of this process. Threads take a while to start: as many as `threads` says are started at once, for the first host's
 * physical CPUs, and if `translator` says so its translator.
 */
export const nodePlatform = (threads = 0, translator = false): Platform => {
  // Cold paths out of line: on by default from Node 26 on.
  setFlagsFromString('--experimental-wasm-branch-hinting');
  // V8 optimises a function when it has run this many bytes of its code. Regions are large: its default makes most of those that
  // run for a moment cost more than they can save (docs/translation.md).
  setFlagsFromString('--wasm-tiering-budget=150000000');
  const waiting = Array.from({ length: threads }, startPhysicalCpu);
  let waitingTranslator = translator ? startTranslator() : null;
  return {
    clock: nodeClock(),
    start: (shared, records, { translator, ...options }) => {
      const channels = records.map(() => (translator ? new MessageChannel() : null));
      const physicalCpus = records.map((record, index) => {
        const regions = channels[index]?.port1 ?? null;
        // Disturbances are different ones on each.
        const own =
          options.disturbance === undefined ? options : { ...options, disturbance: options.disturbance + index };
        const work: PhysicalCpuWork = { shared, record, options: own, regions };
        return giveWork<ThreadStatistics>(
          waiting.pop() ?? startPhysicalCpu(),
          `physical CPU ${index}`,
          work,
          regions === null ? [] : [regions],
        );
      });
      if (!translator) return { physicalCpus, translator: null };
      const worker = waitingTranslator ?? startTranslator();
      waitingTranslator = null;
      return { physicalCpus, translator: giveTranslatorWork(worker, shared, options, channels) };
    },
  };
};
