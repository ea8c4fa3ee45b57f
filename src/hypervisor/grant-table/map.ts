import { P2M_GRANT, P2M_WRITABLE } from '../../memory/p2m.ts';
import { GrantStatus, MapFlag } from '../abi/grant-table.ts';
import type { Core } from '../core.ts';
import { domidOf, lockBoth, lockDomain, NOT_MAPPED, unlockBoth, unlockDomain } from '../domain.ts';
import { domainById } from '../domain-table.ts';
import { mapFrame, removeGrantMapping } from '../physmap.ts';
import {
  FREE_HANDLE,
  HANDLE_BLOCK_SIZE,
  HANDLE_BLOCKS,
  HANDLES,
  HANDLES_PER_BLOCK,
  MAXIMUM_HANDLE_BLOCKS,
  Mapping,
  mappingOf,
} from './record.ts';
import { tableOf } from './table.ts';
import { releaseGrant, useGrant } from './use.ts';

/**
 * Mappings of other domains' grants. `domain` is who maps. A handle names a mapping; it is a small number that only means
 * something to its domain.
 */

/** A free handle, or -1 if the domain has used all it may have. The domain is locked. */
const takeHandle = (core: Core, domain: number): number => {
  const { memory } = core;
  const table = tableOf(core, domain);
  const free = memory.u32[(table + FREE_HANDLE) >>> 2];
  if (free !== 0) {
    const mapping = mappingOf(memory, table, free - 1);
    memory.u32[(table + FREE_HANDLE) >>> 2] = memory.u32[(mapping + Mapping.reference) >>> 2];
    return free - 1;
  }
  const handle = memory.u32[(table + HANDLES) >>> 2];
  if (handle % HANDLES_PER_BLOCK === 0) {
    const slot = handle / HANDLES_PER_BLOCK;
    const block = slot < MAXIMUM_HANDLE_BLOCKS ? core.heap.allocate(HANDLE_BLOCK_SIZE) : 0;
    if (block === 0) return -1;
    memory.u32[(table + HANDLE_BLOCKS + slot * 4) >>> 2] = block;
  }
  memory.u32[(table + HANDLES) >>> 2] = handle + 1;
  return handle;
};

const giveHandle = (core: Core, domain: number, handle: number): void => {
  const { memory } = core;
  const table = tableOf(core, domain);
  const mapping = mappingOf(memory, table, handle);
  memory.u16[(mapping + Mapping.flags) >>> 1] = 0;
  memory.u32[(mapping + Mapping.reference) >>> 2] = memory.u32[(table + FREE_HANDLE) >>> 2];
  memory.u32[(table + FREE_HANDLE) >>> 2] = handle + 1;
};

/**
 * Maps a grant at a guest frame of the caller's; for domain 0, whose services reach machine memory, `guestFrame` is
 * NOT_MAPPED. `flags` are MapFlag. Gives the handle or a negative GrantStatus.
 */
export const mapGrant = (
  core: Core,
  domain: number,
  granter: number,
  reference: number,
  flags: number,
  guestFrame: number,
): number => {
  if ((flags & (MapFlag.hostMap | MapFlag.deviceMap)) === 0) return GrantStatus.badGrantReference;
  if ((flags & ~MapFlag.readOnly) !== MapFlag.hostMap) return GrantStatus.generalError;
  const remote = domainById(core.memory, granter);
  if (remote === 0) return GrantStatus.badDomain;
  lockBoth(core.memory, domain, remote);
  const handle = takeHandle(core, domain);
  const result =
    handle < 0 ? GrantStatus.noSpace : mapLocked(core, domain, remote, reference, flags, guestFrame, handle);
  if (handle >= 0 && result < 0) giveHandle(core, domain, handle);
  unlockBoth(core.memory, domain, remote);
  return result;
};

const mapLocked = (
  core: Core,
  domain: number,
  remote: number,
  reference: number,
  flags: number,
  guestFrame: number,
  handle: number,
): number => {
  const { memory } = core;
  const write = (flags & MapFlag.readOnly) === 0;
  const frame = useGrant(core, remote, reference, domidOf(memory, domain), write, true);
  if (frame < 0) return frame;
  if (guestFrame !== NOT_MAPPED) {
    const mapped = mapFrame(core, domain, guestFrame, frame, P2M_GRANT | (write ? P2M_WRITABLE : 0));
    if (mapped < 0) {
      releaseGrant(core, remote, reference, write, frame);
      return GrantStatus.generalError;
    }
  }
  const mapping = mappingOf(memory, tableOf(core, domain), handle);
  memory.u16[(mapping + Mapping.flags) >>> 1] = flags;
  memory.u16[(mapping + Mapping.domid) >>> 1] = domidOf(memory, remote);
  memory.u32[(mapping + Mapping.reference) >>> 2] = reference;
  memory.u32[(mapping + Mapping.guestFrame) >>> 2] = guestFrame;
  memory.u32[(mapping + Mapping.frame) >>> 2] = frame;
  return handle;
};

/** The machine address of a mapping's frame; 0 if the handle names none. */
export const mappedFrame = (core: Core, domain: number, handle: number): number => {
  const mapping = mappingOf(core.memory, tableOf(core, domain), handle);
  if (mapping === 0 || core.memory.u16[(mapping + Mapping.flags) >>> 1] === 0) return 0;
  return core.memory.u32[(mapping + Mapping.frame) >>> 2];
};

/** Unmaps what a handle names, which must be mapped at `guestFrame`. Gives a GrantStatus. */
export const unmapGrant = (core: Core, domain: number, handle: number, guestFrame: number): number => {
  const { memory } = core;
  for (;;) {
    const mapping = mappingOf(memory, tableOf(core, domain), handle);
    if (mapping === 0 || memory.u16[(mapping + Mapping.flags) >>> 1] === 0) return GrantStatus.badHandle;
    const granter = memory.u16[(mapping + Mapping.domid) >>> 1];
    const remote = domainById(memory, granter);
    const peer = remote === 0 ? domain : remote;
    lockBoth(memory, domain, peer);
    const same =
      memory.u16[(mapping + Mapping.flags) >>> 1] !== 0 && memory.u16[(mapping + Mapping.domid) >>> 1] === granter;
    const status = same ? unmapLocked(core, domain, remote, handle, mapping, guestFrame) : 1;
    unlockBoth(memory, domain, peer);
    if (status <= 0) return status;
  }
};

const unmapLocked = (
  core: Core,
  domain: number,
  remote: number,
  handle: number,
  mapping: number,
  guestFrame: number,
): number => {
  const { memory } = core;
  const frame = memory.u32[(mapping + Mapping.frame) >>> 2];
  const mappedAt = memory.u32[(mapping + Mapping.guestFrame) >>> 2];
  if (mappedAt !== guestFrame) return GrantStatus.generalError;
  if (mappedAt !== NOT_MAPPED && !removeGrantMapping(core, domain, guestFrame, frame)) return GrantStatus.generalError;
  const write = (memory.u16[(mapping + Mapping.flags) >>> 1] & MapFlag.readOnly) === 0;
  releaseGrant(core, remote, memory.u32[(mapping + Mapping.reference) >>> 2], write, frame);
  giveHandle(core, domain, handle);
  return GrantStatus.okay;
};

/** Releases all grants that a dying domain has mapped; its physical map is given up as a whole. */
export const releaseMappings = (core: Core, domain: number): void => {
  const { memory } = core;
  const table = tableOf(core, domain);
  const handles = table === 0 ? 0 : memory.u32[(table + HANDLES) >>> 2];
  for (let handle = 0; handle < handles; handle++) {
    const mapping = mappingOf(memory, table, handle);
    const flags = memory.u16[(mapping + Mapping.flags) >>> 1];
    if (flags === 0) continue;
    memory.u16[(mapping + Mapping.flags) >>> 1] = 0;
    const remote = domainById(memory, memory.u16[(mapping + Mapping.domid) >>> 1]);
    const reference = memory.u32[(mapping + Mapping.reference) >>> 2];
    const frame = memory.u32[(mapping + Mapping.frame) >>> 2];
    if (remote !== 0) lockDomain(memory, remote);
    releaseGrant(core, remote, reference, (flags & MapFlag.readOnly) === 0, frame);
    if (remote !== 0) unlockDomain(memory, remote);
  }
};
