import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { lock, unlock } from '../../src/cpu/lock.ts';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';

const LOCK = 0x40;
const COUNTER = 0x80;
const ROUNDS = 20_000;

const fresh = (): MachineMemory => new MachineMemory(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));

test('a lock is taken and given back, and touches its own word only', () => {
  const memory = fresh();
  lock(memory, LOCK);
  assert.equal(memory.i32[LOCK >>> 2], 1);
  unlock(memory, LOCK);
  lock(memory, LOCK);
  unlock(memory, LOCK);
  assert.ok(memory.u8.every((byte) => byte === 0));
});

test('what threads do to plain words under a lock is not lost', async () => {
  const memory = fresh();
  const source = `
    import { workerData } from 'node:worker_threads';
    import { MachineMemory } from '${new URL('../../src/cpu/machine-memory.ts', import.meta.url)}';
    import { lock, unlock } from '${new URL('../../src/cpu/lock.ts', import.meta.url)}';
    const memory = new MachineMemory(workerData);
    for (let i = 0; i < ${ROUNDS}; i++) {
      lock(memory, ${LOCK});
      memory.u32[${COUNTER / 4}] = memory.u32[${COUNTER / 4}] + 1;
      unlock(memory, ${LOCK});
    }`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const workers = [0, 1].map(() => new Worker(url, { workerData: memory.memory }));
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  assert.equal(memory.u32[COUNTER >>> 2], 2 * ROUNDS);
  assert.equal(memory.u32[LOCK >>> 2], 0);
});
