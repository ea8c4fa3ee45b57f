import { CodeCache } from '../cpu/code-cache.ts';
import { Decoder } from '../cpu/decoder.ts';
import { MachineMemory } from '../cpu/machine-memory.ts';
import { QuietPoint } from '../cpu/quiet-point.ts';
import type { RegionBatch, RegionCompiler } from '../cpu/region-compiler.ts';
import { RegionRequests } from '../cpu/region-requests.ts';
import { noTranslations, RegionTranslator, type TranslationStatistics } from '../cpu/region-translator.ts';
import { Rehearsal } from '../cpu/rehearsal.ts';
import type { Clock } from './clock.ts';
import type { PhysicalCpuOptions } from './host.ts';
import type { SharedMachine } from './machine.ts';
import { architectureFor } from './tracing.ts';

/** The translator's thread: makes the regions that physical CPUs ask for, so that no guest waits for them. */

/** Regions made at once: those behind them wait, and each module costs some 24 KiB. */
const BATCH = 16;

/** Translates, for physical CPUs with these options, until the host stops; `deliver` gives a batch to each physical CPU's thread. */
export const runTranslator = (
  { memory: shared, layout }: SharedMachine,
  clock: Clock,
  { trace, symbols }: PhysicalCpuOptions,
  deliver: (batch: RegionBatch) => void,
): TranslationStatistics => {
  const memory = new MachineMemory(shared);
  const quietPoint = new QuietPoint(memory, layout.quietPoint, true);
  const requests = new RegionRequests(memory, layout.regionRequests);
  const architecture = architectureFor(trace);
  const translator = new RegionTranslator({
    architecture,
    memory,
    codeCache: new CodeCache(memory, layout.codeCache, quietPoint),
    quietPoint,
    decoder: new Decoder(architecture.instructions, architecture.undefinedInstruction),
    now: () => clock.now() / 1e6,
    symbols,
    statistics: noTranslations(),
  });
  const rehearsal = new Rehearsal(memory, layout.rehearsal);
  while (requests.wait()) {
    const batch = translator.translate(requests.take(BATCH));
    if (batch !== null) {
      rehearsal.run(batch);
      // In this order: whoever is led to a region finds it.
      deliver(batch);
      translator.publish(batch, requests.next);
    }
    requests.finish();
  }
  return translator.statistics;
};

/** A physical CPU's way to the translator: `take` gives the next batch that was delivered to its thread. */
export const remoteCompiler = (
  { layout }: SharedMachine,
  memory: MachineMemory,
  take: () => RegionBatch | null,
): RegionCompiler => {
  const requests = new RegionRequests(memory, layout.regionRequests);
  return {
    request: (request) => requests.add(request),
    // It was delivered before records led to it.
    requestAgain: () => {},
    take,
  };
};
