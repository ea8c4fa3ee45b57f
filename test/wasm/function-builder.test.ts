import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FunctionBuilder, FunctionLabel } from '../../src/wasm/function-builder.ts';
import { Op, ValueType } from '../../src/wasm/opcodes.ts';
import { compile } from './run.ts';

const { i32, i64, f32, f64, v128 } = ValueType;

test('locals keep their indices and are declared in runs of one type', () => {
  const body = new FunctionBuilder([i64, i64]);
  const indices = [i32, i32, f64, i32, v128, v128, v128].map((type) => body.local(type));
  assert.deepEqual(indices, [2, 3, 4, 5, 6, 7, 8]);
  assert.equal(body.paramCount, 2);
  assert.equal(body.localCount, 9);
  assert.equal(body.localType(1), i64);
  assert.equal(body.localType(4), f64);
  assert.throws(() => body.localType(9), /no local 9 among 9/);
  body.finish();
  assert.deepEqual([...body.locals.bytes()], [4, 2, i32, 1, f64, 1, i32, 3, v128]);
});

test('a parameter and a local of the same type do not share a run', () => {
  const body = new FunctionBuilder([i32]);
  body.local(i32);
  body.finish();
  assert.deepEqual([...body.locals.bytes()], [1, 1, i32]);
});

test('each of 300 locals of random types holds its own value', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(i32, i64, f32, f64), { minLength: 1, maxLength: 300 }), (types) => {
      const sum = compile([i32], [i32], (body) => {
        const indices = types.map((type) => body.local(type));
        types.forEach((type, i) => {
          body.i32Const(i + 1);
          if (type === i64) body.op(Op.i64ExtendI32S);
          if (type === f32) body.op(Op.f32ConvertI32S);
          if (type === f64) body.op(Op.f64ConvertI32S);
          body.localSet(indices[i]);
        });
        body.localGet(0);
        types.forEach((type, i) => {
          body.localGet(indices[i]);
          if (type === i64) body.op(Op.i32WrapI64);
          if (type === f32) body.op(Op.i32TruncF32S);
          if (type === f64) body.op(Op.i32TruncF64S);
          body.op(Op.i32Add);
        });
      });
      assert.equal(sum(1000), 1000 + (types.length * (types.length + 1)) / 2);
    }),
    { numRuns: 20 },
  );
});

test('branches count the constructs between them and their label', () => {
  const body = new FunctionBuilder();
  const outer = body.block();
  const loop = body.loop();
  body.i32Const(1);
  const inner = body.if();
  body.br(inner);
  body.br(loop);
  body.br(outer);
  body.br(FunctionLabel);
  body.end();
  body.br(loop);
  body.i32Const(0);
  body.brTable([loop, outer], FunctionLabel);
  body.end();
  body.end();
  const code = [
    ...[Op.block, 0x40, Op.loop, 0x40, Op.i32Const, 1, Op.if, 0x40],
    ...[Op.br, 0, Op.br, 1, Op.br, 2, Op.br, 3, Op.end],
    ...[Op.br, 0, Op.i32Const, 0, Op.brTable, 2, 0, 1, 2, Op.end, Op.end],
  ];
  assert.deepEqual([...body.code.bytes()], code);
});

test('a branch to a closed label is refused', () => {
  const body = new FunctionBuilder();
  body.block();
  const inner = body.block();
  body.end();
  assert.throws(() => body.br(inner), /label 2 is not open: the nesting is 1 deep/);
  assert.throws(() => body.brIf(-1), /label -1 is not open/);
});

test('unbalanced constructs are refused', () => {
  const body = new FunctionBuilder();
  assert.throws(() => body.end(), /end without an open block/);
  body.block();
  body.loop();
  assert.throws(() => body.finish(), /ends with 2 constructs open/);
});

test('a branch hint without a branch is refused', () => {
  const body = new FunctionBuilder();
  body.branchHint(true);
  body.block();
  body.end();
  assert.throws(() => body.finish(), /branch hint without/);
});

test('constants of the wrong size are refused', () => {
  const body = new FunctionBuilder();
  assert.throws(() => body.v128Const(new Uint8Array(15)), /v128 constant of 15 bytes/);
  assert.throws(() => body.shuffle([1, 2]), /shuffle with 2 lanes/);
  for (const value of [0.5, 2 ** 53, -(2 ** 53), Number.NaN, Infinity]) {
    assert.throws(() => body.i64ConstNumber(value), /not a safe integer/);
  }
});

test('i64ConstNumber writes any safe integer', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      assert.equal(compile([], [i64], (body) => body.i64ConstNumber(value))(), BigInt(value));
    }),
  );
});

test('floating-point constants given as bits keep NaN payloads', () => {
  const single = compile([], [i32], (body) => {
    body.f32ConstBits(0x7fa1_2345);
    body.op(Op.i32ReinterpretF32);
  });
  assert.equal(single(), 0x7fa1_2345);
  const double = compile([], [i64], (body) => {
    body.f64ConstBits(0x89ab_cdef, 0xfff4_5678);
    body.op(Op.i64ReinterpretF64);
  });
  assert.equal(BigInt.asUintN(64, double() as bigint), 0xfff4_5678_89ab_cdefn);
});

test('a reset builder starts anew in the same memory', () => {
  const body = new FunctionBuilder();
  const write = (): void => {
    body.local(i64);
    body.block();
    for (let i = 0; i < 1000; i++) body.i32Const(i);
    body.branchHint(false);
    body.brIf(1);
    body.end();
    body.finish();
  };
  body.reset([i32]);
  write();
  const first = body.code.bytes().slice();
  const { buffer } = body.code;
  const generation = body.generation;

  body.reset([i32]);
  assert.equal(body.code.length, 0);
  assert.equal(body.hintCount, 0);
  assert.equal(body.localCount, 1);
  assert.notEqual(body.generation, generation);
  write();
  assert.equal(body.code.buffer, buffer);
  assert.equal(body.hintCount, 1);
  assert.deepEqual(body.code.bytes(), first);
});

test('a reset drops open constructs and pending hints', () => {
  const body = new FunctionBuilder();
  body.block();
  body.branchHint(true);
  body.reset([]);
  body.i32Const(0);
  body.if();
  body.end();
  body.finish();
  assert.equal(body.hintCount, 0);
  assert.deepEqual([...body.code.bytes()], [Op.i32Const, 0, Op.if, 0x40, Op.end, Op.end]);
});

test('finishing twice writes one end', () => {
  const body = new FunctionBuilder();
  body.finish();
  body.finish();
  assert.deepEqual([...body.code.bytes()], [Op.end]);
});
