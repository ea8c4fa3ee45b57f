import { FunctionBuilder } from '../../../wasm/function-builder.ts';
import { ModuleBuilder } from '../../../wasm/module-builder.ts';
import { Op, ValueType } from '../../../wasm/opcodes.ts';

/**
 * Whether the host's relaxed multiply-add rounds once. Wasm leaves that to the implementation, which must however do the same
 * every time, so that a trial tells. The results of guests do not depend on it, only how they are got.
 */

/** A function that gives a * b + c of its lowest lanes. */
const encodeTrial = (type: ValueType, splat: number, madd: number, extract: number): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  const code = new FunctionBuilder([type, type, type]);
  for (let operand = 0; operand < 3; operand++) {
    code.localGet(operand);
    code.op(splat);
  }
  code.op(madd);
  code.lane(extract, 0);
  module.exportFunction('multiplyAdd', module.function(module.type([type, type, type], [type]), code));
  return module.encode();
};

/** (1 + e)^2 - (1 + 2e), which is e^2 if rounded once and 0 if the product is rounded too. */
const fuses = (encoded: Uint8Array<ArrayBuffer>, e: number): boolean => {
  if (!WebAssembly.validate(encoded)) return false;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encoded));
  const multiplyAdd = exports.multiplyAdd as (a: number, b: number, c: number) => number;
  return multiplyAdd(1 + e, 1 + e, -(1 + 2 * e)) === e * e;
};

const tryHost = (): boolean => {
  const { f32, f64 } = ValueType;
  return (
    fuses(encodeTrial(f32, Op.f32x4Splat, Op.f32x4RelaxedMadd, Op.f32x4ExtractLane), 2 ** -12) &&
    fuses(encodeTrial(f64, Op.f64x2Splat, Op.f64x2RelaxedMadd, Op.f64x2ExtractLane), 2 ** -27)
  );
};

let known: boolean | null = null;

export const hostFuses = (): boolean => {
  known ??= tryHost();
  return known;
};

/** Makes translations from now on as if the host did or did not; null lets the host say. For tests. */
export const overrideHostFusion = (fusion: boolean | null): void => {
  known = fusion;
};
