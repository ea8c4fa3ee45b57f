import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op } from '../../wasm/opcodes.ts';
import { INDEX_MASK, INDEX_SHIFT } from '../translation-table.ts';

/** From a translation table's address and the low half of a virtual address, both on the stack, to the entry's address. */
export const emitEntry = (code: FunctionBuilder): void => {
  code.i32Const(INDEX_SHIFT);
  code.op(Op.i32ShrU);
  code.i32Const(INDEX_MASK);
  code.op(Op.i32And);
  code.op(Op.i32Add);
};
