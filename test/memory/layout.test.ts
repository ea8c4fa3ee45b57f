import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HEAT_BYTES } from '../../src/cpu/heat-table.ts';
import { QUIET_POINT_BYTES } from '../../src/cpu/quiet-point.ts';
import {
  CONTROL,
  ControlWord,
  FRAME_ENTRY_SIZE,
  FRAME_SIZE,
  layOut,
  MACHINE_LIMIT,
  PAIR_LOCKS_PAGE,
} from '../../src/memory/layout.ts';

const MIB = 2 ** 20;

const sizes = fc.record({
  domainMemory: fc.integer({ min: 1, max: 3800 * MIB }),
  codeCache: fc.integer({ min: 1, max: 512 }).map((kib) => kib * 4096),
  heap: fc.integer({ min: 1, max: 2 ** 23 }),
});

test('the parts do not overlap, are aligned, and leave room for the frames that were asked for', () => {
  fc.assert(
    fc.property(sizes, (options) => {
      const layout = layOut(options);
      const { codeCache } = layout;
      const parts = [
        { start: CONTROL, end: CONTROL + 0x1000, alignment: 64 },
        { start: PAIR_LOCKS_PAGE, end: PAIR_LOCKS_PAGE + FRAME_SIZE, alignment: FRAME_SIZE },
        { start: layout.heatTable, end: layout.heatTable + HEAT_BYTES, alignment: 64 },
        { start: layout.quietPoint, end: layout.quietPoint + QUIET_POINT_BYTES, alignment: 64 },
        { start: layout.frameTable, end: layout.frameTable + layout.frames * FRAME_ENTRY_SIZE, alignment: 64 },
        { start: layout.freeStack, end: layout.freeStack + layout.frames * 4, alignment: 64 },
        { start: codeCache.frameTable, end: codeCache.frameTable + codeCache.frames * 4, alignment: 64 },
        { start: codeCache.arena, end: codeCache.arenaEnd, alignment: 64 },
        { start: layout.heap, end: layout.heapEnd, alignment: FRAME_SIZE },
        { start: layout.firstFrame * FRAME_SIZE, end: layout.frames * FRAME_SIZE, alignment: FRAME_SIZE },
      ];
      let end = 1;
      for (const [index, part] of parts.entries()) {
        assert.ok(part.start >= end, `part ${index} begins at ${part.start}, the one before ends at ${end}`);
        assert.equal(part.start % part.alignment, 0, `part ${index} begins at ${part.start}`);
        end = part.end;
      }
      assert.equal(end, layout.size);
      assert.equal(codeCache.frames, layout.frames);
      assert.equal(codeCache.arenaEnd - codeCache.arena, options.codeCache);
      assert.ok(layout.heapEnd - layout.heap >= options.heap);
      assert.ok((layout.frames - layout.firstFrame) * FRAME_SIZE >= options.domainMemory);
      assert.ok(layout.size <= MACHINE_LIMIT && layout.size % 65536 === 0);
    }),
    { numRuns: 500 },
  );
});

test('the words of the control block are apart', () => {
  const words = Object.values(ControlWord);
  assert.equal(new Set(words).size, words.length);
  for (const word of words) assert.ok(word >= CONTROL && word < PAIR_LOCKS_PAGE && word % 4 === 0);
});

test('what does not fit is refused with what would', () => {
  const failure = (domainMemory: number): string => {
    try {
      layOut({ domainMemory });
    } catch (error) {
      assert.ok(error instanceof RangeError);
      return error.message;
    }
    return '';
  };
  const message = failure(5000 * MIB);
  assert.match(message, /^5000 MiB for domains do not fit into one host: at most \d+ MiB do$/);
  const most = Number(/at most (\d+)/.exec(message)?.[1]);
  assert.equal(failure(most * MIB), '');
  assert.notEqual(failure((most + 16) * MIB), '');
});
