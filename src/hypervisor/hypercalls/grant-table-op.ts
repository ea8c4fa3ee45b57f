import { FRAME_SIZE } from '../../memory/layout.ts';
import { Errno } from '../abi/errno.ts';
import {
  CacheFlush,
  CacheOperation,
  COMMAND_MASK,
  CopyGrant,
  GetVersion,
  GrantStatus,
  GrantTableOp,
  MapGrant,
  QuerySize,
  SetupTable,
  StatusFrames,
  SwapGrants,
  UnmapAndReplace,
  UnmapGrant,
} from '../abi/grant-table.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import type { Core } from '../core.ts';
import { lockDomain, NOT_MAPPED, unlockDomain } from '../domain.ts';
import { domainByAnyId } from '../domain-table.ts';
import { copyGrant } from '../grant-table/copy.ts';
import { mapGrant, mappedFrame, unmapGrant } from '../grant-table/map.ts';
import { MAXIMUM_GRANT_FRAMES } from '../grant-table/record.ts';
import { swapGrants } from '../grant-table/swap.ts';
import { grantFrameMapping, grantFrames, growTable } from '../grant-table/table.ts';
import { hasMemory } from '../physmap.ts';
import type { Call } from './call.ts';
import { type Handler, type Hypercall, readParameter, writeParameter } from './handler.ts';

/** grant_table_op. Version 1 alone, as on Arm: a guest that asks for another is told so. */

const VERSION = 1;
/** Entries of a batch done before the guest gets a chance to take interrupts. */
const ENTRIES_AT_ONCE = 32;

/** The status that a query about a domain that is not the caller gets; GNTST_okay for the caller. */
const queryStatus = (core: Core, call: Call, domid: number): number => {
  const domain = domainByAnyId(core.memory, call.domain, domid);
  if (domain === 0) return GrantStatus.badDomain;
  return domain === call.domain ? GrantStatus.okay : GrantStatus.permissionDenied;
};

const querySize: Handler = (core, call) => {
  const { parameter } = core;
  if (call.low(2) !== 1) return -Errno.EINVAL;
  if (!readParameter(core, call, 1, QuerySize.size)) return -Errno.EFAULT;
  const status = queryStatus(core, call, parameter.u16(QuerySize.dom));
  if (status === GrantStatus.okay) {
    parameter.setU32(QuerySize.frames, grantFrames(core, call.domain));
    parameter.setU32(QuerySize.maximumFrames, MAXIMUM_GRANT_FRAMES);
  }
  parameter.setU16(QuerySize.status, status);
  return writeParameter(core, call, 1, QuerySize.size) ? 0 : -Errno.EFAULT;
};

const setupTable: Handler = (core, call) => {
  const { parameter } = core;
  if (call.low(2) !== 1) return -Errno.EINVAL;
  if (!readParameter(core, call, 1, SetupTable.size)) return -Errno.EFAULT;
  const frames = parameter.u32(SetupTable.frames);
  const listLo = parameter.u32(SetupTable.frameList);
  const listHi = parameter.u32(SetupTable.frameList + 4);
  let status = queryStatus(core, call, parameter.u16(SetupTable.dom));
  if (status === GrantStatus.okay) {
    lockDomain(core.memory, call.domain);
    if (!growTable(core, call.domain, frames)) status = GrantStatus.generalError;
    for (let i = 0; status === GrantStatus.okay && i < frames; i++) setListEntry(core, call.domain, i);
    unlockDomain(core.memory, call.domain);
  }
  if (status === GrantStatus.okay && !writeList(core, call, listLo, listHi, frames)) {
    status = GrantStatus.badVirtualAddress;
  }
  parameter.setU16(SetupTable.status, status);
  return writeParameter(core, call, 1, 2, SetupTable.status) ? 0 : -Errno.EFAULT;
};

/** Where the list of guest frames is put together in the parameter. */
const LIST = 64;
const LIST_ENTRY_BYTES = 8;

const setListEntry = (core: Core, domain: number, index: number): void => {
  const mapping = grantFrameMapping(core, domain, index);
  const at = LIST + index * LIST_ENTRY_BYTES;
  core.parameter.setU32(at, mapping);
  core.parameter.setU32(at + 4, mapping === NOT_MAPPED ? NOT_MAPPED : 0);
};

const writeList = (core: Core, call: Call, lo: number, hi: number, frames: number): boolean =>
  core.guest.copyTo(call.state, lo | 0, hi | 0, core.parameter.bytes, LIST, frames * LIST_ENTRY_BYTES);

/** Status frames are version 2's: there are none to tell of. */
const statusFrames: Handler = (core, call) => {
  const { parameter } = core;
  if (call.low(2) !== 1) return -Errno.EINVAL;
  if (!readParameter(core, call, 1, StatusFrames.size)) return -Errno.EFAULT;
  let status = queryStatus(core, call, parameter.u16(StatusFrames.dom));
  if (status === GrantStatus.okay && parameter.u32(StatusFrames.frames) > 0) status = GrantStatus.generalError;
  parameter.setU16(StatusFrames.status, status);
  return writeParameter(core, call, 1, 2, StatusFrames.status) ? 0 : -Errno.EFAULT;
};

const setVersion: Handler = (core, call) => {
  if (!readParameter(core, call, 1, 4)) return -Errno.EFAULT;
  const asked = core.parameter.u32(0);
  core.parameter.setU32(0, VERSION);
  if (!writeParameter(core, call, 1, 4)) return -Errno.EFAULT;
  if (asked === VERSION) return 0;
  return asked === 2 ? -Errno.ENOSYS : -Errno.EINVAL;
};

const getVersion: Handler = (core, call) => {
  if (!readParameter(core, call, 1, GetVersion.size)) return -Errno.EFAULT;
  const domain = domainByAnyId(core.memory, call.domain, core.parameter.u16(GetVersion.dom));
  if (domain === 0) return -Errno.ESRCH;
  if (domain !== call.domain) return -Errno.EPERM;
  core.parameter.setU32(GetVersion.version, VERSION);
  return writeParameter(core, call, 1, 4, GetVersion.version) ? 0 : -Errno.EFAULT;
};

/** The guest frame of a guest-physical address in the parameter; NOT_MAPPED where it cannot be one. */
const frameAt = (core: Core, offset: number): number => {
  const frame = Math.floor(core.parameter.u64(offset) / FRAME_SIZE);
  return frame < NOT_MAPPED ? frame : NOT_MAPPED - 1;
};

const map: Handler = (core, call) => {
  const { parameter } = core;
  const guestFrame = frameAt(core, MapGrant.hostAddress);
  const reference = parameter.u32(MapGrant.reference);
  const flags = parameter.u32(MapGrant.flags);
  const result = mapGrant(core, call.domain, parameter.u16(MapGrant.dom), reference, flags, guestFrame);
  parameter.setU16(MapGrant.status, Math.min(result, GrantStatus.okay));
  if (result >= 0) {
    parameter.setU32(MapGrant.handle, result);
    // No device sees the guest's memory, so the bus address is its own.
    parameter.setU64(MapGrant.busAddress, guestFrame * FRAME_SIZE);
  }
  return 0;
};

/** Unmaps what a handle names; where the address is 0, Xen has nothing to unmap and no error either. */
const unmapAt = (core: Core, call: Call, handle: number): number => {
  if (core.parameter.u64(UnmapGrant.hostAddress) !== 0) {
    return unmapGrant(core, call.domain, handle, frameAt(core, UnmapGrant.hostAddress));
  }
  return mappedFrame(core, call.domain, handle) === 0 ? GrantStatus.badHandle : GrantStatus.okay;
};

const unmap: Handler = (core, call) => {
  const { parameter } = core;
  parameter.setU16(UnmapGrant.status, unmapAt(core, call, parameter.u32(UnmapGrant.handle)));
  return 0;
};

/** On Arm nothing can be put in a grant's place: it works only without, as an unmapping. */
const unmapAndReplace: Handler = (core, call) => {
  const { parameter } = core;
  const handle = parameter.u32(UnmapAndReplace.handle);
  const replaces = parameter.u64(UnmapAndReplace.hostAddress) !== 0 && parameter.u64(UnmapAndReplace.newAddress) !== 0;
  const refuses = replaces && mappedFrame(core, call.domain, handle) !== 0;
  parameter.setU16(UnmapAndReplace.status, refuses ? GrantStatus.generalError : unmapAt(core, call, handle));
  return 0;
};

const copy: Handler = (core, call) => {
  core.parameter.setU16(CopyGrant.status, copyGrant(core, call.domain));
  return 0;
};

const swap: Handler = (core, call) => {
  const { parameter } = core;
  const first = parameter.u32(SwapGrants.first);
  parameter.setU16(SwapGrants.status, swapGrants(core, call.domain, first, parameter.u32(SwapGrants.second)));
  return 0;
};

/**
 * Caches are coherent here: only the argument's form is checked. The command's other bits say, in a call that goes on, from
 * which reference on to look for the page; here no call has to, and they hold for the first entry only.
 */
const cacheFlush: Handler = (core, call) => {
  const { parameter } = core;
  const offset = parameter.u16(CacheFlush.offset);
  const length = parameter.u16(CacheFlush.length);
  const operation = parameter.u32(CacheFlush.operation);
  if (offset >= FRAME_SIZE || offset + length > FRAME_SIZE) return -Errno.EINVAL;
  if ((operation & ~(CacheOperation.clean | CacheOperation.invalidate)) !== 0) return -Errno.EINVAL;
  const goesOn = (call.low(0) & ~COMMAND_MASK) !== 0;
  call.set(0, GrantTableOp.cache_flush);
  if (length === 0 || operation === 0) return goesOn ? -Errno.EILSEQ : 0;
  return hasMemory(core, call.domain, frameAt(core, CacheFlush.busAddress)) ? 0 : -Errno.EINVAL;
};

/**
 * Does the entries of an array one by one: each, of `size` bytes, is copied in and done, and `answerSize` bytes of it, in which
 * its status is, copied back. An error of `one` ends the call.
 */
const batch =
  (size: number, answer: number, answerSize: number, one: Handler): Handler =>
  (core, call) => {
    const count = call.low(2);
    const now = Math.min(count, ENTRIES_AT_ONCE);
    for (let i = 0; i < now; i++) {
      if (!readParameter(core, call, 1, size)) return -Errno.EFAULT;
      const result = one(core, call);
      if (result < 0) return result;
      if (!writeParameter(core, call, 1, answerSize, answer)) return -Errno.EFAULT;
      call.advance(1, size);
    }
    if (now < count) {
      call.set(2, count - now);
      call.again = true;
    }
    return 0;
  };

const STATUS_BYTES = 2;

const operations: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [GrantTableOp.map_grant_ref, batch(MapGrant.size, 0, MapGrant.size, map)],
  [GrantTableOp.unmap_grant_ref, batch(UnmapGrant.size, UnmapGrant.status, STATUS_BYTES, unmap)],
  [GrantTableOp.unmap_and_replace, batch(UnmapAndReplace.size, UnmapAndReplace.status, STATUS_BYTES, unmapAndReplace)],
  [GrantTableOp.copy, batch(CopyGrant.size, CopyGrant.status, STATUS_BYTES, copy)],
  [GrantTableOp.swap_grant_ref, batch(SwapGrants.size, SwapGrants.status, STATUS_BYTES, swap)],
  [GrantTableOp.cache_flush, batch(CacheFlush.size, 0, 0, cacheFlush)],
  [GrantTableOp.query_size, querySize],
  [GrantTableOp.setup_table, setupTable],
  [GrantTableOp.set_version, setVersion],
  [GrantTableOp.get_version, getVersion],
  [GrantTableOp.get_status_frames, statusFrames],
  // Arm has no way to take a page away from a domain.
  [GrantTableOp.transfer, () => -Errno.EOPNOTSUPP],
]);

const handler: Handler = (core, call) => {
  const command = call.low(0) & COMMAND_MASK;
  if (call.low(2) >= 0x8000_0000) return -Errno.EINVAL;
  if (call.low(0) !== command && command !== GrantTableOp.cache_flush) return -Errno.EINVAL;
  const operation = operations.get(command);
  return operation === undefined ? -Errno.ENOSYS : operation(core, call);
};

export const grantTableOp: Hypercall = {
  number: HypercallNumber.grant_table_op,
  name: 'grant_table_op',
  arguments: 3,
  handler,
  operations: GrantTableOp,
};
