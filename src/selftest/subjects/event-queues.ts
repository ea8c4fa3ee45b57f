import { lsl, registers } from '../../cpu/arm64/assembler.ts';
import { Errno } from '../../hypervisor/abi/errno.ts';
import {
  ControlBlock,
  EventChannelOp,
  EventWord,
  ExpandArray,
  FIFO_LINK_BITS,
  FIFO_PRIORITY_MIN,
  InitControl,
  SetPriority,
} from '../../hypervisor/abi/event-channel.ts';
import { EVENT_INTERRUPT } from '../../hypervisor/abi/guest-layout.ts';
import { bindIpi, closePort, eventOperation, sendEvent, unmaskPort } from '../event-channels.ts';
import { type GuestAssembler, u32, u64 } from '../guest-assembler.ts';
import { maskInterrupts, unmaskInterrupts } from '../interrupt-controller.ts';
import { CONTROL_BLOCK_STRIDE, PAGE_BYTES, Place, ProcessorBlock, processorBlock } from '../places.ts';
import type { Subject } from '../subject.ts';

const { x1, x2, x3, x19, x20, w0, w1, w19, w20, wzr } = registers;

const NOT_A_VCPU = 1000;
const WORDS_PER_PAGE = PAGE_BYTES / 4;
const PRIORITY = 3;
const READY = Place.fifoControl + ControlBlock.ready;
const HEAD = Place.fifoControl + ControlBlock.head + 4 * PRIORITY;
const COUNT = processorBlock(0) + ProcessorBlock.counts + 4 * EVENT_INTERRUPT;

/** Registers a vCPU's control block, which turns the first time from the two-level ABI to this one. */
export const initControl = (guest: GuestAssembler, vcpu: number, what = 'init_control', result = 0): void => {
  eventOperation(
    guest,
    what,
    result,
    EventChannelOp.init_control,
    InitControl.size,
    u64(InitControl.controlGfn, Place.fifoControl / PAGE_BYTES),
    u32(InitControl.offset, vcpu === 1 ? CONTROL_BLOCK_STRIDE : 0),
    u32(InitControl.vcpu, vcpu),
  );
};

/** Gives the hypervisor a page of event words, all masked. */
const expandArray = (guest: GuestAssembler): void => {
  const again = guest.fresh('mask words');
  guest.mov(x1, Place.eventArray);
  guest.mov(w0, EventWord.masked);
  guest.mov(x2, WORDS_PER_PAGE);
  guest.label(again);
  guest.sub(x2, x2, 1);
  guest.str(w0, [x1, x2, lsl(2)]);
  guest.cbnz(x2, again);
  const frame = u64(ExpandArray.arrayGfn, Place.eventArray / PAGE_BYTES);
  eventOperation(guest, 'expand_array', 0, EventChannelOp.expand_array, ExpandArray.size, frame);
};

const setPriority = (guest: GuestAssembler, what: string, port: typeof x19, priority: number, result = 0): void =>
  eventOperation(
    guest,
    what,
    result,
    EventChannelOp.set_priority,
    SetPriority.size,
    u32(SetPriority.port, port),
    u32(SetPriority.priority, priority),
  );

/** Loads a port's event word into w0. */
const readWord = (guest: GuestAssembler, port: typeof x19): void => {
  guest.mov(x3, Place.eventArray);
  guest.ldr(w0, [x3, port, lsl(2)]);
};

/** Takes a port off its queue, as a guest's handler does. */
const takeOff = (guest: GuestAssembler, port: typeof x19): void => {
  guest.mov(x3, Place.eventArray);
  guest.str(wzr, [x3, port, lsl(2)]);
};

const awaitUpcall = (guest: GuestAssembler, what: string, count: number): void => {
  unmaskInterrupts(guest);
  guest.awaitInterrupt(`interrupts ${what}`, EVENT_INTERRUPT, count);
  maskInterrupts(guest);
};

const checkMasked = (guest: GuestAssembler): void => {
  sendEvent(guest, 'send to a masked port', x19);
  readWord(guest, x19);
  guest.expect('word of a masked port', w0, (EventWord.pending | EventWord.masked) >>> 0);
  guest.read(w0, READY);
  guest.expect('ready queues after an event on a masked port', w0, 0);
  unmaskPort(guest, 'unmask', x19);
  readWord(guest, x19);
  guest.expect('word of the port when unmasked', w0, (EventWord.pending | EventWord.linked) >>> 0);
  guest.read(w0, READY);
  guest.expect('ready queues when unmasked', w0, 1 << PRIORITY);
  guest.read(w0, HEAD);
  guest.expect('first of the queue', w0, w19);
  awaitUpcall(guest, 'after the port is unmasked', 1);
  takeOff(guest, x19);
  guest.write(READY, 0, 4);
};

/** Two events: the second is linked behind the first, without another interrupt. */
const checkQueue = (guest: GuestAssembler): void => {
  unmaskPort(guest, 'unmask of the second port', x20);
  sendEvent(guest, 'send to the first port', x19);
  sendEvent(guest, 'send to the second port', x20);
  guest.read(w0, HEAD);
  guest.expect('first of the queue of two', w0, w19);
  readWord(guest, x19);
  guest.mov(w1, EventWord.pending | EventWord.linked);
  guest.orr(w1, w1, w20);
  guest.expect('word of the first of two', w0, w1);
  readWord(guest, x20);
  guest.expect('word of the second of two', w0, (EventWord.pending | EventWord.linked) >>> 0);
  awaitUpcall(guest, 'for two events', 2);
  takeOff(guest, x19);
  takeOff(guest, x20);
  guest.write(READY, 0, 4);
  sendEvent(guest, 'send to the first port again', x19);
  awaitUpcall(guest, 'for a third event', 3);
  takeOff(guest, x19);
  guest.write(READY, 0, 4);
};

/** Event channels by the FIFO ABI, on which the guest stays from here on. */
export const eventQueues: Subject = {
  name: 'event-queues',
  title: 'event channels by the FIFO ABI',
  check(guest) {
    guest.write(COUNT, 0, 4);
    initControl(guest, NOT_A_VCPU, 'init_control of no vCPU', -Errno.ENOENT);
    initControl(guest, 0);
    guest.readArgument(w0, InitControl.linkBits, 1);
    guest.expect('bits of a link', w0, FIFO_LINK_BITS);
    initControl(guest, 0, 'init_control a second time', -Errno.EINVAL);
    expandArray(guest);
    bindIpi(guest, 0, x19);
    bindIpi(guest, 0, x20);
    setPriority(guest, 'set_priority', x19, PRIORITY);
    setPriority(guest, 'set_priority of the second port', x20, PRIORITY);
    setPriority(guest, 'set_priority past the last', x20, FIFO_PRIORITY_MIN + 1, -Errno.EINVAL);
    checkMasked(guest);
    checkQueue(guest);
    closePort(guest, 'close of the first port', x19);
    closePort(guest, 'close of the second port', x20);
  },
};
