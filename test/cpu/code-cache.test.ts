import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CodeCache, type CodeCacheLayout, EnteredRegion } from '../../src/cpu/code-cache.ts';
import {
  CODE_PAGE_SLOTS,
  CODE_PAGE_STRIDE,
  Handler,
  PAGE_SIZE,
  RECORD_SIZE,
  RECORDS,
} from '../../src/cpu/code-page.ts';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import { QuietPoint } from '../../src/cpu/quiet-point.ts';
import { REGION_SLOTS } from '../../src/cpu/tiers/imports.ts';

const memory = new MachineMemory(new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }));
const FRAMES = 64;
const QUIET_POINT = 0x8000;
const ARENA = 0x1_0000;

const makeQuietPoint = (): QuietPoint => new QuietPoint(memory, QUIET_POINT, true);

/** A cache with room for so many bytes; the one made before it is gone. */
const makeCache = (room: number): { cache: CodeCache; layout: CodeCacheLayout; quietPoint: QuietPoint } => {
  memory.u8.fill(0);
  const layout = { frameTable: 0x1000, frames: FRAMES, arena: ARENA, arenaEnd: ARENA + room, control: 0x40 };
  const quietPoint = makeQuietPoint();
  return { cache: new CodeCache(memory, layout, quietPoint), layout, quietPoint };
};

/** Enters a region made of the code as it is now. */
const enter = (cache: CodeCache, page: number, position: number, slot: number): boolean => {
  const result = cache.enterRegion(page, position, slot, cache.changesOf(page));
  assert.notEqual(result, EnteredRegion.outOfDate);
  return result === EnteredRegion.done;
};

const handlerAt = (page: number, position: number): number => memory.u16[(page + position * RECORD_SIZE) >>> 1];
const setHandler = (page: number, position: number, handler: number): void => {
  memory.u16[(page + position * RECORD_SIZE) >>> 1] = handler;
};

const slotAt = (page: number, position: number): number => memory.u32[(page + CODE_PAGE_SLOTS + position * 4) >>> 2];

describe('pages', () => {
  test('are made once for a frame, undecoded, and know it', () => {
    const { cache } = makeCache(3 * CODE_PAGE_STRIDE);
    memory.u8.fill(0xff, ARENA, ARENA + 3 * CODE_PAGE_STRIDE);
    assert.equal(cache.existingPage(0x5000), 0);
    const page = cache.pageOf(0x5000);
    assert.equal(cache.pageOf(0x5000), page);
    assert.equal(cache.existingPage(0x5000), page);
    assert.equal(cache.frameOf(page), 0x5000);
    for (let position = 0; position < RECORDS; position++) assert.equal(handlerAt(page, position), Handler.decode);
    assert.equal(handlerAt(page, RECORDS), Handler.pageEnd);
    const other = cache.pageOf(0x6000);
    assert.ok(Math.abs(other - page) >= CODE_PAGE_STRIDE);
  });

  test('do not go past the arena’s end', () => {
    const { cache, layout } = makeCache(2 * CODE_PAGE_STRIDE + 100);
    const pages = [0x1000, 0x2000].map((frame) => cache.pageOf(frame));
    for (const page of pages) assert.ok(page >= layout.arena && page + CODE_PAGE_STRIDE <= layout.arenaEnd);
    for (let i = 0; i < 10; i++) assert.equal(cache.pageOf(0x3000), 0);
    assert.equal(cache.pageOf(0x2000), pages[1], 'those there are still found');
  });

  test('are the same to another thread’s cache', () => {
    const { cache, layout } = makeCache(2 * CODE_PAGE_STRIDE);
    const page = cache.pageOf(0x7000);
    const other = new CodeCache(memory, layout, makeQuietPoint());
    assert.equal(other.pageOf(0x7000), page);
    assert.notEqual(other.pageOf(0x8000), page);
  });
});

describe('invalidation', () => {
  test('forgets the instructions of a range, no others', () => {
    const { cache } = makeCache(2 * CODE_PAGE_STRIDE);
    const page = cache.pageOf(0x5000);
    const other = cache.pageOf(0x6000);
    for (let position = 0; position < RECORDS; position++) {
      setHandler(page, position, 100);
      setHandler(other, position, 100);
    }
    cache.invalidate(0x5000, 65, 127);
    for (let position = 0; position < RECORDS; position++) {
      const gone = position >= 16 && position < 32;
      assert.equal(handlerAt(page, position), gone ? Handler.decode : 100, `instruction ${position}`);
    }
    cache.invalidate(0x5000, 0, PAGE_SIZE - 1);
    assert.equal(handlerAt(page, 0), Handler.decode);
    assert.equal(handlerAt(page, RECORDS - 1), Handler.decode);
    assert.equal(handlerAt(page, RECORDS), Handler.pageEnd);
    assert.equal(handlerAt(other, 0), 100);
    cache.invalidate(0x9000, 0, PAGE_SIZE - 1);
    assert.equal(cache.existingPage(0x9000), 0);
  });

  test('of everything keeps the pages, and touches nothing outside them', () => {
    const { cache, layout } = makeCache(2 * CODE_PAGE_STRIDE);
    const pages = [0x5000, 0x6000].map((frame) => cache.pageOf(frame));
    for (const page of pages) setHandler(page, 7, 100);
    assert.ok(enter(cache, pages[0], 3, 9));
    memory.u8.fill(0xff, layout.arenaEnd, layout.arenaEnd + CODE_PAGE_STRIDE);
    // As while another thread is about to find that the arena is full.
    Atomics.store(memory.i32, layout.control >>> 2, layout.arenaEnd + CODE_PAGE_STRIDE);
    cache.invalidateAll();
    assert.equal(cache.pageOf(0x5000), pages[0]);
    for (const page of pages) assert.equal(handlerAt(page, 7), Handler.decode);
    assert.equal(cache.regionAt(pages[0], 3), -1);
    const after = memory.u8.subarray(layout.arenaEnd, layout.arenaEnd + CODE_PAGE_STRIDE);
    assert.ok(after.every((byte) => byte === 0xff));
  });
});

describe('regions', () => {
  test('are led to from their instruction until any part of their page changes', () => {
    const { cache } = makeCache(2 * CODE_PAGE_STRIDE);
    const page = cache.pageOf(0x5000);
    setHandler(page, 500, 100);
    assert.equal(cache.regionAt(page, 10), -1);
    assert.ok(enter(cache, page, 10, 7));
    assert.ok(enter(cache, page, 11, 6));
    assert.deepEqual([cache.regionAt(page, 10), cache.regionAt(page, 11), cache.regionAt(page, 12)], [7, 6, -1]);
    assert.deepEqual([slotAt(page, 10), slotAt(page, 11), slotAt(page, 12)], [7, 6, 0]);
    cache.invalidate(0x5000, 4000, 4003);
    assert.deepEqual([cache.regionAt(page, 10), cache.regionAt(page, 11)], [-1, -1]);
    assert.deepEqual([slotAt(page, 10), slotAt(page, 11)], [0, 0], 'the hot tier looks at the slots alone');
    assert.equal(handlerAt(page, 500), 100, 'what was decoded stays');
    assert.ok(enter(cache, page, 10, 8));
    assert.equal(cache.regionAt(page, 10), 8);
  });

  test('have numbers of their own', () => {
    const { cache, layout } = makeCache(CODE_PAGE_STRIDE);
    const other = new CodeCache(memory, layout, makeQuietPoint());
    assert.deepEqual([cache.takeRegionSlots(1), other.takeRegionSlots(3), cache.takeRegionSlots(1)], [1, 2, 5]);
  });

  test('have no more slots than the table, and no more bytes than allowed', () => {
    const { cache, layout } = makeCache(CODE_PAGE_STRIDE);
    assert.equal(cache.takeRegionSlots(REGION_SLOTS - 2), 1);
    assert.equal(cache.takeRegionSlots(2), 0);
    cache.startRegionsOver();
    const bounded = new CodeCache(memory, { ...layout, regionBytes: 8192 }, makeQuietPoint());
    bounded.chargeRegions(bounded.generation, 8191);
    bounded.chargeRegions(bounded.generation - 1, 5000);
    assert.equal(bounded.takeRegionSlots(1), 0, 'in whole KiB');
    bounded.startRegionsOver();
    assert.equal(bounded.takeRegionSlots(1), 1);
    bounded.chargeRegions(bounded.generation, 7168);
    assert.equal(bounded.takeRegionSlots(1), 2);
  });

  test('are dropped alone when they have no room', () => {
    const { cache } = makeCache(2 * CODE_PAGE_STRIDE);
    const page = cache.pageOf(0x5000);
    setHandler(page, 500, 100);
    assert.ok(enter(cache, page, 10, 7));
    const { generation } = cache;
    cache.startRegionsOver();
    assert.equal(cache.generation, generation + 1);
    assert.deepEqual([cache.regionAt(page, 10), slotAt(page, 10)], [-1, 0]);
    assert.equal(cache.existingPage(0x5000), page);
    assert.equal(handlerAt(page, 500), 100, 'what was decoded stays');
  });
});

describe('records that others may be executing', () => {
  const decodeAs = (cache: CodeCache, page: number, position: number, handler: number): boolean =>
    cache.decode(page, page + position * RECORD_SIZE, () => setHandler(page, position, handler));

  test('are written once, and after they were forgotten only when nobody can be executing them', () => {
    const { cache } = makeCache(CODE_PAGE_STRIDE);
    const page = cache.pageOf(0x5000);
    assert.ok(decodeAs(cache, page, 16, 100));
    assert.ok(decodeAs(cache, page, 16, 200), 'another thread was quicker');
    assert.equal(handlerAt(page, 16), 100);
    cache.invalidate(0x5000, 64, 127);
    assert.equal(decodeAs(cache, page, 16, 200), false);
    assert.equal(decodeAs(cache, page, 500, 200), false, 'which record was forgotten is not kept');
    assert.deepEqual([handlerAt(page, 16), handlerAt(page, 500)], [Handler.decode, Handler.decode]);
    const changes = cache.changesOf(page);
    cache.invalidate(0x5000, 64, 127);
    cache.settle(page, changes);
    assert.equal(decodeAs(cache, page, 16, 200), false, 'there was one more change since');
    cache.settle(page, cache.changesOf(page));
    assert.ok(decodeAs(cache, page, 16, 200));
    assert.equal(handlerAt(page, 16), 200);
  });

  test('can be written at once where nothing was decoded, or the frame was freed', () => {
    const { cache } = makeCache(CODE_PAGE_STRIDE);
    const page = cache.pageOf(0x5000);
    cache.invalidate(0x5000, 64, 127);
    cache.invalidateAll();
    assert.ok(decodeAs(cache, page, 16, 100));
    cache.invalidateFrame(0x5000);
    assert.equal(handlerAt(page, 16), Handler.decode);
    assert.ok(decodeAs(cache, page, 16, 200));
    cache.invalidateAll();
    assert.equal(decodeAs(cache, page, 16, 300), false);
  });

  test('include those behind a region', () => {
    const { cache } = makeCache(CODE_PAGE_STRIDE);
    const page = cache.pageOf(0x5000);
    for (const forget of [() => cache.invalidate(0x5000, 64, 127), () => cache.forgetRegion(page, 500)]) {
      assert.ok(decodeAs(cache, page, 500, 100));
      assert.ok(enter(cache, page, 500, 1));
      cache.forgetRegion(page, 501);
      assert.ok(decodeAs(cache, page, 502, 100));
      forget();
      assert.equal(slotAt(page, 500), 0);
      assert.equal(handlerAt(page, 500), Handler.decode);
      assert.equal(decodeAs(cache, page, 500, 100), false);
      cache.settle(page, cache.changesOf(page));
    }
  });

  test('do not lead to a region of code that was changed while it was made', () => {
    const { cache } = makeCache(CODE_PAGE_STRIDE);
    const page = cache.pageOf(0x5000);
    for (const change of [() => cache.invalidate(0x5000, 0, 3), () => cache.invalidateAll()]) {
      const changes = cache.changesOf(page);
      change();
      assert.equal(cache.enterRegion(page, 10, 7, changes), EnteredRegion.outOfDate);
      assert.equal(cache.regionAt(page, 10), -1);
    }
  });
});

test('starting over empties the cache, for who asks from inside and from outside', () => {
  const { cache, layout, quietPoint } = makeCache(CODE_PAGE_STRIDE);
  const page = cache.pageOf(0x1000);
  setHandler(page, 0, 100);
  assert.ok(enter(cache, page, 1, cache.takeRegionSlots(1)));
  assert.equal(cache.pageOf(0x2000), 0);
  const { generation } = cache;
  quietPoint.within(0, () => cache.startOver());
  assert.equal(cache.generation, generation + 1);
  assert.equal(cache.existingPage(0x1000), 0);
  assert.equal(cache.pageOf(0x2000), layout.arena);
  assert.equal(handlerAt(layout.arena, 0), Handler.decode);
  assert.equal(cache.takeRegionSlots(1), 1);
  assert.ok(enter(cache, layout.arena, 1, 1));
  cache.startOver();
  assert.equal(cache.generation, generation + 2);
});
