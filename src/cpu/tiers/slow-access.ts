import { FunctionBuilder } from '../../wasm/function-builder.ts';
import type { ModuleBuilder } from '../../wasm/module-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import { PAGE_SIZE } from '../code-page.ts';
import { Access } from '../ir/builder.ts';
import { SCRATCH, TLB, TLB_UNPRIVILEGED } from '../state.ts';
import { ADDEND, READ_TAG, WRITE_TAG } from '../translation-table.ts';
import { emitDone, emitLoadToScratch, emitStoreFromScratch } from './scratch-access.ts';
import { emitEntry } from './table-entry.ts';

/**
 * Accesses that the check in translated code does not let through though the translation table has their pages: those across
 * the end of a page, the halves of a pair across it, and those in another page than one near which they were expected.
 * Everything else goes on to the engine.
 */

const { i32, i64 } = ValueType;

/** Accesses that only the engine does: it checks more of them than where they lead. */
const BY_ENGINE = Access.aligned | Access.memory;

const state = 0;
const address = 1;
const kind = 2;

/** Adds `copy(to, from, length)`, which is at least 1: so few bytes that a loop is quickest. */
const addCopy = (module: ModuleBuilder): number => {
  const [to, from, length] = [0, 1, 2];
  const code = new FunctionBuilder([i32, i32, i32]);
  const again = code.loop();
  code.localGet(length);
  code.i32Const(1);
  code.op(Op.i32Sub);
  code.localTee(length);
  code.localGet(to);
  code.op(Op.i32Add);
  code.localGet(length);
  code.localGet(from);
  code.op(Op.i32Add);
  code.load(Op.i32Load8U, 0, 0);
  code.store(Op.i32Store8, 0, 0);
  code.localGet(length);
  code.brIf(again);
  code.end();
  return module.function(module.type([i32, i32, i32], []), code);
};

interface Locals {
  readonly size: number;
  readonly table: number;
  readonly entry: number;
  readonly offset: number;
  /** Machine addresses of the first page's part and of the second's. */
  readonly first: number;
  readonly second: number;
  /** Bytes in the first page. */
  readonly split: number;
}

/** A slow path's body; `engine` is the function that makes the access by the engine. */
class SlowAccess {
  readonly #code = new FunctionBuilder([i32, i64, i32]);
  readonly #tag: number;
  readonly #engine: number;
  readonly #copy: number;
  readonly #locals: Locals;

  constructor(tag: number, engine: number, copy: number) {
    this.#tag = tag;
    this.#engine = engine;
    this.#copy = copy;
    const code = this.#code;
    this.#locals = {
      size: code.local(i32),
      table: code.local(i32),
      entry: code.local(i32),
      offset: code.local(i64),
      first: code.local(i32),
      second: code.local(i32),
      split: code.local(i32),
    };
  }

  encode(): FunctionBuilder {
    const code = this.#code;
    const { size, split, first, second, offset } = this.#locals;
    const engine = code.block();
    this.#emitTable(engine);
    code.localGet(kind);
    code.i32Const(0xff);
    code.op(Op.i32And);
    code.localSet(size);
    this.#emitPage(0, first, engine);
    code.i32Const(PAGE_SIZE);
    code.localGet(offset);
    code.op(Op.i32WrapI64);
    code.op(Op.i32Sub);
    code.localSet(split);
    code.localGet(split);
    code.localGet(size);
    code.op(Op.i32GeU);
    code.if();
    this.#emitWithinPage();
    code.end();
    this.#emitPage(1, second, engine);
    if (this.#tag === READ_TAG) this.#emitClear();
    this.#emitCopy(null, first, split);
    code.localGet(size);
    code.localGet(split);
    code.op(Op.i32Sub);
    code.localSet(size);
    this.#emitCopy(split, second, size);
    emitDone(code);
    code.end();
    this.#emitEngine();
    return code;
  }

  /** The table for the access; some go to the engine at once. */
  #emitTable(engine: number): void {
    const code = this.#code;
    code.localGet(kind);
    code.i32Const(BY_ENGINE << 8);
    code.op(Op.i32And);
    code.brIf(engine);
    code.localGet(state);
    code.load(Op.i32Load, 2, TLB_UNPRIVILEGED);
    code.localGet(state);
    code.load(Op.i32Load, 2, TLB);
    code.localGet(kind);
    code.i32Const(Access.unprivileged << 8);
    code.op(Op.i32And);
    code.op(Op.select);
    code.localSet(this.#locals.table);
  }

  /**
   * Leaves in `machine` where the access begins (`page` 0), or where its second page does (1); goes to the engine if the table
   * does not have that page.
   */
  #emitPage(page: 0 | 1, machine: number, engine: number): void {
    const code = this.#code;
    const { entry, offset, table, split } = this.#locals;
    const pushAddress = (): void => {
      code.localGet(address);
      if (page === 0) return;
      code.localGet(split);
      code.op(Op.i64ExtendI32U);
      code.op(Op.i64Add);
    };
    code.localGet(table);
    pushAddress();
    code.op(Op.i32WrapI64);
    emitEntry(code);
    code.localSet(entry);
    pushAddress();
    code.localGet(entry);
    code.load(Op.i64Load, 3, this.#tag);
    code.op(Op.i64Add);
    code.localTee(offset);
    code.i64ConstNumber(PAGE_SIZE - 1);
    code.op(Op.i64GtU);
    code.brIf(engine);
    pushAddress();
    code.op(Op.i32WrapI64);
    code.localGet(entry);
    code.load(Op.i32Load, 2, ADDEND);
    code.op(Op.i32Add);
    code.localSet(machine);
  }

  /** What is loaded is zero-extended. */
  #emitClear(): void {
    const code = this.#code;
    code.localGet(state);
    code.i64Const(0, 0);
    code.store(Op.i64Store, 3, SCRATCH);
  }

  /** The whole access in one page, so made at once. */
  #emitWithinPage(): void {
    const { size, first } = this.#locals;
    const emit = this.#tag === READ_TAG ? emitLoadToScratch : emitStoreFromScratch;
    emit(this.#code, size, first);
    emitDone(this.#code);
  }

  /** Copies `length` bytes between a machine address and the scratch cell, there behind the first `skipped`: all locals. */
  #emitCopy(skipped: number | null, machine: number, length: number): void {
    const code = this.#code;
    const loads = this.#tag === READ_TAG;
    if (!loads) code.localGet(machine);
    code.localGet(state);
    code.i32Const(SCRATCH);
    code.op(Op.i32Add);
    if (skipped !== null) {
      code.localGet(skipped);
      code.op(Op.i32Add);
    }
    if (loads) code.localGet(machine);
    code.localGet(length);
    code.call(this.#copy);
  }

  #emitEngine(): void {
    const code = this.#code;
    for (const parameter of [state, address, kind]) code.localGet(parameter);
    code.call(this.#engine);
    code.return();
  }
}

/** Adds the slow paths of loads and stores, given the functions that make them by the engine; gives theirs. */
export const addSlowAccesses = (
  module: ModuleBuilder,
  load: number,
  store: number,
): { readonly load: number; readonly store: number } => {
  const type = module.type([i32, i64, i32], [i32]);
  const copy = addCopy(module);
  return {
    load: module.function(type, new SlowAccess(READ_TAG, load, copy).encode()),
    store: module.function(type, new SlowAccess(WRITE_TAG, store, copy).encode()),
  };
};
