import { type Architecture, RegisterClass } from '../architecture.ts';
import { operandAt } from '../instruction.ts';
import { Flow } from './effects.ts';
import type { Block, RegionInstruction } from './region.ts';

/**
 * Which registers a region keeps in wasm locals, and where they must agree with the record: before a call, and on every way
 * out, those are stored that may have changed; at the entry and behind a call those are loaded that matter from there on.
 *
 * A register matters where it may be read before it is written, and also where it may be stored though this way did not
 * change it, because another way to the same place did.
 */

/** A set of registers: bits of `general` and `vector` are indices in RegisterUse's lists. */
export interface RegisterSet {
  general: number;
  vector: number;
}

export interface BlockUse {
  /** May have changed since the region was entered, or since the last call, when the block begins. */
  readonly dirtyIn: RegisterSet;
  /** Must be right in their locals when the block begins. */
  readonly liveIn: RegisterSet;
}

export interface RegisterUse {
  /** Offsets in the record of the general and of the vector registers in use. */
  readonly general: readonly number[];
  readonly vector: readonly number[];
  readonly blocks: ReadonlyMap<Block, BlockUse>;
}

const emptySet = (): RegisterSet => ({ general: 0, vector: 0 });

const unite = (a: RegisterSet, b: RegisterSet): RegisterSet => ({
  general: a.general | b.general,
  vector: a.vector | b.vector,
});

/** Adds a set to another; true if that changed it. */
const include = (to: RegisterSet, from: RegisterSet): boolean => {
  const general = to.general | from.general;
  const vector = to.vector | from.vector;
  const changed = general !== to.general || vector !== to.vector;
  to.general = general;
  to.vector = vector;
  return changed;
};

/** Whether a block ends with a call. */
export const isCall = (block: Block): boolean => block.flow === Flow.call || block.flow === Flow.callComputed;

class Numbering {
  readonly general: number[] = [];
  readonly vector: number[] = [];
  readonly #architecture: Architecture;
  readonly #sets = new Map<number, RegisterSet>();

  constructor(architecture: Architecture) {
    this.#architecture = architecture;
  }

  /** The register at an offset as a set; an empty one if it has no local. */
  setOf(offset: number): RegisterSet {
    let set = this.#sets.get(offset);
    if (set === undefined) {
      const kind = this.#architecture.registerClass(offset);
      set = emptySet();
      if (kind === RegisterClass.general) set.general = this.#next(this.general, offset);
      else if (kind === RegisterClass.vector) set.vector = this.#next(this.vector, offset);
      this.#sets.set(offset, set);
    }
    return set;
  }

  #next(list: number[], offset: number): number {
    if (list.length === 32) throw new RangeError('a region has more than 32 registers of a class');
    return 1 << (list.push(offset) - 1);
  }
}

interface Local {
  readonly reads: RegisterSet;
  readonly writes: RegisterSet;
}

/** Adds what an instruction reads, if nothing before it has written that, and what it writes. */
const collect = (
  numbering: Numbering,
  { entry, fields, effects }: RegionInstruction,
  { reads, writes }: Local,
): void => {
  let general = 0;
  let vector = 0;
  let bit = 1;
  for (let i = 0; i < entry.operands.length; i++) {
    const operand = operandAt(entry, i);
    if (operand.kind !== 'register') continue;
    if (((effects.reads | effects.writes) & bit) !== 0) {
      const set = numbering.setOf(operand.get(fields));
      if ((effects.reads & bit) !== 0) {
        reads.general |= set.general & ~writes.general;
        reads.vector |= set.vector & ~writes.vector;
      }
      if ((effects.writes & bit) !== 0) {
        general |= set.general;
        vector |= set.vector;
      }
    }
    bit <<= 1;
  }
  writes.general |= general;
  writes.vector |= vector;
};

const localUse = (numbering: Numbering, block: Block): Local => {
  const use: Local = { reads: emptySet(), writes: emptySet() };
  for (const instruction of block.instructions) collect(numbering, instruction, use);
  return use;
};

/** Finds the register use of a region's blocks, which come in reverse postorder. */
export const findRegisterUse = (architecture: Architecture, blocks: readonly Block[]): RegisterUse => {
  const numbering = new Numbering(architecture);
  const locals = new Map<Block, Local>();
  const uses = new Map<Block, BlockUse>();
  for (const block of blocks) {
    const local = localUse(numbering, block);
    locals.set(block, local);
    uses.set(block, { dirtyIn: emptySet(), liveIn: { ...local.reads } });
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of blocks) {
      if (isCall(block)) continue;
      const dirtyOut = unite((uses.get(block) as BlockUse).dirtyIn, (locals.get(block) as Local).writes);
      for (const successor of [block.next, block.taken]) {
        if (successor !== null && include((uses.get(successor) as BlockUse).dirtyIn, dirtyOut)) changed = true;
      }
    }
  }
  for (const { dirtyIn, liveIn } of uses.values()) include(liveIn, dirtyIn);
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = blocks.length - 1; i >= 0; i--) {
      const block = blocks[i] as Block;
      if (isCall(block)) continue;
      const { writes } = locals.get(block) as Local;
      const use = uses.get(block) as BlockUse;
      for (const successor of [block.next, block.taken]) {
        if (successor === null) continue;
        const { liveIn } = uses.get(successor) as BlockUse;
        const through = { general: liveIn.general & ~writes.general, vector: liveIn.vector & ~writes.vector };
        if (include(use.liveIn, through)) changed = true;
      }
    }
  }
  return { general: numbering.general, vector: numbering.vector, blocks: uses };
};
