import { addressSpaceChanged, translationChanged } from '../../../../src/cpu/arm64/mmu/banks.ts';
import { setLevel } from '../../../../src/cpu/arm64/processor-state.ts';
import { MAIR_EL1, SCTLR_EL1, TCR_EL1, TTBR0_EL1, TTBR1_EL1 } from '../../../../src/cpu/arm64/system-state.ts';
import { Machine, RAM } from './machine.ts';

/** A machine with translation on: 4 KiB granule, 39-bit addresses in both halves, tables that tests fill. */

/** Descriptor bits of leaves. */
export const Leaf = {
  page: 3n,
  block: 1n,
  /** AttrIndx 1: Device memory. */
  device: 1n << 2n,
  user: 1n << 6n,
  readOnly: 1n << 7n,
  accessed: 1n << 10n,
  notGlobal: 1n << 11n,
  noExecute1: 1n << 53n,
  noExecute0: 1n << 54n,
} as const;

/** What pages usually have. */
export const KERNEL_PAGE = Leaf.page | Leaf.accessed;
export const USER_PAGE = Leaf.page | Leaf.accessed | Leaf.user | Leaf.notGlobal;

export const UPPER = 0xffff_ff80_0000_0000n;

/** Tables lie here, one after another. */
const TABLES = RAM + 0x18_0000;
/** T0SZ and T1SZ 25, 4 KiB granules, 40 bits of output, 16-bit ASIDs. */
const TCR = 25n | (25n << 16n) | (2n << 30n) | (2n << 32n) | (1n << 36n);

/** A translation table of three levels. */
export class AddressSpace {
  readonly #machine: Machine;
  readonly #allocate: () => number;
  readonly root: number;

  constructor(machine: Machine, allocate: () => number) {
    this.#machine = machine;
    this.#allocate = allocate;
    this.root = allocate();
  }

  #table(parent: number, index: bigint): number {
    const at = parent + Number(index) * 8;
    const present = this.#machine.readPhysical(at);
    if (present !== 0n) return Number(present & 0xffff_ffff_f000n);
    const table = this.#allocate();
    this.#machine.writePhysical(at, BigInt(table) | 3n);
    return table;
  }

  /** Physical address of an address's descriptor at a level (2 or 3). */
  descriptor(address: bigint, level: 2 | 3): number {
    const second = this.#table(this.root, (address >> 30n) & 511n);
    if (level === 2) return second + Number((address >> 21n) & 511n) * 8;
    return this.#table(second, (address >> 21n) & 511n) + Number((address >> 12n) & 511n) * 8;
  }

  /** Maps a page; `attributes` are Leaf bits. */
  map(address: bigint, physical: number, attributes: bigint): void {
    this.#machine.writePhysical(this.descriptor(address, 3), BigInt(physical) | attributes);
  }

  /** Maps 2 MiB. */
  mapBlock(address: bigint, physical: number, attributes: bigint): void {
    this.#machine.writePhysical(this.descriptor(address, 2), BigInt(physical) | attributes);
  }

  unmap(address: bigint): void {
    this.#machine.writePhysical(this.descriptor(address, 3), 0n);
  }
}

export class MappedMachine extends Machine {
  #next = TABLES;
  readonly kernel: AddressSpace;
  readonly user: AddressSpace;

  constructor() {
    super();
    this.kernel = this.space();
    this.user = this.space();
    for (const state of [this.first, this.second]) this.translate(state);
  }

  /** Turns translation on, as it is at first. */
  translate(state: number): void {
    this.set(state, TCR_EL1, TCR);
    // Attribute 0 is Normal write-back memory, attribute 1 Device-nGnRE.
    this.set(state, MAIR_EL1, 0x04ffn);
    this.set(state, SCTLR_EL1, this.get(state, SCTLR_EL1) | 1n);
    this.set(state, TTBR1_EL1, this.kernel.root);
    this.set(state, TTBR0_EL1, this.user.root);
    translationChanged(this.memory, state);
  }

  /** A new, empty address space. */
  space(): AddressSpace {
    return new AddressSpace(this, () => {
      const table = this.#next;
      this.#next += 4096;
      return table;
    });
  }

  /** As a kernel switches processes. */
  switchTo(space: AddressSpace, asid: number): void {
    this.set(this.first, TTBR0_EL1, BigInt(space.root) | (BigInt(asid) << 48n));
    addressSpaceChanged(this.memory, this.first);
  }

  /** Goes to EL0 or to EL1 with its own stack pointer. */
  level(level: 0 | 1): void {
    setLevel(this.memory, this.first, level, level);
  }
}
