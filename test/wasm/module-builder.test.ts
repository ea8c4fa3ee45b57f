import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Constant } from '../../src/wasm/constant-expression.ts';
import { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { ModuleBuilder } from '../../src/wasm/module-builder.ts';
import { Op, ValueType } from '../../src/wasm/opcodes.ts';
import { disassemble } from './disassembly.ts';
import { addFunction, instantiate } from './run.ts';

const { i32, i64, f32, f64, v128, funcref, externref } = ValueType;

test('equal function types share an index', () => {
  const module = new ModuleBuilder();
  assert.equal(module.type([i32, i64], []), 0);
  assert.equal(module.type([i32], [i64]), 1);
  assert.equal(module.type([], [i32, i64]), 2);
  assert.equal(module.type([i32, i64], []), 0);
  assert.equal(module.type([i32], [i64]), 1);
  assert.equal(module.type([], []), 3);
});

test('an empty module is only the header', () => {
  assert.deepEqual([...new ModuleBuilder().encode()], [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
});

test('the module has a buffer of exactly its size', () => {
  const module = new ModuleBuilder();
  module.exportFunction('f', module.function(module.type([], []), new FunctionBuilder()));
  const bytes = module.encode();
  assert.equal(bytes.buffer.byteLength, bytes.length);
  assert.deepEqual(module.encode(), bytes, 'encoding again gives the same');
});

test('the platform sees every import and export, of each kind', () => {
  const module = new ModuleBuilder();
  module.importFunction('a', 'function', module.type([], []));
  module.importTable('a', 'table', { element: externref, initial: 1, maximum: 3 });
  module.importMemory('a', 'memory', { initial: 1, maximum: 2, shared: true });
  module.importGlobal('b', 'größe', i64, true);
  const body = new FunctionBuilder();
  module.exportFunction('f', module.function(module.type([], []), body));
  module.exportTable('t', module.table({ element: funcref, initial: 0 }));
  module.exportMemory('m', 0);
  module.exportGlobal('g', module.global(f32, false, Constant.f32(1)));
  const compiled = new WebAssembly.Module(module.encode());
  assert.deepEqual(WebAssembly.Module.imports(compiled), [
    { module: 'a', name: 'function', kind: 'function' },
    { module: 'a', name: 'table', kind: 'table' },
    { module: 'a', name: 'memory', kind: 'memory' },
    { module: 'b', name: 'größe', kind: 'global' },
  ]);
  assert.deepEqual(WebAssembly.Module.exports(compiled), [
    { name: 'f', kind: 'function' },
    { name: 't', kind: 'table' },
    { name: 'm', kind: 'memory' },
    { name: 'g', kind: 'global' },
  ]);
});

test('definitions are numbered after the imports of their kind', () => {
  const module = new ModuleBuilder();
  const type = module.type([], []);
  assert.equal(module.importFunction('a', 'f', type), 0);
  assert.equal(module.importFunction('a', 'g', type), 1);
  assert.equal(module.importGlobal('a', 'g', i32, false), 0);
  assert.equal(module.importTable('a', 't', { element: funcref, initial: 1 }), 0);
  assert.equal(module.importMemory('a', 'm', { initial: 1 }), 0);
  assert.equal(module.function(type, new FunctionBuilder()), 2);
  assert.equal(module.declareFunction(type), 3);
  assert.equal(module.global(i32, true, Constant.i32(0)), 1);
  assert.equal(module.table({ element: funcref, initial: 1 }), 1);
  assert.equal(module.memory({ initial: 1 }), 1);
});

test('an import after a definition of its kind is refused', () => {
  const module = new ModuleBuilder();
  const type = module.type([], []);
  module.function(type, new FunctionBuilder());
  module.memory({ initial: 1 });
  module.table({ element: funcref, initial: 1 });
  module.global(i32, false, Constant.i32(0));
  const late = /import host\.late must come before definitions of its kind \(there are 1\)/;
  assert.throws(() => module.importFunction('host', 'late', type), late);
  assert.throws(() => module.importMemory('host', 'late', { initial: 1 }), late);
  assert.throws(() => module.importTable('host', 'late', { element: funcref, initial: 1 }), late);
  assert.throws(() => module.importGlobal('host', 'late', i32, false), late);
});

test('a shared memory without a maximum is refused', () => {
  const module = new ModuleBuilder();
  assert.throws(() => module.memory({ initial: 1, shared: true }), /needs a maximum/);
  assert.throws(() => module.importMemory('a', 'm', { initial: 1, shared: true }), /needs a maximum/);
});

test('a body that does not fit its function is refused', () => {
  const module = new ModuleBuilder();
  const type = module.type([i32, f64], []);
  assert.throws(() => module.function(type, new FunctionBuilder([i32])), /parameters differ from those of type 0/);
  assert.throws(() => module.function(type, new FunctionBuilder([f64, i32])), /parameters differ/);
  assert.throws(() => module.declareFunction(1), /no function type 1/);
  assert.throws(() => module.defineFunction(7, new FunctionBuilder()), /function 7 is not one this module defines/);
});

test('a body missing, given twice or changed before encoding is refused', () => {
  const module = new ModuleBuilder();
  const type = module.type([], []);
  const index = module.declareFunction(type);
  assert.throws(() => module.encode(), /function 0 is declared but has no body/);
  const body = new FunctionBuilder();
  module.defineFunction(index, body);
  assert.throws(() => module.defineFunction(index, new FunctionBuilder()), /function 0 is defined twice/);
  assert.ok(WebAssembly.validate(module.encode()));
  body.reset([]);
  body.finish();
  assert.throws(() => module.encode(), /the body of function 0 changed before the module was encoded/);

  const other = new ModuleBuilder();
  const longer = new FunctionBuilder();
  other.function(other.type([], []), longer);
  longer.op(Op.nop);
  assert.throws(() => other.encode(), /changed before/);
});

test('declared functions may call each other', () => {
  const { even } = instantiate((module) => {
    const type = module.type([i32], [i32]);
    const even = module.declareFunction(type);
    const odd = module.declareFunction(type);
    const write = (other: number, ifZero: number): FunctionBuilder => {
      const body = new FunctionBuilder([i32]);
      body.localGet(0);
      body.if(i32);
      body.localGet(0);
      body.i32Const(1);
      body.op(Op.i32Sub);
      body.call(other);
      body.else();
      body.i32Const(ifZero);
      body.end();
      return body;
    };
    module.defineFunction(odd, write(even, 0));
    module.defineFunction(even, write(odd, 1));
    module.exportFunction('even', even);
  });
  assert.equal(even(10), 1);
  assert.equal(even(7), 0);
});

test('one builder may be reset for the next module', () => {
  const body = new FunctionBuilder();
  for (const answer of [1, 200_000]) {
    const { run } = instantiate((module) => {
      body.reset([]);
      body.i32Const(answer);
      module.exportFunction('run', module.function(module.type([], [i32]), body));
    });
    assert.equal(run(), answer);
  }
});

test('a module begins with what another one declares and imports, and leaves that one as it is', () => {
  const base = new ModuleBuilder();
  const twice = base.type([i32], [i32]);
  const double = base.importFunction('a', 'double', twice);
  const bare = base.encode();
  for (const added of [1, 2]) {
    const module = new ModuleBuilder(base);
    assert.equal(module.type([i32], [i32]), twice);
    const body = new FunctionBuilder([i32]);
    body.localGet(0);
    body.call(double);
    body.i32Const(added);
    body.op(Op.i32Add);
    const index = module.function(module.type([i32], [i32]), body);
    assert.equal(index, double + 1, 'functions are numbered after the imports');
    assert.equal(module.type([i64], []), twice + 1, 'types after the types');
    module.exportFunction('f', index);
    const imports = { a: { double: (n: number) => 2 * n } };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), imports);
    assert.equal((exports.f as (n: number) => number)(20), 40 + added);
  }
  assert.deepEqual(base.encode(), bare);
});

test('globals start with their constants', () => {
  const vector = Uint8Array.from({ length: 16 }, (_, i) => i);
  const { get } = instantiate(
    (module) => {
      const imported = module.importGlobal('host', 'base', i32, false);
      const globals: [ValueType, Uint8Array][] = [
        [i32, Constant.i32(-5)],
        [i64, Constant.i64(-1, 0x7fff_ffff)],
        [f32, Constant.f32(0.5)],
        [f64, Constant.f64(-0)],
        [externref, Constant.refNull(externref)],
        [i32, Constant.globalGet(imported)],
      ];
      const indices = globals.map(([type, initial]) => module.global(type, false, initial));
      const vectorGlobal = module.global(v128, false, Constant.v128(vector));
      addFunction(module, 'get', [], [...globals.map(([type]) => type), i32], (body) => {
        for (const index of indices) body.globalGet(index);
        body.globalGet(vectorGlobal);
        body.lane(Op.i8x16ExtractLaneU, 13);
      });
    },
    { host: { base: 77 } },
  );
  assert.deepEqual(get(), [-5, 0x7fff_ffff_ffff_ffffn, 0.5, -0, null, 77, 13]);
  assert.throws(() => Constant.v128(new Uint8Array(3)), /v128 constant of 3 bytes/);
});

test('the start function runs on instantiation', () => {
  let started = 0;
  instantiate(
    (module) => {
      const type = module.type([], []);
      const note = module.importFunction('host', 'note', type);
      const body = new FunctionBuilder();
      body.call(note);
      module.start(module.function(type, body));
    },
    { host: { note: () => started++ } },
  );
  assert.equal(started, 1);
});

test('custom sections are found under their names', () => {
  const module = new ModuleBuilder();
  module.customSection('notes', Uint8Array.of(1, 2, 3));
  module.customSection('notes', new Uint8Array(200));
  const sections = WebAssembly.Module.customSections(new WebAssembly.Module(module.encode()), 'notes');
  assert.deepEqual(
    sections.map((section) => section.byteLength),
    [3, 200],
  );
  assert.deepEqual([...new Uint8Array(sections[0])], [1, 2, 3]);
});

test('names of the module, functions and locals appear in the disassembly', () => {
  const module = new ModuleBuilder();
  const type = module.type([i32], []);
  const indices = [0, 1].map(() => {
    const body = new FunctionBuilder([i32]);
    body.local(f64);
    return module.function(type, body);
  });
  module.nameModule('region');
  // Out of order, since the section must be sorted whatever the order.
  module.nameFunction(indices[1], 'second');
  module.nameFunction(indices[0], 'first');
  module.nameLocal(indices[1], 1, 'scratch');
  module.nameLocal(indices[1], 0, 'state');
  module.nameLocal(indices[0], 0, 'address');
  const text = disassemble(module.encode());
  assert.match(text, /\(module \$region/);
  assert.match(text, /\(func \$first \(type 0\) \(param \$address i32\)\s+\(local f64\)\)/);
  assert.match(text, /\(func \$second \(type 0\) \(param \$state i32\)\s+\(local \$scratch f64\)\)/);
});

test('a trap names the function', () => {
  const { run } = instantiate((module) => {
    module.nameFunction(
      addFunction(module, 'run', [], [], (body) => body.unreachable()),
      'guest_0x1000',
    );
  });
  assert.throws(
    run,
    (error: Error) => error instanceof WebAssembly.RuntimeError && /guest_0x1000/.test(error.stack ?? ''),
  );
});
