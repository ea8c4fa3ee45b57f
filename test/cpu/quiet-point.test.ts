import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { clearKick, isKicked } from '../../src/cpu/kick.ts';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import { MAXIMUM_THREADS, QUIET_POINT_BYTES, QuietPoint } from '../../src/cpu/quiet-point.ts';

const ADDRESS = 0x1000;
/** Records of two vCPUs. */
const STATE = 0x8000;
const OTHER = 0x9000;
/** Words (indices) that the threads of a test tell each other by. */
const INSIDE = 0x100;
const LEAVE = 0x101;
const COUNT = 0x102;

const fresh = (): MachineMemory => new MachineMemory(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));

const imports = ['quiet-point', 'machine-memory']
  .map((name) => `import * as ${name.replace('-', '')} from '${new URL(`../../src/cpu/${name}.ts`, import.meta.url)}';`)
  .join('\n');

/** Runs JavaScript on a thread with `quietPoint` and `i32`; resolves when it has ended. */
const thread = async (memory: MachineMemory, body: string): Promise<void> => {
  const source = `
    import { workerData } from 'node:worker_threads';
    ${imports}
    const memory = new machinememory.MachineMemory(workerData);
    const { i32 } = memory;
    const quietPoint = new quietpoint.QuietPoint(memory, ${ADDRESS}, true);
    ${body}`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const [status] = await once(new Worker(url, { workerData: memory.memory }), 'exit');
  assert.equal(status, 0);
};

/** Waits until a word, which only grows, has come to a value. */
const until = async ({ i32 }: MachineMemory, word: number, value: number): Promise<void> => {
  while (Atomics.load(i32, word) < value) await new Promise((resolve) => setTimeout(resolve, 1));
};

/** A thread that is inside for a vCPU until it is told to leave, or for so many milliseconds. */
const insider = (memory: MachineMemory, state: number, milliseconds = 10_000): Promise<void> =>
  thread(
    memory,
    `quietPoint.enter(${state});
     Atomics.store(i32, ${INSIDE}, 1);
     Atomics.wait(i32, ${LEAVE}, 0, ${milliseconds});
     Atomics.store(i32, ${INSIDE}, 2);
     quietPoint.leave();`,
  );

/** Longer than a thread that waits spins before it sleeps, and than a busy host takes to look. */
const LONG = 500;

describe('a wait', () => {
  test('is over at once when nobody is inside, and not for who is inside itself', () => {
    const memory = fresh();
    const quietPoint = new QuietPoint(memory, ADDRESS, true);
    quietPoint.wait(null);
    quietPoint.enter(STATE);
    quietPoint.enter(STATE);
    assert.throws(() => quietPoint.wait([OTHER]), /is inside waits/);
    quietPoint.leave();
    assert.throws(() => quietPoint.wait(null), /is inside waits/);
    quietPoint.leave();
    quietPoint.wait(null);
    assert.throws(
      () =>
        quietPoint.within(STATE, () => {
          throw new Error('what the body threw');
        }),
      /what the body threw/,
    );
    quietPoint.wait(null);
    assert.ok(!isKicked(memory, STATE));
  });

  for (const [what, states, kicked] of [
    ['a vCPU of those asked for', [OTHER, STATE], true],
    ['any', null, true],
    ['all vCPUs', [OTHER], false],
  ] as const) {
    test(`lasts until a thread that is inside for ${what} has left`, async () => {
      const memory = fresh();
      const quietPoint = new QuietPoint(memory, ADDRESS, true);
      const ended = insider(memory, kicked ? STATE : 0, LONG);
      await until(memory, INSIDE, 1);
      quietPoint.wait(states);
      assert.equal(Atomics.load(memory.i32, INSIDE), 2);
      assert.equal(clearKick(memory, STATE), kicked, 'it is asked to leave');
      await ended;
    });
  }

  test('does not concern threads that are inside for other vCPUs', async () => {
    const memory = fresh();
    const quietPoint = new QuietPoint(memory, ADDRESS, true);
    const ended = insider(memory, OTHER);
    await until(memory, INSIDE, 1);
    quietPoint.wait([STATE]);
    assert.equal(Atomics.load(memory.i32, INSIDE), 1);
    assert.ok(!isKicked(memory, OTHER));
    Atomics.store(memory.i32, LEAVE, 1);
    Atomics.notify(memory.i32, LEAVE);
    await ended;
  });

  test('of a thread that may not sleep ends, too', async () => {
    const memory = fresh();
    const ended = insider(memory, STATE, LONG);
    await until(memory, INSIDE, 1);
    new QuietPoint(memory, ADDRESS, false).wait([STATE]);
    assert.equal(Atomics.load(memory.i32, INSIDE), 2);
    await ended;
  });
});

describe('being alone', () => {
  test('is for who is outside and for who is inside', () => {
    const memory = fresh();
    const quietPoint = new QuietPoint(memory, ADDRESS, true);
    let times = 0;
    assert.ok(quietPoint.alone(() => times++));
    quietPoint.within(STATE, () => assert.ok(quietPoint.alone(() => times++)));
    assert.equal(times, 2);
    quietPoint.wait(null);
  });

  test('keeps others out, and waiting for each other ends', async () => {
    const memory = fresh();
    const rounds = 1000;
    const [inside, failures] = [COUNT + 1, COUNT + 2];
    // COUNT is plain: increments are lost if two threads are alone.
    const body = `
      let mine = 0;
      for (let i = 0; i < ${rounds}; i++) {
        quietPoint.enter(${STATE});
        Atomics.add(i32, ${inside}, 1);
        Atomics.sub(i32, ${inside}, 1);
        const alone = quietPoint.alone(() => {
          if (Atomics.load(i32, ${inside}) !== 0) Atomics.add(i32, ${failures}, 1);
          i32[${COUNT}] = i32[${COUNT}] + 1;
        });
        if (alone) mine++;
        quietPoint.leave();
        quietPoint.wait(i % 2 === 0 ? null : [${STATE}]);
      }
      Atomics.add(i32, ${COUNT + 3}, mine);`;
    await Promise.all([0, 1, 2].map(() => thread(memory, body)));
    assert.equal(memory.i32[failures], 0);
    assert.ok(memory.i32[COUNT] >= rounds);
    assert.equal(memory.i32[COUNT], memory.i32[COUNT + 3]);
  });
});

test('there is room for a number of threads, and no more', () => {
  const memory = fresh();
  const points = Array.from({ length: MAXIMUM_THREADS }, () => new QuietPoint(memory, ADDRESS, true));
  for (const point of points) point.within(STATE, () => {});
  assert.throws(() => new QuietPoint(memory, ADDRESS, true).enter(STATE), /more than 127 threads/);
  points[0].wait(null);
  assert.ok(memory.u8.subarray(0, ADDRESS).every((byte) => byte === 0));
  assert.ok(memory.u8.subarray(ADDRESS + QUIET_POINT_BYTES).every((byte) => byte === 0));
});
