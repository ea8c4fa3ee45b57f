import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Constant } from '../../src/wasm/constant-expression.ts';
import type { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { ValueType } from '../../src/wasm/opcodes.ts';
import { addFunction, instantiate } from './run.ts';

const { i32 } = ValueType;
const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });

const run = instantiate(
  (module) => {
    module.importMemory('host', 'memory', { initial: 1 });
    const base = module.importGlobal('host', 'base', i32, false);
    module.activeData(16, Uint8Array.of(1, 2, 3));
    module.activeData(Constant.globalGet(base), Uint8Array.of(9));
    const passive = module.passiveData(Uint8Array.from({ length: 200 }, (_, i) => i));
    const withThree = (name: string, write: (body: FunctionBuilder) => void): void => {
      addFunction(module, name, [i32, i32, i32], [], (body) => {
        for (let i = 0; i < 3; i++) body.localGet(i);
        write(body);
      });
    };
    withThree('copy', (body) => body.memoryCopy());
    withThree('fill', (body) => body.memoryFill());
    withThree('init', (body) => body.memoryInit(passive));
    addFunction(module, 'dropData', [], [], (body) => body.dataDrop(passive));
    addFunction(module, 'size', [], [i32], (body) => body.memorySize());
    addFunction(module, 'grow', [i32], [i32], (body) => {
      body.localGet(0);
      body.memoryGrow();
    });
  },
  { host: { memory, base: 1000 } },
);
const bytes = new Uint8Array(memory.buffer);

test('active segments are in place, at constant and at imported offsets', () => {
  assert.deepEqual([...bytes.subarray(15, 20)], [0, 1, 2, 3, 0]);
  assert.deepEqual([...bytes.subarray(999, 1002)], [0, 9, 0]);
});

test('copies overlap as by way of a buffer', () => {
  run.copy(17, 16, 3);
  assert.deepEqual([...bytes.subarray(16, 21)], [1, 1, 2, 3, 0]);
});

test('fills and stays within bounds', () => {
  run.fill(100, 0x1ff, 3);
  assert.deepEqual([...bytes.subarray(99, 104)], [0, 255, 255, 255, 0]);
  assert.throws(() => run.fill(65_535, 1, 2), WebAssembly.RuntimeError);
});

test('a passive segment is copied until it is dropped', () => {
  run.init(200, 150, 50);
  assert.deepEqual(
    [...bytes.subarray(200, 250)],
    Array.from({ length: 50 }, (_, i) => 150 + i),
  );
  run.dropData();
  assert.throws(() => run.init(200, 0, 1), WebAssembly.RuntimeError);
});

test('memory grows by pages', () => {
  assert.equal(run.size(), 1);
  assert.equal(run.grow(2), 1);
  assert.equal(run.size(), 3);
  assert.equal(memory.buffer.byteLength, 3 * 65_536);
  assert.equal(run.grow(2), -1);
});
