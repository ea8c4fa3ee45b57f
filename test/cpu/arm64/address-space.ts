import { setLevel } from '../../../src/cpu/arm64/processor-state.ts';
import { resetProcessor } from '../../../src/cpu/arm64/reset.ts';
import { CPACR_EL1, MAIR_EL1, SCTLR_EL1, TCR_EL1, TTBR0_EL1, VCPU_SIZE } from '../../../src/cpu/arm64/system-state.ts';
import type { CodeCacheLayout } from '../../../src/cpu/code-cache.ts';
import type { Engine } from '../../../src/cpu/engine.ts';
import { HEAT_BYTES } from '../../../src/cpu/heat-table.ts';
import { QUIET_POINT_BYTES } from '../../../src/cpu/quiet-point.ts';
import { PAIR_LOCKS } from '../../../src/cpu/state.ts';
import { CODE, CODE_BYTES, DATA, DATA_BYTES, DATA_PAGES, PAGE, WRITABLE_PAGES } from './cases/layout.ts';

/**
 * The machine of the differential tests: one processor at EL0, with stage 1 tables that map the data and code pages of
 * cases/layout.ts as Linux maps a process's. Guest-physical addresses are machine addresses.
 */

let next = PAGE;
const allocate = (bytes: number): number => {
  const at = next;
  next += Math.ceil(bytes / PAGE) * PAGE;
  return at;
};

/** Machine memory in pages of 64 KiB. */
export const MEMORY_PAGES = 80;
const MEMORY_BYTES = MEMORY_PAGES * 65536;

/** The vCPU's record. */
export const STATE = allocate(VCPU_SIZE);
export const HEAT = allocate(HEAT_BYTES);
export const QUIET_POINT = allocate(QUIET_POINT_BYTES);
const LOCKS = allocate(PAGE);
const CONTROL = allocate(PAGE);
const FRAME_TABLE = allocate((MEMORY_BYTES / PAGE) * 4);
const DATA_FRAMES = allocate(DATA_BYTES);
const CODE_FRAMES = allocate(CODE_BYTES);
const ROOT = allocate(PAGE);
const TABLES = 5;
const TABLES_START = allocate(TABLES * PAGE);

/** The frame behind a page, counted from DATA or CODE. They lie in the opposite order, so that none runs on into the next. */
export const dataFrame = (page: number): number => DATA_FRAMES + DATA_BYTES - (page + 1) * PAGE;
export const codeFrame = (page: number): number => CODE_FRAMES + CODE_BYTES - (page + 1) * PAGE;

export const codeCacheLayout: CodeCacheLayout = {
  frameTable: FRAME_TABLE,
  frames: MEMORY_BYTES / PAGE,
  arena: next,
  arenaEnd: MEMORY_BYTES,
  control: CONTROL,
};

const VALID = 3;
const ACCESS_FLAG = 1 << 10;
const INNER_SHAREABLE = 3 << 8;
const USER_READ_WRITE = 1 << 6;
const USER_READ_ONLY = 3 << 6;
/** PXN, and UXN, in a descriptor's high half. */
const NEVER_PRIVILEGED = 1 << 21;
const NEVER_USER = 1 << 22;

/** M, C, SA, nothing that lets EL0 trap needlessly: DZE, UCT, nTWI, nTWE, SPAN, UCI, and the bits that are always 1. */
const SCTLR = 0x34d5d985 & ~0x10;
/** T0SZ 16, write-back and inner shareable, EPD1, 40-bit addresses; in the high half IPS and TBI0. */
const TCR_LO = 16 | (1 << 8) | (1 << 10) | (3 << 12) | (1 << 23);
const TCR_HI = 2 | (1 << 5);

/** The next free table while the tables are made. */
class TableMaker {
  readonly #words: Int32Array;
  #free = TABLES_START;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Machine address of the descriptor of an address in a table of a level from 0 to 3. */
  #descriptor(table: number, level: number, address: number): number {
    return table + (Math.floor(address / 2 ** (39 - 9 * level)) % 512) * 8;
  }

  map(address: number, frame: number, low: number, high: number): void {
    let table = ROOT;
    for (let level = 0; level < 3; level++) {
      const at = this.#descriptor(table, level, address) >>> 2;
      if (this.#words[at] === 0) {
        if (this.#free === TABLES_START + TABLES * PAGE) throw new Error('the tables take more pages than there are');
        this.#words[at] = this.#free | VALID;
        this.#free += PAGE;
      }
      table = (this.#words[at] as number) & -PAGE;
    }
    const at = this.#descriptor(table, 3, address) >>> 2;
    this.#words[at] = frame | VALID | ACCESS_FLAG | INNER_SHAREABLE | low;
    this.#words[at + 1] = high | NEVER_PRIVILEGED;
  }
}

/** Makes the tables and puts the engine's processor at EL0. */
export const setUpProcessor = (engine: Engine): void => {
  const words = engine.memory.i32;
  const tables = new TableMaker(words);
  for (let page = 0; page < DATA_PAGES; page++) {
    const rights = page < WRITABLE_PAGES ? USER_READ_WRITE : USER_READ_ONLY;
    tables.map(DATA + page * PAGE, dataFrame(page), rights, NEVER_USER);
  }
  for (let page = 0; page < CODE_BYTES / PAGE; page++) {
    tables.map(CODE + page * PAGE, codeFrame(page), USER_READ_ONLY, 0);
  }
  resetProcessor(engine, STATE, { pc: 0, x0: 0 });
  words[(STATE + PAIR_LOCKS) >>> 2] = LOCKS;
  words[(STATE + TTBR0_EL1) >>> 2] = ROOT;
  words[(STATE + TCR_EL1) >>> 2] = TCR_LO;
  words[(STATE + TCR_EL1 + 4) >>> 2] = TCR_HI;
  words[(STATE + MAIR_EL1) >>> 2] = 0xff;
  words[(STATE + SCTLR_EL1) >>> 2] = SCTLR;
  words[(STATE + CPACR_EL1) >>> 2] = 3 << 20;
  setLevel(engine.memory, STATE, 0, 0);
};
