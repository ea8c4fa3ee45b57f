import { parentPort, workerData } from 'node:worker_threads';
import { runPhysicalCpu } from '../physical-cpu.ts';
import { nodeClock } from './node-clock.ts';
import type { PhysicalCpuWork } from './node-platform.ts';

const { shared, record, options } = workerData as PhysicalCpuWork;
parentPort?.postMessage(runPhysicalCpu(shared, record, nodeClock(), options));
