import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import { FlagForm } from '../ir/flag-forms.ts';
import { FLAG_C, FLAG_FORM, FLAG_N, FLAG_V, FLAG_Z } from '../state.ts';

/** In the local that holds the form: the flags are in the record, in the form that it says. */
const IN_RECORD = -1;

/**
 * What is known of the flags where code is being made: their form if they are in the locals; `record` if the record has them
 * in whatever form, `fields` if as fields; `unknown` where ways with different answers meet.
 */
export type KnownFlags = FlagForm | 'record' | 'recordFields' | 'unknown';

/**
 * A region's flags: four locals as fields, or two of them as the operands that made the flags, and one that tells which. The
 * last one counts where different ways meet, and on the way out.
 */
export class FlagLocals {
  readonly n: number;
  readonly z: number;
  readonly c: number;
  readonly v: number;
  readonly #form: number;
  readonly #code: FunctionBuilder;
  readonly #stateLocal: number;
  known: KnownFlags = 'record';

  constructor(code: FunctionBuilder, stateLocal: number) {
    const { i32, i64 } = ValueType;
    this.#code = code;
    this.#stateLocal = stateLocal;
    this.n = code.local(i64);
    this.z = code.local(i64);
    this.c = code.local(i32);
    this.v = code.local(i64);
    this.#form = code.local(i32);
  }

  /** The record has the flags: at the region's start, and behind a call. */
  forget(): void {
    this.#setForm(IN_RECORD);
    this.known = 'record';
  }

  /** The locals were given flags of a form. */
  set(form: FlagForm): void {
    this.#setForm(form);
    this.known = form;
  }

  #setForm(form: number): void {
    this.#code.i32Const(form);
    this.#code.localSet(this.#form);
  }

  /** Stores the flags to the record, in their form. */
  store(): void {
    if (this.known === 'record' || this.known === 'recordFields') return;
    if (this.known === 'unknown') {
      this.storeUnknown();
      return;
    }
    const code = this.#code;
    code.localGet(this.#stateLocal);
    code.i32Const(this.known);
    code.store(Op.i32Store, 2, FLAG_FORM);
    this.#storeLocal(Op.i64Store, this.n, FLAG_N);
    this.#storeLocal(Op.i64Store, this.z, FLAG_Z);
    if (this.known !== FlagForm.fields) return;
    this.#storeLocal(Op.i32Store, this.c, FLAG_C);
    this.#storeLocal(Op.i64Store, this.v, FLAG_V);
  }

  /** Stores the flags, whatever form they have here. */
  storeUnknown(): void {
    const code = this.#code;
    code.localGet(this.#form);
    code.i32Const(IN_RECORD);
    code.op(Op.i32Ne);
    code.if();
    this.#storeLocal(Op.i32Store, this.#form, FLAG_FORM);
    this.#storeLocal(Op.i64Store, this.n, FLAG_N);
    this.#storeLocal(Op.i64Store, this.z, FLAG_Z);
    this.#storeLocal(Op.i32Store, this.c, FLAG_C);
    this.#storeLocal(Op.i64Store, this.v, FLAG_V);
    code.end();
  }

  /** Makes the record hold the flags as fields; `normalise` is the link module's function. */
  storeFields(normalise: number): void {
    if (this.known === 'recordFields') return;
    this.store();
    if (this.known === FlagForm.fields) return;
    const code = this.#code;
    code.localGet(this.#stateLocal);
    code.load(Op.i32Load, 2, FLAG_FORM);
    code.if();
    code.localGet(this.#stateLocal);
    code.call(normalise);
    code.end();
  }

  /** After storeFields, on every way: the record is what counts from here on. */
  leaveToRecord(): void {
    this.#setForm(IN_RECORD);
    this.known = 'recordFields';
  }

  #storeLocal(opcode: number, local: number, offset: number): void {
    this.#code.localGet(this.#stateLocal);
    this.#code.localGet(local);
    this.#code.store(opcode, opcode === Op.i64Store ? 3 : 2, offset);
  }
}
