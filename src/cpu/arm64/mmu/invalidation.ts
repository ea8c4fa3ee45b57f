import type { CodeCache } from '../../code-cache.ts';
import type { MachineMemory } from '../../machine-memory.ts';
import { ADDEND, CODE, ENTRY_SIZE, EXECUTE_TAG, NO_PAGE, READ_TAG, WRITE_TAG } from '../../translation-table.ts';
import { CHECKED_BANK, FIRST_USER_BANK, TLB_BANKS } from '../system-state.ts';
import {
  BankState,
  bankAddress,
  bankWord,
  beginInvalidation,
  clearBank,
  clearLoose,
  entryAt,
  entryCount,
  entryOf,
  isFilled,
  mayBeLarge,
  sizesAddress,
} from './banks.ts';

/** Dropping some of a vCPU's translation table entries; any thread may. For TLBI, and for whoever changes guest frames. */

/** In place of an ASID: all address spaces. */
export const ANY_ASID = -1;

const isUserBank = (bank: number): boolean => bank >= FIRST_USER_BANK && bank < CHECKED_BANK;

/** Whether a tag (its index in the words) is of the same mapping as a page; `sizeShift` is the mapping's. */
const covers = (words: Int32Array, tag: number, lo: number, hi: number, sizeShift: number): boolean => {
  const tagLo = words[tag] as number;
  if (tagLo === NO_PAGE) return false;
  const shift = sizeShift + 12;
  return tagLo >>> shift === lo >>> shift && (((words[tag + 1] as number) ^ hi) & 0xffffff) === 0;
};

const dropPage = (memory: MachineMemory, entry: number, sizes: number, lo: number, hi: number): void => {
  const words = memory.i32;
  const at = entry >>> 2;
  const dataSize = memory.u8[sizes] as number;
  if (covers(words, at + READ_TAG / 4, lo, hi, dataSize) || covers(words, at + WRITE_TAG / 4, lo, hi, dataSize)) {
    words[at + READ_TAG / 4] = NO_PAGE;
    words[at + WRITE_TAG / 4] = NO_PAGE;
  }
  if (covers(words, at + EXECUTE_TAG / 4, lo, hi, memory.u8[sizes + 1] as number)) {
    words[at + EXECUTE_TAG / 4] = NO_PAGE;
  }
};

/** Drops the mapping of an address (its top byte does not matter), whole even if it is larger than a page. */
export const dropAddress = (memory: MachineMemory, state: number, lo: number, hi: number, asid: number): void => {
  beginInvalidation(memory, state);
  const words = memory.i32;
  for (let bank = 0; bank < TLB_BANKS; bank++) {
    if (!isFilled(memory, state, bank)) continue;
    if (
      isUserBank(bank) &&
      asid !== ANY_ASID &&
      words[bankWord(state, bank, BankState.asid)] !== asid &&
      words[bankWord(state, bank, BankState.hasGlobal)] === 0
    ) {
      continue;
    }
    const start = bankAddress(state, bank);
    const sizes = sizesAddress(state, bank);
    const own = entryOf(lo);
    dropPage(memory, start + own * ENTRY_SIZE, sizes + own * 2, lo, hi);
    if (!mayBeLarge(memory, state, bank, lo, hi)) continue;
    const count = entryCount(memory, state, bank);
    for (let i = 0; i < count; i++) {
      const entry = entryAt(memory, state, bank, count, i);
      if (memory.u16[(sizes >>> 1) + entry] === 0) continue;
      dropPage(memory, start + entry * ENTRY_SIZE, sizes + entry * 2, lo, hi);
    }
  }
};

/** Drops an address space's entries. */
export const dropAsid = (memory: MachineMemory, state: number, asid: number): void => {
  beginInvalidation(memory, state);
  clearLoose(memory, state);
  for (let bank = FIRST_USER_BANK; bank < TLB_BANKS; bank++) {
    if (isUserBank(bank) && memory.i32[bankWord(state, bank, BankState.asid)] !== asid) continue;
    clearBank(memory, state, bank);
  }
};

/**
 * Drops all entries that lead to a machine frame, given by its address: it is given away, or stores to it must be seen again
 * (then `writesOnly`).
 */
export const dropFrame = (
  memory: MachineMemory,
  codeCache: CodeCache,
  state: number,
  frameAddress: number,
  writesOnly: boolean,
): void => {
  beginInvalidation(memory, state);
  const words = memory.i32;
  const code = codeCache.existingPage(frameAddress) | 0;
  for (let bank = 0; bank < TLB_BANKS; bank++) {
    const start = bankAddress(state, bank);
    const count = entryCount(memory, state, bank);
    for (let i = 0; i < count; i++) {
      const at = (start + entryAt(memory, state, bank, count, i) * ENTRY_SIZE) >>> 2;
      const addend = words[at + ADDEND / 4] as number;
      const writeLo = words[at + WRITE_TAG / 4] as number;
      if (writeLo !== NO_PAGE && ((writeLo + addend) | 0) === (frameAddress | 0)) words[at + WRITE_TAG / 4] = NO_PAGE;
      if (writesOnly) continue;
      const readLo = words[at + READ_TAG / 4] as number;
      if (readLo !== NO_PAGE && ((readLo + addend) | 0) === (frameAddress | 0)) words[at + READ_TAG / 4] = NO_PAGE;
      if (code !== 0 && words[at + CODE / 4] === code) words[at + EXECUTE_TAG / 4] = NO_PAGE;
    }
  }
};
