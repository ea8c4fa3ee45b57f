import type { ModuleBuilder } from '../../wasm/module-builder.ts';
import { ValueType } from '../../wasm/opcodes.ts';

/**
 * What translated modules of both tiers import: machine memory, the engine's slow paths (architecture.ts), and the table of
 * regions. Function and type indices are the same in every module.
 */

const { i32, i64 } = ValueType;

export interface ImportIndices {
  /** Slow paths of accesses: (state, virtual address, size | access << 8) -> Status (link.ts). */
  readonly load: number;
  readonly store: number;
  readonly address: number;
  readonly fetch: number;
  readonly decode: number;
  readonly routine: number;
  /** Makes the record's flags fields (link.ts). */
  readonly normalise: number;
  /** Type of a region: (state, virtual address of its page, how many regions have called this one) -> Exit. */
  readonly regionType: number;
  /** Table index of the regions' table. */
  readonly regionTable: number;
}

/** Slots of the regions' table, the same for all threads; slot 0 is where no region is. */
export const REGION_SLOTS = 1 << 16;

/** Module name of all imports. */
export const IMPORT_MODULE = 'e';

/** The memory and the regions' table: all that some modules need. */
export const declareMemory = (
  module: ModuleBuilder,
  memoryPages: number,
): { readonly regionType: number; readonly regionTable: number } => {
  const regionType = module.type([i32, i64, i32], [i32]);
  module.importMemory(IMPORT_MODULE, 'memory', { initial: memoryPages, maximum: memoryPages, shared: true });
  const regionTable = module.importTable(IMPORT_MODULE, 'regions', {
    element: ValueType.funcref,
    initial: REGION_SLOTS,
    maximum: REGION_SLOTS,
  });
  return { regionType, regionTable };
};

export const declareImports = (module: ModuleBuilder, memoryPages: number): ImportIndices => {
  const slowType = module.type([i32, i64, i32], [i32]);
  const pairType = module.type([i32, i32], [i32]);
  const stateType = module.type([i32], [i32]);
  const load = module.importFunction(IMPORT_MODULE, 'load', slowType);
  const store = module.importFunction(IMPORT_MODULE, 'store', slowType);
  const address = module.importFunction(IMPORT_MODULE, 'address', slowType);
  const fetch = module.importFunction(IMPORT_MODULE, 'fetch', stateType);
  const decode = module.importFunction(IMPORT_MODULE, 'decode', pairType);
  const routine = module.importFunction(IMPORT_MODULE, 'routine', pairType);
  const normalise = module.importFunction(IMPORT_MODULE, 'normalise', module.type([i32], []));
  const { regionType, regionTable } = declareMemory(module, memoryPages);
  return { load, store, address, fetch, decode, routine, normalise, regionType, regionTable };
};

/** For code that only tells what a description does: nothing in it is ever called. */
export const noImports: ImportIndices = {
  load: 0,
  store: 0,
  address: 0,
  fetch: 0,
  decode: 0,
  routine: 0,
  normalise: 0,
  regionType: 0,
  regionTable: 0,
};
