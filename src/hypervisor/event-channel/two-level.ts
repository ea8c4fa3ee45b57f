import { SharedInfo, VcpuInfo } from '../abi/shared-info.ts';
import type { Core } from '../core.ts';
import { SHARED_INFO, vcpuAt } from '../domain.ts';
import { VCPU_INFO } from '../vcpu.ts';
import { Port } from './tables.ts';
import { checkPollers, markEventsPending } from './upcall.ts';

/**
 * The two-level ABI (public/xen.h, struct shared_info): a pending and a mask bit for each port in the shared page, and a
 * selector bit for each 64 ports in the vCPU's info.
 */

/** Index (in u32s) of the word with a port's bit in one of the shared page's bitmaps. */
const bitmapWord = (core: Core, domain: number, bitmap: number, port: number): number =>
  (core.memory.u32[(domain + SHARED_INFO) >>> 2] + bitmap + (port >>> 5) * 4) >>> 2;

const bitOf = (port: number): number => 1 << (port & 31);

/** Sets the port's selector bit and, unless it was set, tells the vCPU. */
const select = (core: Core, domain: number, port: number, record: number): void => {
  const vcpu = vcpuAt(core.memory, domain, core.memory.u8[record + Port.vcpu]);
  const selector = (core.memory.u32[(vcpu + VCPU_INFO) >>> 2] + VcpuInfo.pendingSelector + (port >>> 11) * 4) >>> 2;
  const bit = 1 << ((port >>> 6) & 31);
  if ((Atomics.or(core.memory.i32, selector, bit) & bit) === 0) markEventsPending(core, vcpu);
};

export const setPending = (core: Core, domain: number, port: number, record: number): void => {
  const { i32 } = core.memory;
  const bit = bitOf(port);
  if ((Atomics.or(i32, bitmapWord(core, domain, SharedInfo.pending, port), bit) & bit) !== 0) return;
  const masked = Atomics.load(i32, bitmapWord(core, domain, SharedInfo.mask, port)) & bit;
  if (masked === 0) select(core, domain, port, record);
  checkPollers(core, domain, port);
};

export const clearPending = (core: Core, domain: number, port: number): void => {
  Atomics.and(core.memory.i32, bitmapWord(core, domain, SharedInfo.pending, port), ~bitOf(port));
};

export const unmask = (core: Core, domain: number, port: number, record: number): void => {
  const bit = bitOf(port);
  const before = Atomics.and(core.memory.i32, bitmapWord(core, domain, SharedInfo.mask, port), ~bit);
  if ((before & bit) !== 0 && isPending(core, domain, port)) select(core, domain, port, record);
};

export const isPending = (core: Core, domain: number, port: number): boolean =>
  (Atomics.load(core.memory.i32, bitmapWord(core, domain, SharedInfo.pending, port)) & bitOf(port)) !== 0;
