import { lsl, registers } from '../cpu/arm64/assembler.ts';
import { GuestLayout } from '../hypervisor/abi/guest-layout.ts';
import type { GuestAssembler } from './guest-assembler.ts';
import { Interrupt } from './interrupt-numbers.ts';

/** The GICv3 (Arm IHI 0069) where Xen puts it (public/arch-arm.h). */

const { x0, x1, x2, w1 } = registers;

const DISTRIBUTOR = GuestLayout.gicv3Distributor;
const REDISTRIBUTORS = GuestLayout.gicv3Redistributors;
/** Each redistributor has a frame of its own and one for private interrupts: log2 of both. */
const REDISTRIBUTOR_SHIFT = 17;
const PRIVATE_FRAME = 0x1_0000;

export const Distributor = {
  control: DISTRIBUTOR,
  type: DISTRIBUTOR + 4,
  groups: DISTRIBUTOR + 0x80,
  enable: DISTRIBUTOR + 0x100,
  pend: DISTRIBUTOR + 0x200,
  priorities: DISTRIBUTOR + 0x400,
  routes: DISTRIBUTOR + 0x6000,
  peripheralId2: DISTRIBUTOR + 0xffe8,
} as const;

/** Offsets from a redistributor. */
const Redistributor = {
  wake: 0x14,
  groups: PRIVATE_FRAME + 0x80,
  enable: PRIVATE_FRAME + 0x100,
  priorities: PRIVATE_FRAME + 0x400,
} as const;

const privateRegister = (vcpu: number, offset: number): number =>
  REDISTRIBUTORS + vcpu * 2 ** REDISTRIBUTOR_SHIFT + offset;

/** Affinity routing, both groups. */
const DISTRIBUTOR_ON = 0x13;
const WRITE_PENDING = 31;
const PROCESSOR_SLEEP = 1 << 1;

/** Priorities; less is more urgent. */
export const Priority = { usual: 0xa0, urgent: 0x60, openMask: 0xf0, closedMask: 0x40, idle: 0xff } as const;

/** What IAR and HPPIR give when there is no interrupt. */
export const SPURIOUS = 1023;

const SOFTWARE_INTERRUPTS = 16;
/** Not the event interrupt: it would come again and again until the page is mapped where it is turned off. */
const enabled = [
  ...Array.from({ length: SOFTWARE_INTERRUPTS }, (_, number) => number),
  Interrupt.virtualTimer,
  Interrupt.physicalTimer,
];
const ENABLED_PRIVATE = enabled.reduce((bits, number) => bits | (1 << number), 0) >>> 0;
const PRIORITIES_OF_PRIVATE = 32;

/** Writes the routines 'distributor on' and 'interrupts on' (x0: this vCPU's number). */
export const emitInterruptController = (guest: GuestAssembler): void => {
  guest.label('distributor on');
  guest.write(Distributor.control, DISTRIBUTOR_ON, 4);
  guest.await('pending write of the distributor', w1, 0, () => {
    guest.read(w1, Distributor.control);
    guest.lsr(w1, w1, WRITE_PENDING);
  });
  guest.ret();

  guest.label('interrupts on');
  guest.mov(x1, REDISTRIBUTORS);
  guest.add(x0, x1, x0, lsl(REDISTRIBUTOR_SHIFT));
  guest.ldr(w1, [x0, Redistributor.wake]);
  guest.and(w1, w1, ~PROCESSOR_SLEEP);
  guest.str(w1, [x0, Redistributor.wake]);
  guest.await('sleep of the redistributor', w1, 0, () => guest.ldr(w1, [x0, Redistributor.wake]));
  guest.mov(x2, Redistributor.priorities);
  guest.add(x2, x0, x2);
  guest.mov(w1, Priority.usual * 0x0101_0101);
  for (let at = 0; at < PRIORITIES_OF_PRIVATE; at += 4) guest.str(w1, [x2, at]);
  guest.mov(x2, Redistributor.groups);
  guest.add(x2, x0, x2);
  guest.mov(w1, -1);
  guest.str(w1, [x2]);
  guest.mov(w1, ENABLED_PRIVATE);
  guest.str(w1, [x2, Redistributor.enable - Redistributor.groups]);
  guest.mov(x1, 1);
  guest.msr('ICC_SRE_EL1', x1);
  guest.isb();
  guest.mov(x1, Priority.openMask);
  guest.msr('ICC_PMR_EL1', x1);
  guest.mov(x1, 0);
  guest.msr('ICC_BPR1_EL1', x1);
  guest.msr('ICC_CTLR_EL1', x1);
  guest.mov(x1, 1);
  guest.msr('ICC_IGRPEN1_EL1', x1);
  guest.isb();
  guest.ret();
};

/** Enables a private interrupt of a vCPU. */
export const enablePrivate = (guest: GuestAssembler, vcpu: number, interrupt: number): void =>
  guest.write(privateRegister(vcpu, Redistributor.enable), 2 ** interrupt, 4);

export const setPrivatePriority = (guest: GuestAssembler, vcpu: number, interrupt: number, priority: number): void =>
  guest.write(privateRegister(vcpu, Redistributor.priorities) + interrupt, priority, 1);

/** Sends a software-generated interrupt to a vCPU. */
export const sendSoftware = (guest: GuestAssembler, interrupt: number, vcpu: number): void => {
  guest.dsb('ishst');
  guest.mov(x0, interrupt * 2 ** 24 + (1 << vcpu));
  guest.msr('ICC_SGI1R_EL1', x0);
  guest.isb();
};

export const unmaskInterrupts = (guest: GuestAssembler): void => guest.msr('DAIFClr', 2);
export const maskInterrupts = (guest: GuestAssembler): void => guest.msr('DAIFSet', 2);
