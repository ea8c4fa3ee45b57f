import type { MachineMemory } from '../../cpu/machine-memory.ts';
import { FRAME_SIZE } from '../../memory/layout.ts';
import { FIFO_PORTS_LIMIT } from '../abi/event-channel.ts';
import { EVENT_TABLES, FIFO_PORTS, VALID_PORTS } from '../domain.ts';

/**
 * Where a domain's event channels lie: byte offsets in its event tables (EVENT_TABLES in the domain's record) and in a port's
 * record. All is guarded by the domain's lock; a pair of connected ports changes only while both domains are locked.
 */

export const PORTS_PER_BLOCK = 256;
export const EVENT_WORDS_PER_FRAME = FRAME_SIZE / 4;
export const EVENT_ARRAY_FRAMES = FIFO_PORTS_LIMIT / EVENT_WORDS_PER_FRAME;
/** Ports that domain 0 may have: its bitmap has a bit for each. */
export const HOST_PORTS = 32768;

/** Addresses of the blocks of port records. */
export const PORT_BLOCKS = 0;
/** Addresses of the frames of the guest's event array (FIFO), and their guest frames. */
export const EVENT_ARRAY = (FIFO_PORTS_LIMIT / PORTS_PER_BLOCK) * 4;
export const EVENT_ARRAY_GUEST_FRAMES = EVENT_ARRAY + EVENT_ARRAY_FRAMES * 4;
export const EVENT_TABLES_SIZE = EVENT_ARRAY_GUEST_FRAMES + EVENT_ARRAY_FRAMES * 4;
/** Domain 0 alone: one bit for each word of the bitmap, then the bitmap. */
export const HOST_SELECTOR = EVENT_TABLES_SIZE;
export const HOST_BITMAP = HOST_SELECTOR + HOST_PORTS / 32 / 8;
export const HOST_TABLES_SIZE = HOST_BITMAP + HOST_PORTS / 8;

/** How a domain is told of events (EVENT_ABI). */
export const EventAbi = {
  twoLevel: 0,
  fifo: 1,
  /** Domain 0's: a bitmap that its services take ports from. */
  host: 2,
} as const;

export const Port = {
  /** PortState (u8). */
  state: 0,
  /** FIFO queue (u8). */
  priority: 1,
  /** Index of the vCPU that is told (u8). */
  vcpu: 2,
  /** 1 if an event waits for the event array to grow (u8). */
  latched: 3,
  /** The queue it was last put on: index of the vCPU and priority (u8 each). */
  lastVcpu: 4,
  lastPriority: 5,
  /** The other end's domain, or who may bind an unbound port (u16). */
  remoteDomid: 6,
  /** The virtual interrupt bound to it (u16). */
  virq: 6,
  /** The other end's port (u32). */
  remotePort: 8,
  size: 16,
} as const;
export const PORT_BLOCK_SIZE = PORTS_PER_BLOCK * Port.size;

export const PortState = { free: 0, reserved: 1, unbound: 2, interdomain: 3, virq: 4, ipi: 5 } as const;

/** The record of a port; 0 if the domain has no such port. */
export const portRecord = (memory: MachineMemory, domain: number, port: number): number => {
  if (port >= memory.u32[(domain + VALID_PORTS) >>> 2]) return 0;
  const tables = memory.u32[(domain + EVENT_TABLES) >>> 2];
  const block = memory.u32[(tables + PORT_BLOCKS + (port >>> 8) * 4) >>> 2];
  return block + (port & (PORTS_PER_BLOCK - 1)) * Port.size;
};

/** The address of a port's event word (FIFO); 0 if the event array does not reach that far. */
export const eventWord = (memory: MachineMemory, domain: number, port: number): number => {
  if (port >= memory.u32[(domain + FIFO_PORTS) >>> 2]) return 0;
  const tables = memory.u32[(domain + EVENT_TABLES) >>> 2];
  const frame = memory.u32[(tables + EVENT_ARRAY + (port >>> 10) * 4) >>> 2];
  return frame + (port & (EVENT_WORDS_PER_FRAME - 1)) * 4;
};
