import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import type { RegionBatch } from '../../cpu/region-compiler.ts';
import { runPhysicalCpu } from '../physical-cpu.ts';
import { nodeClock } from './node-clock.ts';
import type { PhysicalCpuWork } from './node-platform.ts';

parentPort?.once('message', ({ shared, record, options, regions }: PhysicalCpuWork) => {
  // This thread gives its event loop no turn while guests run, so it fetches its messages itself.
  const take = regions === null ? null : (): RegionBatch | null => receiveMessageOnPort(regions)?.message ?? null;
  parentPort?.postMessage(runPhysicalCpu(shared, record, nodeClock(), options, take));
});
