import { registers } from '../../cpu/arm64/assembler.ts';
import { EVENT_INTERRUPT } from '../../hypervisor/abi/guest-layout.ts';
import { HypercallNumber } from '../../hypervisor/abi/hypercall-number.ts';
import { VcpuInfo } from '../../hypervisor/abi/shared-info.ts';
import { RegisterVcpuInfo, VcpuOp } from '../../hypervisor/abi/vcpu.ts';
import { bindIpi, closePort, sendEvent, unmaskPort } from '../event-channels.ts';
import { type GuestAssembler, u32, u64 } from '../guest-assembler.ts';
import { enablePrivate, maskInterrupts, sendSoftware, unmaskInterrupts } from '../interrupt-controller.ts';
import { Interrupt } from '../interrupt-numbers.ts';
import { Global, PAGE_BYTES, Place, ProcessorBlock, processorBlock, stackTop } from '../places.ts';
import { PsciFunction, PsciResult } from '../psci-function.ts';
import type { Subject } from '../subject.ts';
import { Control, pointWindow, windowAddress } from '../translation.ts';
import { initControl } from './event-queues.ts';

const { x0, x1, x2, x3, x6, x19, x20, x22, x23, w0, w1, w2, w4, w22, w23, sp, xzr } = registers;

const PSCI_VERSION = 0x1_0001;
const CONTEXT = 0x0123_4567_89ab_cdefn;
/** The affinity of no processor. */
const NO_AFFINITY = 0x00ff_00ff;
const INCREMENTS = 2000;
/** Software interrupts each way, one answering the other. */
const RALLIES = 300;
/** Seconds for each, on a machine that is busy with something else. */
const RALLY_PATIENCE = 5;
/** Where vCPU 1's vcpu_info lies in the page that holds vCPU 0's at its start. */
const OTHER_INFO = Place.vcpuInfo + 512;
const FIRST = 0x1f1f_0001;
const SECOND = 0x2f2f_0002;

/** How far vCPU 1 has come (Global.stage), and what it waits for (Global.permitted). */
const Stage = { started: 1, counted: 2, answered: 3, readFirst: 4, readSecond: 5, listens: 6, heard: 7 } as const;
const Permission = { count: 1, readSecond: 2 } as const;

const expectPsci = (
  guest: GuestAssembler,
  what: string,
  result: number,
  number: number,
  ...values: readonly (number | bigint | typeof x0)[]
): void => {
  guest.secureCall(number, ...values);
  guest.expect(what, w0, result);
};

const tell = (guest: GuestAssembler, at: number, value: number): void => {
  guest.dmb('ish');
  guest.writeGlobal(at, value);
};

/** Waits until vCPU 1 has come so far; a check of its own that failed ends this one. */
const awaitStage = (guest: GuestAssembler, what: string, stage: number): void => {
  guest.await(what, x0, stage, () => {
    guest.readGlobal(x0, Global.otherFailure);
    guest.cbnz(x0, 'vCPU 1 failed');
    guest.readGlobal(x0, Global.stage);
    // It may have gone further already.
    guest.mov(x1, stage);
    guest.cmp(x0, x1);
    guest.csel(x0, x1, x0, 'hi');
  });
  guest.dmb('ish');
};

const awaitPermission = (guest: GuestAssembler, what: string, permission: number): void => {
  guest.await(what, x0, permission, () => guest.readGlobal(x0, Global.permitted));
  guest.dmb('ish');
};

const checkCalls = (guest: GuestAssembler): void => {
  const { version, features, unknown, affinityInfo, cpuOn } = PsciFunction;
  expectPsci(guest, 'version of PSCI', PSCI_VERSION, version);
  expectPsci(guest, 'whether PSCI has CPU_ON', PsciResult.success, features, cpuOn);
  expectPsci(guest, 'whether PSCI has a function that it has not', PsciResult.notSupported, features, unknown);
  expectPsci(guest, 'function that PSCI has not', PsciResult.notSupported, unknown);
  expectPsci(guest, 'state of vCPU 0', PsciResult.on, affinityInfo, 0, 0);
  expectPsci(guest, 'CPU_ON of vCPU 0', PsciResult.alreadyOn, cpuOn, 0, Place.globals, 0);
  expectPsci(guest, 'CPU_ON of no vCPU', PsciResult.invalidParameters, cpuOn, NO_AFFINITY, Place.globals, 0);
};

const checkStart = (guest: GuestAssembler): void => {
  const { affinityInfo, cpuOn } = PsciFunction;
  expectPsci(guest, 'state of vCPU 1 before it starts', PsciResult.off, affinityInfo, 1, 0);
  guest.adr(x6, 'vCPU 1');
  expectPsci(guest, 'CPU_ON of vCPU 1', PsciResult.success, cpuOn, 1, x6, CONTEXT);
  guest.await('state of vCPU 1 when it starts', w0, PsciResult.on, () => guest.secureCall(affinityInfo, 1, 0));
  awaitStage(guest, 'start of vCPU 1', Stage.started);
  guest.readGlobal(x0, Global.otherContext);
  guest.expect('what vCPU 1 was given', x0, CONTEXT);
  guest.readGlobal(x1, Global.otherAffinity);
  guest.expectBits('affinity of vCPU 1', x1, 0xff_00ff_ffffn, 1);
  expectPsci(guest, 'CPU_ON of vCPU 1 a second time', PsciResult.alreadyOn, cpuOn, 1, x6, 0);
};

/** Both vCPUs increment the same two counts. */
const checkCounts = (guest: GuestAssembler): void => {
  tell(guest, Global.permitted, Permission.count);
  guest.bl('count');
  awaitStage(guest, 'counting by vCPU 1', Stage.counted);
  guest.readGlobal(x0, Global.atomicCount);
  guest.expect('increments by atomic instructions', x0, 2 * INCREMENTS);
  guest.readGlobal(x0, Global.exclusiveCount);
  guest.expect('increments by exclusive accesses', x0, 2 * INCREMENTS);
};

const checkInterrupts = (guest: GuestAssembler): void => {
  unmaskInterrupts(guest);
  sendSoftware(guest, Interrupt.greeting, 1);
  guest.awaitInterrupt('answers to a software interrupt', Interrupt.answer, 1);
  maskInterrupts(guest);
  awaitStage(guest, 'answer of vCPU 1', Stage.answered);
};

/** Sleeps, with interrupts masked, until an interrupt was taken as often as w22 says, or the virtual timer more often than w23. */
const sleepUntil = (guest: GuestAssembler, interrupt: number): void => {
  const asleep = guest.fresh('asleep');
  const awake = guest.fresh('awake');
  guest.label(asleep);
  guest.readCount(x0, Interrupt.virtualTimer);
  guest.cmp(w0, w23);
  guest.b(awake, 'ne');
  guest.readCount(x0, interrupt);
  guest.cmp(w0, w22);
  guest.b(awake, 'hs');
  guest.wfi();
  unmaskInterrupts(guest);
  guest.isb();
  maskInterrupts(guest);
  guest.b(asleep);
  guest.label(awake);
};

const setTimer = (guest: GuestAssembler, seconds: number): void => {
  guest.mrs(x1, 'CNTFRQ_EL0');
  guest.mov(x2, seconds);
  guest.mul(x1, x1, x2);
  guest.msr('CNTV_TVAL_EL0', x1);
  guest.mov(x1, 1);
  guest.msr('CNTV_CTL_EL0', x1);
  guest.isb();
};

/**
 * Each vCPU sends an interrupt and sleeps until the other one's, or the other way round, again and again: none may get lost. One
 * has come before.
 */
const emitRally = (guest: GuestAssembler, what: string, interrupt: number, begins: boolean, send: () => void): void => {
  const rally = guest.fresh('rally');
  guest.readCount(x23, Interrupt.virtualTimer);
  guest.mov(x22, 2);
  guest.label(rally);
  setTimer(guest, RALLY_PATIENCE);
  if (begins) send();
  sleepUntil(guest, interrupt);
  guest.readCount(x0, interrupt);
  guest.expect(what, w0, w22);
  if (!begins) send();
  guest.add(x22, x22, 1);
  guest.cmp(x22, RALLIES + 2);
  guest.b(rally, 'ne');
  guest.msr('CNTV_CTL_EL0', xzr);
};

const checkRally = (guest: GuestAssembler): void =>
  emitRally(guest, 'answers in a rally of software interrupts', Interrupt.answer, true, () =>
    sendSoftware(guest, Interrupt.greeting, 1),
  );

/** A translation that one vCPU has used is changed by the other. */
const checkInvalidation = (guest: GuestAssembler): void => {
  guest.write(Place.firstPage, FIRST);
  guest.write(Place.secondPage, SECOND);
  awaitStage(guest, 'first load by vCPU 1', Stage.readFirst);
  pointWindow(guest, 'changing');
  guest.dsb('ishst');
  guest.mov(x6, windowAddress('changing') / PAGE_BYTES);
  guest.tlbi('vaae1is', x6);
  guest.dsb('ish');
  pointWindow(guest, 'changing', Place.secondPage);
  guest.dsb('ishst');
  tell(guest, Global.permitted, Permission.readSecond);
  awaitStage(guest, 'second load by vCPU 1', Stage.readSecond);
  guest.readGlobal(x0, Global.otherValue);
  guest.expect('what vCPU 1 reads after its translation changed', x0, SECOND);
};

const checkEvent = (guest: GuestAssembler): void => {
  awaitStage(guest, 'vcpu_info of vCPU 1', Stage.listens);
  initControl(guest, 1);
  bindIpi(guest, 1, x19);
  unmaskPort(guest, 'unmask', x19);
  sendEvent(guest, 'send to vCPU 1', x19);
  awaitStage(guest, 'event on vCPU 1', Stage.heard);
  const { affinityInfo } = PsciFunction;
  guest.await('state of vCPU 1 after it turned off', w0, PsciResult.off, () => guest.secureCall(affinityInfo, 1, 0));
  closePort(guest, 'close', x19);
};

/** Entry of vCPU 1: x0 is what vCPU 0 gave to PSCI. It does its part in the order of the stages and turns itself off. */
const emitSecond = (guest: GuestAssembler): void => {
  guest.label('vCPU 1');
  guest.mov(x1, stackTop(1));
  guest.mov(sp, x1);
  guest.mov(x1, processorBlock(1));
  guest.msr('TPIDR_EL1', x1);
  guest.adr(x1, 'vectors');
  guest.msr('VBAR_EL1', x1);
  guest.isb();
  guest.mov(x20, x0);
  guest.mov(x0, Control.granule4);
  guest.mov(x1, Place.level1);
  guest.bl('translation on');
  guest.writeGlobal(Global.otherContext, x20);
  guest.mrs(x1, 'MPIDR_EL1');
  guest.writeGlobal(Global.otherAffinity, x1);
  guest.mov(x0, 1);
  guest.bl('interrupts on');
  tell(guest, Global.stage, Stage.started);

  awaitPermission(guest, 'permission for vCPU 1 to count', Permission.count);
  guest.bl('count');
  tell(guest, Global.stage, Stage.counted);

  // A sleep that the interrupt alone ends; the timer is there in case it does not come.
  const asleep = guest.fresh('asleep');
  guest.mrs(x1, 'CNTFRQ_EL0');
  guest.msr('CNTV_TVAL_EL0', x1);
  guest.mov(x1, 1);
  guest.msr('CNTV_CTL_EL0', x1);
  guest.label(asleep);
  guest.wfi();
  unmaskInterrupts(guest);
  guest.isb();
  maskInterrupts(guest);
  guest.readCount(x0, Interrupt.greeting);
  guest.readCount(x1, Interrupt.virtualTimer);
  guest.orr(w2, w0, w1);
  guest.cbz(w2, asleep);
  guest.expect('software interrupts to vCPU 1', w0, 1);
  guest.msr('CNTV_CTL_EL0', xzr);
  sendSoftware(guest, Interrupt.answer, 0);
  tell(guest, Global.stage, Stage.answered);

  emitRally(guest, 'greetings in a rally of software interrupts', Interrupt.greeting, false, () =>
    sendSoftware(guest, Interrupt.answer, 0),
  );

  guest.await('first load by vCPU 1', w0, FIRST, () => guest.read(w0, windowAddress('changing')));
  tell(guest, Global.stage, Stage.readFirst);
  awaitPermission(guest, 'permission for vCPU 1 to load again', Permission.readSecond);
  guest.read(x0, windowAddress('changing'));
  guest.writeGlobal(Global.otherValue, x0);
  tell(guest, Global.stage, Stage.readSecond);

  emitListen(guest);
  guest.secureCall(PsciFunction.cpuOff);
  guest.b('halt');
};

/** Registers vCPU 1's vcpu_info and waits for an event. */
const emitListen = (guest: GuestAssembler): void => {
  guest.argument(
    RegisterVcpuInfo.size,
    u64(RegisterVcpuInfo.mfn, Place.vcpuInfo / PAGE_BYTES),
    u32(RegisterVcpuInfo.offset, OTHER_INFO - Place.vcpuInfo),
  );
  guest.expectCall(
    'register_vcpu_info of vCPU 1',
    0,
    HypercallNumber.vcpu_op,
    VcpuOp.register_vcpu_info,
    1,
    Place.argument,
  );
  guest.write(processorBlock(1) + ProcessorBlock.upcall, OTHER_INFO + VcpuInfo.upcallPending);
  guest.write(OTHER_INFO + VcpuInfo.upcallPending, 0, 1);
  enablePrivate(guest, 1, EVENT_INTERRUPT);
  unmaskInterrupts(guest);
  for (let i = 0; i < 4; i++) guest.isb();
  maskInterrupts(guest);
  guest.write(processorBlock(1) + ProcessorBlock.counts + 4 * EVENT_INTERRUPT, 0, 4);
  tell(guest, Global.stage, Stage.listens);
  unmaskInterrupts(guest);
  guest.awaitInterrupt('event interrupts of vCPU 1', EVENT_INTERRUPT, 1);
  maskInterrupts(guest);
  tell(guest, Global.stage, Stage.heard);
};

/** The routine 'count', for both vCPUs. */
const emitCount = (guest: GuestAssembler): void => {
  guest.label('count');
  guest.mov(x1, Place.globals + Global.atomicCount);
  guest.mov(x2, Place.globals + Global.exclusiveCount);
  guest.mov(x3, INCREMENTS);
  guest.mov(x19, 1);
  guest.label('count on');
  guest.atomic('LDADD', x19, x0, x1);
  guest.label('try again');
  guest.ldaxr(x0, x2);
  guest.add(x0, x0, 1);
  guest.stlxr(w4, x0, x2);
  guest.cbnz(w4, 'try again');
  guest.subs(x3, x3, 1);
  guest.b('count on', 'ne');
  guest.ret();
};

/** PSCI, and what two vCPUs do together; where there is but one, PSCI alone. */
export const vcpus: Subject = {
  name: 'vcpus',
  title: 'a second vCPU and what both do together',
  check(guest) {
    checkCalls(guest);
    guest.readGlobal(x20, Global.processors);
    guest.cmp(x20, 1);
    guest.b('alone', 'eq');
    guest.bl('build tables');
    guest.mov(x0, Control.granule4);
    guest.mov(x1, Place.level1);
    guest.bl('translation on');
    checkStart(guest);
    checkCounts(guest);
    checkInterrupts(guest);
    checkRally(guest);
    checkInvalidation(guest);
    checkEvent(guest);
    guest.note(2, 'vCPUs');
    guest.b('together');
    guest.label('alone');
    expectPsci(guest, 'CPU_ON of vCPU 1', PsciResult.invalidParameters, PsciFunction.cpuOn, 1, Place.globals, 0);
    guest.note(1, 'vCPUs');
    guest.label('together');
  },
  routines(guest) {
    emitSecond(guest);
    guest.flush();
    emitCount(guest);
  },
};
