import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op } from '../../wasm/opcodes.ts';
import { Status } from '../runtime.ts';
import { SCRATCH } from '../state.ts';

/** Accesses of the slow paths' functions at a machine address, whose size shows when they are made. */

/** The record's address is their first parameter. */
const stateLocal = 0;

const loads = [
  [1, Op.i64Load8U],
  [2, Op.i64Load16U],
  [4, Op.i64Load32U],
  [8, Op.i64Load],
] as const;
const stores = [
  [1, Op.i64Store8],
  [2, Op.i64Store16],
  [4, Op.i64Store32],
  [8, Op.i64Store],
] as const;

/** Ends a slow path whose access is done. */
export const emitDone = (code: FunctionBuilder): void => {
  code.i32Const(Status.done);
  code.return();
};

const whenSize = (code: FunctionBuilder, sizeLocal: number, size: number, body: () => void): void => {
  code.localGet(sizeLocal);
  code.i32Const(size);
  code.op(Op.i32Eq);
  code.if();
  body();
  emitDone(code);
  code.end();
};

/** Loads into scratch cell 0, zero-extended; `sizeLocal` has the size in bytes. Ends the slow path for all sizes but 16. */
export const emitLoadToScratch = (code: FunctionBuilder, sizeLocal: number, machineLocal: number): void => {
  for (const [size, opcode] of loads) {
    whenSize(code, sizeLocal, size, () => {
      code.localGet(stateLocal);
      code.localGet(machineLocal);
      code.load(opcode, 0, 0);
      code.store(Op.i64Store, 3, SCRATCH);
      code.localGet(stateLocal);
      code.i64Const(0, 0);
      code.store(Op.i64Store, 3, SCRATCH + 8);
    });
  }
  code.localGet(stateLocal);
  code.localGet(machineLocal);
  code.load(Op.v128Load, 0, 0);
  code.store(Op.v128Store, 4, SCRATCH);
};

/** Stores from scratch cell 0 likewise. */
export const emitStoreFromScratch = (code: FunctionBuilder, sizeLocal: number, machineLocal: number): void => {
  for (const [size, opcode] of stores) {
    whenSize(code, sizeLocal, size, () => {
      code.localGet(machineLocal);
      code.localGet(stateLocal);
      code.load(Op.i64Load, 3, SCRATCH);
      code.store(opcode, 0, 0);
    });
  }
  code.localGet(machineLocal);
  code.localGet(stateLocal);
  code.load(Op.v128Load, 4, SCRATCH);
  code.store(Op.v128Store, 0, 0);
};
