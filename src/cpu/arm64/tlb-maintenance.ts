import type { EngineRuntime } from '../architecture.ts';
import { Status } from '../runtime.ts';
import { TRANSLATION_CHANGES } from '../state.ts';
import { BankState, bankWord, currentAsid, dropAll, dropAsid } from './mmu/banks.ts';
import { ANY_ASID, dropAddress } from './mmu/invalidation.ts';
import { LOOSE_COUNT, TCR_EL1, TLB_BROADCAST, USER_BANK } from './system-state.ts';

/**
 * TLBI: on this vCPU, and if it is broadcast on the domain's others, whose banks are cleared in place. They may be in the middle
 * of an access then, for which the DSB that follows waits; but not if they run in another address space than what is dropped.
 */

/** In the high half of TCR_EL1: ASIDs have 16 bits. */
const TCR_AS = 1 << 4;

const asidOf = ({ memory }: EngineRuntime, state: number, hi: number): number => {
  const asid = hi >>> 16;
  return ((memory.i32[(state + TCR_EL1 + 4) >>> 2] as number) & TCR_AS) !== 0 ? asid : asid & 0xff;
};

/** `mayUse` tells whether a vCPU may be using what was dropped. */
const onOthers = (
  { memory, environment }: EngineRuntime,
  state: number,
  drop: (other: number) => void,
  mayUse: (other: number) => boolean,
): void => {
  environment.forEachOther(state, (other) => {
    drop(other);
    // After the drops are visible: a vCPU that changes its address space does the same between that and its next look-up, so
    // either its new space is seen here, or it finds nothing of what was dropped.
    Atomics.add(memory.i32, (other + TRANSLATION_CHANGES) >>> 2, 0);
    if (mayUse(other)) memory.i32[(state + TLB_BROADCAST) >>> 2] = 1;
  });
};

const always = (): boolean => true;

/** Whether a vCPU's current address space has, or may have, mappings for all spaces in the lower half. */
const hasGlobalBelow = ({ memory: { i32 } }: EngineRuntime, state: number): boolean => {
  const bank = i32[(state + USER_BANK) >>> 2] as number;
  if (i32[(state + LOOSE_COUNT) >>> 2] !== 0) return true;
  return bank !== 0 && i32[bankWord(state, bank, BankState.hasGlobal)] !== 0;
};

/** Bit 55 of an address, in its high half, tells the upper half from the lower one. */
const UPPER_HALF = 1 << 23;

export const invalidateAll = (runtime: EngineRuntime, state: number, broadcast: boolean): number => {
  const { memory } = runtime;
  dropAll(memory, state, true);
  if (broadcast) onOthers(runtime, state, (other) => dropAll(memory, other), always);
  return Status.done;
};

/** The ASID is in the operand's top 16 bits. */
export const invalidateAsid = (runtime: EngineRuntime, state: number, hi: number, broadcast: boolean): number => {
  const { memory } = runtime;
  const asid = asidOf(runtime, state, hi);
  dropAsid(memory, state, asid, true);
  if (broadcast) {
    onOthers(
      runtime,
      state,
      (other) => dropAsid(memory, other, asid, false),
      (other) => currentAsid(memory.i32, other) === asid,
    );
  }
  return Status.done;
};

/** The operand's low 44 bits are bits 55 to 12 of the address. */
export const invalidateAddress = (
  runtime: EngineRuntime,
  state: number,
  lo: number,
  hi: number,
  allSpaces: boolean,
  broadcast: boolean,
): number => {
  const { memory } = runtime;
  const asid = allSpaces ? ANY_ASID : asidOf(runtime, state, hi);
  const addressLo = lo << 12;
  const addressHi = ((hi & 0xfff) << 12) | (lo >>> 20);
  dropAddress(memory, state, addressLo, addressHi, asid);
  if (broadcast) {
    const everywhere = allSpaces || (addressHi & UPPER_HALF) !== 0;
    onOthers(
      runtime,
      state,
      (other) => dropAddress(memory, other, addressLo, addressHi, asid),
      (other) => everywhere || currentAsid(memory.i32, other) === asid || hasGlobalBelow(runtime, other),
    );
  }
  return Status.done;
};
