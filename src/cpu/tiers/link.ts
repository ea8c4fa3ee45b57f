import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import { CODE_PAGE_SLOTS, Handler } from '../code-page.ts';
import { Exit } from '../exits.ts';
import { FlagForm, flagsOfForm } from '../ir/flag-forms.ts';
import type { I64 } from '../ir/value.ts';
import { FLAG_FORM, FLAG_N, FLAG_Z, PC, TLB_CODE } from '../state.ts';
import { CODE, EXECUTE_TAG, INDEX_MASK, INDEX_SHIFT } from '../translation-table.ts';
import { OutOfLineBuilder } from './cold-builder.ts';
import { declareMemory, noImports } from './imports.ts';

/**
 * What regions and the cold tier share in each thread: `enter(state, depth) -> Exit` goes to the region at PC, if there is one;
 * `normalise(state)` makes flags that the record holds by their operands fields again.
 */

const { i32, i64 } = ValueType;

export const encodeLink = (memoryPages: number): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  const { regionType, regionTable } = declareMemory(module, memoryPages);
  const enter = new FunctionBuilder([i32, i32]);
  emitEnter(enter, regionType, regionTable);
  module.exportFunction('enter', module.function(module.type([i32, i32], [i32]), enter));
  const normalise = new FunctionBuilder([i32, i32, i64]);
  new NormaliseBuilder(normalise, noImports).emitForms();
  const inner = module.function(module.type([i32, i32, i64], []), normalise);
  const outer = new FunctionBuilder([i32]);
  outer.localGet(0);
  outer.i32Const(0);
  outer.i64Const(0, 0);
  outer.call(inner);
  module.exportFunction('normalise', module.function(module.type([i32], []), outer));
  return module.encode();
};

/** The cold loop's own look-up, ended by a call in place of the interpreter. */
const emitEnter = (code: FunctionBuilder, regionType: number, regionTable: number): void => {
  const state = 0;
  const depth = 1;
  const pc = code.local(i64);
  const entry = code.local(i32);
  const page = code.local(i32);
  code.localGet(state);
  code.load(Op.i64Load, 3, PC);
  code.localSet(pc);
  code.localGet(state);
  code.load(Op.i32Load, 2, TLB_CODE);
  code.localGet(pc);
  code.op(Op.i32WrapI64);
  code.i32Const(INDEX_SHIFT);
  code.op(Op.i32ShrU);
  code.i32Const(INDEX_MASK);
  code.op(Op.i32And);
  code.op(Op.i32Add);
  code.localTee(entry);
  code.load(Op.i32Load, 2, CODE);
  code.localTee(page);
  code.op(Op.i32Eqz);
  code.localGet(entry);
  code.load(Op.i64Load, 3, EXECUTE_TAG);
  code.localGet(pc);
  code.i64ConstNumber(-4093);
  code.op(Op.i64And);
  code.op(Op.i64Ne);
  code.op(Op.i32Or);
  code.branchHint(false);
  code.if();
  code.i32Const(Exit.continue);
  code.return();
  code.end();
  code.localGet(page);
  code.localGet(pc);
  code.op(Op.i32WrapI64);
  code.i32Const(0xffc);
  code.op(Op.i32And);
  code.localTee(entry);
  code.i32Const(2);
  code.op(Op.i32Shl);
  code.op(Op.i32Add);
  code.load(Op.i32Load16U, 1, 0);
  code.i32Const(Handler.region);
  code.op(Op.i32Ne);
  code.if();
  code.i32Const(Exit.continue);
  code.return();
  code.end();
  code.localGet(state);
  code.localGet(pc);
  code.i64ConstNumber(-4096);
  code.op(Op.i64And);
  code.localGet(depth);
  code.localGet(page);
  code.load(Op.i32Load, 2, CODE_PAGE_SLOTS);
  code.localGet(entry);
  code.op(Op.i32Add);
  code.load(Op.i32Load, 2, 0);
  code.returnCallIndirect(regionType, regionTable);
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
