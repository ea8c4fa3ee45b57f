import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import { INTERRUPT_LINE, STATE_SIZE } from '../../src/cpu/state.ts';
import * as gicv2 from '../../src/hypervisor/vgic/gicv2.ts';
import * as gicv3 from '../../src/hypervisor/vgic/gicv3.ts';
import { Vgic } from '../../src/hypervisor/vgic/vgic.ts';

const RECORD = 0x1000;
const STATES = 0x8000;
const memory = new MachineMemory(new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true }));

/** A CPU interface register as each version names it: an offset, or a system register's key. */
export type CpuRegister =
  | 'control'
  | 'mask'
  | 'acknowledge'
  | 'end'
  | 'running'
  | 'highest'
  | 'deactivate'
  | 'binaryPoint0'
  | 'binaryPoint1';

const icc = (crn: number, crm: number, op2: number): number => (3 << 14) | (crn << 7) | (crm << 3) | op2;
const registers = {
  2: {
    control: 0,
    mask: 4,
    binaryPoint0: 8,
    acknowledge: 0xc,
    end: 0x10,
    running: 0x14,
    highest: 0x18,
    binaryPoint1: 0x1c,
    deactivate: 0x1000,
  },
  3: {
    control: icc(12, 12, 4),
    mask: icc(4, 6, 0),
    acknowledge: icc(12, 12, 0),
    end: icc(12, 12, 1),
    running: icc(12, 11, 3),
    highest: icc(12, 12, 2),
    deactivate: icc(12, 11, 1),
    binaryPoint0: icc(12, 8, 3),
    binaryPoint1: icc(12, 12, 3),
  },
} as const;

const ICC_IGRPEN1 = icc(12, 12, 7);
export const ICC_SGI1R = icc(12, 11, 5);

/**
 * An interrupt controller as a guest programs it, through either version's registers; the one made before it is gone. What it
 * tells the layers above is noted down.
 */
export class TestGic {
  readonly memory: MachineMemory = memory;
  readonly vgic: Vgic;
  readonly record: number = RECORD;
  /** How often each vCPU was woken. */
  readonly wakes: number[];
  /** The event interrupt's level, as the guest's memory has it. */
  readonly eventLines: boolean[];
  readonly version: 2 | 3;

  constructor(version: 2 | 3, vcpus = 2) {
    this.version = version;
    memory.u8.fill(0);
    this.wakes = Array.from({ length: vcpus }, () => 0);
    this.eventLines = Array.from({ length: vcpus }, () => false);
    this.vgic = new Vgic(memory, {
      wake: (state) => void this.wakes[(state - STATES) / STATE_SIZE]++,
      eventLine: (state) => this.eventLines[(state - STATES) / STATE_SIZE],
    });
    const states = Array.from({ length: vcpus }, (_, vcpu) => STATES + vcpu * STATE_SIZE);
    this.vgic.initialize(this.record, version, states);
  }

  /** As Linux does: distributor and interfaces on, nothing masked. */
  open(): this {
    this.writeDistributor(0, 3);
    for (const vcpu of this.wakes.keys()) {
      this.enable(vcpu, true);
      this.write(vcpu, 'mask', 0xff);
    }
    return this;
  }

  line(vcpu: number): number {
    return memory.i32[(STATES + vcpu * STATE_SIZE + INTERRUPT_LINE) >>> 2];
  }

  readDistributor(offset: number, vcpu = 0, size = 4): number {
    const read = this.version === 2 ? gicv2.readDistributor : gicv3.readDistributor;
    return read(this.vgic, this.record, vcpu, offset, size);
  }

  writeDistributor(offset: number, value: number, vcpu = 0, size = 4): void {
    const write = this.version === 2 ? gicv2.writeDistributor : gicv3.writeDistributor;
    write(this.vgic, this.record, vcpu, offset, size, value);
  }

  /** A per-interrupt register of a private interrupt: the distributor's in version 2, the redistributor's in version 3. */
  readPrivate(vcpu: number, offset: number, size = 4): number {
    if (this.version === 2) return this.readDistributor(offset, vcpu, size);
    return gicv3.readRedistributor(this.vgic, this.record, vcpu * 0x2_0000 + 0x1_0000 + offset, size);
  }

  writePrivate(vcpu: number, offset: number, value: number, size = 4): void {
    if (this.version === 2) this.writeDistributor(offset, value, vcpu, size);
    else gicv3.writeRedistributor(this.vgic, this.record, vcpu * 0x2_0000 + 0x1_0000 + offset, size, value);
  }

  /** One bit of a one-bit register, of a private interrupt or a shared one. */
  bit(offset: number, interrupt: number, vcpu = 0): number {
    const at = offset + (interrupt >>> 5) * 4;
    const word = interrupt < 32 ? this.readPrivate(vcpu, at) : this.readDistributor(at, vcpu);
    return (word >>> (interrupt & 31)) & 1;
  }

  setBit(offset: number, interrupt: number, vcpu = 0): void {
    const at = offset + (interrupt >>> 5) * 4;
    const value = (1 << (interrupt & 31)) >>> 0;
    if (interrupt < 32) this.writePrivate(vcpu, at, value);
    else this.writeDistributor(at, value, vcpu);
  }

  setPriority(interrupt: number, priority: number, vcpu = 0): void {
    if (interrupt < 32) this.writePrivate(vcpu, 0x400 + interrupt, priority, 1);
    else this.writeDistributor(0x400 + interrupt, priority, vcpu, 1);
  }

  setEdge(interrupt: number, edge: boolean, vcpu = 0): void {
    const at = 0xc00 + (interrupt >>> 4) * 4;
    const shift = (interrupt & 15) * 2;
    const before = interrupt < 32 ? this.readPrivate(vcpu, at) : this.readDistributor(at, vcpu);
    const value = ((before & ~(3 << shift)) | ((edge ? 2 : 0) << shift)) >>> 0;
    if (interrupt < 32) this.writePrivate(vcpu, at, value);
    else this.writeDistributor(at, value, vcpu);
  }

  /** Sends a shared interrupt to one vCPU. */
  route(interrupt: number, vcpu: number): void {
    if (this.version === 2) this.writeDistributor(0x800 + interrupt, 1 << vcpu, 0, 1);
    else this.writeDistributor(0x6000 + interrupt * 8, vcpu);
  }

  /** A line of a device or timer. */
  setLine(interrupt: number, level: boolean, vcpu = 0): void {
    if (interrupt < 32) this.vgic.setPrivateLine(this.record, vcpu, interrupt, level);
    else this.vgic.setSharedLine(this.record, interrupt, level);
  }

  /** Sends an SGI to a set of vCPUs. */
  send(vcpu: number, interrupt: number, targets: number): void {
    if (this.version === 2) this.writeDistributor(0xf00, (targets << 16) | interrupt, vcpu);
    else gicv3.writeCpuInterface(this.vgic, this.record, vcpu, ICC_SGI1R, (interrupt << 24) | targets, 0);
  }

  sendToOthers(vcpu: number, interrupt: number): void {
    if (this.version === 2) this.writeDistributor(0xf00, (1 << 24) | interrupt, vcpu);
    else gicv3.writeCpuInterface(this.vgic, this.record, vcpu, ICC_SGI1R, interrupt << 24, 1 << 8);
  }

  read(vcpu: number, register: CpuRegister): number {
    return this.readInterface(vcpu, registers[this.version][register]) ?? Number.NaN;
  }

  write(vcpu: number, register: CpuRegister, value: number): void {
    this.writeInterface(vcpu, registers[this.version][register], value);
  }

  readInterface(vcpu: number, register: number): number | undefined {
    const read = this.version === 2 ? gicv2.readCpuInterface : gicv3.readCpuInterface;
    return read(this.vgic, this.record, vcpu, register);
  }

  writeInterface(vcpu: number, register: number, value: number): boolean {
    if (this.version === 3) return gicv3.writeCpuInterface(this.vgic, this.record, vcpu, register, value, 0);
    gicv2.writeCpuInterface(this.vgic, this.record, vcpu, register, value);
    return true;
  }

  /** Lets the CPU interface forward interrupts, or not. */
  enable(vcpu: number, on: boolean): void {
    if (this.version === 3) this.writeInterface(vcpu, ICC_IGRPEN1, on ? 1 : 0);
    else this.write(vcpu, 'control', (this.read(vcpu, 'control') & ~1) | (on ? 1 : 0));
  }

  /** EOImode: whether ending an interrupt leaves it active until it is deactivated. */
  splitEnd(vcpu: number, on: boolean): void {
    const bit = this.version === 3 ? 2 : 1 << 9;
    this.write(vcpu, 'control', (this.read(vcpu, 'control') & ~bit) | (on ? bit : 0));
  }

  /** ICC_CTLR_EL1.CBPR of a GICv3: whether ICC_BPR0_EL1 is for group 1, too. */
  commonBinaryPoint(vcpu: number, on: boolean): void {
    this.write(vcpu, 'control', (this.read(vcpu, 'control') & ~1) | (on ? 1 : 0));
  }
}

export const Offset = {
  setEnable: 0x100,
  clearEnable: 0x180,
  setPending: 0x200,
  clearPending: 0x280,
  setActive: 0x300,
  clearActive: 0x380,
} as const;
