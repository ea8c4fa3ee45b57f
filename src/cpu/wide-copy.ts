import { FunctionBuilder } from '../wasm/function-builder.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import { Op, ValueType } from '../wasm/opcodes.ts';
import type { MachineMemory } from './machine-memory.ts';

/**
 * Copies of 8 and 16 bytes in machine memory by one load and one store each, as a guest's own access would be: JavaScript
 * could only copy them in halves, which another processor may see.
 */
export interface WideCopy {
  copy8(to: number, from: number): void;
  copy16(to: number, from: number): void;
}

const MODULE = 'e';

const addCopy = (module: ModuleBuilder, name: string, load: number, store: number): void => {
  const { i32 } = ValueType;
  const code = new FunctionBuilder([i32, i32]);
  code.localGet(0);
  code.localGet(1);
  code.load(load, 0, 0);
  code.store(store, 0, 0);
  module.exportFunction(name, module.function(module.type([i32, i32], []), code));
};

const make = (memory: MachineMemory): WideCopy => {
  const pages = memory.size / 65536;
  const module = new ModuleBuilder();
  module.importMemory(MODULE, 'memory', { initial: pages, maximum: pages, shared: true });
  addCopy(module, 'copy8', Op.i64Load, Op.i64Store);
  addCopy(module, 'copy16', Op.v128Load, Op.v128Store);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode()), {
    [MODULE]: { memory: memory.memory },
  });
  return { copy8: exports.copy8 as WideCopy['copy8'], copy16: exports.copy16 as WideCopy['copy16'] };
};

const copies = new WeakMap<MachineMemory, WideCopy>();
let latestMemory: MachineMemory | null = null;
let latest: WideCopy | null = null;

/** The copier of a machine memory; a thread has one. */
export const wideCopy = (memory: MachineMemory): WideCopy => {
  if (latest !== null && memory === latestMemory) return latest;
  let copy = copies.get(memory);
  if (copy === undefined) {
    copy = make(memory);
    copies.set(memory, copy);
  }
  latestMemory = memory;
  latest = copy;
  return copy;
};
