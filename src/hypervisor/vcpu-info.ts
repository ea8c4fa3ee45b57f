import { FRAME_SIZE } from '../memory/layout.ts';
import { Errno } from './abi/errno.ts';
import { LEGACY_VCPUS, VcpuInfo } from './abi/shared-info.ts';
import type { Core } from './core.ts';
import { lockDomain, NOT_MAPPED, SHARED_INFO, unlockDomain } from './domain.ts';
import { markEventsPending, raiseEventInterrupt } from './event-channel/upcall.ts';
import { pinFrame } from './physmap.ts';
import { domainOf, indexOf, PRIVATE_INFO, VCPU_INFO, VCPU_INFO_FRAME, VCPU_INFO_PINNED } from './vcpu.ts';

/** Where a vCPU's vcpu_info lies: first in the shared page or its record, later where the guest registers it. */

/** Puts it where it lies before the guest registers it. */
export const initialVcpuInfo = (core: Core, vcpu: number): void => {
  const { memory } = core;
  const shared = memory.u32[(domainOf(memory, vcpu) + SHARED_INFO) >>> 2];
  const index = indexOf(memory, vcpu);
  memory.u32[(vcpu + VCPU_INFO_FRAME) >>> 2] = NOT_MAPPED;
  memory.u32[(vcpu + VCPU_INFO) >>> 2] = index < LEGACY_VCPUS ? shared : vcpu + PRIVATE_INFO;
};

/** Moves it to an offset in a guest frame, once. Gives 0 or a negative error number. */
export const registerVcpuInfo = (core: Core, vcpu: number, guestFrame: number, offset: number): number => {
  const { memory } = core;
  if (offset > FRAME_SIZE - VcpuInfo.size) return -Errno.ENXIO;
  if ((offset & 7) !== 0) return -Errno.ENXIO;
  const domain = domainOf(memory, vcpu);
  lockDomain(memory, domain);
  const result =
    memory.u32[(vcpu + VCPU_INFO_PINNED) >>> 2] === 0 ? move(core, vcpu, guestFrame, offset) : -Errno.EINVAL;
  unlockDomain(memory, domain);
  return result;
};

const move = (core: Core, vcpu: number, guestFrame: number, offset: number): number => {
  const { memory } = core;
  const frame = pinFrame(core, domainOf(memory, vcpu), guestFrame);
  if (frame === 0) return -Errno.EINVAL;
  const before = memory.u32[(vcpu + VCPU_INFO) >>> 2];
  const info = frame + offset;
  memory.u8.copyWithin(info, before, before + VcpuInfo.size);
  if (before === vcpu + PRIVATE_INFO) memory.u8[info + VcpuInfo.upcallMask] = 1;
  memory.u32[(vcpu + VCPU_INFO) >>> 2] = info;
  memory.u32[(vcpu + VCPU_INFO_PINNED) >>> 2] = frame;
  memory.u32[(vcpu + VCPU_INFO_FRAME) >>> 2] = guestFrame;
  // Whatever was told to the old place meanwhile: the guest looks at everything once.
  Atomics.store(memory.i32, (info + VcpuInfo.pendingSelector) >>> 2, -1);
  Atomics.store(memory.i32, (info + VcpuInfo.pendingSelector + 4) >>> 2, -1);
  markEventsPending(core, vcpu);
  raiseEventInterrupt(core, vcpu);
  return 0;
};

/** Releases the frame that the guest registered. */
export const forgetVcpuInfo = (core: Core, vcpu: number): void => {
  const pinned = core.memory.u32[(vcpu + VCPU_INFO_PINNED) >>> 2];
  initialVcpuInfo(core, vcpu);
  core.memory.u32[(vcpu + VCPU_INFO_PINNED) >>> 2] = 0;
  if (pinned !== 0) core.frames.release(pinned);
};
