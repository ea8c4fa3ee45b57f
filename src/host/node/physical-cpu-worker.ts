import { openSync, writeSync } from 'node:fs';
import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import type { RegionBatch } from '../../cpu/region-compiler.ts';
import { runPhysicalCpu } from '../physical-cpu.ts';
import type { TraceSink } from '../tracing.ts';
import { nodeClock } from './node-clock.ts';
import type { PhysicalCpuWork } from './node-platform.ts';

const STANDARD_ERROR = 2;

/** Several threads append to one file: each writes whole lines. */
const openSink = (file: string | null): TraceSink => {
  const descriptor = file === null ? STANDARD_ERROR : openSync(file, 'a');
  return { write: (text) => void writeSync(descriptor, text) };
};

parentPort?.once('message', ({ shared, record, options, regions }: PhysicalCpuWork) => {
  // This thread gives its event loop no turn while guests run, so it fetches its messages itself.
  const take = regions === null ? null : (): RegionBatch | null => receiveMessageOnPort(regions)?.message ?? null;
  parentPort?.postMessage(runPhysicalCpu(shared, record, nodeClock(), options, take, openSink));
});
