import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import type { RegisterSet, RegisterUse } from './register-use.ts';

/** A region's guest registers in wasm locals. */
export class RegisterLocals {
  readonly #code: FunctionBuilder;
  readonly #stateLocal: number;
  readonly #use: RegisterUse;
  readonly #general: readonly number[];
  readonly #vector: readonly number[];
  /** The local of each register, by its offset in the record. */
  readonly #byOffset = new Map<number, number>();

  constructor(code: FunctionBuilder, stateLocal: number, use: RegisterUse) {
    this.#code = code;
    this.#stateLocal = stateLocal;
    this.#use = use;
    this.#general = use.general.map((offset) => this.#make(offset, ValueType.i64));
    this.#vector = use.vector.map((offset) => this.#make(offset, ValueType.v128));
  }

  #make(offset: number, type: ValueType): number {
    const local = this.#code.local(type);
    this.#byOffset.set(offset, local);
    return local;
  }

  /** The local of the register at an offset in the record. */
  of(offset: number): number {
    const local = this.#byOffset.get(offset);
    if (local === undefined) throw new Error(`the region has no register at offset ${offset}`);
    return local;
  }

  /** Loads registers from the record. */
  load({ general, vector }: RegisterSet): void {
    const code = this.#code;
    for (let i = 0; i < this.#general.length; i++) {
      if (((general >>> i) & 1) === 0) continue;
      code.localGet(this.#stateLocal);
      code.load(Op.i64Load, 3, this.#use.general[i] as number);
      code.localSet(this.#general[i] as number);
    }
    for (let i = 0; i < this.#vector.length; i++) {
      if (((vector >>> i) & 1) === 0) continue;
      code.localGet(this.#stateLocal);
      code.load(Op.v128Load, 4, this.#use.vector[i] as number);
      code.localSet(this.#vector[i] as number);
    }
  }

  /** Stores registers to the record. */
  store({ general, vector }: RegisterSet): void {
    const code = this.#code;
    for (let i = 0; i < this.#general.length; i++) {
      if (((general >>> i) & 1) === 0) continue;
      code.localGet(this.#stateLocal);
      code.localGet(this.#general[i] as number);
      code.store(Op.i64Store, 3, this.#use.general[i] as number);
    }
    for (let i = 0; i < this.#vector.length; i++) {
      if (((vector >>> i) & 1) === 0) continue;
      code.localGet(this.#stateLocal);
      code.localGet(this.#vector[i] as number);
      code.store(Op.v128Store, 4, this.#use.vector[i] as number);
    }
  }
}
