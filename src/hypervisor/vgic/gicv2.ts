import { Register, readInterruptRegisters, writeControl, writeInterruptRegisters } from './distributor.ts';
import * as R from './record.ts';
import { PRIORITY_BITS, type Vgic } from './vgic.ts';

/** GICv2: distributor and CPU interface in memory (GIC architecture specification v2, chapter 4). */

const IMPLEMENTER = 0x43b;
/** GICD_ICPIDR2: architecture revision 2. */
const PERIPHERAL_ID2 = 0x20;
const PERIPHERAL_ID2_OFFSET = 0xfe8;

/** Reads `size` bytes of the distributor. */
export const readDistributor = (gic: Vgic, record: number, vcpu: number, offset: number, size: number): number => {
  switch (offset) {
    case Register.control:
      return gic.memory.u32[(record + R.DISTRIBUTOR_CONTROL) >>> 2] as number;
    case Register.type:
      return R.INTERRUPTS / 32 - 1 + ((gic.vcpus(record) - 1) << 5);
    case Register.implementer:
      return IMPLEMENTER;
    case PERIPHERAL_ID2_OFFSET:
      return PERIPHERAL_ID2;
    default:
      return isSenderRegister(offset)
        ? readSenders(gic, record, vcpu, offset, Math.min(size, 4))
        : readInterruptRegisters(gic, record, vcpu, offset, Math.min(size, 4));
  }
};

/** Writes `size` bytes of the distributor. */
export const writeDistributor = (
  gic: Vgic,
  record: number,
  vcpu: number,
  offset: number,
  size: number,
  value: number,
): void => {
  if (offset === Register.softwareInterrupt) {
    gic.sendSoftware(record, vcpu, value & 15, softwareTargets(gic, record, vcpu, value));
    return;
  }
  gic.locked(record, () => {
    if (offset === Register.control) writeControl(gic, record, value);
    else if (isSenderRegister(offset)) writeSenders(gic, record, vcpu, offset, Math.min(size, 4), value);
    else writeInterruptRegisters(gic, record, vcpu, offset, Math.min(size, 4), value);
  });
};

/** GICD_CPENDSGIR and GICD_SPENDSGIR: a byte for each SGI, a bit for each sender. */
const CLEAR_SENDERS = 0xf10;
const SET_SENDERS = 0xf20;
const SENDERS_END = 0xf30;

const isSenderRegister = (offset: number): boolean => offset >= CLEAR_SENDERS && offset < SENDERS_END;

const readSenders = (gic: Vgic, record: number, vcpu: number, offset: number, size: number): number => {
  let value = 0;
  for (let i = 0; i < size; i++) value |= gic.senders(record, vcpu, (offset + i) & 15) << (i * 8);
  return value >>> 0;
};

const writeSenders = (gic: Vgic, record: number, vcpu: number, offset: number, size: number, value: number): void => {
  for (let i = 0; i < size; i++) {
    const senders = (value >>> (i * 8)) & 0xff;
    const [set, clear] = offset < SET_SENDERS ? [0, senders] : [senders, 0];
    gic.changeSenders(record, vcpu, (offset + i) & 15, set, clear);
  }
};

/** GICD_SGIR: a list, everyone else, or the sender. */
const softwareTargets = (gic: Vgic, record: number, vcpu: number, value: number): number => {
  const everyone = (1 << gic.vcpus(record)) - 1;
  switch ((value >>> 24) & 3) {
    case 0:
      return (value >>> 16) & 0xff & everyone;
    case 1:
      return everyone & ~(1 << vcpu);
    case 2:
      return 1 << vcpu;
    default:
      return 0;
  }
};

const CpuInterface = {
  control: 0x00,
  priorityMask: 0x04,
  binaryPoint: 0x08,
  acknowledge: 0x0c,
  end: 0x10,
  runningPriority: 0x14,
  highestPending: 0x18,
  aliasedBinaryPoint: 0x1c,
  activePriorities: 0xd0,
  implementer: 0xfc,
  deactivate: 0x1000,
} as const;

/** GICC_CTLR.EnableGrp1 as the only visible group's enable, and EOImodeNS. */
const ENABLE = 1;
const END_MODE = 1 << 9;

/** Reads the CPU interface. */
export const readCpuInterface = (gic: Vgic, record: number, vcpu: number, offset: number): number => {
  switch (offset) {
    case CpuInterface.control:
      return gic.control(record, vcpu, R.GROUP_ENABLE_1) | (gic.control(record, vcpu, R.SPLIT_END) << 9);
    case CpuInterface.priorityMask:
      return gic.control(record, vcpu, R.PRIORITY_MASK);
    case CpuInterface.binaryPoint:
      return gic.control(record, vcpu, R.BINARY_POINT_0);
    case CpuInterface.acknowledge:
      return gic.acknowledge(record, vcpu);
    case CpuInterface.runningPriority:
      return gic.runningPriority(record, vcpu);
    case CpuInterface.highestPending:
      return gic.highestPending(record, vcpu);
    case CpuInterface.aliasedBinaryPoint:
      return gic.control(record, vcpu, R.BINARY_POINT_1);
    case CpuInterface.activePriorities:
      return gic.control(record, vcpu, R.ACTIVE_PRIORITIES_1);
    case CpuInterface.implementer:
      return IMPLEMENTER | (2 << 16);
    default:
      return 0;
  }
};

/** Writes the CPU interface. */
export const writeCpuInterface = (gic: Vgic, record: number, vcpu: number, offset: number, value: number): void => {
  switch (offset) {
    case CpuInterface.control:
      gic.setControl(record, vcpu, R.SPLIT_END, (value & END_MODE) === 0 ? 0 : 1);
      gic.setControl(record, vcpu, R.GROUP_ENABLE_1, value & ENABLE);
      break;
    case CpuInterface.priorityMask:
      gic.setControl(record, vcpu, R.PRIORITY_MASK, value & PRIORITY_BITS);
      break;
    case CpuInterface.binaryPoint:
      gic.setControl(record, vcpu, R.BINARY_POINT_0, Math.max(value & 7, 2));
      break;
    case CpuInterface.aliasedBinaryPoint:
      gic.setControl(record, vcpu, R.BINARY_POINT_1, Math.max(value & 7, 3));
      break;
    case CpuInterface.activePriorities:
      gic.setControl(record, vcpu, R.ACTIVE_PRIORITIES_1, value >>> 0);
      break;
    case CpuInterface.end:
      gic.end(record, vcpu, value & 0x3ff);
      break;
    case CpuInterface.deactivate:
      gic.deactivate(record, vcpu, value & 0x3ff);
      break;
  }
};
