import { FRAME_SHIFT } from '../../memory/layout.ts';
import { P2M_HYPERVISOR, P2M_LIMIT, P2M_WRITABLE } from '../../memory/p2m.ts';
import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import {
  AddToPhysmap,
  AddToPhysmapBatch,
  COMMAND_BITS,
  MapSpace,
  MemoryOp,
  RemoveFromPhysmap,
  Reservation,
  ReservationFlag,
} from '../abi/memory.ts';
import type { Core } from '../core.ts';
import {
  lockDomain,
  MAPPED_LIMIT,
  MAXIMUM_PAGES,
  NOT_MAPPED,
  PAGES,
  SHARED_INFO,
  SHARED_INFO_FRAME,
  unlockDomain,
} from '../domain.ts';
import { domainByAnyId, domainById } from '../domain-table.ts';
import { mapGrantFrame } from '../grant-table/table.ts';
import { addRam, mapFrame, removeFrame, removeRam } from '../physmap.ts';
import type { Call } from './call.ts';
import { ELEMENT, type Handler, type Hypercall, readElement, readParameter } from './handler.ts';
import {
  acquireResource,
  claimPages,
  exchange,
  MAXIMUM_ORDER,
  reservedMemoryMap,
  vnumaInfo,
  wantsExactNode,
} from './memory-refusals.ts';

/** memory_op: the guest's physical memory. */

/** Work done before the guest gets a chance to take interrupts: frames, or entries of a batch. */
const FRAMES_AT_ONCE = 2048;
const ENTRIES_AT_ONCE = 64;
/** More extents than this could not be told in a continuation. */
const EXTENTS_LIMIT = 2 ** (32 - COMMAND_BITS);

const INVALID_FRAME_FROM = 2 ** 53;

const commandOf = (call: Call): number => call.low(0) & ((1 << COMMAND_BITS) - 1);
const startOf = (call: Call): number => Math.floor(call.number(0) / (1 << COMMAND_BITS));

/** Asks to be called again from extent `start` on. */
const continueAt = (call: Call, start: number): number => {
  call.set(0, commandOf(call) + start * (1 << COMMAND_BITS));
  call.again = true;
  return start;
};

/** Whether a reservation's flags can be met: frames below some address, but not below a page's width, and any node. */
const flagsAreValid = (flags: number): boolean => {
  const addressBits = flags & 0xff;
  if (addressBits !== 0 && addressBits <= FRAME_SHIFT) return false;
  return (flags & ReservationFlag.virtualNode) !== 0 || !wantsExactNode(flags);
};

/**
 * Balloons: populate_physmap and decrease_reservation. The result is the number of extents done, so errors show as fewer than
 * asked for.
 */
const adjustReservation: Handler = (core, call) => {
  const { parameter } = core;
  const start = startOf(call);
  if (!readParameter(core, call, 1, Reservation.size)) return start;
  const count = parameter.u64(Reservation.count);
  const order = parameter.u32(Reservation.order);
  const populate = commandOf(call) === MemoryOp.populate_physmap;
  if (count > EXTENTS_LIMIT || start >= count || order > MAXIMUM_ORDER) return start;
  if (domainByAnyId(core.memory, call.domain, parameter.u16(Reservation.domid)) !== call.domain) return start;
  const flags = parameter.u32(Reservation.flags);
  if (!flagsAreValid(flags) || (populate && (flags & ReservationFlag.populateOnDemand) !== 0)) return start;

  const handleLo = parameter.u32(Reservation.extents);
  const handleHi = parameter.u32(Reservation.extents + 4);
  const frames = 1 << order;
  const end = Math.min(count, start + Math.max(1, FRAMES_AT_ONCE >>> order));
  const adjust = populate ? addRam : removeRam;
  let extent = start;
  for (; extent < end; extent++) {
    if (!readElement(core, call, handleLo, handleHi, extent)) break;
    if (!adjust(core, call.domain, parameter.u64(ELEMENT), frames)) break;
  }
  core.departing.release(core);
  if (extent < end) return extent;
  return end < count ? continueAt(call, end) : count;
};

/** Maps one page of the hypervisor's at a guest frame. */
const addOne = (core: Core, domain: number, space: number, index: number, guestFrame: number): number => {
  switch (space) {
    case MapSpace.grantTable:
    case MapSpace.sharedInfo: {
      if (guestFrame >= P2M_LIMIT) return -Errno.EINVAL;
      lockDomain(core.memory, domain);
      const result =
        space === MapSpace.grantTable
          ? mapGrantFrame(core, domain, index, guestFrame)
          : mapSharedInfo(core, domain, index, guestFrame);
      unlockDomain(core.memory, domain);
      return result;
    }
    default:
      return -Errno.ENOSYS;
  }
};

const mapSharedInfo = (core: Core, domain: number, index: number, guestFrame: number): number => {
  const { memory } = core;
  if (index !== 0) return -Errno.EINVAL;
  const mapping = (domain + SHARED_INFO_FRAME) >>> 2;
  if (memory.u32[mapping] !== NOT_MAPPED) return -Errno.EBUSY;
  const page = memory.u32[(domain + SHARED_INFO) >>> 2];
  const result = mapFrame(core, domain, guestFrame, page, P2M_HYPERVISOR | P2M_WRITABLE);
  if (result === 0) memory.u32[mapping] = guestFrame;
  return result;
};

/** Whose memory may be changed: the caller's own. Gives 0 or an error. */
const checkTarget = (core: Core, call: Call, domid: number, space: number): number => {
  const domain = domainByAnyId(core.memory, call.domain, domid);
  if (domain === 0) return -Errno.ESRCH;
  if (space === MapSpace.deviceMmio) return -Errno.EACCES;
  return domain === call.domain ? 0 : -Errno.EPERM;
};

const addToPhysmap: Handler = (core, call) => {
  const { parameter } = core;
  const start = startOf(call);
  if (start > 0xffff) return -Errno.EDOM;
  if (!readParameter(core, call, 1, AddToPhysmap.size)) return -Errno.EFAULT;
  const space = parameter.u32(AddToPhysmap.space);
  if (space === MapSpace.gmfnForeign) return -Errno.ENOSYS;
  const refused = checkTarget(core, call, parameter.u16(AddToPhysmap.domid), space);
  if (refused !== 0) return refused;
  const guestFrame = parameter.u64(AddToPhysmap.gpfn);
  if (guestFrame >= INVALID_FRAME_FROM) return -Errno.EINVAL;
  if (space === MapSpace.gmfnRange) return rangeResult(parameter.u16(AddToPhysmap.count), start);
  return addOne(core, call.domain, space, parameter.u64(AddToPhysmap.index), guestFrame);
};

/** Arm has no way to map one's own frames a second time: only an empty range succeeds. */
const rangeResult = (count: number, start: number): number => {
  if (count < start) return -Errno.EILSEQ;
  return count === start ? 0 : -Errno.ENOSYS;
};

const addToPhysmapBatch: Handler = (core, call) => {
  const { parameter } = core;
  const start = startOf(call);
  if (start > 0xffff) return -Errno.EDOM;
  if (!readParameter(core, call, 1, AddToPhysmapBatch.size)) return -Errno.EFAULT;
  const space = parameter.u16(AddToPhysmapBatch.space);
  if (space === MapSpace.gmfnRange) return -Errno.EOPNOTSUPP;
  const refused = checkTarget(core, call, parameter.u16(AddToPhysmapBatch.domid), space);
  if (refused !== 0) return refused;
  const count = parameter.u16(AddToPhysmapBatch.count);
  if (count < start || (count === start && start > 0)) return -Errno.EILSEQ;
  const foreign = parameter.u16(AddToPhysmapBatch.foreignDomid);
  const indexesLo = parameter.u32(AddToPhysmapBatch.indexes);
  const indexesHi = parameter.u32(AddToPhysmapBatch.indexes + 4);
  const framesLo = parameter.u32(AddToPhysmapBatch.gpfns);
  const framesHi = parameter.u32(AddToPhysmapBatch.gpfns + 4);
  const errorsLo = parameter.u32(AddToPhysmapBatch.errors);
  const errorsHi = parameter.u32(AddToPhysmapBatch.errors + 4);
  const end = Math.min(count, start + ENTRIES_AT_ONCE);
  for (let extent = start; extent < end; extent++) {
    if (!readElement(core, call, indexesLo, indexesHi, extent)) return -Errno.EFAULT;
    const index = parameter.u64(ELEMENT);
    if (!readElement(core, call, framesLo, framesHi, extent)) return -Errno.EFAULT;
    const guestFrame = parameter.u64(ELEMENT);
    if (guestFrame >= INVALID_FRAME_FROM) return -Errno.EINVAL;
    const result =
      space === MapSpace.gmfnForeign
        ? foreignResult(core, call, foreign)
        : addOne(core, call.domain, space, index, guestFrame);
    parameter.setU32(ELEMENT, result);
    const low = errorsLo + extent * 4;
    const high = errorsHi + Math.floor(low / 0x1_0000_0000);
    if (!core.guest.copyTo(call.state, low | 0, high | 0, parameter.bytes, ELEMENT, 4)) return -Errno.EFAULT;
  }
  if (end === count) return 0;
  continueAt(call, end);
  return 0;
};

/** Other domains' frames are reached by grants alone. */
const foreignResult = (core: Core, call: Call, domid: number): number => {
  const domain = domainById(core.memory, domid);
  return domain === 0 ? -Errno.ESRCH : domain === call.domain ? -Errno.EINVAL : -Errno.EPERM;
};

const removeFromPhysmap: Handler = (core, call) => {
  if (!readParameter(core, call, 1, RemoveFromPhysmap.size)) return -Errno.EFAULT;
  const refused = checkTarget(core, call, core.parameter.u16(RemoveFromPhysmap.domid), MapSpace.gmfn);
  if (refused !== 0) return refused;
  return removeFrame(core, call.domain, core.parameter.u64(RemoveFromPhysmap.gpfn));
};

/** A figure about a domain: an offset in its record, less `subtract`. */
const figure =
  (field: number, subtract: number): Handler =>
  (core, call) => {
    if (!readParameter(core, call, 1, 2)) return -Errno.EFAULT;
    const refused = checkTarget(core, call, core.parameter.u16(0), MapSpace.gmfn);
    return refused !== 0 ? refused : core.memory.u32[(call.domain + field) >>> 2] - subtract;
  };

const operations: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  // Memory that would not show in the physical map is of no use to a translated domain.
  [MemoryOp.increase_reservation, (_, call) => startOf(call)],
  [MemoryOp.decrease_reservation, adjustReservation],
  [MemoryOp.populate_physmap, adjustReservation],
  [MemoryOp.maximum_ram_page, (core) => core.memory.size >>> FRAME_SHIFT],
  [MemoryOp.current_reservation, figure(PAGES, 0)],
  [MemoryOp.maximum_reservation, figure(MAXIMUM_PAGES, 0)],
  [MemoryOp.maximum_gpfn, figure(MAPPED_LIMIT, 1)],
  [MemoryOp.add_to_physmap, addToPhysmap],
  [MemoryOp.add_to_physmap_batch, addToPhysmapBatch],
  [MemoryOp.remove_from_physmap, removeFromPhysmap],
  [MemoryOp.exchange, exchange],
  [MemoryOp.get_sharing_freed_pages, () => 0],
  [MemoryOp.get_sharing_shared_pages, () => 0],
  [MemoryOp.claim_pages, claimPages],
  [MemoryOp.acquire_resource, acquireResource],
  [MemoryOp.get_vnumainfo, vnumaInfo],
  [MemoryOp.reserved_device_memory_map, reservedMemoryMap],
]);

/** Operations whose command carries an extent to go on from. */
const continued: ReadonlySet<number> = new Set([
  MemoryOp.increase_reservation,
  MemoryOp.decrease_reservation,
  MemoryOp.populate_physmap,
  MemoryOp.add_to_physmap,
  MemoryOp.add_to_physmap_batch,
  MemoryOp.acquire_resource,
]);
/** Operations that do not exist with an extent in their command. */
const plain: ReadonlySet<number> = new Set([MemoryOp.get_sharing_freed_pages, MemoryOp.get_sharing_shared_pages]);

const handler: Handler = (core, call) => {
  const command = commandOf(call);
  const operation = operations.get(command);
  if (operation === undefined) return -Errno.ENOSYS;
  if (startOf(call) !== 0 && !continued.has(command)) return plain.has(command) ? -Errno.ENOSYS : -Errno.EINVAL;
  return operation(core, call);
};

export const memoryOp: Hypercall = {
  number: HypercallNumber.memory_op,
  name: 'memory_op',
  arguments: 2,
  handler,
  operations: MemoryOp,
};
