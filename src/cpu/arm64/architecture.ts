import { type Architecture, RegisterClass } from '../architecture.ts';
import { resume } from './exceptions.ts';
import { fetch, followCodeCache } from './instruction-fetch.ts';
import { undefinedInstruction } from './instructions/system.ts';
import { a64Instructions } from './instructions/table.ts';
import { address, load, store } from './memory-access.ts';
import { dropAll } from './mmu/banks.ts';
import { quickFill } from './mmu/quick-fill.ts';
import { stackMoved } from './stack-alignment.ts';
import { SINK, SP, V, X, ZERO } from './state.ts';

const VECTORS_END = V + 32 * 16;

const registerClass = (offset: number): RegisterClass => {
  if (offset >= X && offset < ZERO) return RegisterClass.general;
  if (offset >= V && offset < VECTORS_END) return RegisterClass.vector;
  switch (offset) {
    case SP:
      return RegisterClass.general;
    case ZERO:
      return RegisterClass.zero;
    case SINK:
      return RegisterClass.sink;
    default:
      return RegisterClass.memory;
  }
};

/** AArch64 at EL1 and EL0. */
export const arm64Architecture: Architecture = {
  name: 'arm64',
  instructions: a64Instructions,
  undefinedInstruction,
  epilogue: stackMoved,
  registerClass,
  quickFill,
  load,
  store,
  address,
  fetch,
  followCodeCache,
  forgetTranslations: ({ memory }, state) => dropAll(memory, state),
  resume,
};
