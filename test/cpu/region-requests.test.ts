import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import type { RegionRequest } from '../../src/cpu/region-compiler.ts';
import { REGION_REQUESTS_BYTES, REQUESTS, RegionRequests } from '../../src/cpu/region-requests.ts';

const memory = new MachineMemory(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
const ADDRESS = 0x100;
const LIMIT = 20_000;

const request = (position: number, page = 0xf000_0000): RegionRequest => ({
  generation: 3,
  pages: [0, 0x1000, page, 0, 0xffff_f000],
  position,
  address: [0xffff_8000, 0x12],
});

/** As they are taken: with numbers from `first` on. */
const numbered = (first: number, ...requests: readonly RegionRequest[]): RegionRequest[] =>
  requests.map((made, index) => ({ ...made, number: first + index }));

const positions = (requests: readonly RegionRequest[]): number[] => requests.map(({ position }) => position);

describe('requests for regions', () => {
  let requests: RegionRequests;

  beforeEach(() => {
    memory.u8.fill(0);
    requests = new RegionRequests(memory, ADDRESS);
  });

  test('come as they were made, the oldest first', () => {
    for (const position of [7, 5, 6]) requests.add(request(position));
    assert.deepEqual(requests.take(10), numbered(0, request(7), request(5), request(6)));
    assert.equal(requests.next, 3);
    assert.deepEqual(requests.take(10), []);
  });

  test('that were made more often come first', () => {
    for (const position of [1, 2, 3, 4, 3, 2, 3]) requests.add(request(position));
    assert.deepEqual(positions(requests.take(3)), [3, 2, 1]);
    assert.deepEqual(positions(requests.take(3)), [4]);
  });

  test('are not made twice until they are finished', () => {
    requests.add(request(1));
    requests.add(request(1, 0x2000));
    requests.add(request(1));
    assert.equal(requests.take(10).length, 2);
    requests.add(request(1));
    assert.deepEqual(requests.take(10), []);
    requests.finish();
    requests.add(request(1));
    assert.deepEqual(requests.take(10), numbered(2, request(1)));
  });

  test('that are too many are dropped, and nothing beside the table changes', () => {
    for (let position = 0; position < REQUESTS + 5; position++) requests.add(request(position));
    const taken = [...requests.take(REQUESTS - 1), ...requests.take(REQUESTS)];
    assert.deepEqual(
      positions(taken),
      Array.from({ length: REQUESTS }, (_, position) => position),
    );
    requests.finish();
    requests.add(request(500));
    assert.deepEqual(positions(requests.take(1)), [500]);
    assert.ok(memory.u8.subarray(0, ADDRESS).every((byte) => byte === 0));
    assert.ok(memory.u8.subarray(ADDRESS + REGION_REQUESTS_BYTES).every((byte) => byte === 0));
  });

  test('wake who sleeps for them, and so does the end', { timeout: LIMIT }, async (t) => {
    const worker = new Worker(new URL('./region-requests-waiter.ts', import.meta.url), {
      workerData: { memory: memory.memory, address: ADDRESS },
    });
    t.after(() => worker.terminate());
    const messages: unknown[] = [];
    const next = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        worker.once('message', (message) => {
          messages.push(message);
          resolve(message);
        });
        worker.once('error', reject);
      });
    await next();
    for (const [index, pause] of [0, 20, 300].entries()) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      const answer = next();
      requests.add(request(index));
      await answer;
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    const answer = next();
    requests.stop();
    await answer;
    assert.deepEqual(messages, ['ready', [0], [1], [2], 'stopped']);
  });
});
