import { Constant } from '../../src/wasm/constant-expression.ts';
import { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { ModuleBuilder } from '../../src/wasm/module-builder.ts';
import { blockTypeOf, Op, ValueType } from '../../src/wasm/opcodes.ts';
import { instructionModule } from './instruction-module.ts';
import { instructions } from './instructions.ts';
import { addFunction } from './run.ts';

const { i32, i64, f32, f64, v128, funcref, externref } = ValueType;

/** Every section but branch hints, each with all forms of its entries. */
function sections(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const nothing = module.type([], []);
  const mixed = module.type([i32, i64, f32, f64, v128], [i32, i64]);
  module.importFunction('host', 'nothing', nothing);
  module.importFunction('host', 'mixed', mixed);
  const base = module.importGlobal('host', 'base', i32, false);
  module.importMemory('host', 'memory', { initial: 1, maximum: 65_536, shared: true });
  module.importTable('host', 'table', { element: funcref, initial: 10, maximum: 300 });
  const table = module.table({ element: funcref, initial: 2 });
  module.table({ element: externref, initial: 0, maximum: 1 });
  module.global(i64, true, Constant.i64(0x89ab_cdef, 0x0123_4567));
  module.global(f32, false, Constant.f32(-1.5));
  module.global(f64, false, Constant.f64(Math.E));
  module.global(v128, true, Constant.v128(new Uint8Array(16).fill(0xa5)));
  module.global(externref, true, Constant.refNull(externref));

  const first = addFunction(module, 'first', [i32, i64, f32, f64, v128], [i32, i64], (body) => {
    for (const type of [i32, i32, v128, i64]) body.local(type);
    body.localGet(0);
    body.localGet(1);
  });
  const start = module.function(nothing, new FunctionBuilder());
  module.global(funcref, false, Constant.refFunc(start));
  module.exportTable('table', table);
  module.exportMemory('memory', 0);
  module.exportGlobal('global', 1);
  module.start(start);
  module.activeElements(0, 1, [first, start]);
  module.activeElements(table, Constant.globalGet(base), [0]);
  module.passiveElements(Uint32Array.of(start));
  module.declarativeElements([1]);
  module.activeData(65_530, Uint8Array.of(1, 2, 3));
  module.activeData(Constant.globalGet(base), new Uint8Array(0));
  module.passiveData(new Uint8Array(150).fill(0x2e));
  module.nameModule('sections');
  module.nameFunction(first, 'first');
  module.nameLocal(first, 4, 'vector');
  module.customSection('producers-notes', Uint8Array.of(0xde, 0xad));
  return module.encode();
}

/** All control flow, with branch hints. */
function control(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const pair = module.type([i32, i32], [i32, i32]);
  const unary = module.type([i32], [i32]);
  const table = module.table({ element: funcref, initial: 1 });
  const body = new FunctionBuilder([i32]);
  const result = body.block(i32);
  const outer = body.block();
  const loop = body.loop();
  body.localGet(0);
  body.branchHint(false);
  body.brIf(outer);
  body.localGet(0);
  body.brTable([loop, outer], outer);
  body.end();
  body.end();
  body.localGet(0);
  body.i32Const(1);
  body.block(blockTypeOf(pair));
  body.op(Op.i32Add);
  body.localGet(0);
  body.end();
  body.branchHint(true);
  body.if(blockTypeOf(unary));
  body.br(result);
  body.else();
  body.returnCall(0);
  body.end();
  body.drop();
  body.i32Const(3);
  body.localGet(0);
  body.returnCallIndirect(unary, table);
  body.end();
  body.return();
  module.function(unary, body);
  const trap = new FunctionBuilder([i32, i32]);
  trap.unreachable();
  module.function(pair, trap);
  return module.encode();
}

/** The modules that golden files record, by file name. */
export const goldenModules: Readonly<Record<string, () => Uint8Array>> = {
  sections,
  control,
  instructions: () => instructionModule(instructions),
};
