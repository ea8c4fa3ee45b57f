import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RECORD_SIZE } from '../../src/cpu/code-page.ts';
import { RegionCover } from '../../src/cpu/region-cover.ts';
import type { Block } from '../../src/cpu/tiers/region.ts';

const PAGE = 0xf000_0000;
const NEXT_PAGE = 0x7000;
const pages = new Map([
  [0, { address: PAGE, changes: 1 }],
  [1, { address: NEXT_PAGE, changes: 2 }],
]);

const blockAt = (...positions: readonly number[]): Block =>
  ({ instructions: positions.map((position) => ({ position })) }) as unknown as Block;

test('covers what regions contain from the requests made before they were there', () => {
  const cover = new RegionCover();
  const [inside, beyond, outside] = [PAGE + 5 * RECORD_SIZE, NEXT_PAGE + 2 * RECORD_SIZE, PAGE + 2 * RECORD_SIZE];
  assert.equal(cover.has(inside, 0), false);
  cover.add([blockAt(4, 5), blockAt(1026)], pages);
  assert.deepEqual([cover.has(inside, 1000), cover.has(beyond, 1000), cover.has(outside, 0)], [true, true, false]);
  cover.end(12);
  assert.deepEqual([cover.has(inside, 11), cover.has(inside, 12), cover.has(beyond, 11)], [true, false, true]);
  cover.add([blockAt(5)], pages);
  cover.end(20);
  assert.deepEqual([cover.has(inside, 19), cover.has(inside, 20), cover.has(beyond, 12)], [true, false, false]);
  cover.add([blockAt(5)], pages);
  cover.clear();
  cover.end(30);
  assert.equal(cover.has(inside, 0), false);
});
