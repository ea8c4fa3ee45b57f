/**
 * The software translation table (TLB): direct-mapped by virtual page, one bank for each privilege and recent address space.
 * Tag and addend lie in one 32-byte entry, so a hit touches one cache line (docs/translation.md has the measurements).
 */

/** Entries in a bank; a power of two. */
export const ENTRIES = 8192;
export const ENTRY_SIZE = 32;
export const BANK_SIZE = ENTRIES * ENTRY_SIZE;

/** Virtual page address whose loads hit (i64), or NO_PAGE. */
export const READ_TAG = 0;
/** Virtual page address whose stores hit (i64), or NO_PAGE. */
export const WRITE_TAG = 8;
/** Virtual page address whose instruction fetches hit (i64), or NO_PAGE. */
export const EXECUTE_TAG = 16;
/** Machine address of the page minus the low half of its virtual address (i32, wrapping). */
export const ADDEND = 24;
/** Machine address of the page's pre-decoded records (i32). */
export const CODE = 28;

/** A tag that no page address equals: its low bits are not zero. */
export const NO_PAGE = -1;

/** Shift and mask that turn the low half of a virtual address into its entry's offset in the bank. */
export const INDEX_SHIFT = 12 - 5;
export const INDEX_MASK = (ENTRIES - 1) * ENTRY_SIZE;
