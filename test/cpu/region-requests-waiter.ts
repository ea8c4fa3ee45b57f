import { parentPort, workerData } from 'node:worker_threads';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import { RegionRequests } from '../../src/cpu/region-requests.ts';

/** A thread that takes requests as the translator does, and tells which. */

const { memory, address } = workerData as { memory: WebAssembly.Memory; address: number };
const requests = new RegionRequests(new MachineMemory(memory), address);
parentPort?.postMessage('ready');
while (requests.wait()) {
  parentPort?.postMessage(requests.take(10).map(({ position }) => position));
  requests.finish();
}
parentPort?.postMessage('stopped');
