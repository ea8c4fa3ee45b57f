import type { CodeCache } from '../../code-cache.ts';
import type { MachineMemory } from '../../machine-memory.ts';
import {
  ADDEND,
  CODE,
  ENTRY_SIZE,
  EXECUTE_TAG,
  minusHigh,
  minusLow,
  noPage,
  READ_TAG,
  WRITE_TAG,
} from '../../translation-table.ts';
import { CHECKED_BANK, FIRST_USER_BANK, TLB_BANKS } from '../system-state.ts';
import {
  BankState,
  bankAddress,
  bankWord,
  beginInvalidation,
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

/**
 * Whether a tag (its index in the words) is of the same mapping as a page; `nothing` is what it has of none, `sizeShift` is
 * the mapping's.
 */
const covers = (
  words: Int32Array,
  tag: number,
  nothing: number,
  lo: number,
  hi: number,
  sizeShift: number,
): boolean => {
  const tagLo = words[tag] as number;
  if (tagLo === nothing) return false;
  const shift = sizeShift + 12;
  return (
    minusLow(tagLo) >>> shift === lo >>> shift && ((minusHigh(tagLo, words[tag + 1] as number) ^ hi) & 0xffffff) === 0
  );
};

/** Drops an entry, by its bank's address and its number, if it is of the same mapping as a page. */
const dropPage = (memory: MachineMemory, bank: number, entry: number, sizes: number, lo: number, hi: number): void => {
  const words = memory.i32;
  const nothing = noPage(entry);
  const at = (bank + entry * ENTRY_SIZE) >>> 2;
  const read = at + READ_TAG / 4;
  const write = at + WRITE_TAG / 4;
  const execute = at + EXECUTE_TAG / 4;
  const dataSize = memory.u8[sizes + entry * 2] as number;
  if (covers(words, read, nothing, lo, hi, dataSize) || covers(words, write, nothing, lo, hi, dataSize)) {
    words[read] = nothing;
    words[write] = nothing;
  }
  if (covers(words, execute, nothing, lo, hi, memory.u8[sizes + entry * 2 + 1] as number)) words[execute] = nothing;
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
    dropPage(memory, start, entryOf(lo), sizes, lo, hi);
    if (!mayBeLarge(memory, state, bank, lo, hi)) continue;
    const count = entryCount(memory, state, bank);
    for (let i = 0; i < count; i++) {
      const entry = entryAt(memory, state, bank, count, i);
      if (memory.u16[(sizes >>> 1) + entry] === 0) continue;
      dropPage(memory, start, entry, sizes, lo, hi);
    }
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
      const entry = entryAt(memory, state, bank, count, i);
      const nothing = noPage(entry);
      const at = (start + entry * ENTRY_SIZE) >>> 2;
      // What tags for the frame's accesses would be.
      const tagLo = ((words[at + ADDEND / 4] as number) - frameAddress) | 0;
      if (words[at + WRITE_TAG / 4] === tagLo) words[at + WRITE_TAG / 4] = nothing;
      if (writesOnly) continue;
      if (words[at + READ_TAG / 4] === tagLo) words[at + READ_TAG / 4] = nothing;
      if (code !== 0 && words[at + CODE / 4] === code) words[at + EXECUTE_TAG / 4] = nothing;
    }
  }
};
