import * as R from './record.ts';
import type { Vgic } from './vgic.ts';

/**
 * The distributor's register file and the part of it that GICv3 redistributors repeat for private interrupts (GIC
 * specification, 12.9 and 12.11). One-bit, byte and two-bit registers are walked interrupt by interrupt.
 */

export const Register = {
  control: 0x0000,
  type: 0x0004,
  implementer: 0x0008,
  group: 0x0080,
  setEnable: 0x0100,
  clearEnable: 0x0180,
  setPending: 0x0200,
  clearPending: 0x0280,
  setActive: 0x0300,
  clearActive: 0x0380,
  priority: 0x0400,
  targets: 0x0800,
  configuration: 0x0c00,
  softwareInterrupt: 0x0f00,
  route: 0x6000,
} as const;

const has =
  (flag: number) =>
  (flags: number): boolean =>
    (flags & flag) !== 0;

/** One-bit registers: where each begins, what a 1 written to it sets and clears, and when it reads as 1. */
const bitRegisters = [
  { base: Register.group, set: 0, clear: 0, reads: has(R.Flag.group1) },
  { base: Register.setEnable, set: R.Flag.enabled, clear: 0, reads: has(R.Flag.enabled) },
  { base: Register.clearEnable, set: 0, clear: R.Flag.enabled, reads: has(R.Flag.enabled) },
  { base: Register.setPending, set: R.Flag.pending, clear: 0, reads: R.isPending },
  { base: Register.clearPending, set: 0, clear: R.Flag.pending, reads: R.isPending },
  { base: Register.setActive, set: R.Flag.active, clear: 0, reads: has(R.Flag.active) },
  { base: Register.clearActive, set: 0, clear: R.Flag.active, reads: has(R.Flag.active) },
] as const;

const BIT_REGISTER_BYTES = 0x80;

/** Reads `size` bytes of the per-interrupt registers as `vcpu` sees them; 0 for what does not exist. */
export const readInterruptRegisters = (
  gic: Vgic,
  record: number,
  vcpu: number,
  offset: number,
  size: number,
): number => {
  let value = 0;
  if (offset >= Register.group && offset < Register.priority) {
    const bank = bitRegisters[Math.floor((offset - Register.group) / BIT_REGISTER_BYTES)];
    if (bank === undefined) return 0;
    const first = ((offset - bank.base) & 0x7f) * 8;
    for (let i = 0; i < size * 8 && first + i < R.INTERRUPTS; i++) {
      if (bank.reads(gic.flags(record, vcpu, first + i))) value |= 1 << i;
    }
  } else if (offset >= Register.priority && offset < Register.configuration) {
    const field = offset < Register.targets ? R.ENTRY_PRIORITY : R.ENTRY_TARGETS;
    const first = offset & 0x3ff;
    for (let i = 0; i < size && first + i < R.INTERRUPTS; i++) {
      const own = field === R.ENTRY_TARGETS && first + i < R.PRIVATE_INTERRUPTS;
      const byte = own ? 1 << vcpu : (gic.memory.u8[gic.entry(record, vcpu, first + i) + field] as number);
      value |= byte << (i * 8);
    }
  } else if (offset >= Register.configuration && offset < Register.configuration + 0x100) {
    const first = (offset - Register.configuration) * 4;
    for (let i = 0; i < size * 4 && first + i < R.INTERRUPTS; i++) {
      if ((gic.flags(record, vcpu, first + i) & R.Flag.edge) !== 0) value |= 2 << (i * 2);
    }
  }
  return value >>> 0;
};

/** Writes `size` bytes of them. The record's lock is held. */
export const writeInterruptRegisters = (
  gic: Vgic,
  record: number,
  vcpu: number,
  offset: number,
  size: number,
  value: number,
): void => {
  if (offset >= Register.group && offset < Register.priority) {
    writeBits(gic, record, vcpu, offset, size, value);
  } else if (offset >= Register.priority && offset < Register.targets) {
    for (let i = 0; i < size && (offset & 0x3ff) + i < R.INTERRUPTS; i++) {
      const interrupt = (offset & 0x3ff) + i;
      gic.memory.u8[gic.entry(record, vcpu, interrupt) + R.ENTRY_PRIORITY] = (value >>> (i * 8)) & 0xf8;
      evaluateTakers(gic, record, vcpu, interrupt);
    }
  } else if (offset >= Register.targets && offset < Register.configuration) {
    for (let i = 0; i < size; i++) {
      const interrupt = (offset & 0x3ff) + i;
      if (interrupt < R.PRIVATE_INTERRUPTS || interrupt >= R.INTERRUPTS) continue;
      gic.memory.u8[gic.entry(record, vcpu, interrupt) + R.ENTRY_TARGETS] = (value >>> (i * 8)) & 0xff;
      gic.refresh(record, vcpu, interrupt);
    }
  } else if (offset >= Register.configuration && offset < Register.configuration + 0x100) {
    const first = (offset - Register.configuration) * 4;
    for (let i = 0; i < size * 4 && first + i < R.INTERRUPTS; i++) {
      if (first + i < R.SOFTWARE_INTERRUPTS) continue;
      const edge = ((value >>> (i * 2 + 1)) & 1) !== 0;
      gic.change(record, vcpu, first + i, edge ? R.Flag.edge : 0, edge ? 0 : R.Flag.edge);
    }
  }
};

const writeBits = (gic: Vgic, record: number, vcpu: number, offset: number, size: number, value: number): void => {
  const bank = bitRegisters[Math.floor((offset - Register.group) / BIT_REGISTER_BYTES)];
  if (bank === undefined) return;
  const first = ((offset - bank.base) & 0x7f) * 8;
  for (let i = 0; i < size * 8 && first + i < R.INTERRUPTS; i++) {
    if (((value >>> i) & 1) === 0) continue;
    const interrupt = first + i;
    if (bank.base === Register.clearActive) gic.clearActive(record, vcpu, interrupt);
    else if (!isBySender(gic, record, bank.base, interrupt)) gic.change(record, vcpu, interrupt, bank.set, bank.clear);
  }
};

/** Whether a register is one for what a GICv2 keeps for each sender of an SGI, in registers of its own. */
const isBySender = (gic: Vgic, record: number, base: number, interrupt: number): boolean =>
  (base === Register.setPending || base === Register.clearPending) &&
  interrupt < R.SOFTWARE_INTERRUPTS &&
  gic.isVersion2(record);

/** A priority changed: whoever could take the interrupt looks again. */
const evaluateTakers = (gic: Vgic, record: number, vcpu: number, interrupt: number): void => {
  if (interrupt < R.PRIVATE_INTERRUPTS) {
    gic.evaluate(record, vcpu);
    return;
  }
  for (let index = 0; index < gic.vcpus(record); index++) gic.evaluate(record, index);
};

/** Writes GICD_CTLR's enable bits. The lock is held. */
export const writeControl = (gic: Vgic, record: number, value: number): void => {
  gic.memory.u32[(record + R.DISTRIBUTOR_CONTROL) >>> 2] = value & 3;
  for (let vcpu = 0; vcpu < gic.vcpus(record); vcpu++) gic.evaluate(record, vcpu);
};
