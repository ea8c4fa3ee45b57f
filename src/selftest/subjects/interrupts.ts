import { registers } from '../../cpu/arm64/assembler.ts';
import type { GuestAssembler } from '../guest-assembler.ts';
import {
  Distributor,
  emitInterruptController,
  maskInterrupts,
  Priority,
  SPURIOUS,
  sendSoftware,
  setPrivatePriority,
  unmaskInterrupts,
} from '../interrupt-controller.ts';
import { Interrupt } from '../interrupt-numbers.ts';
import type { Subject } from '../subject.ts';

const { x0, x1, x2, w0, w1, xzr } = registers;

const PFR0_GIC = 0xf << 24;
const GIC_SYSTEM_REGISTERS = 1 << 24;
const ARCHITECTURE_3 = 0x30;
/** Eight times 32 interrupts. */
const INTERRUPT_LINES = 7;
const ISR_INTERRUPT = 1 << 7;
const SEPARATE_DEACTIVATION = 1 << 1;

const MORE_URGENT = Interrupt.software + 1;

const readRegister = (guest: GuestAssembler, what: string, register: string, expected: number): void => {
  guest.mrs(x2, register);
  guest.expect(what, x2, expected);
};

const acknowledge = (guest: GuestAssembler, what: string, expected: number): void => {
  readRegister(guest, what, 'ICC_IAR1_EL1', expected);
  guest.dsb();
};

const endOf = (guest: GuestAssembler, interrupt: number): void => {
  guest.mov(x1, interrupt);
  guest.msr('ICC_EOIR1_EL1', x1);
  guest.isb();
};

const setMask = (guest: GuestAssembler, mask: number): void => {
  guest.mov(x1, mask);
  guest.msr('ICC_PMR_EL1', x1);
  guest.isb();
};

const checkIdentity = (guest: GuestAssembler): void => {
  guest.mrs(x1, 'ID_AA64PFR0_EL1');
  guest.expectBits('GICv3 in the processor', x1, PFR0_GIC, GIC_SYSTEM_REGISTERS);
  guest.read(w1, Distributor.peripheralId2);
  guest.expectBits('architecture of the distributor', w1, 0xf0, ARCHITECTURE_3);
  guest.read(w1, Distributor.type);
  guest.expectBits('interrupt lines of the distributor', w1, 0x1f, INTERRUPT_LINES);
};

const checkTaking = (guest: GuestAssembler): void => {
  const { software } = Interrupt;
  sendSoftware(guest, software, 0);
  guest.await('interrupt waiting while masked', x0, ISR_INTERRUPT, () => guest.mrs(x0, 'ISR_EL1'));
  readRegister(guest, 'number of the waiting interrupt', 'ICC_HPPIR1_EL1', software);
  unmaskInterrupts(guest);
  guest.awaitInterrupt('software interrupts taken', software, 1);
  setMask(guest, Priority.closedMask);
  sendSoftware(guest, software, 0);
  guest.mrs(x2, 'ISR_EL1');
  guest.expect('interrupt waiting below the priority mask', x2, 0);
  guest.readCount(x0, software);
  guest.expect('software interrupts taken through the priority mask', w0, 1);
  setMask(guest, Priority.openMask);
  guest.awaitInterrupt('software interrupts taken after the mask is open', software, 2);
  maskInterrupts(guest);
};

/** Two interrupts at once: the more urgent one comes first, and holds the other back until it ends. */
const checkPriorities = (guest: GuestAssembler): void => {
  setPrivatePriority(guest, 0, MORE_URGENT, Priority.urgent);
  sendSoftware(guest, Interrupt.software, 0);
  sendSoftware(guest, MORE_URGENT, 0);
  acknowledge(guest, 'first of two interrupts', MORE_URGENT);
  readRegister(guest, 'running priority', 'ICC_RPR_EL1', Priority.urgent);
  acknowledge(guest, 'a less urgent interrupt meanwhile', SPURIOUS);
  endOf(guest, MORE_URGENT);
  acknowledge(guest, 'second of two interrupts', Interrupt.software);
  endOf(guest, Interrupt.software);
  readRegister(guest, 'running priority afterwards', 'ICC_RPR_EL1', Priority.idle);
  acknowledge(guest, 'no third interrupt', SPURIOUS);
};

const checkDeactivation = (guest: GuestAssembler): void => {
  const { software } = Interrupt;
  guest.mov(x1, SEPARATE_DEACTIVATION);
  guest.msr('ICC_CTLR_EL1', x1);
  guest.isb();
  sendSoftware(guest, software, 0);
  acknowledge(guest, 'interrupt to be deactivated separately', software);
  endOf(guest, software);
  readRegister(guest, 'running priority after the end', 'ICC_RPR_EL1', Priority.idle);
  sendSoftware(guest, software, 0);
  acknowledge(guest, 'interrupt that is still active', SPURIOUS);
  guest.mov(x1, software);
  guest.msr('ICC_DIR_EL1', x1);
  guest.isb();
  acknowledge(guest, 'interrupt after its deactivation', software);
  endOf(guest, software);
  guest.mov(x1, software);
  guest.msr('ICC_DIR_EL1', x1);
  guest.msr('ICC_CTLR_EL1', xzr);
  guest.isb();
};

const checkShared = (guest: GuestAssembler): void => {
  const { shared } = Interrupt;
  const word = 4 * Math.floor(shared / 32);
  const bit = 2 ** (shared % 32);
  guest.write(Distributor.groups + word, bit, 4);
  guest.write(Distributor.priorities + shared, Priority.usual, 1);
  guest.write(Distributor.routes + 8 * shared, 0);
  guest.write(Distributor.enable + word, bit, 4);
  unmaskInterrupts(guest);
  guest.write(Distributor.pend + word, bit, 4);
  guest.awaitInterrupt('shared interrupts taken', shared, 1);
  maskInterrupts(guest);
};

/** The interrupt controller by itself: interrupts that software causes. */
export const interrupts: Subject = {
  name: 'interrupts',
  title: 'the GICv3 interrupt controller',
  check(guest) {
    checkIdentity(guest);
    guest.bl('distributor on');
    guest.mov(x0, 0);
    guest.bl('interrupts on');
    checkTaking(guest);
    checkPriorities(guest);
    checkDeactivation(guest);
    checkShared(guest);
  },
  routines: emitInterruptController,
};
