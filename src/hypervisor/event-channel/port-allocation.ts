import type { MachineMemory } from '../../cpu/machine-memory.ts';
import { Errno } from '../abi/errno.ts';
import { FIFO_PORTS_LIMIT, FIFO_PRIORITY_DEFAULT, TWO_LEVEL_PORTS } from '../abi/event-channel.ts';
import type { Core } from '../core.ts';
import { EVENT_ABI, EVENT_TABLES, FREE_PORT_HINT, isDying, MAXIMUM_PORTS, VALID_PORTS } from '../domain.ts';
import { clearPending, isBusy } from './delivery.ts';
import {
  EventAbi,
  HOST_PORTS,
  PORT_BLOCK_SIZE,
  PORT_BLOCKS,
  PORTS_PER_BLOCK,
  Port,
  PortState,
  portRecord,
} from './tables.ts';

/** Ports that the domain's ABI can name. */
const abiLimit = (memory: MachineMemory, domain: number): number => {
  const abi = memory.u32[(domain + EVENT_ABI) >>> 2];
  if (abi === EventAbi.fifo) return FIFO_PORTS_LIMIT;
  return abi === EventAbi.host ? HOST_PORTS : TWO_LEVEL_PORTS;
};

/** The lowest free port, or a negative error number. The domain is locked; the port stays free until its state is set. */
export const findFreePort = (core: Core, domain: number): number => {
  const { memory } = core;
  if (isDying(memory, domain)) return -Errno.EINVAL;
  const limit = Math.min(memory.u32[(domain + MAXIMUM_PORTS) >>> 2], abiLimit(memory, domain));
  const hint = (domain + FREE_PORT_HINT) >>> 2;
  let sawBusy = false;
  for (let port = Math.max(memory.u32[hint], 1); port < limit; port++) {
    const record = portRecord(memory, domain, port);
    if (record === 0) return addBlock(core, domain, port);
    if (memory.u8[record + Port.state] !== PortState.free) continue;
    if (!isBusy(core, domain, port)) {
      // A port that the guest has not unlinked yet becomes free without notice: keep looking there.
      if (!sawBusy) memory.u32[hint] = port;
      return port;
    }
    sawBusy = true;
  }
  return -Errno.ENOSPC;
};

const addBlock = (core: Core, domain: number, port: number): number => {
  const { memory } = core;
  const tables = memory.u32[(domain + EVENT_TABLES) >>> 2];
  const block = core.heap.allocate(PORT_BLOCK_SIZE);
  if (block === 0) return -Errno.ENOMEM;
  memory.u32[(tables + PORT_BLOCKS + (port >>> 8) * 4) >>> 2] = block;
  Atomics.store(memory.i32, (domain + VALID_PORTS) >>> 2, port + PORTS_PER_BLOCK);
  return port;
};

/** Puts a free port to use; its other fields are the caller's to set. */
export const openPort = (memory: MachineMemory, record: number, state: number, vcpu: number): void => {
  memory.u8[record + Port.vcpu] = vcpu;
  memory.u8[record + Port.priority] = FIFO_PRIORITY_DEFAULT;
  memory.u8[record + Port.latched] = 0;
  memory.u16[(record + Port.remoteDomid) >>> 1] = 0;
  memory.u32[(record + Port.remotePort) >>> 2] = 0;
  memory.u8[record + Port.state] = state;
};

/** Makes a port free again. */
export const freePort = (core: Core, domain: number, port: number, record: number): void => {
  const { memory } = core;
  clearPending(core, domain, port);
  memory.u8[record + Port.state] = PortState.free;
  memory.u8[record + Port.vcpu] = 0;
  memory.u8[record + Port.latched] = 0;
  const hint = (domain + FREE_PORT_HINT) >>> 2;
  memory.u32[hint] = Math.min(memory.u32[hint], port);
};

/** Gives the domain its event tables; false if the heap is full. Port 0 is never used. */
export const createPorts = (core: Core, domain: number, size: number, maximumPorts: number): boolean => {
  const { memory } = core;
  const tables = core.heap.allocate(size);
  if (tables === 0) return false;
  memory.u32[(domain + EVENT_TABLES) >>> 2] = tables;
  memory.u32[(domain + MAXIMUM_PORTS) >>> 2] = maximumPorts;
  memory.u32[(domain + FREE_PORT_HINT) >>> 2] = 1;
  if (addBlock(core, domain, 0) < 0) return false;
  memory.u8[portRecord(memory, domain, 0) + Port.state] = PortState.reserved;
  return true;
};

/** Gives back what `createPorts` and later growth took. All ports are free. */
export const destroyPorts = (core: Core, domain: number, size: number): void => {
  const { memory } = core;
  const tables = memory.u32[(domain + EVENT_TABLES) >>> 2];
  if (tables === 0) return;
  const blocks = memory.u32[(domain + VALID_PORTS) >>> 2] / PORTS_PER_BLOCK;
  memory.u32[(domain + VALID_PORTS) >>> 2] = 0;
  for (let i = 0; i < blocks; i++) core.heap.free(memory.u32[(tables + PORT_BLOCKS + i * 4) >>> 2], PORT_BLOCK_SIZE);
  memory.u32[(domain + EVENT_TABLES) >>> 2] = 0;
  core.heap.free(tables, size);
};
