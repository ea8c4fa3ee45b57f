import { STATE_SIZE } from '../state.ts';
import { BANK_SIZE, ENTRIES } from '../translation-table.ts';
import { SYSTEM } from './state.ts';

/**
 * The system registers in a vCPU record, one 64-bit field each, and what the processor's system side keeps beside them.
 * Names are the manual's; all are byte offsets from the record's start.
 */

export const SCTLR_EL1 = SYSTEM;
export const CPACR_EL1 = SYSTEM + 0x008;
export const TTBR0_EL1 = SYSTEM + 0x010;
export const TTBR1_EL1 = SYSTEM + 0x018;
export const TCR_EL1 = SYSTEM + 0x020;
export const MAIR_EL1 = SYSTEM + 0x028;
export const AMAIR_EL1 = SYSTEM + 0x030;
export const VBAR_EL1 = SYSTEM + 0x038;
export const ESR_EL1 = SYSTEM + 0x040;
export const FAR_EL1 = SYSTEM + 0x048;
export const AFSR0_EL1 = SYSTEM + 0x050;
export const AFSR1_EL1 = SYSTEM + 0x058;
export const ELR_EL1 = SYSTEM + 0x060;
export const SPSR_EL1 = SYSTEM + 0x068;
/** The stack pointers that are not in use; the one in use lies in SP (state.ts). */
export const SP_EL0 = SYSTEM + 0x070;
export const SP_EL1 = SYSTEM + 0x078;
export const CONTEXTIDR_EL1 = SYSTEM + 0x080;
export const TPIDR_EL0 = SYSTEM + 0x088;
export const TPIDRRO_EL0 = SYSTEM + 0x090;
export const TPIDR_EL1 = SYSTEM + 0x098;
export const PAR_EL1 = SYSTEM + 0x0a0;
export const CSSELR_EL1 = SYSTEM + 0x0a8;
export const MPIDR_EL1 = SYSTEM + 0x0b0;

/** The generic timer. */
export const CNTKCTL_EL1 = SYSTEM + 0x0b8;
export const CNTV_CTL_EL0 = SYSTEM + 0x0c0;
export const CNTV_CVAL_EL0 = SYSTEM + 0x0c8;
export const CNTP_CTL_EL0 = SYSTEM + 0x0d0;
export const CNTP_CVAL_EL0 = SYSTEM + 0x0d8;

/** Debug. OS_LOCK and OS_DOUBLE_LOCK are what OSLAR_EL1 and OSDLR_EL1 set. */
export const MDSCR_EL1 = SYSTEM + 0x0e0;
export const MDCCINT_EL1 = SYSTEM + 0x0e8;
export const OSDTRRX_EL1 = SYSTEM + 0x0f0;
export const OSDTRTX_EL1 = SYSTEM + 0x0f8;
export const OSECCR_EL1 = SYSTEM + 0x100;
export const OS_LOCK = SYSTEM + 0x108;
export const OS_DOUBLE_LOCK = SYSTEM + 0x110;
export const DBGPRCR_EL1 = SYSTEM + 0x118;
export const DBGCLAIM = SYSTEM + 0x120;
/** DBGBVR<n>_EL1 and so on: eight bytes each. */
export const DBGBVR = SYSTEM + 0x130;
export const DBGBCR = SYSTEM + 0x160;
export const DBGWVR = SYSTEM + 0x190;
export const DBGWCR = SYSTEM + 0x1b0;

/** Breakpoints and watchpoints, as ID_AA64DFR0_EL1 tells. */
export const BREAKPOINTS = 6;
export const WATCHPOINTS = 4;

/** The local event register: 1 when an event waits (i32, Atomics). */
export const EVENT = SYSTEM + 0x200;
/** 1 if the guest's interrupt controller has system registers (GICv3), 0 if not (i32). */
export const INTERRUPT_REGISTERS = SYSTEM + 0x204;
/** 1 once the step before was a single step; 2 more if it was a load-exclusive (i32). */
export const STEPPED = SYSTEM + 0x208;
/** The code cache's generation that the banks' CODE fields are of (i32). */
export const CODE_GENERATION = SYSTEM + 0x20c;

// Stack pointer alignment (stack-alignment.ts), i32 each

/** The bits that the stack pointer must not have: 15 if its alignment is checked at this exception level, else 0. */
export const STACK_MASK = SYSTEM + 0x210;
/** Those of them that it has: while that is not 0, data accesses take the slow path, which has them looked at. */
export const STACK_MISALIGNED = SYSTEM + 0x214;
/** What the record's TLB and TLB_UNPRIVILEGED are while the stack pointer is aligned, and what both are while it is not. */
export const ALIGNED_TLB = SYSTEM + 0x218;
export const ALIGNED_TLB_UNPRIVILEGED = SYSTEM + 0x21c;
export const MISALIGNED_TLB = SYSTEM + 0x238;

// The translation table banks (mmu/banks.ts)

/** Number of the user bank in use, 0 while that has to be found yet (i32). */
export const USER_BANK = SYSTEM + 0x224;
/** Counts choices of a user bank, to find the one not used for longest (i32). */
export const USER_CLOCK = SYSTEM + 0x228;
/** How many entries of the EL1 bank depend on the address space or on PAN; LOOSE_MAX + 1 for "more" (i32). */
export const LOOSE_COUNT = SYSTEM + 0x22c;
/** 1 if one of them is of a page that EL0 may access: PAN ends it (i32). */
export const LOOSE_USER = SYSTEM + 0x230;
/** 1 while every data access must take the slow path (i32). */
export const CHECK_ACCESSES = SYSTEM + 0x234;
/** 1 once other vCPUs' entries were dropped by a broadcast that no DSB has waited for yet (i32). */
export const TLB_BROADCAST = SYSTEM + 0x23c;
/** What the record's TLB fields become with the exception level: ALIGNED_TLB at EL1, and TLB_CODE at EL1 and at EL0 (i32 each). */
export const KERNEL_TLB = SYSTEM + 0x380;
export const KERNEL_TLB_CODE = SYSTEM + 0x384;
export const USER_TLB_CODE = SYSTEM + 0x388;
/** For each bank, BANK_STATE_SIZE bytes: BankState fields. */
export const BANK_STATES = SYSTEM + 0x240;
export const BANK_STATE_SIZE = 32;
/** Which entries of the EL1 bank are meant (u16 each: the entry's number). */
export const LOOSE_ENTRIES = SYSTEM + 0x3c0;
export const LOOSE_MAX = 32;

/** Banks: EL1's, eight for user address spaces, and one that is always empty. */
export const KERNEL_BANK = 0;
export const FIRST_USER_BANK = 1;
export const USER_BANKS = 8;
export const CHECKED_BANK = FIRST_USER_BANK + USER_BANKS;
export const TLB_BANKS = CHECKED_BANK + 1;

/** Two bytes for each entry of a bank: log2 of the mapping's size in 4 KiB pages, for data and for instructions. */
export const SIZES_SIZE = ENTRIES * 2;
/** Where the banks lie, after the record, and after them their entries' sizes. */
export const BANKS = STATE_SIZE;
export const SIZES = BANKS + TLB_BANKS * BANK_SIZE;
/** For each bank a bit for each of 1024 hashed stretches of 2 MiB: 1 where entries of larger mappings than 4 KiB may be. */
export const LARGE_MAP_SIZE = 128;
export const LARGE_MAPS = SIZES + TLB_BANKS * SIZES_SIZE;
/** For each bank the numbers of the entries filled first since it was empty (u16 each): a bank with few is emptied by them. */
export const FILL_LOG_ENTRIES = 512;
export const FILL_LOG_SIZE = FILL_LOG_ENTRIES * 2;
export const FILL_LOGS = LARGE_MAPS + TLB_BANKS * LARGE_MAP_SIZE;
/** A vCPU record with its translation table banks, in bytes. */
export const VCPU_SIZE = FILL_LOGS + TLB_BANKS * FILL_LOG_SIZE;
