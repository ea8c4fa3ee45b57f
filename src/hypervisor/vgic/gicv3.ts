import { Register, readInterruptRegisters, writeControl, writeInterruptRegisters } from './distributor.ts';
import * as R from './record.ts';
import { PRIORITY_BITS, SPURIOUS, type Vgic } from './vgic.ts';

/**
 * GICv3: distributor and redistributors in memory, the CPU interface in system registers (GIC specification, chapters 12.2,
 * 12.9 to 12.12). One security state is visible, affinity routing is always on, and there are no LPIs.
 */

/** Affinity routing (GICD_CTLR.ARE_NS), read as one. */
const AFFINITY_ROUTING = 1 << 4;
/** ITLinesNumber, and ten bits of interrupt identifiers. */
const DISTRIBUTOR_TYPE = R.INTERRUPTS / 32 - 1 + (9 << 19);
/** JEP106 code of Arm, as real controllers have. */
const IMPLEMENTER = 0x43b;
/** GICD_PIDR2 and GICR_PIDR2: architecture revision 3. */
const PERIPHERAL_ID2 = 0x30;
const PERIPHERAL_ID2_OFFSET = 0xffe8;

const REDISTRIBUTOR_BYTES = 0x20000;
const SGI_FRAME = 0x10000;
const RedistributorRegister = { control: 0x00, implementer: 0x04, type: 0x08, typeHigh: 0x0c, waker: 0x14 } as const;
const PROCESSOR_SLEEP = 2;
const CHILDREN_ASLEEP = 4;

/** Reads `size` bytes of the distributor. */
export const readDistributor = (gic: Vgic, record: number, vcpu: number, offset: number, size: number): number => {
  switch (offset) {
    case Register.control:
      return AFFINITY_ROUTING | (gic.memory.u32[(record + R.DISTRIBUTOR_CONTROL) >>> 2] as number);
    case Register.type:
      return DISTRIBUTOR_TYPE;
    case Register.implementer:
      return IMPLEMENTER;
    case PERIPHERAL_ID2_OFFSET:
      return PERIPHERAL_ID2;
  }
  const route = routedInterrupt(offset);
  if (route >= 0) {
    return (offset & 4) !== 0 ? 0 : (gic.memory.u32[(gic.entry(record, 0, route) + R.ENTRY_ROUTE) >>> 2] as number);
  }
  // With affinity routing the private interrupts are the redistributors'.
  if (isPrivate(offset)) return 0;
  return readInterruptRegisters(gic, record, vcpu, offset, Math.min(size, 4));
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
  gic.locked(record, () => {
    const route = routedInterrupt(offset);
    if (offset === Register.control) writeControl(gic, record, value);
    else if (route >= 0) {
      if ((offset & 4) !== 0) return;
      gic.memory.u32[(gic.entry(record, 0, route) + R.ENTRY_ROUTE) >>> 2] = value & 0x80ffffff;
      gic.refresh(record, 0, route);
    } else if (!isPrivate(offset)) writeInterruptRegisters(gic, record, vcpu, offset, Math.min(size, 4), value);
  });
};

/** The shared interrupt whose GICD_IROUTER lies at an offset; -1 if none. */
const routedInterrupt = (offset: number): number => {
  if (offset < Register.route + R.PRIVATE_INTERRUPTS * 8 || offset >= Register.route + R.INTERRUPTS * 8) return -1;
  return (offset - Register.route) >>> 3;
};

const isPrivate = (offset: number): boolean => {
  if (offset < Register.priority) return (offset & 0x7c) === 0;
  if (offset < Register.configuration) return (offset & 0x3ff) < R.PRIVATE_INTERRUPTS;
  return offset - Register.configuration < 8;
};

/** Reads `size` bytes of the redistributors' region. */
export const readRedistributor = (gic: Vgic, record: number, offset: number, size: number): number => {
  const vcpu = Math.floor(offset / REDISTRIBUTOR_BYTES);
  if (vcpu >= gic.vcpus(record)) return 0;
  const within = offset % REDISTRIBUTOR_BYTES;
  if (within >= SGI_FRAME) return readInterruptRegisters(gic, record, vcpu, within - SGI_FRAME, Math.min(size, 4));
  switch (within) {
    case RedistributorRegister.control:
      return gic.control(record, vcpu, R.REDISTRIBUTOR_CONTROL);
    case RedistributorRegister.implementer:
      return IMPLEMENTER;
    case RedistributorRegister.type:
      return (vcpu << 8) | (vcpu === gic.vcpus(record) - 1 ? 1 << 4 : 0);
    case RedistributorRegister.typeHigh:
      return vcpu;
    case RedistributorRegister.waker:
      return gic.control(record, vcpu, R.ASLEEP) === 0 ? 0 : PROCESSOR_SLEEP | CHILDREN_ASLEEP;
    case PERIPHERAL_ID2_OFFSET:
      return PERIPHERAL_ID2;
    default:
      return 0;
  }
};

/** Writes `size` bytes of the redistributors' region. */
export const writeRedistributor = (gic: Vgic, record: number, offset: number, size: number, value: number): void => {
  const vcpu = Math.floor(offset / REDISTRIBUTOR_BYTES);
  if (vcpu >= gic.vcpus(record)) return;
  const within = offset % REDISTRIBUTOR_BYTES;
  if (within >= SGI_FRAME) {
    gic.locked(record, () => writeInterruptRegisters(gic, record, vcpu, within - SGI_FRAME, Math.min(size, 4), value));
  } else if (within === RedistributorRegister.waker) {
    gic.setControl(record, vcpu, R.ASLEEP, (value & PROCESSOR_SLEEP) !== 0 ? 1 : 0);
  }
};

/** A system register's key: op0, op1, CRn, CRm and op2 packed as the instruction has them. */
const key = (op0: number, op1: number, crn: number, crm: number, op2: number): number =>
  (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;

const Icc = {
  PMR: key(3, 0, 4, 6, 0),
  IAR0: key(3, 0, 12, 8, 0),
  EOIR0: key(3, 0, 12, 8, 1),
  HPPIR0: key(3, 0, 12, 8, 2),
  BPR0: key(3, 0, 12, 8, 3),
  AP0R0: key(3, 0, 12, 8, 4),
  AP1R0: key(3, 0, 12, 9, 0),
  DIR: key(3, 0, 12, 11, 1),
  RPR: key(3, 0, 12, 11, 3),
  SGI1R: key(3, 0, 12, 11, 5),
  ASGI1R: key(3, 0, 12, 11, 6),
  SGI0R: key(3, 0, 12, 11, 7),
  IAR1: key(3, 0, 12, 12, 0),
  EOIR1: key(3, 0, 12, 12, 1),
  HPPIR1: key(3, 0, 12, 12, 2),
  BPR1: key(3, 0, 12, 12, 3),
  CTLR: key(3, 0, 12, 12, 4),
  SRE: key(3, 0, 12, 12, 5),
  IGRPEN0: key(3, 0, 12, 12, 6),
  IGRPEN1: key(3, 0, 12, 12, 7),
} as const;

/** ICC_CTLR_EL1: five priority bits, 24-bit identifiers off, affinity 3 not used; CBPR and EOImode. */
const CONTROL_FIXED = 4 << 8;
const Control = { commonBinaryPoint: 1, endMode: 2 } as const;
const SYSTEM_REGISTERS_ENABLED = 7;

/** Reads a CPU interface register; undefined if there is none of this key. */
export const readCpuInterface = (gic: Vgic, record: number, vcpu: number, register: number): number | undefined => {
  switch (register) {
    case Icc.PMR:
      return gic.control(record, vcpu, R.PRIORITY_MASK);
    case Icc.IAR0:
    case Icc.HPPIR0:
      return SPURIOUS;
    case Icc.BPR0:
      return gic.control(record, vcpu, R.BINARY_POINT_0);
    case Icc.AP0R0:
      return gic.control(record, vcpu, R.ACTIVE_PRIORITIES_0);
    case Icc.AP1R0:
      return gic.control(record, vcpu, R.ACTIVE_PRIORITIES_1);
    case Icc.RPR:
      return gic.runningPriority(record, vcpu);
    case Icc.IAR1:
      return gic.acknowledge(record, vcpu);
    case Icc.HPPIR1:
      return gic.highestPending(record, vcpu);
    case Icc.BPR1:
      return binaryPoint1(gic, record, vcpu);
    case Icc.CTLR:
      return CONTROL_FIXED | readControl(gic, record, vcpu);
    case Icc.SRE:
      return SYSTEM_REGISTERS_ENABLED;
    case Icc.IGRPEN0:
      return gic.control(record, vcpu, R.GROUP_ENABLE_0);
    case Icc.IGRPEN1:
      return gic.control(record, vcpu, R.GROUP_ENABLE_1);
    default:
      return undefined;
  }
};

/** ICC_BPR1_EL1; while ICC_BPR0_EL1 counts for both groups, that one's value plus one. */
const binaryPoint1 = (gic: Vgic, record: number, vcpu: number): number =>
  gic.control(record, vcpu, R.COMMON_BINARY_POINT) === 0
    ? gic.control(record, vcpu, R.BINARY_POINT_1)
    : Math.min(gic.control(record, vcpu, R.BINARY_POINT_0) + 1, 7);

const readControl = (gic: Vgic, record: number, vcpu: number): number =>
  (gic.control(record, vcpu, R.COMMON_BINARY_POINT) === 0 ? 0 : Control.commonBinaryPoint) |
  (gic.control(record, vcpu, R.SPLIT_END) === 0 ? 0 : Control.endMode);

/** Writes a CPU interface register, given as two halves; false if there is none of this key. */
export const writeCpuInterface = (
  gic: Vgic,
  record: number,
  vcpu: number,
  register: number,
  lo: number,
  hi: number,
): boolean => {
  switch (register) {
    case Icc.PMR:
      gic.setControl(record, vcpu, R.PRIORITY_MASK, lo & PRIORITY_BITS);
      return true;
    case Icc.EOIR1:
      gic.end(record, vcpu, lo & 0xffffff);
      return true;
    case Icc.DIR:
      gic.deactivate(record, vcpu, lo & 0xffffff);
      return true;
    case Icc.SGI1R:
      gic.sendSoftware(record, vcpu, (lo >>> 24) & 15, softwareTargets(gic, record, vcpu, lo, hi));
      return true;
    case Icc.BPR0:
      gic.setControl(record, vcpu, R.BINARY_POINT_0, Math.max(lo & 7, 2));
      return true;
    case Icc.BPR1:
      if (gic.control(record, vcpu, R.COMMON_BINARY_POINT) === 0) {
        gic.setControl(record, vcpu, R.BINARY_POINT_1, Math.max(lo & 7, 3));
      }
      return true;
    case Icc.AP0R0:
      gic.setControl(record, vcpu, R.ACTIVE_PRIORITIES_0, lo >>> 0);
      return true;
    case Icc.AP1R0:
      gic.setControl(record, vcpu, R.ACTIVE_PRIORITIES_1, lo >>> 0);
      return true;
    case Icc.CTLR:
      gic.setControl(record, vcpu, R.COMMON_BINARY_POINT, (lo & Control.commonBinaryPoint) === 0 ? 0 : 1);
      gic.setControl(record, vcpu, R.SPLIT_END, (lo & Control.endMode) === 0 ? 0 : 1);
      return true;
    case Icc.IGRPEN0:
      gic.setControl(record, vcpu, R.GROUP_ENABLE_0, lo & 1);
      return true;
    case Icc.IGRPEN1:
      gic.setControl(record, vcpu, R.GROUP_ENABLE_1, lo & 1);
      return true;
    case Icc.SRE:
    case Icc.EOIR0:
    case Icc.ASGI1R:
    case Icc.SGI0R:
      return true;
    default:
      return false;
  }
};

/** ICC_SGI1R_EL1: a target list within one affinity group, or everyone else. */
const softwareTargets = (gic: Vgic, record: number, vcpu: number, lo: number, hi: number): number => {
  const everyone = (1 << gic.vcpus(record)) - 1;
  const toAllOthers = ((hi >>> 8) & 1) !== 0;
  if (toAllOthers) return everyone & ~(1 << vcpu);
  const higherAffinity = ((lo >>> 16) & 0xff) | (hi & 0xff00ff);
  return higherAffinity === 0 ? lo & 0xffff & everyone : 0;
};
