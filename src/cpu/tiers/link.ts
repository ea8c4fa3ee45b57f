import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import { FlagForm, flagsOfForm } from '../ir/flag-forms.ts';
import type { I64 } from '../ir/value.ts';
import { FLAG_FORM, FLAG_N, FLAG_Z } from '../state.ts';
import { OutOfLineBuilder } from './cold-builder.ts';
import { declareMemory, IMPORT_MODULE, noImports } from './imports.ts';
import { quickAccess } from './quick-access.ts';
import { addSlowAccesses } from './slow-access.ts';

/**
 * What regions and the cold tier share: `normalise(state)` makes flags that the record holds by their operands fields again;
 * `load`, `store` and `address` are the slow paths of accesses. What they cannot do the engine gets, with the address in the halves
 * that JavaScript takes.
 */

const { i32, i64 } = ValueType;

/** Names of the slow paths of accesses. */
const ACCESSES = ['load', 'store', 'address'] as const;

/** `quickFill` is the architecture's, null if frames cannot be found without the engine. */
export const encodeLink = (memoryPages: number, quickFill: FunctionBuilder | null = null): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  const slowType = module.type([i32, i32, i32, i32], [i32]);
  const slow = ACCESSES.map((name) => module.importFunction(IMPORT_MODULE, name, slowType));
  declareMemory(module, memoryPages);
  const normalise = new FunctionBuilder([i32, i32, i64]);
  new NormaliseBuilder(normalise, noImports).emitForms();
  const inner = module.function(module.type([i32, i32, i64], []), normalise);
  const outer = new FunctionBuilder([i32]);
  outer.localGet(0);
  outer.i32Const(0);
  outer.i64Const(0, 0);
  outer.call(inner);
  module.exportFunction('normalise', module.function(module.type([i32], []), outer));
  const type = module.type([i32, i64, i32], [i32]);
  const fill = quickFill === null ? null : module.function(type, quickFill);
  const byEngine = ACCESSES.map((name, i) => {
    const ask = module.function(type, passOn(slow[i] as number));
    return fill === null ? ask : module.function(type, quickAccess(name, fill, ask));
  });
  const [load, store, address] = byEngine as [number, number, number];
  for (const [name, index] of Object.entries({ ...addSlowAccesses(module, load, store), address })) {
    module.exportFunction(name, index);
  }
  return module.encode();
};

/** A function that passes an access on to the engine. */
const passOn = (slow: number): FunctionBuilder => {
  const code = new FunctionBuilder([i32, i64, i32]);
  code.localGet(0);
  code.localGet(1);
  code.op(Op.i32WrapI64);
  code.localGet(1);
  code.i64ConstNumber(32);
  code.op(Op.i64ShrU);
  code.op(Op.i32WrapI64);
  code.localGet(2);
  code.call(slow);
  return code;
};

/** Flags from operands to fields, for each form. */
class NormaliseBuilder extends OutOfLineBuilder {
  emitForms(): void {
    const { code } = this;
    const forms = Object.values(FlagForm).filter((form) => form !== FlagForm.fields);
    for (const form of forms) {
      code.localGet(this.stateLocal);
      code.load(Op.i32Load, 2, FLAG_FORM);
      code.i32Const(form);
      code.op(Op.i32Eq);
      code.if();
      this.begin();
      const a: I64 = this.state64(FLAG_N);
      const b: I64 = this.state64(FLAG_Z);
      this.setFlags(flagsOfForm(this, form, a, b));
      this.commit();
      this.end();
      code.localGet(this.stateLocal);
      code.i32Const(FlagForm.fields);
      code.store(Op.i32Store, 2, FLAG_FORM);
      code.return();
      code.end();
    }
  }
}
