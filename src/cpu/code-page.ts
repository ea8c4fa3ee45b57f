/**
 * Pre-decoded pages: for each 4 KiB machine frame that holds code, one record for each 4-byte instruction (for each byte
 * address an architecture can start one at), kept by machine frame so that all who share the frame share the work.
 */

/** log2 of a guest page. */
export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 1 << PAGE_SHIFT;

/**
 * A record: handler number (u16), three register offsets (u16), then a 64-bit immediate, or a 32-bit one and two more offsets,
 * or four more offsets.
 */
export const RECORD_SIZE = 16;
export const RECORD_HANDLER = 0;
export const RECORD_REGISTERS = [2, 4, 6, 12, 14, 8, 10] as const;
export const RECORD_IMMEDIATE = 8;

/** Instructions in a page. */
export const RECORDS = PAGE_SIZE / 4;
/** The records, and one more that leaves the page. */
export const CODE_PAGE_BYTES = (RECORDS + 1) * RECORD_SIZE;
/**
 * After the records: the machine address of the frame (u32); 1 while a region of the hot tier begins in the page (i32); the
 * lock under which records change; 1 while others
 * may still be executing records that were forgotten (i32); and how often some were forgotten (i32).
 */
export const CODE_PAGE_FRAME = CODE_PAGE_BYTES;
export const CODE_PAGE_HAS_REGIONS = CODE_PAGE_BYTES + 4;
export const CODE_PAGE_LOCK = CODE_PAGE_BYTES + 8;
export const CODE_PAGE_UNSETTLED = CODE_PAGE_BYTES + 12;
export const CODE_PAGE_CHANGES = CODE_PAGE_BYTES + 16;
/** Then a u32 for each instruction: the slot of the region that begins there, or 0. */
export const CODE_PAGE_SLOTS = CODE_PAGE_BYTES + 48;
/** Distance of two pages of records in the arena. */
export const CODE_PAGE_STRIDE = CODE_PAGE_SLOTS + RECORDS * 4;

/** Handler numbers that are not an instruction's. */
export const Handler = {
  /** Not decoded yet. */
  decode: 0,
  /** Past the page's last instruction. */
  pageEnd: 1,
  /** A translated region begins here; its slot lies behind the page's records. */
  region: 2,
  /** The first instruction's handler. */
  first: 3,
} as const;
