import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ModuleBuilder } from '../../src/wasm/module-builder.ts';
import { Op, ValueType } from '../../src/wasm/opcodes.ts';
import { addFunction, type Exported } from './run.ts';

const { i32, i64 } = ValueType;
const Offset = 64;

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const words = new Int32Array(memory.buffer, Offset, 4);
const longs = new BigInt64Array(memory.buffer, Offset, 2);

/** Compares and exchanges, adds, waits for and notifies what lies at `Offset` beyond its first operand. */
const compiled = ((): WebAssembly.Module => {
  const module = new ModuleBuilder();
  module.importMemory('host', 'memory', { initial: 1, maximum: 1, shared: true });
  const access = (
    name: string,
    opcode: number,
    align: number,
    params: readonly ValueType[],
    result: ValueType,
  ): void => {
    addFunction(module, name, [i32, ...params], [result], (body) => {
      for (let i = 0; i <= params.length; i++) body.localGet(i);
      body.atomic(opcode, align, Offset);
    });
  };
  access('load', Op.i64AtomicLoad, 3, [], i64);
  access('load8', Op.i32AtomicLoad8U, 0, [], i32);
  access('add', Op.i32AtomicRmwAdd, 2, [i32], i32);
  access('or16', Op.i64AtomicRmw16OrU, 1, [i64], i64);
  access('exchange8', Op.i32AtomicRmw8XchgU, 0, [i32], i32);
  access('compareExchange', Op.i64AtomicRmwCmpxchg, 3, [i64, i64], i64);
  access('compareExchange8', Op.i32AtomicRmw8CmpxchgU, 0, [i32, i32], i32);
  access('wait', Op.memoryAtomicWait32, 2, [i32, i64], i32);
  access('notify', Op.memoryAtomicNotify, 2, [i32], i32);
  addFunction(module, 'store', [i32, i64], [], (body) => {
    body.localGet(0);
    body.localGet(1);
    body.atomic(Op.i64AtomicStore, 3, Offset);
    body.atomicFence();
  });
  addFunction(module, 'addTimes', [i32, i32], [], (body) => {
    const again = body.loop();
    body.i32Const(0);
    body.localGet(0);
    body.atomic(Op.i32AtomicRmwAdd, 2, Offset);
    body.drop();
    body.localGet(1);
    body.i32Const(1);
    body.op(Op.i32Sub);
    body.localTee(1);
    body.brIf(again);
    body.end();
  });
  return new WebAssembly.Module(module.encode());
})();
const run = new WebAssembly.Instance(compiled, { host: { memory } }).exports as Record<string, Exported>;

test('loads and stores', () => {
  run.store(8, -2n);
  assert.equal(longs[1], -2n);
  assert.equal(run.load(8), -2n);
  assert.equal(run.load8(8), 0xfe);
});

test('read-modify-write gives the old value', () => {
  words.fill(0);
  assert.equal(run.add(0, 5), 0);
  assert.equal(run.add(0, 5), 5);
  assert.equal(words[0], 10);
  assert.equal(run.or16(2, 0xf00fn), 0n);
  assert.equal(run.or16(2, 1n), 0xf00fn);
  assert.equal(words[0], 0xf00f_000a | 0);
  assert.equal(run.exchange8(3, 0x1234_5678), 0xf0);
  assert.equal(words[0], 0x780f_000a);
});

test('compare and exchange writes only what it finds as expected', () => {
  longs[0] = 0x1_0000_0002n;
  assert.equal(run.compareExchange(0, 2n, 9n), 0x1_0000_0002n);
  assert.equal(longs[0], 0x1_0000_0002n);
  assert.equal(run.compareExchange(0, 0x1_0000_0002n, -1n), 0x1_0000_0002n);
  assert.equal(longs[0], -1n);
  assert.equal(run.compareExchange8(5, 0xff, 0), 0xff);
  assert.equal(longs[0], BigInt.asIntN(64, 0xffff_00ff_ffff_ffffn));
});

test('an unaligned access traps', () => {
  assert.throws(() => run.add(1, 1), { name: 'RuntimeError', message: /unaligned/ });
});

test('wait returns at once on another value, and after its time', () => {
  words[0] = 3;
  assert.equal(run.wait(0, 4, -1n), 1);
  assert.equal(run.wait(0, 3, 1_000_000n), 2);
  assert.equal(run.notify(0, 1), 0);
});

test('threads add to one word without loss, and notify wakes a waiting one', async () => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { compiled, memory, times } = workerData;
    const run = new WebAssembly.Instance(compiled, { host: { memory } }).exports;
    run.addTimes(1, times);
    parentPort.postMessage(run.wait(4, 0, 20_000_000_000n));`;
  const times = 200_000;
  words.fill(0);
  const worker = new Worker(source, { eval: true, workerData: { compiled, memory, times } });
  const outcome = once(worker, 'message');
  run.addTimes(2, times);
  let woken = 0;
  const deadline = Date.now() + 15_000;
  while (woken === 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    woken = run.notify(4, 1) as number;
  }
  assert.equal(woken, 1);
  assert.deepEqual(await outcome, [0]);
  assert.equal(words[0], 3 * times);
  await worker.terminate();
});
