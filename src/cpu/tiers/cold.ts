import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import { CODE_PAGE_SLOTS, Handler, RECORD_SIZE, RECORDS } from '../code-page.ts';
import type { HandlerDescription } from '../decoder.ts';
import { Exit } from '../exits.ts';
import { HEAT_ENTRIES } from '../heat-table.ts';
import { BUDGET, CODE_PAGE, FLAG_FORM, KICK, PC, REGION_ENTRIES, REGION_INSTRUCTIONS, TLB_CODE } from '../state.ts';
import { CODE, EXECUTE_TAG, INSTRUCTION_OFFSETS } from '../translation-table.ts';
import { AGAIN, emitStoreBudget, InlineBuilder, type LoopContext, NEXT } from './cold-builder.ts';
import { ColdHandlers, type ColdHandlersOptions, declareHandlers, type HandlerImports } from './cold-handlers.ts';
import { declareImports, type ImportIndices } from './imports.ts';
import { emitEntry } from './table-entry.ts';

/**
 * The cold tier: a wasm interpreter of pre-decoded records, generated from the instruction table. The most frequent handlers
 * are arms of the main loop's br_table; the rest are functions reached by call_indirect.
 */

const { i32, i64 } = ValueType;

const WASM_PAGE = 65536;

export interface ColdTierOptions extends ColdHandlersOptions {
  /** Machine address of the heat table (HEAT_BYTES). */
  readonly heatTable: number;
  /** Branches to a record before it is translated; 0 for never. */
  readonly hotThreshold: number;
}

/** The cold tier of one thread. */
export class ColdTier {
  /** Runs a vCPU. */
  readonly run: (state: number) => Exit;

  /** `imports` as tiers/imports.ts declares them. */
  constructor(options: ColdTierOptions, imports: WebAssembly.Imports) {
    const handlers = new ColdHandlers(options, imports);
    const main = new WebAssembly.Instance(new WebAssembly.Module(encodeMainLoop(options)), handlers.imports);
    this.run = main.exports.run as (state: number) => Exit;
  }
}

/** Encodes the main loop's module. It exports `run(state) -> Exit`. */
const encodeMainLoop = (options: ColdTierOptions): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  const imports = declareImports(module, options.memory.size / WASM_PAGE);
  const handlers = declareHandlers(module, options.decoder);
  const run = new FunctionBuilder([i32]);
  emitRun(run, options, imports, handlers);
  const main = module.function(module.type([i32], [i32]), run);
  module.nameFunction(main, 'cold tier');
  module.exportFunction('run', main);
  return module.encode();
};

const emitRun = (
  code: FunctionBuilder,
  { decoder, heatTable, hotThreshold }: ColdTierOptions,
  imports: ImportIndices,
  handlers: HandlerImports,
): void => {
  const state = 0;
  const record = code.local(i32);
  const pageBase = code.local(i32);
  const pageAddress = code.local(i64);
  const budget = code.local(i32);
  const exitCode = code.local(i32);
  const entry = code.local(i32);
  const scratch = code.local(i32);
  const pc = code.local(i64);

  const pushPc = (): void => {
    code.localGet(pageAddress);
    code.localGet(record);
    code.localGet(pageBase);
    code.op(Op.i32Sub);
    code.i32Const(2);
    code.op(Op.i32ShrS);
    code.op(Op.i64ExtendI32S);
    code.op(Op.i64Add);
  };
  const storePc = (): void => {
    code.localGet(state);
    pushPc();
    code.store(Op.i64Store, 3, PC);
  };

  code.localGet(state);
  code.load(Op.i32Load, 2, BUDGET);
  code.localSet(budget);

  const exitLabel = code.block();
  const lookupLabel = code.loop();

  const loadPc = (): void => {
    code.localGet(state);
    code.load(Op.i64Load, 3, PC);
    code.localTee(pc);
    code.i64ConstNumber(-4096);
    code.op(Op.i64And);
    code.localSet(pageAddress);
  };

  // From PC to the record.
  loadPc();
  code.localGet(state);
  code.load(Op.i32Load, 2, TLB_CODE);
  code.localGet(pc);
  code.op(Op.i32WrapI64);
  emitEntry(code);
  code.localTee(entry);
  code.load(Op.i32Load, 2, CODE);
  code.localTee(pageBase);
  code.op(Op.i32Eqz);
  code.localGet(entry);
  code.load(Op.i64Load, 3, EXECUTE_TAG);
  code.localGet(pc);
  code.op(Op.i64Add);
  code.i64ConstNumber(~INSTRUCTION_OFFSETS);
  code.op(Op.i64And);
  code.i64ConstNumber(0);
  code.op(Op.i64Ne);
  code.op(Op.i32Or);
  code.branchHint(false);
  code.if();
  emitStoreBudget(code, budget);
  code.localGet(state);
  code.call(imports.fetch);
  code.if();
  code.i32Const(Exit.exception);
  code.return();
  code.end();
  code.localGet(state);
  code.load(Op.i32Load, 2, CODE_PAGE);
  code.localSet(pageBase);
  // The fetch may have made PC canonical.
  loadPc();
  code.end();
  code.localGet(pageBase);
  code.localGet(pc);
  code.op(Op.i32WrapI64);
  code.i32Const(INSTRUCTION_OFFSETS);
  code.op(Op.i32And);
  code.i32Const(2);
  code.op(Op.i32Shl);
  code.op(Op.i32Add);
  code.localSet(record);

  const enteredLabel = code.loop();
  code.localGet(state);
  code.load(Op.i32Load, 2, KICK);
  code.i32Const(0);
  code.op(Op.i32LtS);
  leaveIf(Exit.budget);
  if (hotThreshold > 0) emitHeat();

  const nextLabel = code.loop();
  code.localGet(budget);
  code.i32Const(1);
  code.op(Op.i32Sub);
  code.localTee(budget);
  code.i32Const(0);
  code.op(Op.i32LtS);
  leaveIf(Exit.budget);

  const jumpedLabel = code.block();
  const context: LoopContext = {
    record,
    pageBase,
    pageAddress,
    budget,
    exitCode,
    nextLabel,
    jumpedLabel,
    lookupLabel,
    exitLabel,
  };
  const inline = new InlineBuilder(code, imports, context);
  const arms = decoder.firstOutOfLine;
  const labels: number[] = new Array(arms + 1);
  for (let arm = arms; arm >= 0; arm--) labels[arm] = code.block();
  code.localGet(record);
  code.load(Op.i32Load16U, 1, 0);
  code.localTee(scratch);
  code.brTable(labels.slice(0, arms), labels[arms] as number);

  code.end();
  emitDecode();
  code.end();
  emitPageEnd();
  code.end();
  emitRegion();
  for (let handler = Handler.first; handler < arms; handler++) {
    code.end();
    inline.describe(decoder.handlers[handler] as HandlerDescription);
  }
  code.end();
  emitOutOfLine();

  // A branch was taken: within the page it needs no look-up.
  code.end();
  code.localGet(record);
  code.localGet(pageBase);
  code.op(Op.i32Sub);
  code.i32Const(RECORDS * RECORD_SIZE);
  code.op(Op.i32LtU);
  code.brIf(enteredLabel);
  storePc();
  code.br(lookupLabel);
  code.end();
  code.end();
  code.end();
  code.unreachable();
  code.end();

  storePc();
  emitStoreBudget(code, budget);
  code.localGet(exitCode);

  /** Leaves at `record` if the condition on the stack holds, which is rare. */
  function leaveIf(exit: Exit): void {
    code.branchHint(false);
    code.if();
    code.i32Const(exit);
    code.localSet(exitCode);
    code.br(exitLabel);
    code.end();
  }

  function emitHeat(): void {
    code.localGet(record);
    code.load(Op.i32Load16U, 1, 0);
    code.i32Const(Handler.region);
    code.op(Op.i32Ne);
    code.if();
    code.localGet(record);
    code.i32Const(3);
    code.op(Op.i32ShrU);
    code.i32Const((HEAT_ENTRIES - 1) * 2);
    code.op(Op.i32And);
    code.localTee(scratch);
    code.localGet(scratch);
    code.load(Op.i32Load16U, 1, heatTable);
    code.i32Const(1);
    code.op(Op.i32Add);
    code.localTee(entry);
    code.store(Op.i32Store16, 1, heatTable);
    code.localGet(entry);
    code.i32Const(hotThreshold);
    code.op(Op.i32GeU);
    // The last instruction is run here, for it may be a step.
    code.localGet(budget);
    code.i32Const(1);
    code.op(Op.i32GtS);
    code.op(Op.i32And);
    code.branchHint(false);
    code.if();
    code.localGet(scratch);
    code.i32Const(0);
    code.store(Op.i32Store16, 1, heatTable);
    code.i32Const(Exit.hot);
    code.localSet(exitCode);
    code.br(exitLabel);
    code.end();
    code.end();
  }

  /** Restores the instruction that the dispatch counted but that has not run. */
  function uncount(): void {
    code.localGet(budget);
    code.i32Const(1);
    code.op(Op.i32Add);
    code.localSet(budget);
  }

  function emitDecode(): void {
    uncount();
    code.localGet(state);
    code.localGet(pageBase);
    code.store(Op.i32Store, 2, CODE_PAGE);
    code.localGet(state);
    code.localGet(record);
    code.call(imports.decode);
    leaveIf(Exit.settle);
    code.br(nextLabel);
  }

  function emitPageEnd(): void {
    uncount();
    storePc();
    code.br(lookupLabel);
  }

  /** Adds to a count in the record. */
  function emitCount(offset: number, push: () => void): void {
    code.localGet(state);
    code.localGet(state);
    code.load(Op.i32Load, 2, offset);
    push();
    code.op(Op.i32Add);
    code.store(Op.i32Store, 2, offset);
  }

  function emitRegion(): void {
    uncount();
    // The last instruction is not a region's: it may be a step, and another thread has just let the record lead there.
    code.localGet(budget);
    code.i32Const(1);
    code.op(Op.i32LeS);
    leaveIf(Exit.regionAhead);
    storePc();
    emitStoreBudget(code, budget);
    code.localGet(state);
    code.localGet(pageAddress);
    code.i32Const(0);
    code.localGet(pageBase);
    code.localGet(record);
    code.localGet(pageBase);
    code.op(Op.i32Sub);
    code.i32Const(2);
    code.op(Op.i32ShrU);
    code.op(Op.i32Add);
    code.load(Op.i32Load, 2, CODE_PAGE_SLOTS);
    code.callIndirect(imports.regionType, imports.regionTable);
    code.localSet(exitCode);
    emitCount(REGION_ENTRIES, () => code.i32Const(1));
    emitCount(REGION_INSTRUCTIONS, () => {
      code.localGet(budget);
      code.localGet(state);
      code.load(Op.i32Load, 2, BUDGET);
      code.op(Op.i32Sub);
    });
    code.localGet(state);
    code.load(Op.i32Load, 2, FLAG_FORM);
    code.if();
    code.localGet(state);
    code.call(imports.normalise);
    code.end();
    code.localGet(state);
    code.load(Op.i32Load, 2, BUDGET);
    code.localSet(budget);
    code.localGet(exitCode);
    code.op(Op.i32Eqz);
    code.brIf(lookupLabel);
    code.localGet(exitCode);
    code.return();
  }

  function emitOutOfLine(): void {
    code.localGet(state);
    code.localGet(record);
    pushPc();
    code.localGet(scratch);
    code.i32Const(arms);
    code.op(Op.i32Sub);
    code.callIndirect(handlers.type, handlers.table);
    code.localTee(exitCode);
    code.i32Const(NEXT);
    code.op(Op.i32Eq);
    code.branchHint(true);
    code.if();
    code.localGet(record);
    code.i32Const(RECORD_SIZE);
    code.op(Op.i32Add);
    code.localSet(record);
    code.br(nextLabel);
    code.end();
    code.localGet(exitCode);
    code.op(Op.i32Eqz);
    code.brIf(lookupLabel);
    code.localGet(exitCode);
    code.i32Const(AGAIN);
    code.op(Op.i32Eq);
    code.if();
    uncount();
    code.br(nextLabel);
    code.end();
    emitStoreBudget(code, budget);
    code.localGet(exitCode);
    code.return();
  }
};
