import { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { ModuleBuilder } from '../../src/wasm/module-builder.ts';
import type { ValueType } from '../../src/wasm/opcodes.ts';

/** An exported function, as tests call it: i64 values are bigints, several results an array. */
export type Exported = (...operands: unknown[]) => unknown;

/** Adds and exports a function. Returns its index. */
export function addFunction(
  module: ModuleBuilder,
  name: string,
  params: readonly ValueType[],
  results: readonly ValueType[],
  write: (body: FunctionBuilder) => void,
): number {
  const body = new FunctionBuilder(params);
  write(body);
  const index = module.function(module.type(params, results), body);
  module.exportFunction(name, index);
  return index;
}

/** Encodes, compiles and instantiates what `fill` puts into a module. Returns the exported functions. */
export function instantiate(
  fill: (module: ModuleBuilder) => void,
  imports: WebAssembly.Imports = {},
): Record<string, Exported> {
  const module = new ModuleBuilder();
  fill(module);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), imports);
  return instance.exports as Record<string, Exported>;
}

/** One function, ready to call. */
export function compile(
  params: readonly ValueType[],
  results: readonly ValueType[],
  write: (body: FunctionBuilder) => void,
): Exported {
  return instantiate((module) => addFunction(module, 'run', params, results, write)).run;
}
