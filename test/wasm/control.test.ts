import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FunctionLabel } from '../../src/wasm/function-builder.ts';
import { blockTypeOf, Op, ValueType } from '../../src/wasm/opcodes.ts';
import { addFunction, compile, type Exported, instantiate } from './run.ts';

const { i32, i64, funcref } = ValueType;

test('a loop with an exit computes factorials', () => {
  const factorial = compile([i64], [i64], (body) => {
    const product = body.local(i64);
    body.i64ConstNumber(1);
    body.localSet(product);
    const exit = body.block();
    const next = body.loop();
    body.localGet(0);
    body.op(Op.i64Eqz);
    body.brIf(exit);
    body.localGet(product);
    body.localGet(0);
    body.op(Op.i64Mul);
    body.localSet(product);
    body.localGet(0);
    body.i64Const(-1, -1);
    body.op(Op.i64Add);
    body.localSet(0);
    body.br(next);
    body.end();
    body.end();
    body.localGet(product);
  });
  assert.equal(factorial(0n), 1n);
  assert.equal(factorial(20n), 2_432_902_008_176_640_000n);
});

test('if and else, select, drop, return and a branch to the function', () => {
  const pick = compile([i32], [i32], (body) => {
    body.localGet(0);
    body.if(i32);
    body.i32Const(10);
    body.i32Const(11);
    body.drop();
    body.else();
    body.i32Const(20);
    body.return();
    body.end();
    body.i32Const(30);
    body.localGet(0);
    body.i32Const(5);
    body.op(Op.i32Eq);
    body.select();
    body.br(FunctionLabel);
  });
  assert.equal(pick(0), 20);
  assert.equal(pick(5), 10);
  assert.equal(pick(6), 30);
});

test('br_table branches to the label of its operand, else to the default', () => {
  const cases = 200;
  const jump = compile([i32], [i32], (body) => {
    const otherwise = body.block();
    const labels = Array.from({ length: cases }, () => body.block());
    body.localGet(0);
    body.brTable(labels, otherwise);
    for (let i = cases - 1; i >= 0; i--) {
      body.end();
      body.i32Const(1000 + i);
      body.return();
    }
    body.end();
    body.i32Const(-1);
  });
  for (const i of [0, 1, 63, 64, 127, 128, cases - 1]) assert.equal(jump(i), 1000 + i);
  assert.equal(jump(cases), -1);
  assert.equal(jump(-1), -1);
});

test('br_table takes labels from a typed array', () => {
  const jump = compile([i32], [i32], (body) => {
    const outer = body.block();
    const inner = body.block();
    body.localGet(0);
    body.brTable(Int32Array.of(outer, inner, outer), FunctionLabel + 1);
    body.end();
    body.i32Const(2);
    body.return();
    body.end();
    body.i32Const(1);
  });
  assert.deepEqual(
    [0, 1, 2, 3].map((i) => jump(i)),
    [1, 2, 1, 1],
  );
});

test('blocks take parameters and give several results', () => {
  const { divide } = instantiate((module) => {
    // Enough types that the block's index needs two bytes, and 64 and 127 stand for block codes if not told apart.
    for (let i = 0; i < 130; i++) module.type(new Array<ValueType>(i + 3).fill(i64), []);
    const pair = module.type([i32, i32], [i32, i32]);
    assert.equal(pair, 130);
    addFunction(module, 'divide', [i32, i32], [i32, i32], (body) => {
      body.localGet(0);
      body.localGet(1);
      body.block(blockTypeOf(pair));
      body.op(Op.i32DivU);
      body.localGet(0);
      body.localGet(1);
      body.op(Op.i32RemU);
      body.end();
    });
  });
  assert.deepEqual(divide(47, 10), [4, 7]);
});

test('block types are told apart from type indices of the same number', () => {
  for (const index of [0, 0x3f, 0x40, 0x6f, 0x7f, 0x80]) {
    const { run } = instantiate((module) => {
      for (let i = 0; i < index; i++) module.type(new Array<ValueType>(i + 2).fill(i64), []);
      assert.equal(module.type([i32], [i32]), index);
      addFunction(module, 'run', [i32], [i32], (body) => {
        body.localGet(0);
        body.block(blockTypeOf(index));
        body.i32Const(1);
        body.op(Op.i32Add);
        body.end();
      });
    });
    assert.equal(run(41), 42);
  }
});

test('calls reach imports, and call_indirect the function in its table', () => {
  const { apply } = instantiate(
    (module) => {
      const type = module.type([i32], [i32]);
      const imported = module.importFunction('host', 'negate', type);
      const double = addFunction(module, 'double', [i32], [i32], (body) => {
        body.localGet(0);
        body.i32Const(2);
        body.op(Op.i32Mul);
      });
      module.table({ element: funcref, initial: 1 });
      const table = module.table({ element: funcref, initial: 4 });
      module.activeElements(table, 1, [imported, double]);
      addFunction(module, 'apply', [i32, i32], [i32], (body) => {
        body.localGet(1);
        body.call(imported);
        body.localGet(0);
        body.callIndirect(type, table);
      });
    },
    { host: { negate: (value: number) => -value } },
  );
  assert.equal(apply(1, 21), 21);
  assert.equal(apply(2, 21), -42);
  assert.throws(() => apply(0, 1), WebAssembly.RuntimeError);
});

/** Counts down by calls in tail position, far deeper than any stack. */
function countdown(indirect: boolean): Exported {
  return instantiate((module) => {
    const type = module.type([i32], [i32]);
    const self = 0;
    const table = module.table({ element: funcref, initial: 1 });
    module.activeElements(table, 0, [self]);
    addFunction(module, 'run', [i32], [i32], (body) => {
      body.localGet(0);
      body.op(Op.i32Eqz);
      body.if();
      body.i32Const(42);
      body.return();
      body.end();
      body.localGet(0);
      body.i32Const(1);
      body.op(Op.i32Sub);
      if (indirect) {
        body.i32Const(0);
        body.returnCallIndirect(type, table);
      } else {
        body.returnCall(self);
      }
    });
  }).run;
}

test('tail calls use no stack', () => {
  assert.equal(countdown(false)(1_000_000), 42);
  assert.equal(countdown(true)(1_000_000), 42);
});

test('unreachable traps', () => {
  const trap = compile([], [i32], (body) => body.unreachable());
  assert.throws(trap, { name: 'RuntimeError', message: 'unreachable' });
});
