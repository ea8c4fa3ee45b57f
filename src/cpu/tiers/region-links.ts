import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import { CODE_PAGE_CHANGES, CODE_PAGE_SLOTS, PAGE_SIZE, RECORDS } from '../code-page.ts';
import { Exit } from '../exits.ts';
import { KICK, PC, TLB_CODE } from '../state.ts';
import { CODE, EXECUTE_TAG, INSTRUCTION_OFFSETS } from '../translation-table.ts';
import type { ImportIndices } from './imports.ts';
import { pageOfPosition } from './region.ts';
import { emitEntry } from './table-entry.ts';

/**
 * How regions lead to each other without leaving wasm. A guest call is a wasm call, its return a wasm return: the caller goes
 * on if PC is where it expects. Any other branch is a tail call. Where no region begins, slot 0 leads back to the cold tier. PC, budget, flags and changed registers pass through the
 * record, so whoever is returned to finds an exact state, however control came there.
 */

/** A page of pre-decoded records that a region takes code from. */
export interface RegionPage {
  /** Its machine address, and the number of its latest change when it was translated (CodeCache.changesOf). */
  readonly address: number;
  readonly changes: number;
}

/** Pages of a region by their distance from the entry's, 0. */
export type RegionPages = ReadonlyMap<number, RegionPage>;

/** Regions that call each other to this depth at most: each is a frame on the thread's own stack. */
const MAX_DEPTH = 100;

const stateLocal = 0;
const pageLocal = 1;
const depthLocal = 2;

export class RegionLinks {
  readonly #code: FunctionBuilder;
  readonly #imports: ImportIndices;
  readonly #pages: RegionPages;
  readonly #scratch: number;
  /** An address's offset in its page. */
  readonly #offset: number;
  /** What the region's addresses were looked up under: TLB_CODE and, above it, TRANSLATION_CHANGES. */
  readonly #lookedUp: number;

  constructor(code: FunctionBuilder, imports: ImportIndices, pages: RegionPages) {
    this.#code = code;
    this.#imports = imports;
    this.#pages = pages;
    this.#scratch = code.local(ValueType.i32);
    this.#offset = code.local(ValueType.i64);
    this.#lookedUp = code.local(ValueType.i64);
  }

  /** Pushes the virtual address of a position. */
  emitPosition(position: number): void {
    const code = this.#code;
    code.localGet(pageLocal);
    if (position === 0) return;
    code.i64ConstNumber(position * 4);
    code.op(Op.i64Add);
  }

  /** Pushes whether the budget is used up, or somebody wants the vCPU to leave. */
  emitBudgetUsed(budget: number): void {
    const code = this.#code;
    code.localGet(budget);
    code.localGet(stateLocal);
    code.load(Op.i32Load, 2, KICK);
    code.op(Op.i32Or);
    code.i32Const(0);
    code.op(Op.i32LtS);
  }

  /**
   * Leaves at once, nothing having changed, if there is no budget, the calls are too deep, or a page was replaced. `calls` says
   * that the region calls others.
   */
  emitPrologue(budget: number, calls: boolean): void {
    const code = this.#code;
    this.emitBudgetUsed(budget);
    code.branchHint(false);
    code.if();
    code.i32Const(Exit.budget);
    code.return();
    code.end();
    code.localGet(depthLocal);
    code.i32Const(MAX_DEPTH);
    code.op(Op.i32GtU);
    code.branchHint(false);
    code.if();
    code.i32Const(Exit.continue);
    code.return();
    code.end();
    if (!calls && this.#pages.size === 1) return;
    code.localGet(stateLocal);
    code.load(Op.i64Load, 3, TLB_CODE);
    code.localSet(this.#lookedUp);
    for (const [distance, page] of this.#pages) {
      if (distance === 0) continue;
      this.#emitPageMoved(distance, page);
      this.#emitPageChanged(page);
      code.op(Op.i32Or);
      code.branchHint(false);
      code.if();
      code.i32Const(Exit.stale);
      code.return();
      code.end();
    }
  }

  /** Pushes whether a page is not mapped where it was. */
  #emitPageMoved(distance: number, page: RegionPage): void {
    const code = this.#code;
    code.localGet(this.#lookedUp);
    code.op(Op.i32WrapI64);
    code.localGet(pageLocal);
    code.op(Op.i32WrapI64);
    code.i32Const(distance * PAGE_SIZE);
    code.op(Op.i32Add);
    emitEntry(code);
    code.localTee(this.#scratch);
    code.load(Op.i64Load, 3, EXECUTE_TAG);
    this.emitPosition(distance * RECORDS);
    code.op(Op.i64Add);
    code.i64ConstNumber(0);
    code.op(Op.i64Ne);
    code.localGet(this.#scratch);
    code.load(Op.i32Load, 2, CODE);
    code.i32Const(page.address | 0);
    code.op(Op.i32Ne);
    code.op(Op.i32Or);
  }

  /** Pushes whether a page's contents may have changed. */
  #emitPageChanged(page: RegionPage): void {
    const code = this.#code;
    code.i32Const(0);
    code.load(Op.i32Load, 2, page.address + CODE_PAGE_CHANGES);
    code.i32Const(page.changes | 0);
    code.op(Op.i32Ne);
  }

  /** Leaves, all being in the record, if the region's code may not be what and where it was when the region was entered. */
  emitStillMapped(): void {
    this.#emitMoved();
    this.#emitContinueOutside();
    for (const page of this.#pages.values()) {
      this.#emitPageChanged(page);
      this.#emitContinueOutside();
    }
  }

  /** Pushes whether the region's code may not be what and where it was when the region was entered. */
  emitChanged(): void {
    this.#emitMoved();
    for (const page of this.#pages.values()) {
      this.#emitPageChanged(page);
      this.#code.op(Op.i32Or);
    }
  }

  /** Pushes whether the ways to code may have changed. */
  #emitMoved(): void {
    const code = this.#code;
    code.localGet(stateLocal);
    code.load(Op.i64Load, 3, TLB_CODE);
    code.localGet(this.#lookedUp);
    code.op(Op.i64Ne);
  }

  /** Pushes a region's arguments and the slot of what begins at a position of one of the region's pages. */
  #emitNear(position: number, page: RegionPage, deeper: number): void {
    const code = this.#code;
    code.localGet(stateLocal);
    this.emitPosition(pageOfPosition(position) * RECORDS);
    this.#emitDepth(deeper);
    code.i32Const(0);
    code.load(Op.i32Load, 2, page.address + CODE_PAGE_SLOTS + (position & (RECORDS - 1)) * 4);
  }

  /** Pushes a region's arguments and the slot of what begins at the address in `pc`; leaves if its page is not at hand. */
  #emitFar(pc: number, deeper: number): void {
    const code = this.#code;
    const entry = this.#scratch;
    code.localGet(stateLocal);
    code.load(Op.i32Load, 2, TLB_CODE);
    code.localGet(pc);
    code.op(Op.i32WrapI64);
    emitEntry(code);
    code.localTee(entry);
    code.load(Op.i64Load, 3, EXECUTE_TAG);
    code.localGet(pc);
    code.op(Op.i64Add);
    code.localTee(this.#offset);
    code.i64ConstNumber(~INSTRUCTION_OFFSETS);
    code.op(Op.i64And);
    code.i64ConstNumber(0);
    code.op(Op.i64Ne);
    this.#emitContinueOutside();
    code.localGet(stateLocal);
    code.localGet(pc);
    code.localGet(this.#offset);
    code.op(Op.i64Sub);
    this.#emitDepth(deeper);
    code.localGet(entry);
    code.load(Op.i32Load, 2, CODE);
    code.localGet(this.#offset);
    code.op(Op.i32WrapI64);
    code.op(Op.i32Add);
    code.load(Op.i32Load, 2, CODE_PAGE_SLOTS);
  }

  #emitDepth(deeper: number): void {
    const code = this.#code;
    code.localGet(depthLocal);
    if (deeper === 0) return;
    code.i32Const(deeper);
    code.op(Op.i32Add);
  }

  /** Ends with a tail call to what is at the address in `pc`, as PC says too. */
  emitJumpTo(pc: number): void {
    this.#emitFar(pc, 0);
    this.#code.returnCallIndirect(this.#imports.regionType, this.#imports.regionTable);
  }

  /** Ends with a tail call to a position outside the region, as PC says too; `pc` is a local to use. */
  emitJump(position: number, pc: number): void {
    const page = this.#pages.get(pageOfPosition(position));
    if (page === undefined) {
      this.emitPosition(position);
      this.#code.localSet(pc);
      this.#emitFar(pc, 0);
    } else this.#emitNear(position, page, 0);
    this.#code.returnCallIndirect(this.#imports.regionType, this.#imports.regionTable);
  }

  /** As emitCallTo, for a position. */
  emitCall(position: number, returnPosition: number, pc: number): void {
    const page = this.#pages.get(pageOfPosition(position));
    if (page === undefined) {
      this.emitPosition(position);
      this.#code.localSet(pc);
      this.#emitFar(pc, 1);
    } else this.#emitNear(position, page, 1);
    this.#emitCallAndReturn(returnPosition);
  }

  /** Calls what is at the address in `pc`, as PC says too. Leaves, all being in the record, unless that returns to a position. */
  emitCallTo(pc: number, returnPosition: number): void {
    this.#emitFar(pc, 1);
    this.#emitCallAndReturn(returnPosition);
  }

  #emitCallAndReturn(returnPosition: number): void {
    const code = this.#code;
    code.callIndirect(this.#imports.regionType, this.#imports.regionTable);
    code.localTee(this.#scratch);
    code.branchHint(false);
    code.if();
    code.localGet(this.#scratch);
    code.return();
    code.end();
    code.localGet(stateLocal);
    code.load(Op.i64Load, 3, PC);
    this.emitPosition(returnPosition);
    code.op(Op.i64Ne);
    this.#emitContinueOutside();
  }

  /** Leaves, all being in the record, if the condition on the stack holds, which is rare. */
  #emitContinueOutside(): void {
    const code = this.#code;
    code.branchHint(false);
    code.if();
    code.i32Const(Exit.continue);
    code.return();
    code.end();
  }
}
