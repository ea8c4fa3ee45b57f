import type { MachineMemory } from '../../machine-memory.ts';
import { TLB, TLB_CODE, TLB_UNPRIVILEGED, TRANSLATION_CHANGES } from '../../state.ts';
import {
  ADDEND,
  BANK_SIZE,
  CODE,
  ENTRIES,
  ENTRY_SIZE,
  EXECUTE_TAG,
  INDEX_MASK,
  INDEX_SHIFT,
  minusHigh,
  minusLow,
  noPage,
  READ_TAG,
  WRITE_TAG,
} from '../../translation-table.ts';
import { CURRENT_EL } from '../state.ts';
import {
  ALIGNED_TLB,
  ALIGNED_TLB_UNPRIVILEGED,
  BANK_STATE_SIZE,
  BANK_STATES,
  BANKS,
  CHECK_ACCESSES,
  CHECKED_BANK,
  FILL_LOG_ENTRIES,
  FILL_LOG_SIZE,
  FILL_LOGS,
  FIRST_USER_BANK,
  KERNEL_BANK,
  KERNEL_TLB,
  KERNEL_TLB_CODE,
  LARGE_MAP_SIZE,
  LARGE_MAPS,
  LOOSE_COUNT,
  LOOSE_ENTRIES,
  LOOSE_MAX,
  LOOSE_USER,
  MISALIGNED_TLB,
  SIZES,
  SIZES_SIZE,
  STACK_MISALIGNED,
  TCR_EL1,
  TLB_BANKS,
  TTBR0_EL1,
  TTBR1_EL1,
  USER_BANK,
  USER_BANKS,
  USER_CLOCK,
  USER_TLB_CODE,
} from '../system-state.ts';

/**
 * The banks of a vCPU's translation table: one for EL1; eight for user address spaces (each an ASID with a TTBR0), so that
 * a process switch drops nothing; and one that is always empty, for when each data access must be checked.
 *
 * Banks are filled by the thread that runs the vCPU alone, but any thread may drop entries: it makes their tags invalid by
 * single 32-bit stores and counts up TRANSLATION_CHANGES before, which takes back a fill that it overlaps with.
 */

/** A bank's fields in the record, from BANK_STATES + bank * BANK_STATE_SIZE on (i32 each). */
export const BankState = {
  /** The address space of a user bank; the ASID is -1 if it has none. */
  asid: 0,
  ttbr0Lo: 4,
  ttbr0Hi: 8,
  /** USER_CLOCK when it was last chosen. */
  used: 12,
  /** Fills since it was empty, FILL_LOG_ENTRIES + 1 for more than the log has room for. */
  fills: 16,
  /** 1 if some of them may be global. */
  hasGlobal: 20,
} as const;

const TCR_A1 = 1 << 22;
/** In the high half: 16-bit ASIDs. */
const TCR_AS = 1 << 4;

/** Index in the memory's 32-bit words of one of a bank's fields. */
export const bankWord = (state: number, bank: number, field: number): number =>
  (state + BANK_STATES + bank * BANK_STATE_SIZE + field) >>> 2;

export const bankAddress = (state: number, bank: number): number => (state + BANKS + bank * BANK_SIZE) >>> 0;

/** The bank that lies at a machine address. */
const bankAt = (state: number, address: number): number => ((address >>> 0) - state - BANKS) / BANK_SIZE;

/** Number of the entry that an address has in any bank. */
export const entryOf = (lo: number): number => (lo >>> 12) & (ENTRIES - 1);

/** Address of the sizes of a bank's entries: for each a byte for data, and one for instructions. */
export const sizesAddress = (state: number, bank: number): number => (state + SIZES + bank * SIZES_SIZE) >>> 0;

/** Makes nothing hit an entry, given by its number and its bank's address. */
const invalidate = (words: Int32Array, bank: number, entry: number): void => {
  const at = (bank + entry * ENTRY_SIZE) >>> 2;
  const nothing = noPage(entry);
  words[at + READ_TAG / 4] = nothing;
  words[at + WRITE_TAG / 4] = nothing;
  words[at + EXECUTE_TAG / 4] = nothing;
};

/** Index in the memory's 16-bit words of a bank's fill log. */
const fillLog = (state: number, bank: number): number => (state + FILL_LOGS + bank * FILL_LOG_SIZE) >>> 1;

/** Whether a bank has entries that may be valid. */
export const isFilled = (memory: MachineMemory, state: number, bank: number): boolean =>
  memory.i32[bankWord(state, bank, BankState.fills)] !== 0;

/** How many places of a bank to look at for its entries, and the number of the entry at one of them. */
export const entryCount = (memory: MachineMemory, state: number, bank: number): number => {
  const fills = memory.i32[bankWord(state, bank, BankState.fills)] as number;
  return fills <= FILL_LOG_ENTRIES ? fills : ENTRIES;
};
export const entryAt = (memory: MachineMemory, state: number, bank: number, count: number, place: number): number =>
  count === ENTRIES ? place : (memory.u16[fillLog(state, bank) + place] as number);

/** Drops a bank's entries. */
export const clearBank = (memory: MachineMemory, state: number, bank: number): void => {
  const start = bankAddress(state, bank);
  const count = entryCount(memory, state, bank);
  for (let i = 0; i < count; i++) {
    invalidate(memory.i32, start, entryAt(memory, state, bank, count, i));
  }
};

/** As clearBank, by the thread that runs the vCPU: only it may say that the bank is empty, and write more than tags. */
const emptyBank = (memory: MachineMemory, state: number, bank: number): void => {
  const start = bankAddress(state, bank);
  if (entryCount(memory, state, bank) < ENTRIES) clearBank(memory, state, bank);
  else {
    memory.i32.fill(noPage(1), start >>> 2, (start + BANK_SIZE) >>> 2);
    invalidate(memory.i32, start, 0);
  }
  memory.i32[bankWord(state, bank, BankState.fills)] = 0;
  memory.i32[bankWord(state, bank, BankState.hasGlobal)] = 0;
  memory.i32.fill(0, largeMap(state, bank), largeMap(state, bank) + LARGE_MAP_SIZE / 4);
  if (bank !== KERNEL_BANK) return;
  memory.i32[(state + LOOSE_COUNT) >>> 2] = 0;
  memory.i32[(state + LOOSE_USER) >>> 2] = 0;
};

/** Counts an invalidation by any thread: before the entries are dropped. */
export const beginInvalidation = (memory: MachineMemory, state: number): void => {
  Atomics.add(memory.i32, (state + TRANSLATION_CHANGES) >>> 2, 1);
};

/** Drops everything. Any thread, or (`own`) the one that runs the vCPU, which leaves less to drop the next time. */
export const dropAll = (memory: MachineMemory, state: number, own = false): void => {
  beginInvalidation(memory, state);
  for (let bank = 0; bank < TLB_BANKS; bank++) {
    if (own) emptyBank(memory, state, bank);
    else clearBank(memory, state, bank);
  }
};

/** Drops an address space's entries; `own` as for dropAll. */
export const dropAsid = (memory: MachineMemory, state: number, asid: number, own: boolean): void => {
  beginInvalidation(memory, state);
  if (own) dropLoose(memory, state);
  else clearLoose(memory, state);
  for (let bank = FIRST_USER_BANK; bank < FIRST_USER_BANK + USER_BANKS; bank++) {
    if (memory.i32[bankWord(state, bank, BankState.asid)] !== asid) continue;
    if (own) emptyBank(memory, state, bank);
    else clearBank(memory, state, bank);
  }
};

/** Makes all banks empty, whatever was there: for a new record, or a copy of one. */
export const resetBanks = (memory: MachineMemory, state: number): void => {
  for (let bank = 0; bank < TLB_BANKS; bank++) {
    memory.i32[bankWord(state, bank, BankState.fills)] = FILL_LOG_ENTRIES + 1;
    emptyBank(memory, state, bank);
    memory.i32[bankWord(state, bank, BankState.asid)] = -1;
  }
  memory.i32[(state + USER_BANK) >>> 2] = 0;
  selectBanks(memory, state);
};

/** Points the record's TLB fields at the banks that serve the current exception level. */
export const selectBanks = (memory: MachineMemory, state: number): void => {
  const words = memory.i32;
  const inUse = words[(state + USER_BANK) >>> 2] as number;
  const checked = bankAddress(state, CHECKED_BANK) | 0;
  const user = inUse === 0 ? checked : bankAddress(state, inUse) | 0;
  const kernel = bankAddress(state, KERNEL_BANK) | 0;
  const current = words[(state + CURRENT_EL) >>> 2] === 0 ? user : kernel;
  const checksAll = words[(state + CHECK_ACCESSES) >>> 2] !== 0;
  const aligned = checksAll ? checked : current;
  const alignedUnprivileged = checksAll ? checked : user;
  const misaligned = words[(state + STACK_MISALIGNED) >>> 2] !== 0;
  words[(state + KERNEL_TLB) >>> 2] = checksAll ? checked : kernel;
  words[(state + KERNEL_TLB_CODE) >>> 2] = kernel;
  words[(state + USER_TLB_CODE) >>> 2] = user;
  words[(state + TLB_CODE) >>> 2] = current;
  words[(state + ALIGNED_TLB) >>> 2] = aligned;
  words[(state + ALIGNED_TLB_UNPRIVILEGED) >>> 2] = alignedUnprivileged;
  words[(state + MISALIGNED_TLB) >>> 2] = checked;
  words[(state + TLB) >>> 2] = misaligned ? checked : aligned;
  words[(state + TLB_UNPRIVILEGED) >>> 2] = misaligned ? checked : alignedUnprivileged;
};

/** The bank for instruction fetches now. */
export const fetchBank = (memory: MachineMemory, state: number): number =>
  bankAt(state, memory.i32[(state + TLB_CODE) >>> 2] as number);

/** The ASID of the address space in use. */
export const currentAsid = (words: Int32Array, state: number): number => {
  const tcrLo = words[(state + TCR_EL1) >>> 2] as number;
  const tcrHi = words[(state + TCR_EL1 + 4) >>> 2] as number;
  const ttbrHi = words[(state + ((tcrLo & TCR_A1) !== 0 ? TTBR1_EL1 : TTBR0_EL1) + 4) >>> 2] as number;
  const asid = ttbrHi >>> 16;
  return (tcrHi & TCR_AS) !== 0 ? asid : asid & 0xff;
};

/** The user bank of the address space in use, found or made. */
export const userBank = (memory: MachineMemory, state: number): number => {
  const words = memory.i32;
  const inUse = words[(state + USER_BANK) >>> 2] as number;
  return inUse !== 0 ? inUse : chooseUserBank(memory, state);
};

const chooseUserBank = (memory: MachineMemory, state: number): number => {
  const words = memory.i32;
  const asid = currentAsid(words, state);
  const ttbr0Lo = words[(state + TTBR0_EL1) >>> 2] as number;
  const ttbr0Hi = (words[(state + TTBR0_EL1 + 4) >>> 2] as number) & 0xffff;
  const clock = (words[(state + USER_CLOCK) >>> 2] as number) + 1;
  words[(state + USER_CLOCK) >>> 2] = clock;
  let chosen = 0;
  let oldest = -1;
  for (let bank = FIRST_USER_BANK; bank < FIRST_USER_BANK + USER_BANKS; bank++) {
    if (
      words[bankWord(state, bank, BankState.asid)] === asid &&
      words[bankWord(state, bank, BankState.ttbr0Lo)] === ttbr0Lo &&
      words[bankWord(state, bank, BankState.ttbr0Hi)] === ttbr0Hi
    ) {
      chosen = bank;
      break;
    }
    const age = (clock - (words[bankWord(state, bank, BankState.used)] as number)) >>> 0;
    if (age > oldest) {
      oldest = age;
      chosen = -bank;
    }
  }
  if (chosen < 0) {
    chosen = -chosen;
    emptyBank(memory, state, chosen);
    words[bankWord(state, chosen, BankState.asid)] = asid;
    words[bankWord(state, chosen, BankState.ttbr0Lo)] = ttbr0Lo;
    words[bankWord(state, chosen, BankState.ttbr0Hi)] = ttbr0Hi;
  }
  words[bankWord(state, chosen, BankState.used)] = clock;
  words[(state + USER_BANK) >>> 2] = chosen;
  selectBanks(memory, state);
  return chosen;
};

/** TTBR0, TTBR1 or the ASID changed: entries of other address spaces must not hit. */
export const addressSpaceChanged = (memory: MachineMemory, state: number): void => {
  beginInvalidation(memory, state);
  dropLoose(memory, state);
  memory.i32[(state + USER_BANK) >>> 2] = 0;
  selectBanks(memory, state);
};

/** A register changed that all translations depend on. */
export const translationChanged = (memory: MachineMemory, state: number): void => {
  beginInvalidation(memory, state);
  for (let bank = 0; bank < TLB_BANKS; bank++) emptyBank(memory, state, bank);
  memory.i32[(state + USER_BANK) >>> 2] = 0;
  selectBanks(memory, state);
};

/** PAN was set: EL1's entries for EL0's pages must not hit any longer. */
export const panSet = (memory: MachineMemory, state: number): void => {
  if (memory.i32[(state + LOOSE_USER) >>> 2] !== 0) dropLoose(memory, state);
};

/** Drops the EL1 bank's entries that depend on the address space or on PAN; any thread. */
export const clearLoose = (memory: MachineMemory, state: number): void => {
  const count = memory.i32[(state + LOOSE_COUNT) >>> 2] as number;
  if (count > LOOSE_MAX) {
    clearBank(memory, state, KERNEL_BANK);
    return;
  }
  const bank = bankAddress(state, KERNEL_BANK);
  for (let i = 0; i < count; i++) {
    invalidate(memory.i32, bank, memory.u16[(state + LOOSE_ENTRIES + i * 2) >>> 1] as number);
  }
};

/** As clearLoose, by the thread that runs the vCPU. */
const dropLoose = (memory: MachineMemory, state: number): void => {
  clearLoose(memory, state);
  memory.i32[(state + LOOSE_COUNT) >>> 2] = 0;
  memory.i32[(state + LOOSE_USER) >>> 2] = 0;
};

/** Notes that an entry of the EL1 bank depends on the address space, or (`user`) on PAN. */
const noteLoose = (memory: MachineMemory, state: number, lo: number, user: boolean): void => {
  const words = memory.i32;
  const entry = entryOf(lo);
  if (user) words[(state + LOOSE_USER) >>> 2] = 1;
  const count = words[(state + LOOSE_COUNT) >>> 2] as number;
  for (let i = 0; i < Math.min(count, LOOSE_MAX); i++) {
    if (memory.u16[(state + LOOSE_ENTRIES + i * 2) >>> 1] === entry) return;
  }
  if (count < LOOSE_MAX) memory.u16[(state + LOOSE_ENTRIES + count * 2) >>> 1] = entry;
  if (count <= LOOSE_MAX) words[(state + LOOSE_COUNT) >>> 2] = count + 1;
};

/** What a new entry's mapping is like; the fields are those of a `mapping` (walk.ts). */
export interface EntryKind {
  readonly sizeShift: number;
  readonly notGlobal: boolean;
  readonly upper: boolean;
}

/** Index in the words of a bank's map of where entries of large mappings may be. */
const largeMap = (state: number, bank: number): number => (state + LARGE_MAPS + bank * LARGE_MAP_SIZE) >>> 2;

/** Spreads the high halves of addresses over that map. */
export const LARGE_HASH = 0x9e3779b1;

/** The bit of an address in that map. */
const largeBit = (lo: number, hi: number): number =>
  ((lo >>> 21) ^ (Math.imul(hi & 0xffffff, LARGE_HASH) >>> 22)) & (LARGE_MAP_SIZE * 8 - 1);

/** log2 of 2 MiB in pages: mappings beyond that set the whole map. */
const LARGE_MAP_SHIFT = 9;

const noteLarge = (words: Int32Array, map: number, lo: number, hi: number, sizeShift: number): void => {
  if (sizeShift > LARGE_MAP_SHIFT) {
    words.fill(-1, map, map + LARGE_MAP_SIZE / 4);
    return;
  }
  const bit = largeBit(lo, hi);
  words[map + (bit >>> 5)] = (words[map + (bit >>> 5)] as number) | (1 << (bit & 31));
};

/** Whether a mapping larger than a page may have entries near an address. */
export const mayBeLarge = (memory: MachineMemory, state: number, bank: number, lo: number, hi: number): boolean => {
  const bit = largeBit(lo, hi);
  return (((memory.i32[largeMap(state, bank) + (bit >>> 5)] as number) >>> (bit & 31)) & 1) === 1;
};

const noteFill = (
  memory: MachineMemory,
  state: number,
  bank: number,
  lo: number,
  hi: number,
  kind: EntryKind,
  code: 0 | 1,
): void => {
  const words = memory.i32;
  const entry = entryOf(lo);
  memory.u8[sizesAddress(state, bank) + entry * 2 + code] = kind.sizeShift;
  const fills = bankWord(state, bank, BankState.fills);
  const count = words[fills] as number;
  if (count < FILL_LOG_ENTRIES) memory.u16[fillLog(state, bank) + count] = entry;
  if (count <= FILL_LOG_ENTRIES) words[fills] = count + 1;
  if (!kind.notGlobal) words[bankWord(state, bank, BankState.hasGlobal)] = 1;
  if (kind.sizeShift !== 0) noteLarge(words, largeMap(state, bank), lo, hi, kind.sizeShift);
};

const setTag = (words: Int32Array, at: number, lo: number, hi: number, valid: boolean): void => {
  if (!valid) {
    words[at] = noPage(entryOf(lo));
    return;
  }
  const pageLo = lo & -4096;
  words[at + 1] = minusHigh(pageLo, hi);
  words[at] = minusLow(pageLo);
};

/**
 * Enters a page for data accesses. `machinePage` is its machine address, `user` says that EL0 may access it (for the EL1
 * bank).
 */
export const fillData = (
  memory: MachineMemory,
  state: number,
  bank: number,
  lo: number,
  hi: number,
  machinePage: number,
  readable: boolean,
  writable: boolean,
  user: boolean,
  kind: EntryKind,
): void => {
  const words = memory.i32;
  noteFill(memory, state, bank, lo, hi, kind, 0);
  if (bank === KERNEL_BANK && (user || kind.notGlobal || !kind.upper)) noteLoose(memory, state, lo, user);
  const entry = (bankAddress(state, bank) + ((lo >>> INDEX_SHIFT) & INDEX_MASK)) >>> 2;
  words[entry + ADDEND / 4] = machinePage - (lo & -4096);
  setTag(words, entry + READ_TAG / 4, lo, hi, readable);
  setTag(words, entry + WRITE_TAG / 4, lo, hi, writable);
};

/** Enters a page for instruction fetches; `code` is its pre-decoded page. */
export const fillCode = (
  memory: MachineMemory,
  state: number,
  bank: number,
  lo: number,
  hi: number,
  code: number,
  kind: EntryKind,
): void => {
  const words = memory.i32;
  noteFill(memory, state, bank, lo, hi, kind, 1);
  if (bank === KERNEL_BANK && (kind.notGlobal || !kind.upper)) noteLoose(memory, state, lo, false);
  const entry = (bankAddress(state, bank) + ((lo >>> INDEX_SHIFT) & INDEX_MASK)) >>> 2;
  words[entry + CODE / 4] = code;
  setTag(words, entry + EXECUTE_TAG / 4, lo, hi, true);
};

/** The generation that a fill begins at. */
export const fillGeneration = (memory: MachineMemory, state: number): number =>
  Atomics.load(memory.i32, (state + TRANSLATION_CHANGES) >>> 2);

/**
 * Ends a fill of one page: false, with the entry dropped, if an invalidation overlapped with it. The read-modify-write
 * orders the fill's stores before whatever invalidation comes next.
 */
export const fillStands = (
  memory: MachineMemory,
  state: number,
  bank: number,
  lo: number,
  generation: number,
): boolean => {
  if (Atomics.add(memory.i32, (state + TRANSLATION_CHANGES) >>> 2, 0) === generation) return true;
  invalidate(memory.i32, bankAddress(state, bank), entryOf(lo));
  return false;
};
