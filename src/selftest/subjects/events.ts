import { registers } from '../../cpu/arm64/assembler.ts';
import { DOMID_SELF } from '../../hypervisor/abi/domain-id.ts';
import { Errno } from '../../hypervisor/abi/errno.ts';
import {
  AllocUnbound,
  BindInterdomain,
  BindIpi,
  BindVirq,
  ChannelStatus,
  EventChannelOp,
  Status,
  Virq,
} from '../../hypervisor/abi/event-channel.ts';
import { EVENT_INTERRUPT } from '../../hypervisor/abi/guest-layout.ts';
import { HypercallNumber } from '../../hypervisor/abi/hypercall-number.ts';
import { AddToPhysmap, MapSpace, MemoryOp } from '../../hypervisor/abi/memory.ts';
import { SharedInfo, VcpuInfo } from '../../hypervisor/abi/shared-info.ts';
import { RegisterVcpuInfo, VcpuOp } from '../../hypervisor/abi/vcpu.ts';
import { bindIpi, closePort, eventOperation, sendEvent, unmaskPort } from '../event-channels.ts';
import { type GuestAssembler, u16, u32, u64 } from '../guest-assembler.ts';
import { enablePrivate, maskInterrupts, unmaskInterrupts } from '../interrupt-controller.ts';
import { PAGE_BYTES, Place, ProcessorBlock, processorBlock } from '../places.ts';
import type { Subject } from '../subject.ts';

const { x0, x1, x19, x20, x21, w0, w1 } = registers;

const NOT_A_DOMAIN = 0x7000;
const NOT_A_VCPU = 1000;
/** Bytes of the mask bitmap that are set: 512 ports. */
const MASKED_BYTES = 64;
const COUNT = processorBlock(0) + ProcessorBlock.counts + 4 * EVENT_INTERRUPT;

const selector = (info: number): number => info + VcpuInfo.pendingSelector;

const mapSharedInfo = (guest: GuestAssembler): void => {
  guest.argument(
    AddToPhysmap.size,
    u16(AddToPhysmap.domid, DOMID_SELF),
    u32(AddToPhysmap.space, MapSpace.sharedInfo),
    u64(AddToPhysmap.gpfn, Place.sharedInfo / PAGE_BYTES),
  );
  guest.expectCall(
    'add_to_physmap of shared_info',
    0,
    HypercallNumber.memory_op,
    MemoryOp.add_to_physmap,
    Place.argument,
  );
  for (let at = 0; at < MASKED_BYTES; at += 8) guest.write(Place.sharedInfo + SharedInfo.mask + at, -1);
};

/** Says where this vCPU's vcpu_info is, and lets what has come in so far pass. */
const settle = (guest: GuestAssembler, info: number): void => {
  guest.write(processorBlock(0) + ProcessorBlock.upcall, info + VcpuInfo.upcallPending);
  guest.write(info + VcpuInfo.upcallPending, 0, 1);
  guest.write(selector(info), 0);
  guest.write(Place.sharedInfo + SharedInfo.pending, 0);
  enablePrivate(guest, 0, EVENT_INTERRUPT);
  unmaskInterrupts(guest);
  for (let i = 0; i < 4; i++) guest.isb();
  maskInterrupts(guest);
  guest.write(COUNT, 0, 4);
};

/** Loads the pending bit of a port below 64. */
const readPending = (guest: GuestAssembler, port: typeof x19): void => {
  guest.read(x0, Place.sharedInfo + SharedInfo.pending);
  guest.lsr(x0, x0, port);
  guest.and(x0, x0, 1);
};

/** Acknowledges what came in, as a guest's handler does. */
const clearPending = (guest: GuestAssembler, info: number): void => {
  guest.write(selector(info), 0);
  guest.write(Place.sharedInfo + SharedInfo.pending, 0);
};

/** Sends through `from`; the event must come to `to`, and the interrupt be the `count`th. */
const expectEvent = (
  guest: GuestAssembler,
  what: string,
  from: typeof x19,
  to: typeof x19,
  info: number,
  count: number,
): void => {
  sendEvent(guest, `send ${what}`, from);
  readPending(guest, to);
  guest.expect(`pending bit ${what}`, x0, 1);
  guest.read(x1, selector(info));
  guest.expectBits(`selector ${what}`, x1, 1, 1);
  unmaskInterrupts(guest);
  guest.awaitInterrupt(`interrupts ${what}`, EVENT_INTERRUPT, count);
  maskInterrupts(guest);
  clearPending(guest, info);
};

/** A channel from the guest to itself: events sent into x19 come out of x20. */
const connect = (guest: GuestAssembler): void => {
  eventOperation(
    guest,
    'alloc_unbound',
    0,
    EventChannelOp.alloc_unbound,
    AllocUnbound.size,
    u16(AllocUnbound.dom, DOMID_SELF),
    u16(AllocUnbound.remoteDom, DOMID_SELF),
  );
  guest.readArgument(x19, AllocUnbound.port, 4);
  eventOperation(
    guest,
    'bind_interdomain',
    0,
    EventChannelOp.bind_interdomain,
    BindInterdomain.size,
    u16(BindInterdomain.remoteDom, DOMID_SELF),
    u32(BindInterdomain.remotePort, x19),
  );
  guest.readArgument(x20, BindInterdomain.localPort, 4);
  expectStatus(guest, 'first port', x19, ChannelStatus.interdomain);
  guest.readArgument(w0, Status.uPort, 4);
  guest.mov(w1, registers.w20);
  guest.expect('other end of the channel', w0, w1);
};

const expectStatus = (guest: GuestAssembler, what: string, port: typeof x19, status: number): void => {
  eventOperation(
    guest,
    `status of the ${what}`,
    0,
    EventChannelOp.status,
    Status.size,
    u16(Status.dom, DOMID_SELF),
    u32(Status.port, port),
  );
  guest.readArgument(w0, Status.status, 4);
  guest.expect(`kind of the ${what}`, w0, status);
};

const checkChannel = (guest: GuestAssembler): void => {
  connect(guest);
  clearPending(guest, Place.sharedInfo);
  sendEvent(guest, 'send to a masked port', x19);
  readPending(guest, x20);
  guest.expect('pending bit of a masked port', x0, 1);
  guest.read(x0, selector(Place.sharedInfo));
  guest.expect('selector after an event on a masked port', x0, 0);
  unmaskPort(guest, 'unmask', x20);
  unmaskInterrupts(guest);
  guest.awaitInterrupt('interrupts after the port is unmasked', EVENT_INTERRUPT, 1);
  maskInterrupts(guest);
  clearPending(guest, Place.sharedInfo);
  expectEvent(guest, 'through a channel', x19, x20, Place.sharedInfo, 2);

  bindIpi(guest, 0, x21);
  unmaskPort(guest, 'unmask', x21);
  expectEvent(guest, 'from vCPU 0 to itself', x21, x21, Place.sharedInfo, 3);
};

const checkErrors = (guest: GuestAssembler): void => {
  eventOperation(
    guest,
    'bind_interdomain to a port that is none',
    -Errno.EINVAL,
    EventChannelOp.bind_interdomain,
    BindInterdomain.size,
    u16(BindInterdomain.remoteDom, DOMID_SELF),
    u32(BindInterdomain.remotePort, 4000),
  );
  eventOperation(
    guest,
    'alloc_unbound for a domain that does not exist',
    -Errno.ESRCH,
    EventChannelOp.alloc_unbound,
    AllocUnbound.size,
    u16(AllocUnbound.dom, NOT_A_DOMAIN),
  );
  const { bind_ipi, bind_virq } = EventChannelOp;
  eventOperation(guest, 'bind_ipi to no vCPU', -Errno.ENOENT, bind_ipi, BindIpi.size, u32(BindIpi.vcpu, NOT_A_VCPU));
  const debug = u32(BindVirq.virq, Virq.debug);
  eventOperation(guest, 'bind_virq', 0, bind_virq, BindVirq.size, debug);
  guest.readArgument(x21, BindVirq.port, 4);
  eventOperation(guest, 'bind_virq a second time', -Errno.EEXIST, bind_virq, BindVirq.size, debug);
  closePort(guest, 'close of the virtual interrupt', x21);
  closePort(guest, 'close of one end', x20);
  expectStatus(guest, 'other end', x19, ChannelStatus.unbound);
  closePort(guest, 'close of the other end', x19);
  expectStatus(guest, 'closed port', x19, ChannelStatus.closed);
  sendEvent(guest, 'send through a closed port', x19, -Errno.EINVAL);
  closePort(guest, 'close of a closed port', x19, -Errno.EINVAL);
};

/** Moves the vcpu_info to a page of the guest's own. */
const checkVcpuInfo = (guest: GuestAssembler): void => {
  guest.argument(RegisterVcpuInfo.size, u64(RegisterVcpuInfo.mfn, Place.vcpuInfo / PAGE_BYTES));
  guest.expectCall('register_vcpu_info', 0, HypercallNumber.vcpu_op, VcpuOp.register_vcpu_info, 0, Place.argument);
  guest.read(w0, Place.vcpuInfo + VcpuInfo.upcallPending, 1);
  guest.expect('upcall after register_vcpu_info', w0, 1);
  settle(guest, Place.vcpuInfo);
  bindIpi(guest, 0, x21);
  unmaskPort(guest, 'unmask', x21);
  expectEvent(guest, 'with a registered vcpu_info', x21, x21, Place.vcpuInfo, 1);
  closePort(guest, 'close of an IPI', x21);
};

/** Event channels by the two-level ABI. */
export const events: Subject = {
  name: 'events',
  title: 'event channels and their interrupt',
  check(guest) {
    mapSharedInfo(guest);
    settle(guest, Place.sharedInfo);
    checkChannel(guest);
    checkErrors(guest);
    checkVcpuInfo(guest);
  },
};
