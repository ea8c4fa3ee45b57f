import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Heap } from '../../src/memory/heap.ts';
import { smallMachine } from './small-machine.ts';

const room = (size: number): number => Math.ceil(size / 64) * 64;

describe('records', () => {
  test('are zeroed, aligned, apart from each other and inside the heap, new and used again', () => {
    const operation = fc.record({
      free: fc.boolean(),
      which: fc.nat(),
      size: fc.constantFrom(1, 64, 65, 500, 4096, 8192),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80, size: 'max' }), (operations) => {
        const { memory, heap, layout } = smallMachine(1);
        const live: { record: number; size: number }[] = [];
        for (const { free, which, size } of operations) {
          const victim = live[which % live.length];
          if (free && victim !== undefined) {
            heap.free(victim.record, victim.size);
            live.splice(live.indexOf(victim), 1);
            continue;
          }
          const record = heap.allocate(size);
          if (record === 0) continue;
          assert.equal(record % (room(size) % 4096 === 0 ? 4096 : 64), 0);
          assert.ok(record >= layout.heap && record + room(size) <= layout.heapEnd);
          for (const other of live) {
            assert.ok(record + room(size) <= other.record || other.record + room(other.size) <= record);
          }
          const bytes = memory.u8.subarray(record, record + room(size));
          assert.ok(bytes.every((byte) => byte === 0));
          bytes.fill(0xa5);
          live.push({ record, size });
        }
        for (const { record, size } of live) {
          assert.ok(memory.u8.subarray(record, record + room(size)).every((byte) => byte === 0xa5));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('a freed one serves the next of its rounded size, the last first', () => {
    const { heap } = smallMachine(1);
    const [one, two] = [heap.allocate(100), heap.allocate(100)];
    const other = heap.allocate(200);
    heap.free(one, 100);
    heap.free(two, 100);
    heap.free(other, 200);
    assert.deepEqual([heap.allocate(128), heap.allocate(65)], [two, one]);
    assert.equal(heap.allocate(256), other);
    assert.ok(![one, two, other].includes(heap.allocate(100)));
  });

  test('another thread’s heap over the same memory goes on with it', () => {
    const { memory, layout, heap } = smallMachine(1);
    const first = heap.allocate(64);
    const other = new Heap(memory, layout);
    const second = other.allocate(64);
    assert.notEqual(second, first);
    other.free(first, 64);
    assert.equal(heap.allocate(64), first);
  });
});

describe('the end', () => {
  test('a full heap gives 0, and something again once something was freed', () => {
    const { heap, layout } = smallMachine(1);
    const records: number[] = [];
    for (let record = heap.allocate(4096); record !== 0; record = heap.allocate(4096)) records.push(record);
    assert.equal(records.at(-1), layout.heapEnd - 4096);
    assert.equal(new Set(records).size, records.length);
    heap.free(records[3], 4096);
    assert.equal(heap.allocate(4096), records[3]);
    assert.equal(heap.allocate(4096), 0);
  });

  test('one that is too large leaves the heap as it was', () => {
    const { heap, layout } = smallMachine(1);
    const first = heap.allocate(64);
    assert.equal(heap.allocate(layout.heapEnd - layout.heap), 0);
    assert.equal(heap.allocate(64), first + 64);
  });

  test('one size more than there are lists for is refused, and the others go on', () => {
    const { heap } = smallMachine(1);
    const records = Array.from({ length: 32 }, (_, i) => heap.allocate((i + 1) * 64));
    assert.ok(records.every((record) => record !== 0));
    assert.throws(() => heap.allocate(33 * 64), {
      name: 'RangeError',
      message: 'the heap has records of 32 sizes, and none of 2112 bytes',
    });
    const next = heap.allocate(64);
    assert.ok(next !== 0 && !records.includes(next));
    heap.free(records[31], 32 * 64);
    assert.equal(heap.allocate(32 * 64), records[31]);
  });
});

describe('what cannot be a record', () => {
  const sizes = [0, -64, 0.5, Number.NaN, Number.POSITIVE_INFINITY];

  test('is neither made nor freed, and takes no list', () => {
    const { memory, heap, layout } = smallMachine(1);
    const table = memory.u32.slice(layout.heap >>> 2, (layout.heap + 32 * 8) >>> 2);
    for (const size of sizes) {
      const refusal = { name: 'RangeError', message: `a record cannot have ${size} bytes` };
      assert.throws(() => heap.allocate(size), refusal);
      assert.throws(() => heap.free(layout.heap + 32 * 8, size), refusal);
    }
    assert.deepEqual(memory.u32.slice(layout.heap >>> 2, (layout.heap + 32 * 8) >>> 2), table);
    const record = heap.allocate(64);
    heap.free(record, 64);
    assert.equal(heap.allocate(64), record);
  });

  test('an address where none can be, or a size that none has, is not freed', () => {
    const { heap, layout } = smallMachine(1);
    const record = heap.allocate(64);
    const wrong: readonly (readonly [record: number, size: number])[] = [
      [0, 64],
      [layout.heap, 64],
      [record + 1, 64],
      [record + 64, 64],
      [layout.heapEnd, 64],
      [record, 128],
    ];
    for (const [address, size] of wrong) {
      assert.throws(() => heap.free(address, size), {
        name: 'RangeError',
        message: `the heap has no record of ${size} bytes at 0x${address.toString(16)} to free`,
      });
    }
    assert.equal(heap.allocate(64), record + 64);
    heap.free(record, 64);
    assert.equal(heap.allocate(64), record);
  });
});
