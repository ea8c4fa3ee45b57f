import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import type { RegisterSet, RegisterUse } from './register-use.ts';

/** The registers of one class: their locals, and how they are kept in the record. */
interface Bank {
  readonly set: keyof RegisterSet;
  readonly offsets: readonly number[];
  readonly locals: readonly number[];
  readonly load: number;
  readonly store: number;
  /** log2 of the size. */
  readonly alignment: number;
  /** The local that tells the common way out which registers to store. */
  readonly mask: number;
  /** Those that some way out stores, and those that every one does. */
  ever: number;
  always: number;
}

/** Where a register is: its local, and its bit in sets. */
interface Place {
  readonly local: number;
  readonly set: keyof RegisterSet;
  readonly bit: number;
}

/** A region's guest registers in wasm locals, and which of them may differ from the record where code is being made. */
export class RegisterLocals {
  readonly #dirty: RegisterSet = { general: 0, vector: 0 };
  readonly #code: FunctionBuilder;
  readonly #stateLocal: number;
  readonly #banks: readonly Bank[];
  readonly #places = new Map<number, Place>();

  constructor(code: FunctionBuilder, stateLocal: number, use: RegisterUse) {
    this.#code = code;
    this.#stateLocal = stateLocal;
    const { i64, v128 } = ValueType;
    this.#banks = [
      this.#bank('general', use.general, i64, Op.i64Load, Op.i64Store, 3),
      this.#bank('vector', use.vector, v128, Op.v128Load, Op.v128Store, 4),
    ];
  }

  #bank(
    set: keyof RegisterSet,
    offsets: readonly number[],
    type: ValueType,
    load: number,
    store: number,
    alignment: number,
  ): Bank {
    const locals = offsets.map((offset, index) => {
      const local = this.#code.local(type);
      this.#places.set(offset, { local, set, bit: 1 << index });
      return local;
    });
    const mask = this.#code.local(ValueType.i32);
    return { set, offsets, locals, load, store, alignment, mask, ever: 0, always: -1 };
  }

  #place(offset: number): Place {
    const place = this.#places.get(offset);
    if (place === undefined) throw new Error(`the region has no register at offset ${offset}`);
    return place;
  }

  /** Those changed since the record had them. */
  get dirty(): RegisterSet {
    return { ...this.#dirty };
  }

  set dirty({ general, vector }: RegisterSet) {
    this.#dirty.general = general;
    this.#dirty.vector = vector;
  }

  /** The local of the register at an offset in the record. */
  of(offset: number): number {
    return this.#place(offset).local;
  }

  /** Notes that the local of the register at an offset gets another value. */
  change(offset: number): void {
    const { set, bit } = this.#place(offset);
    this.#dirty[set] |= bit;
  }

  /** Loads registers from the record. */
  load(registers: RegisterSet): void {
    const code = this.#code;
    for (const bank of this.#banks) {
      for (let i = 0; i < bank.offsets.length; i++) {
        if (((registers[bank.set] >>> i) & 1) === 0) continue;
        code.localGet(this.#stateLocal);
        code.load(bank.load, bank.alignment, bank.offsets[i] as number);
        code.localSet(bank.locals[i] as number);
      }
    }
  }

  /** Stores the dirty registers to the record. */
  store(): void {
    for (const bank of this.#banks) {
      for (let i = 0; i < bank.offsets.length; i++) {
        if (((this.#dirty[bank.set] >>> i) & 1) !== 0) this.#storeOne(bank, i);
      }
    }
  }

  #storeOne({ offsets, locals, store, alignment }: Bank, index: number): void {
    this.#code.localGet(this.#stateLocal);
    this.#code.localGet(locals[index] as number);
    this.#code.store(store, alignment, offsets[index] as number);
  }

  /** Notes the dirty registers, for the common way out. */
  emitLeaving(): void {
    for (const bank of this.#banks) {
      const dirty = this.#dirty[bank.set];
      bank.ever |= dirty;
      bank.always &= dirty;
      if (bank.offsets.length === 0) continue;
      this.#code.i32Const(dirty);
      this.#code.localSet(bank.mask);
    }
  }

  /** The common way out, when all that go there have been made: stores what was noted. */
  storeNoted(): void {
    const code = this.#code;
    for (const bank of this.#banks) {
      for (let i = 0; i < bank.offsets.length; i++) {
        if (((bank.ever >>> i) & 1) === 0) continue;
        if (((bank.always >>> i) & 1) !== 0) {
          this.#storeOne(bank, i);
          continue;
        }
        code.localGet(bank.mask);
        code.i32Const(1 << i);
        code.op(Op.i32And);
        code.if();
        this.#storeOne(bank, i);
        code.end();
      }
    }
  }
}
