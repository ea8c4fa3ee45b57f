/**
 * The part of a vCPU record that every guest architecture has: byte offsets from the record's start in machine memory. All
 * that a guest can observe of a processor lies in its record, so a copy of the record is a copy of the processor. Each
 * architecture lays its registers from ARCHITECTURE on.
 */

/** The address of the next instruction (i64); exact whenever translated code is left. */
export const PC = 0x00;

/**
 * The condition flags, kept as what makes them: negative is the sign of FLAG_N (i64), zero holds where FLAG_Z (i64) is 0,
 * carry is FLAG_C (i32, 0 or 1), overflow is the sign of FLAG_V (i64).
 */
export const FLAG_N = 0x08;
export const FLAG_Z = 0x10;
export const FLAG_V = 0x18;
export const FLAG_C = 0x20;

/**
 * The form of the flags (i32, ir/flag-forms.ts): not that of fields only between regions of the hot tier; then FLAG_N and
 * FLAG_Z hold the operands.
 */
export const FLAG_FORM = 0x44;

/** Instructions that may still run before translated code leaves (i32). */
export const BUDGET = 0x24;
/** Machine address of the translation table (TLB bank) for data accesses at the current privilege (i32). */
export const TLB = 0x28;
/** Machine address of the translation table for accesses as if unprivileged (i32). */
export const TLB_UNPRIVILEGED = 0x2c;
/** Nonzero when vector and floating-point instructions must trap (i32). */
export const VECTOR_TRAP = 0x30;
/** Negative asks the vCPU to leave translated code soon (i32, Atomics): see kick.ts. */
export const KICK = 0x34;
/** Nonzero while an interrupt waits at the interrupt line, masked or not (i32, Atomics). */
export const INTERRUPT_LINE = 0x38;

/** Why translated code left with an exception: an architecture's own kind and syndrome (i32 each) and address (i64). */
export const PENDING_KIND = 0x3c;
export const PENDING_SYNDROME = 0x40;
export const PENDING_ADDRESS = 0x48;
/** The guest-physical address of the access that needs a device model, or that faulted (i64). */
export const PENDING_PHYSICAL = 0x50;

/** Machine address of the pre-decoded page that holds the next instruction, as the last fetch left it (i32). */
export const CODE_PAGE = 0x58;
/**
 * Machine address of the page of locks that serialise 16-byte atomic accesses (i32): the same page for all vCPUs of the host,
 * zero while no one holds a lock.
 */
export const PAIR_LOCKS = 0x5c;

/** 32 bytes for the layer above, which knows whose processor this is. */
export const OWNER = 0x60;

/** Eight cells of sixteen bytes that pass values between translated code and the engine. */
export const SCRATCH = 0x80;
export const SCRATCH_CELLS = 8;

/** Machine address of the translation table for instruction fetches (i32). */
export const TLB_CODE = 0xfe8;
/**
 * Counts what may have changed the way from virtual addresses to code or data (i32, Atomics): invalidations by any thread, each
 * before it takes effect, and changes of the address space. What was looked up under another count must be looked up again.
 * It lies behind TLB_CODE, so that one load tells whether what was looked up of code still counts.
 */
export const TRANSLATION_CHANGES = 0xfec;

/** How often the cold tier entered a region, and how many instructions were run in regions (i32 each): statistics. */
export const REGION_ENTRIES = 0xfe0;
export const REGION_INSTRUCTIONS = 0xfe4;

/** How often the translation table was filled in translated code (i32): statistics. */
export const TLB_FILLS = 0xff0;

/** Where the architecture's own fields begin. */
export const ARCHITECTURE = 0x100;
/** Size of a vCPU record in bytes. */
export const STATE_SIZE = 0x1000;
