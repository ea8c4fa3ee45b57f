import { P2M_HYPERVISOR, P2M_WRITABLE } from '../../memory/p2m.ts';
import { DOMID_CONTROL } from '../abi/domain-id.ts';
import { Errno } from '../abi/errno.ts';
import { GrantEntry, GrantFlag } from '../abi/grant-table.ts';
import type { Core } from '../core.ts';
import { domidOf, GRANT_TABLE, NOT_MAPPED } from '../domain.ts';
import { mapFrame } from '../physmap.ts';
import {
  ACTIVE_BLOCK_SIZE,
  FRAME_ACTIVE,
  FRAME_ADDRESSES,
  FRAME_MAPPINGS,
  GRANT_FRAMES,
  GRANT_TABLE_SIZE,
  HANDLE_BLOCK_SIZE,
  HANDLE_BLOCKS,
  HANDLES,
  HANDLES_PER_BLOCK,
  MAXIMUM_GRANT_FRAMES,
  sharedEntry,
} from './record.ts';

/** The table itself: its frames, where the guest maps them, and how it grows. The domain is locked throughout. */

export const tableOf = (core: Core, domain: number): number => core.memory.u32[(domain + GRANT_TABLE) >>> 2];

export const grantFrames = (core: Core, domain: number): number =>
  core.memory.u32[(tableOf(core, domain) + GRANT_FRAMES) >>> 2];

/** Makes a table of one frame; false if the host is out of memory. */
export const createGrantTable = (core: Core, domain: number): boolean => {
  const table = core.heap.allocate(GRANT_TABLE_SIZE);
  if (table === 0) return false;
  core.memory.u32[(domain + GRANT_TABLE) >>> 2] = table;
  return growTable(core, domain, 1);
};

/** Makes the table at least `frames` long; false if it may not become so long or the host is out of memory. */
export const growTable = (core: Core, domain: number, frames: number): boolean => {
  if (frames > MAXIMUM_GRANT_FRAMES) return false;
  const { memory } = core;
  const table = tableOf(core, domain);
  for (let i = grantFrames(core, domain); i < frames; i++) {
    const active = core.heap.allocate(ACTIVE_BLOCK_SIZE);
    if (active === 0) return false;
    const frame = core.frames.allocate(domidOf(memory, domain));
    if (frame === 0) {
      core.heap.free(active, ACTIVE_BLOCK_SIZE);
      return false;
    }
    memory.u32[(table + FRAME_ADDRESSES + i * 4) >>> 2] = frame;
    memory.u32[(table + FRAME_MAPPINGS + i * 4) >>> 2] = NOT_MAPPED;
    memory.u32[(table + FRAME_ACTIVE + i * 4) >>> 2] = active;
    memory.u32[(table + GRANT_FRAMES) >>> 2] = i + 1;
  }
  return true;
};

/**
 * Maps a frame of the table into the guest's memory, growing the table up to it. Gives 0 or a negative error number; a frame
 * can be mapped at one place only.
 */
export const mapGrantFrame = (core: Core, domain: number, index: number, guestFrame: number): number => {
  if (index >= MAXIMUM_GRANT_FRAMES) return -Errno.EINVAL;
  if (!growTable(core, domain, index + 1)) return -Errno.ENOMEM;
  const { memory } = core;
  const table = tableOf(core, domain);
  const mapping = (table + FRAME_MAPPINGS + index * 4) >>> 2;
  if (memory.u32[mapping] !== NOT_MAPPED) return -Errno.EBUSY;
  const frame = memory.u32[(table + FRAME_ADDRESSES + index * 4) >>> 2];
  const result = mapFrame(core, domain, guestFrame, frame, P2M_HYPERVISOR | P2M_WRITABLE);
  if (result === 0) memory.u32[mapping] = guestFrame;
  return result;
};

/** The guest frame that a frame of the table is mapped at, or NOT_MAPPED. */
export const grantFrameMapping = (core: Core, domain: number, index: number): number =>
  core.memory.u32[(tableOf(core, domain) + FRAME_MAPPINGS + index * 4) >>> 2];

/** Grants a guest frame to domain 0, as the toolstack does for the rings of console and store. */
export const seedGrant = (core: Core, domain: number, reference: number, guestFrame: number): void => {
  const entry = sharedEntry(core.memory, tableOf(core, domain), reference);
  core.memory.u16[(entry + GrantEntry.domid) >>> 1] = DOMID_CONTROL;
  core.memory.u32[(entry + GrantEntry.frame) >>> 2] = guestFrame;
  core.memory.u16[(entry + GrantEntry.flags) >>> 1] = GrantFlag.permitAccess;
};

/** Gives the table back; nobody uses its grants any more, and it uses nobody's. */
export const destroyGrantTable = (core: Core, domain: number): void => {
  const { memory } = core;
  const table = tableOf(core, domain);
  if (table === 0) return;
  for (let i = 0; i < grantFrames(core, domain); i++) {
    core.frames.release(memory.u32[(table + FRAME_ADDRESSES + i * 4) >>> 2]);
    core.heap.free(memory.u32[(table + FRAME_ACTIVE + i * 4) >>> 2], ACTIVE_BLOCK_SIZE);
  }
  const blocks = Math.ceil(memory.u32[(table + HANDLES) >>> 2] / HANDLES_PER_BLOCK);
  for (let i = 0; i < blocks; i++) {
    core.heap.free(memory.u32[(table + HANDLE_BLOCKS + i * 4) >>> 2], HANDLE_BLOCK_SIZE);
  }
  memory.u32[(domain + GRANT_TABLE) >>> 2] = 0;
  core.heap.free(table, GRANT_TABLE_SIZE);
};
