import type { ModuleBuilder } from '../../wasm/module-builder.ts';
import { ValueType } from '../../wasm/opcodes.ts';

/**
 * What translated modules of both tiers import: machine memory, the engine's slow paths (architecture.ts), and the table of
 * regions. Function and type indices are the same in every module.
 */

const { i32, i64 } = ValueType;

export interface ImportIndices {
  readonly load: number;
  readonly store: number;
  readonly address: number;
  readonly fetch: number;
  readonly decode: number;
  readonly routine: number;
  /** Type of a region: (state, virtual address of its page) -> Exit. */
  readonly regionType: number;
  /** Table index of the regions' table. */
  readonly regionTable: number;
}

/** Module name of all imports. */
export const IMPORT_MODULE = 'e';

export const declareImports = (module: ModuleBuilder, memoryPages: number): ImportIndices => {
  const slowType = module.type([i32, i32, i32, i32], [i32]);
  const pairType = module.type([i32, i32], [i32]);
  const stateType = module.type([i32], [i32]);
  const regionType = module.type([i32, i64], [i32]);
  const load = module.importFunction(IMPORT_MODULE, 'load', slowType);
  const store = module.importFunction(IMPORT_MODULE, 'store', slowType);
  const address = module.importFunction(IMPORT_MODULE, 'address', slowType);
  const fetch = module.importFunction(IMPORT_MODULE, 'fetch', stateType);
  const decode = module.importFunction(IMPORT_MODULE, 'decode', pairType);
  const routine = module.importFunction(IMPORT_MODULE, 'routine', pairType);
  module.importMemory(IMPORT_MODULE, 'memory', { initial: memoryPages, maximum: memoryPages, shared: true });
  const regionTable = module.importTable(IMPORT_MODULE, 'regions', { element: ValueType.funcref, initial: 1 });
  return { load, store, address, fetch, decode, routine, regionType, regionTable };
};
