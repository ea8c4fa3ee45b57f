import type { EngineRuntime } from '../architecture.ts';
import { Status } from '../runtime.ts';
import { dropAll, dropAsid } from './mmu/banks.ts';
import { ANY_ASID, dropAddress } from './mmu/invalidation.ts';
import { TCR_EL1, TLB_BROADCAST } from './system-state.ts';

/**
 * TLBI: on this vCPU, and if it is broadcast on the domain's others, whose banks are cleared in place. They may be in the middle
 * of an access then, for which the DSB that follows waits.
 */

/** In the high half of TCR_EL1: ASIDs have 16 bits. */
const TCR_AS = 1 << 4;

const asidOf = ({ memory }: EngineRuntime, state: number, hi: number): number => {
  const asid = hi >>> 16;
  return ((memory.i32[(state + TCR_EL1 + 4) >>> 2] as number) & TCR_AS) !== 0 ? asid : asid & 0xff;
};

const onOthers = ({ memory, environment }: EngineRuntime, state: number, drop: (other: number) => void): void => {
  environment.forEachOther(state, (other) => {
    drop(other);
    memory.i32[(state + TLB_BROADCAST) >>> 2] = 1;
  });
};

export const invalidateAll = (runtime: EngineRuntime, state: number, broadcast: boolean): number => {
  const { memory } = runtime;
  dropAll(memory, state, true);
  if (broadcast) onOthers(runtime, state, (other) => dropAll(memory, other));
  return Status.done;
};

/** The ASID is in the operand's top 16 bits. */
export const invalidateAsid = (runtime: EngineRuntime, state: number, hi: number, broadcast: boolean): number => {
  const { memory } = runtime;
  const asid = asidOf(runtime, state, hi);
  dropAsid(memory, state, asid, true);
  if (broadcast) onOthers(runtime, state, (other) => dropAsid(memory, other, asid, false));
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
  if (broadcast) onOthers(runtime, state, (other) => dropAddress(memory, other, addressLo, addressHi, asid));
  return Status.done;
};
