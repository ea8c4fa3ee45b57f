import { Errno } from '../abi/errno.ts';
import {
  AcquireResource,
  MemoryExchange,
  RESERVED_MEMORY_ALL,
  Reservation,
  ReservationFlag,
  ReservedMemoryMap,
  VnumaInfo,
} from '../abi/memory.ts';
import type { Core } from '../core.ts';
import { domainByAnyId, domainById } from '../domain-table.ts';
import { hasMemory } from '../physmap.ts';
import type { Call } from './call.ts';
import { ELEMENT, type Handler, readElement, readParameter, writeParameter } from './handler.ts';

/**
 * Memory operations that do nothing for any guest on Arm. Which error a guest gets follows from the order in which Xen looks
 * at the argument (common/memory.c).
 */

/** The largest extent an unprivileged domain may name (Xen's default for domU). */
export const MAXIMUM_ORDER = 9;
const ANY_NODE = 0xff;

/** Whether a reservation's flags insist on a NUMA node, which only the control domain may. */
export const wantsExactNode = (flags: number): boolean =>
  (((flags >>> 8) - 1) & 0xff) !== ANY_NODE && (flags & ReservationFlag.exactNode) !== 0;

/** exchange: pages cannot be taken from a domain on Arm, so all it can do is nothing. */
export const exchange: Handler = (core, call) => {
  const { parameter } = core;
  if (!readParameter(core, call, 1, MemoryExchange.size)) return -Errno.EFAULT;
  const done = parameter.u64(MemoryExchange.done);
  let result = checkExchange(core, call, done);
  if (result === 0) {
    if (done === parameter.u64(MemoryExchange.input + Reservation.count)) return 0;
    result = exchangeFirst(core, call, done);
  }
  return writeParameter(core, call, 1, 8, MemoryExchange.done) ? result : -Errno.EFAULT;
};

const checkExchange = (core: Core, call: Call, done: number): number => {
  const { parameter } = core;
  const [from, to] = [MemoryExchange.input, MemoryExchange.output];
  const fromOrder = parameter.u32(from + Reservation.order);
  const toOrder = parameter.u32(to + Reservation.order);
  if (Math.max(fromOrder, toOrder) > MAXIMUM_ORDER) return -Errno.EPERM;
  const count = parameter.u64(from + Reservation.count);
  const fromFrames = count * 2 ** fromOrder;
  const toFrames = parameter.u64(to + Reservation.count) * 2 ** toOrder;
  const domid = parameter.u16(from + Reservation.domid);
  if (done > count || domid !== parameter.u16(to + Reservation.domid)) return -Errno.EINVAL;
  if (fromFrames !== toFrames || fromFrames >= 2 ** 64) return -Errno.EINVAL;
  if (done === count) return 0;
  if (wantsExactNode(parameter.u32(to + Reservation.flags))) return -Errno.EINVAL;
  const domain = domainByAnyId(core.memory, call.domain, domid);
  if (domain === 0) return -Errno.ESRCH;
  return domain === call.domain ? 0 : -Errno.EPERM;
};

/** Looks at the first extent that is not done; what is left undone begins with its whole chunk. */
const exchangeFirst = (core: Core, call: Call, done: number): number => {
  const { parameter } = core;
  const fromOrder = parameter.u32(MemoryExchange.input + Reservation.order);
  const toOrder = parameter.u32(MemoryExchange.output + Reservation.order);
  const chunk = 2 ** Math.max(toOrder - fromOrder, 0);
  const first = done - (done % chunk);
  parameter.setU64(MemoryExchange.done, first);
  const lo = parameter.u32(MemoryExchange.input + Reservation.extents);
  const hi = parameter.u32(MemoryExchange.input + Reservation.extents + 4);
  if (!readElement(core, call, lo, hi, first)) return -Errno.EFAULT;
  return hasMemory(core, call.domain, parameter.u64(ELEMENT)) ? -Errno.EOPNOTSUPP : -Errno.EINVAL;
};

/** claim_pages, for the toolstack. */
export const claimPages: Handler = (core, call) => {
  const { parameter } = core;
  if (!readParameter(core, call, 1, Reservation.size)) return -Errno.EFAULT;
  const claims =
    parameter.u64(Reservation.extents) === 0 &&
    parameter.u32(Reservation.order) === 0 &&
    parameter.u32(Reservation.flags) === 0 &&
    domainById(core.memory, parameter.u16(Reservation.domid)) !== 0;
  return claims ? -Errno.EPERM : -Errno.EINVAL;
};

/** acquire_resource, for who serves another domain. */
export const acquireResource: Handler = (core, call) => {
  const { parameter } = core;
  if (!readParameter(core, call, 1, AcquireResource.size)) return -Errno.EFAULT;
  if (parameter.u32(AcquireResource.padding) !== 0) return -Errno.EINVAL;
  const end = parameter.u64(AcquireResource.firstFrame) + parameter.u32(AcquireResource.frames);
  if (end >= 2 ** 32) return -Errno.EINVAL;
  return domainById(core.memory, parameter.u16(AcquireResource.domid)) === 0 ? -Errno.ESRCH : -Errno.EPERM;
};

/** get_vnumainfo: no domain has virtual nodes. */
export const vnumaInfo: Handler = (core, call) => {
  const { parameter } = core;
  if (!readParameter(core, call, 1, VnumaInfo.size)) return -Errno.EFAULT;
  if (parameter.u16(VnumaInfo.padding) !== 0) return -Errno.EINVAL;
  const domain = domainByAnyId(core.memory, call.domain, parameter.u16(VnumaInfo.domid));
  if (domain === 0) return -Errno.ESRCH;
  return domain === call.domain ? -Errno.EOPNOTSUPP : -Errno.EPERM;
};

/** reserved_device_memory_map: there are no such regions. */
export const reservedMemoryMap: Handler = (core, call) => {
  const { parameter } = core;
  if (!readParameter(core, call, 1, ReservedMemoryMap.size)) return -Errno.EFAULT;
  if ((parameter.u32(ReservedMemoryMap.flags) & ~RESERVED_MEMORY_ALL) !== 0) return -Errno.EINVAL;
  parameter.setU32(ReservedMemoryMap.entries, 0);
  return writeParameter(core, call, 1, ReservedMemoryMap.size) ? 0 : -Errno.EFAULT;
};
