import type { MachineMemory } from '../../cpu/machine-memory.ts';
import { FRAME_SIZE } from '../../memory/layout.ts';
import { GrantEntry } from '../abi/grant-table.ts';
import { NOT_MAPPED } from '../domain.ts';

/**
 * A domain's grant table record: byte offsets from its address. What is granted stands in frames that the guest maps; what is
 * in use stands here, where the guest cannot reach it. All of it is guarded by the domain's lock.
 */

/** Frames that the table may have, as Xen's toolstack sets by default. */
export const MAXIMUM_GRANT_FRAMES = 64;
/** Blocks of handles: a domain may have this many times HANDLES_PER_BLOCK mappings. */
export const MAXIMUM_HANDLE_BLOCKS = 64;

export const GRANT_FRAMES = 0;
/** Handles that were ever used, and the first of the list of free ones plus 1. */
export const HANDLES = 4;
export const FREE_HANDLE = 8;
/** For each frame: its address, the guest frame it is mapped at or NOT_MAPPED, and the address of its active entries. */
export const FRAME_ADDRESSES = 16;
export const FRAME_MAPPINGS = FRAME_ADDRESSES + MAXIMUM_GRANT_FRAMES * 4;
export const FRAME_ACTIVE = FRAME_MAPPINGS + MAXIMUM_GRANT_FRAMES * 4;
export const HANDLE_BLOCKS = FRAME_ACTIVE + MAXIMUM_GRANT_FRAMES * 4;
export const GRANT_TABLE_SIZE = HANDLE_BLOCKS + MAXIMUM_HANDLE_BLOCKS * 4;

export const ENTRIES_PER_FRAME = FRAME_SIZE / GrantEntry.size;

/**
 * An active entry: the granted frame's machine address and guest frame, who uses it, and how often to read and to write.
 * It means something while either count is not 0.
 */
export const Active = { frame: 0, guestFrame: 4, domid: 8, readers: 10, writers: 12, size: 16 } as const;
export const ACTIVE_BLOCK_SIZE = ENTRIES_PER_FRAME * Active.size;

/**
 * A mapping that a handle names: the flags it was made with (0 if the handle is free; then `reference` links free handles), the
 * granting domain and its reference, where it is mapped, and the frame's machine address.
 */
export const Mapping = { flags: 0, domid: 2, reference: 4, guestFrame: 8, frame: 12, size: 16 } as const;
export const HANDLES_PER_BLOCK = 256;
export const HANDLE_BLOCK_SIZE = HANDLES_PER_BLOCK * Mapping.size;

/** Notes that a frame of the table is no longer mapped by the guest. */
export const forgetGrantFrameMapping = (memory: MachineMemory, table: number, frame: number): void => {
  const count = memory.u32[(table + GRANT_FRAMES) >>> 2];
  for (let i = 0; i < count; i++) {
    if (memory.u32[(table + FRAME_ADDRESSES + i * 4) >>> 2] === frame) {
      memory.u32[(table + FRAME_MAPPINGS + i * 4) >>> 2] = NOT_MAPPED;
    }
  }
};

/** Addresses of a grant's shared and active entries; 0 if the reference is past the table's end. */
export const sharedEntry = (memory: MachineMemory, table: number, reference: number): number => {
  const frame = Math.floor(reference / ENTRIES_PER_FRAME);
  if (frame >= memory.u32[(table + GRANT_FRAMES) >>> 2]) return 0;
  const address = memory.u32[(table + FRAME_ADDRESSES + frame * 4) >>> 2];
  return address + (reference % ENTRIES_PER_FRAME) * GrantEntry.size;
};

export const activeEntry = (memory: MachineMemory, table: number, reference: number): number => {
  const frame = Math.floor(reference / ENTRIES_PER_FRAME);
  if (frame >= memory.u32[(table + GRANT_FRAMES) >>> 2]) return 0;
  return memory.u32[(table + FRAME_ACTIVE + frame * 4) >>> 2] + (reference % ENTRIES_PER_FRAME) * Active.size;
};

/** The mapping that a handle names; 0 if the handle was never used. */
export const mappingOf = (memory: MachineMemory, table: number, handle: number): number => {
  if (handle >= memory.u32[(table + HANDLES) >>> 2]) return 0;
  const block = memory.u32[(table + HANDLE_BLOCKS + Math.floor(handle / HANDLES_PER_BLOCK) * 4) >>> 2];
  return block + (handle % HANDLES_PER_BLOCK) * Mapping.size;
};
