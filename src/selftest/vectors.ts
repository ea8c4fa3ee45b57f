import { lsl, registers } from '../cpu/arm64/assembler.ts';
import { EVENT_INTERRUPT } from '../hypervisor/abi/guest-layout.ts';
import type { GuestAssembler } from './guest-assembler.ts';
import { Interrupt } from './interrupt-numbers.ts';
import { COUNTED_INTERRUPTS, ProcessorBlock } from './places.ts';

const { x0, x1, x2, x3, w1, w2, xzr, wzr, sp } = registers;

/** Numbers of vectors: what came, from where. */
export const Vector = { current: 0, currentOwnStack: 4, lower: 8, synchronous: 0, interrupt: 1 } as const;
const VECTORS = 16;
const VECTOR_BYTES = 0x80;
const VECTOR_TABLE_BYTES = VECTORS * VECTOR_BYTES;
const KINDS = 4;

/** PSTATE after an expected exception: EL1 with its own stack pointer, everything masked. */
const EL1_MASKED = 0x3c5;
/** So many of one interrupt, as a power of two, are too many. */
const STORM_SHIFT = 16;
/** Interrupt numbers from this on are no interrupts. */
const SPECIAL_INTERRUPTS = 1020;

/**
 * The vector table and what it leads to: a synchronous exception is noted down, and the code goes on where the check under way
 * wants; an interrupt is counted and its cause turned off.
 */
export const emitVectors = (guest: GuestAssembler): void => {
  guest.align(VECTOR_TABLE_BYTES);
  guest.label('vectors');
  const table = guest.length;
  for (let vector = 0; vector < VECTORS; vector++) {
    guest.stp(x0, x1, [sp, -32]);
    guest.sub(sp, sp, 32);
    guest.mov(x1, vector);
    guest.b(vector % KINDS === Vector.interrupt ? 'interrupt' : 'exception');
    guest.space(table + (vector + 1) * VECTOR_BYTES - guest.length);
  }
  emitException(guest);
  emitInterrupt(guest);
};

const emitException = (guest: GuestAssembler): void => {
  guest.label('exception');
  guest.mrs(x0, 'TPIDR_EL1');
  guest.str(x1, [x0, ProcessorBlock.vector]);
  for (const [name, at] of [
    ['ESR_EL1', ProcessorBlock.syndrome],
    ['ELR_EL1', ProcessorBlock.returnAddress],
    ['FAR_EL1', ProcessorBlock.faultAddress],
    ['SPSR_EL1', ProcessorBlock.savedState],
  ] as const) {
    guest.mrs(x1, name);
    guest.str(x1, [x0, at]);
  }
  guest.ldr(x1, [x0, ProcessorBlock.resume]);
  guest.cbz(x1, 'unexpected');
  guest.str(xzr, [x0, ProcessorBlock.resume]);
  guest.msr('ELR_EL1', x1);
  guest.mov(x1, EL1_MASKED);
  guest.msr('SPSR_EL1', x1);
  guest.ldp(x0, x1, [sp]);
  guest.add(sp, sp, 32);
  guest.eret();
};

const emitInterrupt = (guest: GuestAssembler): void => {
  guest.label('interrupt');
  guest.stp(x2, x3, [sp, 16]);
  guest.mrs(x0, 'TPIDR_EL1');
  guest.mrs(x1, 'ICC_IAR1_EL1');
  guest.cmp(w1, SPECIAL_INTERRUPTS);
  guest.b('interrupt over', 'hs');
  guest.str(x1, [x0, ProcessorBlock.interrupt]);
  guest.mrs(x2, 'CNTVCT_EL0');
  guest.str(x2, [x0, ProcessorBlock.interruptTime]);
  emitQuieten(guest, Interrupt.virtualTimer, () => guest.msr('CNTV_CTL_EL0', xzr));
  emitQuieten(guest, Interrupt.physicalTimer, () => guest.msr('CNTP_CTL_EL0', xzr));
  emitQuieten(guest, EVENT_INTERRUPT, () => {
    guest.ldr(x2, [x0, ProcessorBlock.upcall]);
    guest.cbz(x2, 'no upcall');
    guest.strb(wzr, [x2]);
    guest.label('no upcall');
  });
  guest.isb();
  guest.dsb();
  guest.msr('ICC_EOIR1_EL1', x1);
  guest.cmp(w1, COUNTED_INTERRUPTS);
  guest.b('interrupt over', 'hs');
  guest.add(x0, x0, ProcessorBlock.counts);
  guest.add(x0, x0, x1, lsl(2));
  guest.ldr(w2, [x0]);
  guest.add(w2, w2, 1);
  guest.str(w2, [x0]);
  // An interrupt that does not stop must not stop the guest: the check under way will miss the next one.
  guest.lsr(w2, w2, STORM_SHIFT);
  guest.cbz(w2, 'interrupt over');
  guest.msr('ICC_IGRPEN1_EL1', xzr);
  guest.label('interrupt over');
  guest.ldp(x2, x3, [sp, 16]);
  guest.ldp(x0, x1, [sp]);
  guest.add(sp, sp, 32);
  guest.eret();
};

/** Turns the cause of a level-triggered interrupt off, if it is this one. */
const emitQuieten = (guest: GuestAssembler, interrupt: number, off: () => void): void => {
  const other = guest.fresh('other interrupt');
  guest.cmp(w1, interrupt);
  guest.b(other, 'ne');
  off();
  guest.label(other);
};
