import assert from 'node:assert/strict';
import { EventChannelOp } from '../../src/hypervisor/abi/event-channel.ts';
import { HypercallNumber } from '../../src/hypervisor/abi/hypercall-number.ts';
import { VGIC } from '../../src/hypervisor/domain.ts';
import { Flag } from '../../src/hypervisor/vgic/record.ts';
import { RAM, type TestHost } from './host.ts';

const SELF = 0x7ff0;
/** Scratch page of the tests' arguments. */
export const ARGUMENT = RAM;

/** event_channel_op with 32-bit words as its argument; gives the result. */
export const eventOp = (
  host: TestHost,
  domid: number,
  operation: keyof typeof EventChannelOp,
  ...words: readonly number[]
): number => {
  host.write32(domid, ARGUMENT, ...words);
  return host.call(domid, HypercallNumber.event_channel_op, [EventChannelOp[operation], ARGUMENT]);
};

/** Makes a port of the domain's and connects domain 0 to it; gives both ports. */
export const channelFromDom0 = (host: TestHost, domid: number): { guest: number; dom0: number } => {
  assert.equal(eventOp(host, domid, 'alloc_unbound', SELF), 0);
  const guest = host.read32(domid, ARGUMENT + 4);
  const dom0 = host.hypervisor.bindInterdomain(domid, guest);
  assert.ok(dom0 > 0);
  return { guest, dom0 };
};

/** Whether the event interrupt's line of a vCPU is up. */
export const lineIsUp = (host: TestHost, domid: number, vcpu: number): boolean => {
  const gic = host.memory.u32[(host.hypervisor.domain(domid) + VGIC) >>> 2];
  return (host.hypervisor.vgic.flags(gic, vcpu, 31) & Flag.line) !== 0;
};

/** Lowers it, as the guest does by taking the interrupt. */
export const lowerLine = (host: TestHost, domid: number, vcpu: number): void => {
  const gic = host.memory.u32[(host.hypervisor.domain(domid) + VGIC) >>> 2];
  host.hypervisor.vgic.setPrivateLine(gic, vcpu, 31, false);
};
