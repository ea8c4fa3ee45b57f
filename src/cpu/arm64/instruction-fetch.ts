import type { EngineRuntime } from '../architecture.ts';
import { NOT_MEMORY } from '../environment.ts';
import type { MachineMemory } from '../machine-memory.ts';
import { Status } from '../runtime.ts';
import { CODE_PAGE, PC } from '../state.ts';
import { ENTRY_SIZE, EXECUTE_TAG, noPage } from '../translation-table.ts';
import {
  bankAddress,
  entryAt,
  entryCount,
  fetchBank,
  fillCode,
  fillGeneration,
  fillStands,
  userBank,
} from './mmu/banks.ts';
import { Permission } from './mmu/permissions.ts';
import { mapping, NO_FAULT, walk, withoutTopByte } from './mmu/walk.ts';
import { raiseAt } from './pending.ts';
import { CURRENT_EL } from './state.ts';
import { ExceptionClass, FaultStatus, syndrome } from './syndrome.ts';
import { CODE_GENERATION, TCR_EL1, TLB_BANKS } from './system-state.ts';

/** Instruction fetches that miss the translation table. */

const abort = (memory: MachineMemory, state: number, status: number, lo: number, hi: number): number =>
  raiseAt(memory, state, syndrome(ExceptionClass.instructionAbort, status), lo, hi);

/** Drops every entry for instructions: the pre-decoded pages are gone. */
const dropCode = (memory: MachineMemory, state: number): void => {
  for (let bank = 0; bank < TLB_BANKS; bank++) {
    const start = bankAddress(state, bank);
    const count = entryCount(memory, state, bank);
    for (let i = 0; i < count; i++) {
      const entry = entryAt(memory, state, bank, count, i);
      memory.i32[(start + entry * ENTRY_SIZE + EXECUTE_TAG) >>> 2] = noPage(entry);
    }
  }
};

/** Drops a vCPU's entries for instructions if the code cache dropped everything since they were made. */
export const followCodeCache = (runtime: EngineRuntime, state: number): void => {
  const { memory, codeCache } = runtime;
  const { generation } = codeCache;
  if (memory.i32[(state + CODE_GENERATION) >>> 2] === generation) return;
  memory.i32[(state + CODE_GENERATION) >>> 2] = generation;
  dropCode(memory, state);
};

/** The pre-decoded page of a frame; a full cache starts over. */
const codePage = (runtime: EngineRuntime, state: number, frame: number): number => {
  const { codeCache } = runtime;
  const page = codeCache.pageOf(frame);
  if (page !== 0) return page;
  codeCache.startOver();
  followCodeCache(runtime, state);
  return codeCache.pageOf(frame);
};

/** Makes PC's page executable: see Architecture.fetch. */
export const fetch = (runtime: EngineRuntime, state: number): number => {
  const { memory, environment } = runtime;
  const words = memory.i32;
  const lo = words[(state + PC) >>> 2] as number;
  const hi = withoutTopByte(words[(state + TCR_EL1 + 4) >>> 2] as number, words[(state + PC + 4) >>> 2] as number);
  // A branch to an address whose top byte is ignored goes to the address without it.
  words[(state + PC + 4) >>> 2] = hi;
  if ((lo & 3) !== 0) return raiseAt(memory, state, syndrome(ExceptionClass.pcAlignment, 0), lo, hi);
  const user = words[(state + CURRENT_EL) >>> 2] === 0;
  if (user) userBank(memory, state);
  for (;;) {
    const generation = fillGeneration(memory, state);
    const fault = walk(runtime, state, lo, hi, user);
    if (fault !== NO_FAULT) return abort(memory, state, fault, lo, hi);
    if ((mapping.permissions & (user ? Permission.execute0 : Permission.execute1)) === 0) {
      return abort(memory, state, FaultStatus.permission | mapping.level, lo, hi);
    }
    const frame = environment.translate(state, mapping.frame, false);
    if (frame === NOT_MEMORY) return abort(memory, state, FaultStatus.external, lo, hi);
    const page = codePage(runtime, state, (frame & -4096) >>> 0);
    const bank = fetchBank(memory, state);
    fillCode(memory, state, bank, lo, hi, page, mapping);
    words[(state + CODE_PAGE) >>> 2] = page;
    if (fillStands(memory, state, bank, lo, generation)) return Status.done;
  }
};
