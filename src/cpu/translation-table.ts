/**
 * The software translation table (TLB): direct-mapped by virtual page, one bank for each privilege and recent address space.
 * Tag and addend lie in one 32-byte entry, so a hit touches one cache line (docs/translation.md has the measurements).
 *
 * A tag is minus the address of the virtual page whose accesses hit: address plus tag is the offset in that page, and an access
 * hits if it is at most the page's size less the access's.
 */

/** Entries in a bank; a power of two. */
export const ENTRIES = 8192;
export const ENTRY_SIZE = 32;
export const BANK_SIZE = ENTRIES * ENTRY_SIZE;

/** The tag for loads (i64). */
export const READ_TAG = 0;
/** The tag for stores (i64). */
export const WRITE_TAG = 8;
/** The tag for instruction fetches (i64). */
export const EXECUTE_TAG = 16;
/** Machine address of the page minus the low half of its virtual address (i32, wrapping). */
export const ADDEND = 24;
/** Machine address of the page's pre-decoded records (i32). */
export const CODE = 28;

/** The halves of minus a number: a tag from a page's address, and the address from the tag. */
export const minusLow = (lo: number): number => -lo | 0;
export const minusHigh = (lo: number, hi: number): number => (lo === 0 ? -hi | 0 : ~hi);

/**
 * The low half of a tag of an entry that nothing hits, whatever its high half: that of a page which has another entry.
 * `entry` is the entry's number.
 */
export const noPage = (entry: number): number => (entry === 0 ? 4096 : 0);

/** All bits that the offset of an instruction in its page can have. */
export const INSTRUCTION_OFFSETS = 4096 - 4;

/** Shift and mask that turn the low half of a virtual address into its entry's offset in the bank. */
export const INDEX_SHIFT = 12 - 5;
export const INDEX_MASK = (ENTRIES - 1) * ENTRY_SIZE;
