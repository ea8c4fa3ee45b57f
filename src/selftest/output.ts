import { post, pre, registers } from '../cpu/arm64/assembler.ts';
import { EventChannelOp } from '../hypervisor/abi/event-channel.ts';
import { HYPERCALL_TAG, HypercallNumber } from '../hypervisor/abi/hypercall-number.ts';
import { ConsoleIoOp } from '../hypervisor/abi/shared-info.ts';
import type { GuestAssembler } from './guest-assembler.ts';
import { Global, Place } from './places.ts';

const { x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x16, xzr, w0, w3, w4, w5, w9, lr, sp } = registers;

/** struct xencons_interface (public/io/console.h): the guest's output and its two indices. */
export const ConsoleRing = { out: 1024, outSize: 2048, outConsumed: 3080, outProduced: 3084 } as const;

/** How long a full ring is waited for, as a power of two in ticks: half a second. */
const FULL_RING_SHIFT = 25;

/**
 * Routines that write to the console: 'print' (a text at x0), 'print hexadecimal' and 'print decimal' (x0), 'print character' (w0)
 * and 'notify'. They leave registers from x11 on alone. Before the console's ring is open, and if it cannot be opened, Xen's
 * emergency console takes the output.
 */
export const emitOutput = (guest: GuestAssembler): void => {
  emitCharacter(guest);
  emitPrint(guest);
  emitNumbers(guest);
  emitNotify(guest);
};

const emitCharacter = (guest: GuestAssembler): void => {
  guest.label('print character');
  guest.mov(x7, Place.globals);
  guest.ldr(x7, [x7, Global.consoleRing]);
  guest.cbz(x7, 'emergency character');
  guest.ldr(w3, [x7, ConsoleRing.outProduced]);
  guest.and(x4, x3, ConsoleRing.outSize - 1);
  guest.add(x5, x7, ConsoleRing.out);
  guest.strb(w0, [x5, x4]);
  guest.dmb('ish');
  guest.add(w3, w3, 1);
  guest.str(w3, [x7, ConsoleRing.outProduced]);
  guest.mrs(x6, 'CNTVCT_EL0');
  guest.label('ring has room');
  guest.ldr(w4, [x7, ConsoleRing.outConsumed]);
  guest.sub(w5, w3, w4);
  guest.cmp(w5, ConsoleRing.outSize);
  guest.b('character done', 'lo');
  guest.mrs(x5, 'CNTVCT_EL0');
  guest.sub(x5, x5, x6);
  guest.lsr(x5, x5, FULL_RING_SHIFT);
  guest.cbz(x5, 'ring has room');
  guest.label('character done');
  guest.ret();

  guest.label('emergency character');
  guest.strb(w0, pre(sp, -16));
  guest.mov(x0, ConsoleIoOp.write);
  guest.mov(x1, 1);
  guest.mov(x2, sp);
  guest.mov(x16, HypercallNumber.console_io);
  guest.hvc(HYPERCALL_TAG);
  guest.add(sp, sp, 16);
  guest.ret();
};

const emitPrint = (guest: GuestAssembler): void => {
  guest.label('print');
  guest.stp(x9, lr, pre(sp, -16));
  guest.mov(x9, x0);
  guest.label('next character');
  guest.ldrb(w0, post(x9, 1));
  guest.cbz(w0, 'text done');
  guest.bl('print character');
  guest.b('next character');
  guest.label('text done');
  guest.ldp(x9, lr, post(sp, 16));
  guest.ret();
};

const emitNumbers = (guest: GuestAssembler): void => {
  guest.label('print hexadecimal');
  guest.stp(x9, lr, pre(sp, -16));
  guest.mov(x9, x0);
  guest.mov(w0, '0'.charCodeAt(0));
  guest.bl('print character');
  guest.mov(w0, 'x'.charCodeAt(0));
  guest.bl('print character');
  // The shift that brings the first digit which is not zero to the bottom.
  guest.clz(x10, x9);
  guest.mov(x0, 63);
  guest.sub(x10, x0, x10);
  guest.cmp(x10, 0);
  guest.csel(x10, xzr, x10, 'lt');
  guest.and(x10, x10, 0x3c);
  guest.label('next digit');
  guest.lsr(x0, x9, x10);
  guest.and(x0, x0, 15);
  guest.add(w3, w0, 'a'.charCodeAt(0) - 10);
  guest.add(w4, w0, '0'.charCodeAt(0));
  guest.cmp(w0, 10);
  guest.csel(w0, w4, w3, 'lo');
  guest.bl('print character');
  guest.subs(x10, x10, 4);
  guest.b('next digit', 'pl');
  guest.ldp(x9, lr, post(sp, 16));
  guest.ret();

  guest.label('print decimal');
  guest.stp(x9, lr, pre(sp, -16));
  guest.mov(x1, 10);
  guest.udiv(x2, x0, x1);
  guest.msub(x9, x2, x1, x0);
  guest.cbz(x2, 'last digit');
  guest.mov(x0, x2);
  guest.bl('print decimal');
  guest.label('last digit');
  guest.add(w0, w9, '0'.charCodeAt(0));
  guest.bl('print character');
  guest.ldp(x9, lr, post(sp, 16));
  guest.ret();
};

/** Tells the backend that there is output. */
const emitNotify = (guest: GuestAssembler): void => {
  guest.label('notify');
  guest.mov(x8, Place.globals);
  guest.ldr(x0, [x8, Global.consoleRing]);
  guest.cbz(x0, 'notified');
  guest.ldr(x0, [x8, Global.consolePort]);
  guest.str(x0, pre(sp, -16));
  guest.mov(x0, EventChannelOp.send);
  guest.mov(x1, sp);
  guest.mov(x16, HypercallNumber.event_channel_op);
  guest.hvc(HYPERCALL_TAG);
  guest.add(sp, sp, 16);
  guest.label('notified');
  guest.ret();
};
