/**
 * Where the cases of the differential tests live in a guest's virtual memory. The reference runner (tools/vectors/reference.c)
 * has the same numbers.
 *
 * The data pages lie across a 4 GiB boundary, so that address arithmetic on halves is put to the test; the code lies within reach
 * of a literal load, and no branch can reach anything else that is mapped. A power of two away from both there is nothing in
 * the reference's process either (qemu-user puts stacks and the like at 0x55_0000_0000).
 */

export const PAGE = 4096;

/** Two pages that can be read and written, then one that can only be read. Nothing is mapped around them. */
export const DATA = 0x5a_ffff_f000;
export const WRITABLE_PAGES = 2;
export const DATA_PAGES = 3;
export const DATA_BYTES = DATA_PAGES * PAGE;
export const WRITABLE_BYTES = WRITABLE_PAGES * PAGE;

/** Slots of code, one for each program of a batch: executable, never writable, filled with BRK #0 around the programs. */
export const CODE = 0x5b_0008_0000;
export const SLOT = 256;
export const SLOTS = 256;
/** One page more than the slots need, so that the last one may run over its end. */
export const CODE_BYTES = SLOTS * SLOT + PAGE;
export const PAD = 0xd4200000;

/** Instruction words in a program, at most. */
export const PROGRAM_WORDS = 12;

/** The slots whose programs begin two instructions before the end of a page. */
const crossesPage = (slot: number): boolean => (slot & 15) === 15;

/** Offset in CODE of a slot's first instruction. */
export const programOffset = (slot: number): number => slot * SLOT + (crossesPage(slot) ? SLOT - 8 : 64);
/** Offset in CODE of the first BRK that is a slot's own: the program before it may run over into its first words. */
export const slotOffset = (slot: number): number =>
  slot * SLOT + (slot > 0 && crossesPage(slot - 1) ? PROGRAM_WORDS * 4 - 8 : 0);
/** Address of a slot's first instruction. */
export const programAddress = (slot: number): number => CODE + programOffset(slot);

/** The part of the data pages that a case fills and looks at; the rest holds `background` and should stay as it is. */
export const WINDOW = 256;
/** Offset in DATA of the window, by its place: the first page's start, across both pages, the second page's end. */
export const windowOffsets = [0, PAGE - WINDOW / 2, 2 * PAGE - WINDOW] as const;
export const PLACES = windowOffsets.length;

/** What the data pages hold where no case has written: a byte that depends on the offset. */
export const background = (offset: number): number => (offset * 29 + (offset >>> 8) * 7 + 0x5b) & 0xff;

/** The bytes before the end of the writable pages that do not count after a fault: a store may have crossed that end. */
export const CROSSING = 64;

/** FNV-1a over the first `length` bytes of the data pages, for telling stray writes apart. */
export const fingerprint = (bytes: Uint8Array, length: number): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash >>> 0;
};
