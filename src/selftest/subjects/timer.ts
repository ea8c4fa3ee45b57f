import { registers } from '../../cpu/arm64/assembler.ts';
import type { GuestAssembler } from '../guest-assembler.ts';
import { maskInterrupts, unmaskInterrupts } from '../interrupt-controller.ts';
import { Interrupt } from '../interrupt-numbers.ts';
import { ProcessorBlock } from '../places.ts';
import type { Subject } from '../subject.ts';

const { x0, x1, x2, x3, x4, x5, x6, x19, w0, w1, xzr } = registers;

const ENABLE = 1;
const MASK = 2;
const FIRED = 4;

/** A sleep is this part of a second. */
const SLEEPS_PER_SECOND = 50;
/** Looks at the counter until it moves. */
const LOOKS = 1_000_000;

interface TimerRegisters {
  readonly name: string;
  readonly control: string;
  readonly compare: string;
  readonly value: string;
  readonly interrupt: number;
}

const virtualTimer: TimerRegisters = {
  name: 'virtual timer',
  control: 'CNTV_CTL_EL0',
  compare: 'CNTV_CVAL_EL0',
  value: 'CNTV_TVAL_EL0',
  interrupt: Interrupt.virtualTimer,
};

const physicalTimer: TimerRegisters = {
  name: 'physical timer',
  control: 'CNTP_CTL_EL0',
  compare: 'CNTP_CVAL_EL0',
  value: 'CNTP_TVAL_EL0',
  interrupt: Interrupt.physicalTimer,
};

const checkCounter = (guest: GuestAssembler, counter: string): void => {
  const again = guest.fresh('look');
  const moved = guest.fresh('moved');
  guest.mov(x2, LOOKS);
  guest.isb();
  guest.mrs(x3, counter);
  guest.label(again);
  guest.isb();
  guest.mrs(x4, counter);
  guest.cmp(x4, x3);
  guest.b(moved, 'ne');
  guest.subs(x2, x2, 1);
  guest.b(again, 'ne');
  guest.label(moved);
  guest.cmp(x4, x3);
  guest.cset(x0, 'hi');
  guest.expect(`whether ${counter} goes forward`, x0, 1);
};

/** Sets a timer to fire after a part of a second. */
const start = (guest: GuestAssembler, timer: TimerRegisters, part: number, control = ENABLE): void => {
  guest.mrs(x1, 'CNTFRQ_EL0');
  guest.mov(x2, part);
  guest.udiv(x1, x1, x2);
  guest.msr(timer.value, x1);
  guest.mov(x1, control);
  guest.msr(timer.control, x1);
  guest.isb();
};

const checkTimer = (guest: GuestAssembler, timer: TimerRegisters): void => {
  const { name, interrupt } = timer;
  start(guest, timer, 200);
  guest.mrs(x19, timer.compare);
  unmaskInterrupts(guest);
  guest.awaitInterrupt(`interrupts of the ${name}`, interrupt, 1);
  maskInterrupts(guest);
  if (timer === virtualTimer) {
    guest.readBlock(x1, ProcessorBlock.interruptTime);
    guest.cmp(x1, x19);
    guest.cset(x0, 'hs');
    guest.expect(`whether the ${name} waited long enough`, x0, 1);
  }
  // Masked by the timer itself: it fires, but there is no interrupt.
  start(guest, timer, 1000, ENABLE | MASK);
  unmaskInterrupts(guest);
  guest.await(`status of the ${name} when masked`, x0, ENABLE | MASK | FIRED, () => guest.mrs(x0, timer.control));
  guest.readCount(x0, interrupt);
  guest.expect(`interrupts of the ${name} when masked`, w0, 1);
  guest.mov(x1, ENABLE);
  guest.msr(timer.control, x1);
  guest.isb();
  guest.awaitInterrupt(`interrupts of the ${name} when unmasked`, interrupt, 2);
  // A time in the past.
  guest.msr(timer.compare, xzr);
  guest.mov(x1, ENABLE);
  guest.msr(timer.control, x1);
  guest.isb();
  guest.awaitInterrupt(`interrupts of the ${name} after a time in the past`, interrupt, 3);
  maskInterrupts(guest);
};

/** Sleeps until the timer fires; the other timer ends a sleep that this one does not. */
const checkSleep = (guest: GuestAssembler): void => {
  const again = guest.fresh('sleep');
  guest.isb();
  guest.mrs(x5, 'CNTVCT_EL0');
  start(guest, physicalTimer, 1);
  start(guest, virtualTimer, SLEEPS_PER_SECOND);
  guest.label(again);
  guest.wfi();
  unmaskInterrupts(guest);
  guest.isb();
  maskInterrupts(guest);
  guest.readCount(x0, Interrupt.virtualTimer);
  guest.readCount(x1, Interrupt.physicalTimer);
  guest.add(w0, w0, w1);
  guest.cmp(w0, 6);
  guest.b(again, 'eq');
  guest.mrs(x6, 'CNTVCT_EL0');
  guest.msr('CNTP_CTL_EL0', xzr);
  guest.readCount(x0, Interrupt.virtualTimer);
  guest.expect('interrupts of the virtual timer after WFI', w0, 4);
  guest.sub(x6, x6, x5);
  guest.mrs(x1, 'CNTFRQ_EL0');
  guest.mov(x2, SLEEPS_PER_SECOND);
  guest.udiv(x1, x1, x2);
  guest.cmp(x6, x1);
  guest.cset(x0, 'hs');
  guest.expect('whether WFI slept long enough', x0, 1);
};

export const timer: Subject = {
  name: 'timer',
  title: 'the counters and timers, and sleeping',
  check(guest) {
    checkCounter(guest, 'CNTVCT_EL0');
    checkCounter(guest, 'CNTPCT_EL0');
    checkTimer(guest, virtualTimer);
    checkTimer(guest, physicalTimer);
    checkSleep(guest);
  },
};
