import { type FrameMap, NOT_MEMORY } from '../cpu/environment.ts';
import { lock, unlock } from '../cpu/lock.ts';
import type { MachineMemory } from '../cpu/machine-memory.ts';
import { OWNER } from '../cpu/state.ts';
import { FRAME_SIZE } from '../memory/layout.ts';
import {
  OUT_OF_FRAMES,
  P2M_GRANT,
  P2M_HYPERVISOR,
  P2M_LEAF_SHIFT,
  P2M_LIMIT,
  P2M_SHARED,
  P2M_UNTOUCHED,
  P2M_WRITABLE,
} from '../memory/p2m.ts';
import { Errno } from './abi/errno.ts';
import type { Core } from './core.ts';
import {
  domidOf,
  GRANT_TABLE,
  MAPPED_LIMIT,
  MAXIMUM_PAGES,
  NOT_MAPPED,
  P2M_LOCK,
  P2M_ROOT,
  PAGES,
  SHARED_INFO,
  SHARED_INFO_FRAME,
  vcpuAt,
  vcpuCount,
} from './domain.ts';
import { forgetGrantFrameMapping } from './grant-table/record.ts';
import { crash } from './shutdown.ts';
import { DOMAIN, stateOf } from './vcpu.ts';

/**
 * Changes to a domain's physical memory, each under the map's lock. Every entry of the map holds one reference to its frame.
 * When the entry goes, `core.departing` drops the reference, after the lock was given back and when no vCPU uses the frame.
 */

const FRAME_MASK = ~(FRAME_SIZE - 1);
const SPECIAL = P2M_GRANT | P2M_HYPERVISOR;

const rootOf = (memory: MachineMemory, domain: number): number => memory.u32[(domain + P2M_ROOT) >>> 2];

const outOfFrames = (core: Core, domain: number): void =>
  crash(core, domain, 'the host has no machine memory left for this domain');

/** How the CPU engine finds the frames that translateFrame gives without the map's lock. */
export const frameMap: FrameMap = {
  path: [OWNER, DOMAIN, P2M_ROOT],
  leafShift: P2M_LEAF_SHIFT,
  limit: P2M_LIMIT,
  special: P2M_UNTOUCHED | P2M_SHARED,
  writable: P2M_WRITABLE,
};

/**
 * Resolves a guest frame as the CPU engine's Environment wants it (`translate` there). A domain that needs a frame when
 * none is left crashes.
 */
export const translateFrame = (core: Core, domain: number, guestFrame: number, write: boolean): number => {
  const root = rootOf(core.memory, domain);
  const entry = core.physicalMap.entry(root, guestFrame);
  if (entry === 0) return NOT_MEMORY;
  if ((entry & (P2M_UNTOUCHED | P2M_SHARED)) === 0) return ((entry & FRAME_MASK) >>> 0) + (entry & P2M_WRITABLE);
  lock(core.memory, domain + P2M_LOCK);
  const result = resolve(core, domain, guestFrame, write);
  unlock(core.memory, domain + P2M_LOCK);
  if (result !== OUT_OF_FRAMES) return result;
  outOfFrames(core, domain);
  return NOT_MEMORY;
};

/** Resolves a guest frame (PhysicalMap.resolve); the lock is held. */
const resolve = (core: Core, domain: number, guestFrame: number, write: boolean): number => {
  const { memory, physicalMap } = core;
  const result = physicalMap.resolve(rootOf(memory, domain), guestFrame, write, domidOf(memory, domain));
  const { replaced } = physicalMap;
  if (replaced !== 0) {
    // Before the first store to the copy: other vCPUs may still read the frame that was shared.
    dropFrame(core, domain, replaced);
    core.departing.add(domain, replaced);
  }
  return result;
};

const dropFrame = (core: Core, domain: number, frame: number): void => {
  for (let index = 0; index < vcpuCount(core.memory, domain); index++) {
    core.processor.dropFrame(stateOf(core.memory, vcpuAt(core.memory, domain, index)), frame);
  }
};

/**
 * Takes a reference to the domain's own writable RAM at a guest frame. Gives the frame's machine address, or 0 if there is no
 * such RAM. The caller releases it with `core.frames.release`.
 */
export const pinFrame = (core: Core, domain: number, guestFrame: number): number => {
  const { memory } = core;
  lock(memory, domain + P2M_LOCK);
  const root = rootOf(memory, domain);
  const entry = guestFrame < P2M_LIMIT ? core.physicalMap.entry(root, guestFrame) : 0;
  const own = (entry & SPECIAL) === 0 && (entry & P2M_WRITABLE) !== 0;
  const resolved = own ? resolve(core, domain, guestFrame, true) : NOT_MEMORY;
  const frame = resolved > 0 ? (resolved & FRAME_MASK) >>> 0 : 0;
  if (frame !== 0) core.frames.share(frame);
  unlock(memory, domain + P2M_LOCK);
  core.departing.release(core);
  if (resolved === OUT_OF_FRAMES) outOfFrames(core, domain);
  return frame;
};

/** Whether a guest frame leads to anything: RAM, a granted page or one of the hypervisor's. */
export const hasMemory = (core: Core, domain: number, guestFrame: number): boolean =>
  guestFrame < P2M_LIMIT && core.physicalMap.entry(rootOf(core.memory, domain), guestFrame) !== 0;

/** A frame of the hypervisor's own is no longer mapped where it was. */
const noteUnmapped = (core: Core, domain: number, frame: number): void => {
  const { memory } = core;
  if (memory.u32[(domain + SHARED_INFO) >>> 2] === frame) memory.u32[(domain + SHARED_INFO_FRAME) >>> 2] = NOT_MAPPED;
  else forgetGrantFrameMapping(memory, memory.u32[(domain + GRANT_TABLE) >>> 2], frame);
};

/** Removes whatever a guest frame leads to; the lock is held. */
const removeEntry = (core: Core, domain: number, guestFrame: number, entry: number): void => {
  const frame = (entry & FRAME_MASK) >>> 0;
  core.physicalMap.setEntry(rootOf(core.memory, domain), guestFrame, 0);
  if ((entry & P2M_HYPERVISOR) !== 0) noteUnmapped(core, domain, frame);
  if ((entry & SPECIAL) === 0) core.memory.u32[(domain + PAGES) >>> 2]--;
  if ((entry & P2M_UNTOUCHED) === 0) core.departing.add(domain, frame);
};

/**
 * Maps a frame that is no RAM of the domain's at a guest frame, in place of what was there; `flags` are the map's. The
 * mapping takes a reference of its own. Gives 0 or a negative error number.
 */
export const mapFrame = (core: Core, domain: number, guestFrame: number, frame: number, flags: number): number => {
  if (guestFrame >= P2M_LIMIT) return -Errno.EINVAL;
  const { memory } = core;
  lock(memory, domain + P2M_LOCK);
  const root = rootOf(memory, domain);
  const entry = core.physicalMap.entry(root, guestFrame);
  if (entry !== 0) removeEntry(core, domain, guestFrame, entry);
  const mapped = core.physicalMap.setEntry(root, guestFrame, (frame | flags) >>> 0);
  if (mapped) {
    core.frames.share(frame);
    noteMapped(memory, domain, guestFrame);
  }
  unlock(memory, domain + P2M_LOCK);
  core.departing.release(core);
  return mapped ? 0 : -Errno.ENOMEM;
};

const noteMapped = (memory: MachineMemory, domain: number, guestFrame: number): void => {
  const limit = (domain + MAPPED_LIMIT) >>> 2;
  if (guestFrame >= memory.u32[limit]) memory.u32[limit] = guestFrame + 1;
};

/** Removes RAM or a frame of the hypervisor's from a guest frame. Gives 0, or -ENOENT if neither is there. */
export const removeFrame = (core: Core, domain: number, guestFrame: number): number => {
  if (guestFrame >= P2M_LIMIT) return -Errno.ENOENT;
  lock(core.memory, domain + P2M_LOCK);
  const entry = core.physicalMap.entry(rootOf(core.memory, domain), guestFrame);
  const removable = entry !== 0 && (entry & P2M_GRANT) === 0;
  if (removable) removeEntry(core, domain, guestFrame, entry);
  unlock(core.memory, domain + P2M_LOCK);
  core.departing.release(core);
  return removable ? 0 : -Errno.ENOENT;
};

/** Removes the mapping of a granted frame from a guest frame; false if that frame is not mapped there. */
export const removeGrantMapping = (core: Core, domain: number, guestFrame: number, frame: number): boolean => {
  if (guestFrame >= P2M_LIMIT) return false;
  lock(core.memory, domain + P2M_LOCK);
  const entry = core.physicalMap.entry(rootOf(core.memory, domain), guestFrame);
  const found = (entry & P2M_GRANT) !== 0 && (entry & FRAME_MASK) >>> 0 === frame;
  if (found) removeEntry(core, domain, guestFrame, entry);
  unlock(core.memory, domain + P2M_LOCK);
  core.departing.release(core);
  return found;
};

/**
 * Takes RAM away from consecutive guest frames. Gives false without having changed anything if one of them is no RAM. The caller
 * has `core.departing` release the frames.
 */
export const removeRam = (core: Core, domain: number, first: number, count: number): boolean => {
  if (first + count > P2M_LIMIT) return false;
  const { memory, physicalMap } = core;
  lock(memory, domain + P2M_LOCK);
  const root = rootOf(memory, domain);
  let isRam = true;
  for (let i = 0; i < count; i++) {
    const entry = physicalMap.entry(root, first + i);
    if (entry === 0 || (entry & SPECIAL) !== 0) isRam = false;
  }
  for (let i = 0; isRam && i < count; i++) removeEntry(core, domain, first + i, physicalMap.entry(root, first + i));
  unlock(memory, domain + P2M_LOCK);
  return isRam;
};

/**
 * Makes consecutive guest frames RAM, which is allocated when touched, in place of what was there, which the caller has
 * `core.departing` release. Gives false if that would be more than the domain may have, or no part of its physical memory.
 */
export const addRam = (core: Core, domain: number, first: number, count: number): boolean => {
  if (first + count > P2M_LIMIT) return false;
  const { memory, physicalMap } = core;
  lock(memory, domain + P2M_LOCK);
  const root = rootOf(memory, domain);
  const pages = (domain + PAGES) >>> 2;
  let added = memory.u32[pages] + count <= memory.u32[(domain + MAXIMUM_PAGES) >>> 2];
  for (let i = 0; added && i < count; i++) {
    const entry = physicalMap.entry(root, first + i);
    if (entry !== 0) removeEntry(core, domain, first + i, entry);
    added = physicalMap.setEntry(root, first + i, P2M_UNTOUCHED | P2M_WRITABLE);
    if (added) {
      memory.u32[pages]++;
      noteMapped(memory, domain, first + i);
    }
  }
  unlock(memory, domain + P2M_LOCK);
  return added;
};
