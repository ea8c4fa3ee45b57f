import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Access } from '../../../src/cpu/ir/builder.ts';
import { SCRATCH, TLB, TLB_UNPRIVILEGED } from '../../../src/cpu/state.ts';
import { IMPORT_MODULE, REGION_SLOTS } from '../../../src/cpu/tiers/imports.ts';
import { encodeLink } from '../../../src/cpu/tiers/link.ts';
import {
  ADDEND,
  ENTRY_SIZE,
  INDEX_MASK,
  INDEX_SHIFT,
  minusHigh,
  minusLow,
  noPage,
  READ_TAG,
  WRITE_TAG,
} from '../../../src/cpu/translation-table.ts';

/** Accesses across the end of a page are made without the engine, if the translation table has both pages. */

const MEMORY_PAGES = 32;
const STATE = 0x1000;
const TABLE = 0x1_0000;
const UNPRIVILEGED_TABLE = 0x8_0000;
/** Where the pages behind virtual addresses lie: not side by side. */
const FRAMES = [0x10_3000, 0x10_1000];
/** A page whose entry is the table's last, so that the next page's is its first. */
const FIRST_PAGE = 0xffff_8000_01ff_f000n;

type Slow = (state: number, address: bigint, kind: number) => number;

interface Call {
  readonly name: string;
  readonly address: bigint;
  readonly kind: number;
}

const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));

class Link {
  readonly memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true });
  readonly words = new Int32Array(this.memory.buffer);
  readonly bytes = new Uint8Array(this.memory.buffer);
  /** What the engine was asked for. */
  readonly calls: Call[] = [];
  readonly load: Slow;
  readonly store: Slow;

  constructor() {
    const engine = (name: string) => (state: number, lo: number, hi: number, kind: number) => {
      assert.equal(state, STATE);
      this.calls.push({ name, address: (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0), kind });
      return 7;
    };
    const regions = new WebAssembly.Table({ element: 'anyfunc', initial: REGION_SLOTS, maximum: REGION_SLOTS });
    const imports = { memory: this.memory, regions };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encodeLink(MEMORY_PAGES)), {
      [IMPORT_MODULE]: { ...imports, load: engine('load'), store: engine('store'), address: engine('address') },
    });
    this.load = exports.load as Slow;
    this.store = exports.store as Slow;
    this.words[(STATE + TLB) / 4] = TABLE;
    this.words[(STATE + TLB_UNPRIVILEGED) / 4] = UNPRIVILEGED_TABLE;
    for (const table of [TABLE, UNPRIVILEGED_TABLE]) {
      for (let entry = 0; entry * ENTRY_SIZE <= INDEX_MASK; entry++) {
        for (const tag of [READ_TAG, WRITE_TAG]) this.words[(table + entry * ENTRY_SIZE + tag) / 4] = noPage(entry);
      }
    }
    for (let i = 0; i < this.bytes.length - 0x10_0000; i++) this.bytes[0x10_0000 + i] = (i * 7 + (i >> 8)) & 0xff;
  }

  /** Enters the first or second page. */
  map(table: number, page: 0 | 1, tags: readonly number[]): void {
    const address = FIRST_PAGE + BigInt(page * 4096);
    const at = (table + ((low(address) >>> INDEX_SHIFT) & INDEX_MASK)) >>> 2;
    for (const tag of tags) {
      this.words[at + tag / 4] = minusLow(low(address));
      this.words[at + tag / 4 + 1] = minusHigh(low(address), high(address));
    }
    this.words[at + ADDEND / 4] = (FRAMES[page] as number) - low(address);
  }

  /** Machine address of a byte of the two pages. */
  machine(offset: number): number {
    return (FRAMES[offset >> 12] as number) + (offset & 0xfff);
  }

  read(offset: number, size: number): number[] {
    return Array.from({ length: size }, (_, i) => this.bytes[this.machine(offset + i)] as number);
  }

  get scratch(): number[] {
    return [...this.bytes.subarray(STATE + SCRATCH, STATE + SCRATCH + 16)];
  }
}

const crossings = [2, 4, 8, 16].flatMap((size) =>
  Array.from({ length: size - 1 }, (_, i) => ({ size, offset: 4096 - size + 1 + i })),
);

describe('both pages in the table', () => {
  const link = new Link();
  for (const page of [0, 1] as const) link.map(TABLE, page, [READ_TAG, WRITE_TAG]);

  test('loads are zero-extended', () => {
    for (const { size, offset } of crossings) {
      link.bytes.fill(0xee, STATE + SCRATCH, STATE + SCRATCH + 16);
      assert.equal(link.load(STATE, FIRST_PAGE + BigInt(offset), size), 0);
      const expected = [...link.read(offset, size), ...new Array(16).fill(0)].slice(0, Math.max(size, 8));
      assert.deepEqual(link.scratch.slice(0, expected.length), expected, `${size} bytes at ${offset}`);
    }
  });

  test('stores change their bytes alone', () => {
    for (const { size, offset } of crossings) {
      const before = link.read(4096 - 32, 64);
      const value = Array.from({ length: 16 }, (_, i) => (offset * 3 + i * 5 + 1) & 0xff);
      link.bytes.set(value, STATE + SCRATCH);
      assert.equal(link.store(STATE, FIRST_PAGE + BigInt(offset), size), 0);
      before.splice(offset - (4096 - 32), size, ...value.slice(0, size));
      assert.deepEqual(link.read(4096 - 32, 64), before, `${size} bytes at ${offset}`);
    }
  });

  test('halves of a pair lie in one page', () => {
    for (const size of [4, 8]) {
      for (const offset of [4096 - size, 4096]) {
        assert.equal(link.load(STATE, FIRST_PAGE + BigInt(offset), size), 0);
        assert.deepEqual(link.scratch.slice(0, size), link.read(offset, size));
        link.bytes.fill(size, STATE + SCRATCH, STATE + SCRATCH + 8);
        assert.equal(link.store(STATE, FIRST_PAGE + BigInt(offset), size), 0);
        assert.deepEqual(link.read(offset, size), new Array(size).fill(size));
      }
    }
  });

  test('none of that asked the engine', () => assert.deepEqual(link.calls, []));
});

describe('the engine makes', () => {
  const address = FIRST_PAGE + 4093n;
  const asked = (link: Link, name: 'load' | 'store', kind: number): void => {
    const before = link.read(4096 - 32, 64);
    assert.equal(link[name](STATE, address, kind), 7);
    assert.deepEqual(link.calls.splice(0), [{ name, address, kind }]);
    assert.deepEqual(link.read(4096 - 32, 64), before);
  };

  test('accesses of which a page is not in the table', () => {
    for (const mapped of [0, 1] as const) {
      const link = new Link();
      link.map(TABLE, mapped, [READ_TAG, WRITE_TAG]);
      asked(link, 'load', 8);
      asked(link, 'store', 8);
    }
  });

  test('stores of which a page is there for loads only', () => {
    const link = new Link();
    link.map(TABLE, 0, [READ_TAG, WRITE_TAG]);
    link.map(TABLE, 1, [READ_TAG]);
    asked(link, 'store', 8);
    assert.equal(link.load(STATE, address, 8), 0);
  });

  test('accesses that must be aligned, or go to memory', () => {
    const link = new Link();
    for (const page of [0, 1] as const) link.map(TABLE, page, [READ_TAG, WRITE_TAG]);
    for (const access of [Access.aligned, Access.memory]) asked(link, 'store', 8 | (access << 8));
  });

  test('unprivileged accesses whose pages only the other table has', () => {
    const link = new Link();
    for (const page of [0, 1] as const) link.map(TABLE, page, [READ_TAG, WRITE_TAG]);
    asked(link, 'load', 8 | (Access.unprivileged << 8));
    for (const page of [0, 1] as const) link.map(UNPRIVILEGED_TABLE, page, [READ_TAG]);
    assert.equal(link.load(STATE, address, 8 | (Access.unprivileged << 8)), 0);
  });
});
