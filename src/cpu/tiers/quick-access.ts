import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import { QUICK_FAULT, QuickAccess } from '../architecture.ts';
import { PAGE_SIZE } from '../code-page.ts';
import { Access } from '../ir/builder.ts';
import { Status } from '../runtime.ts';
import { SCRATCH } from '../state.ts';
import { emitDone, emitLoadToScratch, emitStoreFromScratch } from './scratch-access.ts';

/** Accesses that missed the translation table, in wasm where the architecture's `quickFill` can help, else by the slow paths. */

const { i32, i64 } = ValueType;

const [stateLocal, addressLocal, kindLocal] = [0, 1, 2];

type Name = 'load' | 'store' | 'address';

/** For atomic operations, which write what they read: who may write may read. */
const emitAddress = (code: FunctionBuilder, machineLocal: number): void => {
  code.localGet(stateLocal);
  code.localGet(machineLocal);
  code.store(Op.i32Store, 2, SCRATCH);
};

/** An access by `quickFill`, or if that does not help by the function `otherwise`. */
export const quickAccess = (name: Name, quickFill: number, otherwise: number): FunctionBuilder => {
  const code = new FunctionBuilder([i32, i64, i32]);
  const size = code.local(i32);
  const misaligned = code.local(i32);
  const machine = code.local(i32);
  code.localGet(kindLocal);
  code.i32Const(0xff);
  code.op(Op.i32And);
  code.localSet(size);
  code.localGet(addressLocal);
  code.op(Op.i32WrapI64);
  code.localGet(size);
  code.i32Const(1);
  code.op(Op.i32Sub);
  code.op(Op.i32And);
  code.i32Const(0);
  code.op(Op.i32Ne);
  code.localSet(misaligned);

  const leave = code.block();
  if (name === 'address') {
    code.localGet(misaligned);
    code.brIf(leave);
  } else {
    code.localGet(misaligned);
    code.localGet(kindLocal);
    code.i32Const(Math.log2(Access.aligned) + 8);
    code.op(Op.i32ShrU);
    code.op(Op.i32And);
    code.brIf(leave);
    code.localGet(addressLocal);
    code.op(Op.i32WrapI64);
    code.i32Const(PAGE_SIZE - 1);
    code.op(Op.i32And);
    code.localGet(size);
    code.op(Op.i32Add);
    code.i32Const(PAGE_SIZE);
    code.op(Op.i32GtU);
    code.brIf(leave);
  }
  code.localGet(stateLocal);
  code.localGet(addressLocal);
  code.localGet(kindLocal);
  code.i32Const(8);
  code.op(Op.i32ShrU);
  code.i32Const(Access.unprivileged);
  code.op(Op.i32And);
  code.i32Const((name === 'load' ? 0 : QuickAccess.write) | (name === 'address' ? 0 : QuickAccess.fault));
  code.op(Op.i32Or);
  code.call(quickFill);
  code.localTee(machine);
  code.op(Op.i32Eqz);
  code.branchHint(false);
  code.brIf(leave);
  if (name !== 'address') {
    code.localGet(machine);
    code.i32Const(QUICK_FAULT);
    code.op(Op.i32Eq);
    code.if();
    code.i32Const(Status.exception);
    code.return();
    code.end();
  }
  if (name === 'load') emitLoadToScratch(code, size, machine);
  else if (name === 'store') emitStoreFromScratch(code, size, machine);
  else emitAddress(code, machine);
  emitDone(code);
  code.end();

  for (const parameter of [stateLocal, addressLocal, kindLocal]) code.localGet(parameter);
  code.call(otherwise);
  return code;
};
