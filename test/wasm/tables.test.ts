import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { Op, ValueType } from '../../src/wasm/opcodes.ts';
import { addFunction, instantiate } from './run.ts';

const { i32, funcref, externref } = ValueType;

const run = instantiate((module) => {
  const functions = module.table({ element: funcref, initial: 4 });
  const copies = module.table({ element: funcref, initial: 4 });
  const things = module.table({ element: externref, initial: 2, maximum: 5 });
  const constant = (name: string, value: number): number =>
    addFunction(module, name, [], [i32], (body) => body.i32Const(value));
  const seven = constant('seven', 7);
  const eight = constant('eight', 8);
  const passive = module.passiveElements([seven, eight]);

  const add = (
    name: string,
    params: readonly ValueType[],
    results: readonly ValueType[],
    write: (body: FunctionBuilder) => void,
  ): number =>
    addFunction(module, name, params, results, (body) => {
      for (let i = 0; i < params.length; i++) body.localGet(i);
      write(body);
    });
  add('get', [i32], [externref], (body) => body.tableGet(things));
  add('set', [i32, externref], [], (body) => body.tableSet(things));
  add('size', [], [i32], (body) => body.tableSize(things));
  add('grow', [externref, i32], [i32], (body) => body.tableGrow(things));
  add('fill', [i32, externref, i32], [], (body) => body.tableFill(things));
  add('isNull', [externref], [i32], (body) => body.op(Op.refIsNull));
  add('nothing', [], [externref], (body) => body.refNull(externref));
  add('init', [i32, i32, i32], [], (body) => body.tableInit(functions, passive));
  add('dropElements', [], [], (body) => body.elemDrop(passive));
  add('copy', [i32, i32, i32], [], (body) => body.tableCopy(copies, functions));
  const type = module.type([], [i32]);
  add('callFunction', [i32], [i32], (body) => body.callIndirect(type, functions));
  add('callCopy', [i32], [i32], (body) => body.callIndirect(type, copies));

  // Named by no export: only the declarative segment lets ref.func name it.
  const hidden = new FunctionBuilder();
  hidden.i32Const(9);
  const hiddenIndex = module.function(type, hidden);
  module.declarativeElements([hiddenIndex]);
  add('hiddenFunction', [], [funcref], (body) => body.refFunc(hiddenIndex));
  add('select', [funcref, funcref, i32], [funcref], (body) => body.selectTyped(funcref));
});

test('elements are read and written, and are null at first', () => {
  const thing = { name: 'thing' };
  assert.equal(run.get(0), null);
  run.set(1, thing);
  assert.equal(run.get(1), thing);
  assert.throws(() => run.get(2), WebAssembly.RuntimeError);
});

test('tables grow to their maximum and are filled', () => {
  assert.equal(run.size(), 2);
  assert.equal(run.grow('new', 2), 2);
  assert.equal(run.get(3), 'new');
  assert.equal(run.grow('more', 2), -1);
  run.fill(0, 'filled', 2);
  assert.deepEqual(
    [0, 1, 2].map((i) => run.get(i)),
    ['filled', 'filled', 'new'],
  );
});

test('null is known from other references', () => {
  assert.equal(run.nothing(), null);
  assert.equal(run.isNull(null), 1);
  assert.equal(run.isNull('thing'), 0);
});

test('passive elements are placed and copied between tables until they are dropped', () => {
  run.init(1, 0, 2);
  assert.equal(run.callFunction(1), 7);
  assert.equal(run.callFunction(2), 8);
  run.copy(3, 2, 1);
  assert.equal(run.callCopy(3), 8);
  assert.throws(() => run.callCopy(2), WebAssembly.RuntimeError);
  run.dropElements();
  assert.throws(() => run.init(1, 0, 1), WebAssembly.RuntimeError);
});

test('functions are references', () => {
  const hidden = run.hiddenFunction() as () => number;
  assert.equal(hidden(), 9);
  assert.equal(run.select(run.seven, run.eight, 1), run.seven);
  assert.equal(run.select(run.seven, run.eight, 0), run.eight);
});
