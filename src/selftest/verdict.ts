import { registers } from '../cpu/arm64/assembler.ts';
import { HypercallNumber } from '../hypervisor/abi/hypercall-number.ts';
import { SchedOp, Shutdown, ShutdownReason } from '../hypervisor/abi/sched.ts';
import { type GuestAssembler, u32 } from './guest-assembler.ts';
import { ConsoleRing } from './output.ts';
import { Global, Place, ProcessorBlock, processorBlock, stackTop } from './places.ts';
import { PsciFunction } from './psci-function.ts';
import type { Subject } from './subject.ts';

const { x0, x1, x2, x3, x4, x11, x12, x19, x20, x21, w1, w2, xzr, sp } = registers;

/** SCTLR_EL1 as a guest starts with it: without translation. */
export const SCTLR_START = 0x00c5_0078;

/** What begins each line of the report. */
export const REPORT_MARK = 'selftest: ';
export const REPORT_END = 'done';

const print = (guest: GuestAssembler, text: string): void => {
  guest.adr(x0, guest.text(text));
  guest.bl('print');
};

const printGlobal = (guest: GuestAssembler, at: number): void => {
  guest.readGlobal(x0, at);
  guest.bl('print');
};

const printHexadecimal = (guest: GuestAssembler, before: string, register: typeof x0): void => {
  print(guest, before);
  guest.mov(x0, register);
  guest.bl('print hexadecimal');
};

/** Runs one subject after the other and then ends the guest. */
export const emitSubjects = (guest: GuestAssembler, subjects: readonly Subject[]): void => {
  guest.label('run');
  for (const subject of subjects) {
    const next = guest.fresh('next subject');
    guest.adr(x1, guest.text(subject.name));
    guest.writeGlobal(Global.subject, x1);
    guest.adr(x1, next);
    guest.writeGlobal(Global.next, x1);
    guest.writeGlobal(Global.noteText, xzr);
    subject.check(guest);
    guest.b('passed');
    guest.flush();
    subject.routines?.(guest);
    guest.flush();
    guest.label(next);
  }
  emitEnd(guest);
};

const emitEnd = (guest: GuestAssembler): void => {
  print(guest, `${REPORT_MARK}${REPORT_END}\n`);
  guest.bl('notify');
  guest.bl('drain');
  guest.argument(Shutdown.size, u32(Shutdown.reason, ShutdownReason.poweroff));
  guest.hypercall(HypercallNumber.sched_op, SchedOp.shutdown, Place.argument);
  guest.secureCall(PsciFunction.systemOff);
  guest.label('halt');
  guest.wfi();
  guest.b('halt');
};

/** Routines that end a subject: 'passed', 'failed' and 'unexpected'. */
export const emitVerdicts = (guest: GuestAssembler): void => {
  emitPassed(guest);
  emitFailed(guest);
  emitFailedOther(guest);
  emitUnexpected(guest);
  emitGoOn(guest);
  emitQuiesce(guest);
  emitDrain(guest);
};

const emitPassed = (guest: GuestAssembler): void => {
  guest.label('passed');
  emitBegin(guest);
  print(guest, ' ok');
  guest.readGlobal(x1, Global.noteText);
  guest.cbz(x1, 'line over');
  print(guest, ': ');
  printGlobal(guest, Global.noteText);
  print(guest, ': ');
  guest.readGlobal(x0, Global.noteValue);
  guest.bl('print decimal');
  guest.b('line over');
};

/** A value (x0) is not what it should be (x1); what it is stands at x2. */
const emitFailed = (guest: GuestAssembler): void => {
  guest.label('failed');
  guest.mrs(x3, 'TPIDR_EL1');
  guest.mov(x4, processorBlock(0));
  guest.cmp(x3, x4);
  guest.b('failed on vCPU 1', 'ne');
  guest.mov(x19, x0);
  guest.mov(x20, x1);
  guest.mov(x21, x2);
  emitBegin(guest);
  print(guest, ' failed: ');
  guest.mov(x0, x21);
  guest.bl('print');
  printHexadecimal(guest, ', expected ', x20);
  printHexadecimal(guest, ', got ', x19);
  guest.b('line over');
};

/** Leaves what failed to vCPU 0 (which finds it with 'vCPU 1 failed') and turns this vCPU off. */
const emitFailedOther = (guest: GuestAssembler): void => {
  guest.label('failed on vCPU 1');
  guest.writeGlobal(Global.otherGot, x0);
  guest.writeGlobal(Global.otherExpected, x1);
  guest.dmb('ish');
  guest.writeGlobal(Global.otherFailure, x2);
  guest.secureCall(PsciFunction.cpuOff);
  guest.b('halt');

  guest.label('vCPU 1 failed');
  guest.dmb('ish');
  guest.readGlobal(x0, Global.otherGot);
  guest.readGlobal(x1, Global.otherExpected);
  guest.readGlobal(x2, Global.otherFailure);
  guest.b('failed');
};

/** An exception that no check expects. */
const emitUnexpected = (guest: GuestAssembler): void => {
  guest.label('unexpected');
  guest.mov(x1, processorBlock(0));
  guest.cmp(x0, x1);
  guest.b('unexpected on vCPU 1', 'ne');
  guest.readGlobal(x1, Global.reporting);
  guest.cbnz(x1, 'give up');
  guest.mov(x19, x0);
  emitBegin(guest);
  print(guest, ' failed: unexpected exception');
  for (const [text, at] of [
    [', vector ', ProcessorBlock.vector],
    [', ESR ', ProcessorBlock.syndrome],
    [', ELR ', ProcessorBlock.returnAddress],
    [', FAR ', ProcessorBlock.faultAddress],
  ] as const) {
    guest.ldr(x20, [x19, at]);
    printHexadecimal(guest, text, x20);
  }
  guest.b('line over');

  guest.label('unexpected on vCPU 1');
  guest.ldr(x0, [x0, ProcessorBlock.syndrome]);
  guest.mov(x1, xzr);
  guest.adr(x2, guest.text('syndrome of an unexpected exception on vCPU 1'));
  guest.b('failed on vCPU 1');

  // An exception while a result is being written.
  guest.label('give up');
  guest.argument(Shutdown.size, u32(Shutdown.reason, ShutdownReason.crash));
  guest.hypercall(HypercallNumber.sched_op, SchedOp.shutdown, Place.argument);
  guest.b('halt');
};

/** Brings the processor back to a known state and begins the line of the subject under way. */
const emitBegin = (guest: GuestAssembler): void => {
  guest.writeGlobal(Global.reporting, 1);
  guest.bl('quiesce');
  print(guest, REPORT_MARK);
  printGlobal(guest, Global.subject);
};

/** Ends the line and goes on with the next subject. */
const emitGoOn = (guest: GuestAssembler): void => {
  guest.label('line over');
  print(guest, '\n');
  guest.bl('notify');
  guest.writeGlobal(Global.reporting, xzr);
  guest.readGlobal(x1, Global.next);
  guest.br(x1);
};

/** Masks interrupts, turns translation and timers off, and empties the stack; uses x1, x2 and x15 alone. */
const emitQuiesce = (guest: GuestAssembler): void => {
  guest.label('quiesce');
  guest.msr('DAIFSet', 15);
  guest.msr('SPSel', 1);
  guest.mov(x1, SCTLR_START);
  guest.msr('SCTLR_EL1', x1);
  guest.isb();
  guest.tlbi('vmalle1');
  guest.dsb();
  guest.isb();
  guest.msr('PAN', 0);
  guest.msr('CNTV_CTL_EL0', xzr);
  guest.msr('CNTP_CTL_EL0', xzr);
  guest.mov(x1, processorBlock(0));
  guest.str(xzr, [x1, ProcessorBlock.resume]);
  guest.mov(x1, stackTop(0));
  guest.mov(sp, x1);
  guest.ret();
};

/** How long the console's backend may take for what is left, as a power of two in ticks: one second. */
const DRAIN_SHIFT = 26;

/** Waits until the backend has taken all output. */
const emitDrain = (guest: GuestAssembler): void => {
  guest.label('drain');
  guest.readGlobal(x3, Global.consoleRing);
  guest.cbz(x3, 'drained');
  guest.mrs(x11, 'CNTVCT_EL0');
  guest.label('drain more');
  guest.ldr(w1, [x3, ConsoleRing.outProduced]);
  guest.ldr(w2, [x3, ConsoleRing.outConsumed]);
  guest.cmp(w1, w2);
  guest.b('drained', 'eq');
  guest.yield();
  guest.mrs(x12, 'CNTVCT_EL0');
  guest.sub(x12, x12, x11);
  guest.lsr(x12, x12, DRAIN_SHIFT);
  guest.cbz(x12, 'drain more');
  guest.label('drained');
  guest.ret();
};
