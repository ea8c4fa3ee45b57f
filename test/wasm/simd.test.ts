import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { Op, ValueType } from '../../src/wasm/opcodes.ts';
import { addFunction, instantiate } from './run.ts';

const { i32, i64, f64 } = ValueType;

/** The bytes of memory after `write` ran; a function gets them prefilled with 0, 1, 2, ... */
function memoryAfter(write: (body: FunctionBuilder) => void): Uint8Array {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer, 0, 64);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i;
  const { run } = instantiate(
    (module) => {
      module.importMemory('host', 'memory', { initial: 1 });
      addFunction(module, 'run', [], [], write);
    },
    { host: { memory } },
  );
  run();
  return bytes;
}

/** The 16 bytes that the vector on the stack, left by `write`, has in memory. */
function vectorOf(write: (body: FunctionBuilder) => void): number[] {
  const bytes = memoryAfter((body) => {
    body.i32Const(0);
    write(body);
    body.store(Op.v128Store, 4, 0);
  });
  return [...bytes.subarray(0, 16)];
}

const range = (length: number, valueAt: (i: number) => number): number[] =>
  Array.from({ length }, (_, i) => valueAt(i));

test('constants and byte arithmetic, saturating and wrapping', () => {
  const a = range(16, (i) => i * 17);
  const b = range(16, () => 100);
  const compute = (opcode: number): number[] =>
    vectorOf((body) => {
      body.v128Const(Uint8Array.from(a));
      body.v128Const(Uint8Array.from(b));
      body.op(opcode);
    });
  assert.deepEqual(
    compute(Op.i8x16Add),
    a.map((value) => (value + 100) & 0xff),
  );
  assert.deepEqual(
    compute(Op.i8x16AddSatU),
    a.map((value) => Math.min(value + 100, 255)),
  );
  assert.deepEqual(
    compute(Op.i8x16MaxU),
    a.map((value) => Math.max(value, 100)),
  );
  assert.deepEqual(
    compute(Op.i8x16GtS),
    a.map((value) => ((value << 24) >> 24 > 100 ? 255 : 0)),
  );
});

test('shuffle takes bytes of both operands, swizzle those that a vector names', () => {
  const shuffled = vectorOf((body) => {
    body.i32Const(0);
    body.load(Op.v128Load, 0, 0);
    body.i32Const(0);
    body.load(Op.v128Load, 0, 16);
    body.shuffle(range(16, (i) => (i % 2 === 0 ? i : 31 - i)));
  });
  assert.deepEqual(
    shuffled,
    range(16, (i) => (i % 2 === 0 ? i : 31 - i)),
  );
  const swizzled = vectorOf((body) => {
    body.i32Const(0);
    body.load(Op.v128Load, 0, 32);
    body.v128Const(Uint8Array.from(range(16, (i) => 17 - i)));
    body.op(Op.i8x16Swizzle);
  });
  assert.deepEqual(
    swizzled,
    range(16, (i) => (17 - i < 16 ? 32 + 17 - i : 0)),
  );
});

test('lanes are extracted and replaced', () => {
  const bytes = vectorOf((body) => {
    body.i32Const(0);
    body.load(Op.v128Load, 4, 0);
    body.i32Const(0x7766);
    body.lane(Op.i16x8ReplaceLane, 7);
    body.i32Const(0);
    body.load(Op.v128Load, 4, 48);
    body.lane(Op.i8x16ExtractLaneU, 5);
    body.lane(Op.i8x16ReplaceLane, 1);
  });
  assert.deepEqual(bytes, [0, 53, ...range(12, (i) => i + 2), 0x66, 0x77]);
});

test('lanes are loaded and stored, splatted and zero-extended', () => {
  const bytes = memoryAfter((body) => {
    body.i32Const(16);
    body.i32Const(40);
    body.load(Op.v128Load32Zero, 2, 0);
    body.store(Op.v128Store, 4, 0);

    body.i32Const(0);
    body.i32Const(50);
    body.load(Op.v128Load8Splat, 0, 0);
    body.store(Op.v128Store, 4, 32);

    body.i32Const(0);
    body.i32Const(0);
    body.i32Const(0);
    body.load(Op.v128Load, 4, 0);
    body.loadLane(Op.v128Load16Lane, 1, 62, 3);
    body.storeLane(Op.v128Store64Lane, 3, 56, 0);
  });
  assert.deepEqual([...bytes.subarray(16, 32)], [40, 41, 42, 43, ...new Array(12).fill(0)]);
  assert.deepEqual([...bytes.subarray(32, 48)], new Array(16).fill(50));
  assert.deepEqual([...bytes.subarray(56)], [0, 1, 2, 3, 4, 5, 62, 63]);
});

test('widening, shifts and floating-point lanes', () => {
  const { widen, shift, hypotenuse } = instantiate((module) => {
    addFunction(module, 'widen', [i32], [i32], (body) => {
      body.localGet(0);
      body.op(Op.i8x16Splat);
      body.op(Op.i16x8ExtendHighI8x16S);
      body.lane(Op.i16x8ExtractLaneS, 7);
    });
    addFunction(module, 'shift', [i64, i32], [i64], (body) => {
      body.localGet(0);
      body.op(Op.i64x2Splat);
      body.localGet(1);
      body.op(Op.i64x2ShrS);
      body.lane(Op.i64x2ExtractLane, 1);
    });
    addFunction(module, 'hypotenuse', [f64, f64], [f64], (body) => {
      const squares = body.local(ValueType.v128);
      body.localGet(0);
      body.op(Op.f64x2Splat);
      body.localGet(1);
      body.lane(Op.f64x2ReplaceLane, 1);
      body.localTee(squares);
      body.localGet(squares);
      body.op(Op.f64x2Mul);
      body.localTee(squares);
      body.lane(Op.f64x2ExtractLane, 0);
      body.localGet(squares);
      body.lane(Op.f64x2ExtractLane, 1);
      body.op(Op.f64Add);
      body.op(Op.f64Sqrt);
    });
  });
  assert.equal(widen(-3), -3);
  assert.equal(shift(-0x1234_5678_9abc_def0n, 60), -2n);
  assert.equal(hypotenuse(3, 4), 5);
});

test('relaxed multiply-add, on operands where rounding cannot show', () => {
  const { run } = instantiate((module) => {
    addFunction(module, 'run', [f64, f64, f64], [f64], (body) => {
      for (let i = 0; i < 3; i++) {
        body.localGet(i);
        body.op(Op.f64x2Splat);
      }
      body.op(Op.f64x2RelaxedMadd);
      body.lane(Op.f64x2ExtractLane, 1);
    });
  });
  assert.equal(run(3, 5, 7), 22);
});
