import { parentPort } from 'node:worker_threads';
import { runPhysicalCpu } from '../physical-cpu.ts';
import { nodeClock } from './node-clock.ts';
import type { PhysicalCpuWork } from './node-platform.ts';

parentPort?.once('message', ({ shared, record, options }: PhysicalCpuWork) => {
  parentPort?.postMessage(runPhysicalCpu(shared, record, nodeClock(), options));
});
