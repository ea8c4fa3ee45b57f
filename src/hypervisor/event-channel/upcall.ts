import type { MachineMemory } from '../../cpu/machine-memory.ts';
import { EVENT_INTERRUPT } from '../abi/guest-layout.ts';
import { VcpuInfo } from '../abi/shared-info.ts';
import type { Core } from '../core.ts';
import { POLLERS, VGIC, vcpuAt, vcpuCount } from '../domain.ts';
import { domainOf, indexOf, POLL, POLL_SEVERAL, unblock, VCPU_INFO } from '../vcpu.ts';

/** Tells a vCPU that events wait: only the edge of its flag raises the interrupt (as Xen on Arm does). */
export const markEventsPending = (core: Core, vcpu: number): void => {
  const info = core.memory.u32[(vcpu + VCPU_INFO) >>> 2];
  const before = Atomics.or(core.memory.u8, info + VcpuInfo.upcallPending, 1);
  if ((before & 1) === 0) raiseEventInterrupt(core, vcpu);
};

/** Raises the event interrupt whatever the flag says. */
export const raiseEventInterrupt = (core: Core, vcpu: number): void => {
  const gic = core.memory.u32[(domainOf(core.memory, vcpu) + VGIC) >>> 2];
  core.vgic.setPrivateLine(gic, indexOf(core.memory, vcpu), EVENT_INTERRUPT, true);
};

/**
 * Whether the event interrupt's line is up: the guest lowers it by clearing a flag in its memory, which nobody sees, so the
 * interrupt controller looks when the interrupt ends.
 */
export const eventInterruptLine = (memory: MachineMemory, vcpu: number): boolean =>
  (Atomics.load(memory.u8, memory.u32[(vcpu + VCPU_INFO) >>> 2] + VcpuInfo.upcallPending) & 1) !== 0;

/** Wakes the vCPUs that poll a port on which an event came. */
export const checkPollers = (core: Core, domain: number, port: number): void => {
  const { memory } = core;
  if (Atomics.load(memory.i32, (domain + POLLERS) >>> 2) === 0) return;
  for (let index = 0; index < vcpuCount(memory, domain); index++) {
    const vcpu = vcpuAt(memory, domain, index);
    const polled = Atomics.load(memory.i32, (vcpu + POLL) >>> 2);
    if (polled === port || polled === POLL_SEVERAL) unblock(core, vcpu);
  }
};
