import { post, pre, registers } from '../cpu/arm64/assembler.ts';
import { GuestLayout } from '../hypervisor/abi/guest-layout.ts';
import type { GuestAssembler } from './guest-assembler.ts';
import { IMAGE_BASE, PAGE_BYTES, Place } from './places.ts';
import { SCTLR_START } from './verdict.ts';

/** Stage 1 translation (Arm ARM D8): the guest's tables, and turning the MMU on and off. */

const { x0, x1, x2, x3, x9, lr, sp } = registers;

/** Attributes 0: a device's; 1: memory, cached. */
const MAIR = 0xff04;

const KIB = 1024;
const MIB = KIB * KIB;
const GIB = KIB * MIB;

/** Bits of a descriptor that leads to memory. */
const Bit = {
  attributesMemory: 1n << 2n,
  user: 1n << 6n,
  readOnly: 1n << 7n,
  innerShareable: 3n << 8n,
  accessed: 1n << 10n,
  notGlobal: 1n << 11n,
  privilegedExecuteNever: 1n << 53n,
  executeNever: 1n << 54n,
} as const;

const INVALID = 0n;
const BLOCK = 1n;
const TABLE = 3n;
const PAGE = 3n;

const MEMORY = Bit.attributesMemory | Bit.innerShareable | Bit.accessed;
const NO_CODE = Bit.privilegedExecuteNever | Bit.executeNever;
const DATA = MEMORY | NO_CODE;
const DEVICE = Bit.accessed | NO_CODE;

const inner = (shift: number): number => (1 << shift) + (1 << (shift + 2)) + (3 << (shift + 4));
const PHYSICAL_40_BITS = 2 * 2 ** 32;
const ASID_16_BITS = 2 ** 36;
const UPPER_OFF = 1 << 23;

/** TCR_EL1 for each granule. The larger ones use the lower half alone, and one table of 36-bit addresses. */
export const Control = {
  granule4: 25 + inner(8) + (16 << 16) + inner(24) + 2 * 2 ** 30 + PHYSICAL_40_BITS + ASID_16_BITS,
  granule16: 28 + inner(8) + (2 << 14) + UPPER_OFF + PHYSICAL_40_BITS + ASID_16_BITS,
  granule64: 28 + inner(8) + (1 << 14) + UPPER_OFF + PHYSICAL_40_BITS + ASID_16_BITS,
} as const;

export const SCTLR_MMU = (1 << 0) | (1 << 2) | (1 << 12);
export const SCTLR_ALIGNMENT = 1 << 1;

/** Where the pages of the window are seen. */
const WINDOW = 2 * GIB;

interface WindowPage {
  readonly index: number;
  /** The page of memory that it leads to, if it leads to one. */
  readonly page?: number;
  readonly attributes: bigint;
}

/** Pages with all sorts of rights. */
const windowPages = {
  data: { index: 0, page: Place.firstPage, attributes: DATA },
  readOnly: { index: 1, page: Place.firstPage, attributes: DATA | Bit.readOnly },
  notAccessed: { index: 2, page: Place.firstPage, attributes: DATA & ~Bit.accessed },
  missing: { index: 3, attributes: DATA },
  userCode: {
    index: 4,
    page: Place.userCode,
    attributes: MEMORY | Bit.user | Bit.readOnly | Bit.privilegedExecuteNever,
  },
  userData: { index: 5, page: Place.userData, attributes: DATA | Bit.user },
  code: { index: 6, page: Place.secondPage, attributes: MEMORY },
  changing: { index: 7, page: Place.firstPage, attributes: DATA },
  ofOneSpace: { index: 8, page: Place.firstPage, attributes: DATA | Bit.notGlobal },
} as const satisfies Readonly<Record<string, WindowPage>>;

type WindowName = keyof typeof windowPages;

/** The virtual address of a page of the window. */
export const windowAddress = (name: WindowName): number => WINDOW + windowPages[name].index * PAGE_BYTES;

/** Virtual addresses that nothing translates, by the level at which that is found. */
export const unmapped = { level0: 2 ** 39, level1: 3 * GIB, level2: WINDOW + 2 * MIB } as const;

/** The upper half: the first page, and RAM as a block of 1 GiB. */
export const UPPER_PAGE = 0xffff_0000_0000_0000n;
export const UPPER_BLOCK = UPPER_PAGE + BigInt(GIB);

const writeEntry = (guest: GuestAssembler, table: number, index: number, address: number, bits: bigint): void =>
  guest.write(table + 8 * index, BigInt(address) | bits);

/** Fills entries of a table with blocks, `size` bytes each. */
const fill = (
  guest: GuestAssembler,
  table: number,
  first: number,
  count: number,
  size: number,
  attributes: bigint,
): void => {
  guest.mov(x0, table + 8 * first);
  guest.mov(x1, count);
  guest.mov(x2, BigInt(first * size) | attributes | BLOCK);
  guest.mov(x3, size);
  guest.bl('fill table');
};

/** Maps the first gigabyte, with devices and the pages shared with the hypervisor, and RAM, each where it is. */
const fillIdentity = (guest: GuestAssembler, low: number, ram: number, blockSize: number): void => {
  const index = (address: number): number => Math.floor(address / blockSize);
  const shared = GuestLayout.grantTable;
  const sharedEnd = GuestLayout.magicBase + 2 * MIB;
  const count = Math.max(index(sharedEnd) - index(shared), 1);
  fill(guest, low, 0, index(IMAGE_BASE), blockSize, DEVICE);
  fill(guest, low, index(shared), count, blockSize, DATA);
  fill(guest, ram, index(IMAGE_BASE), index(GIB), blockSize, MEMORY);
};

/** Writes the routines 'build tables', 'translation on' (x0: TCR_EL1, x1: TTBR0_EL1) and 'translation off'. */
export const emitTranslation = (guest: GuestAssembler): void => {
  emitBuild(guest);

  guest.label('fill table');
  guest.str(x2, post(x0, 8));
  guest.add(x2, x2, x3);
  guest.subs(x1, x1, 1);
  guest.b('fill table', 'ne');
  guest.ret();

  guest.label('translation on');
  guest.msr('TCR_EL1', x0);
  guest.msr('TTBR0_EL1', x1);
  guest.mov(x0, Place.upperLevel0);
  guest.msr('TTBR1_EL1', x0);
  guest.mov(x0, MAIR);
  guest.msr('MAIR_EL1', x0);
  guest.dsb();
  guest.isb();
  guest.tlbi('vmalle1');
  guest.dsb();
  guest.isb();
  guest.mov(x0, SCTLR_START | SCTLR_MMU);
  guest.msr('SCTLR_EL1', x0);
  guest.isb();
  guest.ret();

  guest.label('translation off');
  guest.mov(x0, SCTLR_START);
  guest.msr('SCTLR_EL1', x0);
  guest.isb();
  guest.ret();
};

const emitBuild = (guest: GuestAssembler): void => {
  guest.label('build tables');
  guest.stp(x9, lr, pre(sp, -16));
  fillIdentity(guest, Place.level2Of16, Place.level2Of16, 32 * MIB);
  fillIdentity(guest, Place.level2Of64, Place.level2Of64, 512 * MIB);
  // The entries of the second gigabyte's table count from its start.
  fillIdentity(guest, Place.level2Low, Place.level2Ram - 8 * 512, 2 * MIB);
  writeEntry(guest, Place.level1, 0, Place.level2Low, TABLE);
  writeEntry(guest, Place.level1, 1, Place.level2Ram, TABLE);
  writeEntry(guest, Place.level1, WINDOW / GIB, Place.level2Window, TABLE);
  writeEntry(guest, Place.level2Window, 0, Place.level3Window, TABLE);
  for (const window of Object.values<WindowPage>(windowPages)) writeWindow(guest, window, window.page);
  writeEntry(guest, Place.upperLevel0, 0, Place.upperLevel1, TABLE);
  writeEntry(guest, Place.upperLevel1, 0, Place.upperLevel2, TABLE);
  writeEntry(guest, Place.upperLevel1, 1, IMAGE_BASE, DATA | BLOCK);
  writeEntry(guest, Place.upperLevel2, 0, Place.upperLevel3, TABLE);
  writeEntry(guest, Place.upperLevel3, 0, Place.firstPage, DATA | PAGE);
  guest.ldp(x9, lr, post(sp, 16));
  guest.ret();
};

const writeWindow = (guest: GuestAssembler, { index, attributes }: WindowPage, page: number | undefined): void =>
  writeEntry(guest, Place.level3Window, index, page ?? 0, page === undefined ? INVALID : attributes | PAGE);

/** Makes a page of the window lead to another page of memory, or nowhere; the caller sees to the TLB. */
export const pointWindow = (guest: GuestAssembler, name: WindowName, page?: number): void =>
  writeWindow(guest, windowPages[name], page);
