import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Assembler, post, registers } from '../../src/cpu/arm64/assembler.ts';
import { GuestLayout } from '../../src/hypervisor/abi/guest-layout.ts';
import { HYPERCALL_TAG, HypercallNumber } from '../../src/hypervisor/abi/hypercall-number.ts';
import { SchedOp, ShutdownReason } from '../../src/hypervisor/abi/sched.ts';

/**
 * Kernels of a few instructions, for what the command line does around a guest. They need `--vuart`: they write their text to
 * the PL011's data register.
 */

const { x0, x1, x2, w0, w1, x16, x19, x20, w20 } = registers;

const UART = { data: 0, flags: 0x18, receiveEmptyBit: 4, transmitFullBit: 5 } as const;
/** 'ARM\x64' */
const IMAGE_MAGIC = 0x644d_5241;
const IMAGE_SIZE = 2 ** 20;
const IMAGE_FLAGS = 0b1010;

export type Ending =
  /** Sleeps for ever. */
  | 'idle'
  /** Spins for ever. */
  | 'spin'
  /** Gives back what it receives. */
  | 'echo'
  /** The same, but reboots when it receives a NUL. */
  | 'echo until reboot'
  /** Writes its text again and again. */
  | 'flood'
  /** An undefined instruction without a vector table: faults for ever. */
  | 'fault'
  | { readonly shutdown: number };

const putByte = (guest: Assembler, name: string): void => {
  guest.label(name);
  guest.ldr(w1, [x19, UART.flags]);
  guest.tbnz(w1, UART.transmitFullBit, name);
  guest.str(w20, [x19, UART.data]);
};

const writeText = (guest: Assembler): void => {
  guest.adr(x2, 'text');
  guest.label('next');
  guest.ldrb(w20, post(x2, 1));
  guest.cbz(w20, 'written');
  putByte(guest, 'full');
  guest.b('next');
  guest.label('written');
};

const shutDown = (guest: Assembler): void => {
  guest.mov(x0, SchedOp.shutdown);
  guest.adr(x1, 'reason');
  guest.mov(x16, HypercallNumber.sched_op);
  guest.hvc(HYPERCALL_TAG);
};

const reasonOf = (ending: Ending): number => {
  if (typeof ending === 'object') return ending.shutdown;
  return ending === 'echo until reboot' ? ShutdownReason.reboot : 0;
};

const end = (guest: Assembler, ending: Ending): void => {
  if (typeof ending === 'object') {
    shutDown(guest);
  }
  guest.label('stay');
  if (ending === 'fault') guest.word(0);
  if (ending === 'flood') guest.b('start');
  if (ending === 'echo' || ending === 'echo until reboot') {
    guest.ldr(w0, [x19, UART.flags]);
    guest.tbnz(w0, UART.receiveEmptyBit, 'stay');
    guest.ldr(w20, [x19, UART.data]);
    if (ending === 'echo until reboot') {
      guest.cbnz(w20, 'full to echo');
      shutDown(guest);
    }
    putByte(guest, 'full to echo');
  }
  if (ending === 'idle') guest.wfi();
  guest.b('stay');
};

/** A guest that writes a text and ends as told. */
export const tinyGuest = (text: string, ending: Ending): Uint8Array => {
  const guest = new Assembler(GuestLayout.ramBase);
  guest.b('start');
  guest.word(0);
  guest.quad(0, IMAGE_SIZE, IMAGE_FLAGS, 0, 0, 0);
  guest.word(IMAGE_MAGIC, 0);
  guest.label('start');
  guest.mov(x19, GuestLayout.vuart);
  guest.mov(x20, 0);
  writeText(guest);
  end(guest, ending);
  guest.label('reason');
  guest.word(reasonOf(ending));
  guest.label('text');
  guest.asciz(text);
  guest.align(4);
  return guest.finish();
};

/** Writes a guest's Image to a folder and gives the arguments that run it. */
export const tinyRun = (folder: string, text: string, ending: Ending): string[] => {
  const name = typeof ending === 'object' ? `shutdown-${ending.shutdown}` : ending;
  const path = join(folder, `${name}.Image`);
  writeFileSync(path, tinyGuest(text, ending));
  return ['run', '--kernel', path, '--vuart', '--memory', '16M'];
};
