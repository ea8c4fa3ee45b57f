import { workerData } from 'node:worker_threads';
import { TestHost } from './host.ts';

/** A thread of domain 0 that sends events on ports in turn, as fast as it can, until it is told to stop. */
export interface SenderData {
  readonly memory: WebAssembly.Memory;
  readonly ports: readonly number[];
  /** Senders that have begun, and whether to stop (i32 each). */
  readonly control: SharedArrayBuffer;
}

const { memory, ports, control } = workerData as SenderData;
const host = new TestHost(undefined, undefined, memory);
const flags = new Int32Array(control);
Atomics.add(flags, 0, 1);
while (Atomics.load(flags, 1) === 0) for (const port of ports) host.hypervisor.send(port);
