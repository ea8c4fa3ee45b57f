import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Frames } from '../../src/memory/frames.ts';
import { FRAME_SIZE } from '../../src/memory/layout.ts';
import { smallMachine } from './small-machine.ts';

const COUNT = 8;

const operations = fc.array(
  fc.record({
    kind: fc.constantFrom('allocate', 'allocate', 'share', 'release', 'release'),
    which: fc.nat(),
    owner: fc.integer({ min: 0, max: 0x7fff }),
  }),
  { maxLength: 80, size: 'max' },
);

test('frames against a model: counts, owners, zeroing, exhaustion', () => {
  fc.assert(
    fc.property(operations, (list) => {
      const { memory, layout, frames } = smallMachine(COUNT);
      const model = new Map<number, { owner: number; count: number }>();
      for (const { kind, which, owner } of list) {
        const [frame, state] = [...model][which % model.size] ?? [];
        if (kind === 'allocate') {
          const made = frames.allocate(owner);
          assert.equal(made === 0, model.size === COUNT);
          if (made === 0) continue;
          assert.ok(!model.has(made) && made % FRAME_SIZE === 0);
          assert.ok(made >= layout.firstFrame * FRAME_SIZE && made < layout.frames * FRAME_SIZE);
          const words = memory.u32.subarray(made >>> 2, (made + FRAME_SIZE) >>> 2);
          assert.ok(words.every((word) => word === 0));
          words.fill(0xffff_ffff);
          model.set(made, { owner, count: 1 });
        } else if (frame !== undefined && state !== undefined && kind === 'share') {
          frames.share(frame);
          state.count++;
        } else if (frame !== undefined && state !== undefined) {
          frames.release(frame);
          if (--state.count === 0) model.delete(frame);
        }
        assert.equal(frames.available, COUNT - model.size);
        for (const [each, { owner: its, count }] of model) {
          assert.equal(frames.references(each), count);
          assert.equal(frames.owner(each), its);
        }
      }
    }),
    { numRuns: 150 },
  );
});

describe('a frame', () => {
  test('released more often than it was used', () => {
    const { frames } = smallMachine(COUNT);
    const frame = frames.allocate(1);
    frames.release(frame);
    for (let i = 0; i < 2; i++) {
      assert.throws(() => frames.release(frame), {
        message: `frame ${frame.toString(16)} released more often than it was used`,
      });
      assert.equal(frames.references(frame), 0);
    }
    assert.equal(frames.available, COUNT);
    const all = Array.from({ length: COUNT }, () => frames.allocate(2));
    assert.equal(new Set(all).size, COUNT);
    assert.equal(frames.references(frame), 1);
  });

  test('takes its code with it when the last user lets go', () => {
    const { memory, frames, codeCache } = smallMachine(COUNT);
    const frame = frames.allocate(1);
    frames.share(frame);
    const page = codeCache.pageOf(frame);
    memory.u16[page >>> 1] = 100;
    frames.release(frame);
    assert.equal(memory.u16[page >>> 1], 100);
    frames.release(frame);
    assert.equal(memory.u16[page >>> 1], 0);
  });

  test('can change its owner, and nothing else changes', () => {
    const { frames } = smallMachine(COUNT);
    const [frame, other] = [frames.allocate(1), frames.allocate(1)];
    frames.share(frame);
    frames.setOwner(frame, 0xfffe);
    assert.deepEqual([frames.owner(frame), frames.references(frame)], [0xfffe, 2]);
    assert.equal(frames.owner(other), 1);
  });

  test('is the same to another thread’s object', () => {
    const { memory, layout, codeCache, frames } = smallMachine(COUNT);
    const frame = frames.allocate(7);
    const other = new Frames(memory, layout, codeCache);
    assert.equal(other.owner(frame), 7);
    assert.notEqual(other.allocate(8), frame);
    assert.equal(frames.available, COUNT - 2);
  });
});
