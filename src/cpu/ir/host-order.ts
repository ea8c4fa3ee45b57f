import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';

/**
 * Whether the host keeps memory accesses in order but for loads that pass earlier stores, as x86 does: then only a full barrier
 * needs an instruction. No interface tells, but a trial does: of the processors that run wasm, x86 alone makes 0/0 a negative
 * NaN.
 */

const encodeTrial = (): Uint8Array<ArrayBuffer> => {
  const { f64, i32 } = ValueType;
  const module = new ModuleBuilder();
  const code = new FunctionBuilder([f64, f64]);
  code.localGet(0);
  code.localGet(1);
  code.op(Op.f64Div);
  code.op(Op.i64ReinterpretF64);
  code.i64ConstNumber(0);
  code.op(Op.i64LtS);
  module.exportFunction('isNegative', module.function(module.type([f64, f64], [i32]), code));
  return module.encode();
};

const tryHost = (): boolean => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encodeTrial()));
  return (exports.isNegative as (a: number, b: number) => number)(0, 0) === 1;
};

let known: boolean | null = null;

export const hostKeepsOrder = (): boolean => {
  known ??= tryHost();
  return known;
};

/** Makes translations from now on as if the host did or did not; null lets the host say. For tests. */
export const overrideHostOrder = (keeps: boolean | null): void => {
  known = keeps;
};
