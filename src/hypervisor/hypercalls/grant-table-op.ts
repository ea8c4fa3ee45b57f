import { FRAME_SHIFT } from '../../memory/layout.ts';
import { Errno } from '../abi/errno.ts';
import {
  CacheFlush,
  COMMAND_MASK,
  CopyGrant,
  GetVersion,
  GrantStatus,
  GrantTableOp,
  MapGrant,
  QuerySize,
  SetupTable,
  UnmapGrant,
} from '../abi/grant-table.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import type { Core } from '../core.ts';
import { lockDomain, NOT_MAPPED, unlockDomain } from '../domain.ts';
import { domainByAnyId } from '../domain-table.ts';
import { copyGrant } from '../grant-table/copy.ts';
import { mapGrant, unmapGrant } from '../grant-table/map.ts';
import { MAXIMUM_GRANT_FRAMES } from '../grant-table/record.ts';
import { grantFrameMapping, grantFrames, growTable } from '../grant-table/table.ts';
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
  const frame = Math.floor(core.parameter.u64(offset) / (1 << FRAME_SHIFT));
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
    parameter.setU64(MapGrant.busAddress, guestFrame * (1 << FRAME_SHIFT));
  }
  return MapGrant.size;
};

const unmap: Handler = (core, call) => {
  const { parameter } = core;
  const guestFrame = frameAt(core, UnmapGrant.hostAddress);
  const handle = parameter.u32(UnmapGrant.handle);
  parameter.setU16(UnmapGrant.status, unmapGrant(core, call.domain, handle, guestFrame));
  return UnmapGrant.size;
};

const copy: Handler = (core, call) => {
  core.parameter.setU16(CopyGrant.status, copyGrant(core, call.domain));
  return CopyGrant.size;
};

/** Caches are coherent here: only the argument's form is checked. */
const cacheFlush: Handler = (core) => {
  const end = core.parameter.u16(CacheFlush.offset) + core.parameter.u16(CacheFlush.length);
  return end > 1 << FRAME_SHIFT || core.parameter.u32(CacheFlush.operation) === 0 ? -Errno.EINVAL : CacheFlush.size;
};

/** Does the entries of an array one by one: each is copied in, done and, its status in it, copied back. */
const batch =
  (size: number, one: Handler): Handler =>
  (core, call) => {
    const count = call.low(2);
    const now = Math.min(count, ENTRIES_AT_ONCE);
    for (let i = 0; i < now; i++) {
      if (!readParameter(core, call, 1, size)) return -Errno.EFAULT;
      const result = one(core, call);
      if (result < 0) return result;
      if (!writeParameter(core, call, 1, size)) return -Errno.EFAULT;
      call.advance(1, size);
    }
    if (now < count) {
      call.set(2, count - now);
      call.again = true;
    }
    return 0;
  };

const operations: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [GrantTableOp.map_grant_ref, batch(MapGrant.size, map)],
  [GrantTableOp.unmap_grant_ref, batch(UnmapGrant.size, unmap)],
  [GrantTableOp.copy, batch(CopyGrant.size, copy)],
  [GrantTableOp.cache_flush, batch(CacheFlush.size, cacheFlush)],
  [GrantTableOp.query_size, querySize],
  [GrantTableOp.setup_table, setupTable],
  [GrantTableOp.set_version, setVersion],
  [GrantTableOp.get_version, getVersion],
]);

const handler: Handler = (core, call) => {
  const command = call.low(0);
  if (call.low(2) >= 0x8000_0000) return -Errno.EINVAL;
  if ((command & ~COMMAND_MASK) !== 0) return -Errno.EINVAL;
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
