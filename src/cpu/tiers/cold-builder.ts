import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op } from '../../wasm/opcodes.ts';
import { PAGE_SIZE, RECORD_IMMEDIATE, RECORD_REGISTERS, RECORD_SIZE } from '../code-page.ts';
import type { HandlerDescription } from '../decoder.ts';
import { Exit } from '../exits.ts';
import type { Builder, Flags, Target } from '../ir/builder.ts';
import { type I32, type I64, NodeKind, type Register, type TypeName, Value } from '../ir/value.ts';
import { BUDGET, FLAG_C, FLAG_N, FLAG_V, FLAG_Z, PC, TLB, VECTOR_TRAP } from '../state.ts';
import { GuestBuilder, plainAlign, plainLoad, plainStore } from './guest-builder.ts';
import type { ImportIndices } from './imports.ts';

/**
 * The cold tier's two forms of a handler. Operands lie in the pre-decoded record: a register operand is the place in the
 * record that holds the register's offset, marked as such by a negative number.
 */

const operandRegister = (place: number): Register => (-1 - place) as Register;
/** The place in the record that such a register stands for. */
export const operandPlace = (register: number): number => -1 - register;

abstract class ColdBuilder extends GuestBuilder {
  /** The wasm local with the address of the instruction's record. */
  protected abstract readonly recordLocal: number;

  /** Makes the handler's code. */
  describe({ entry, shape }: HandlerDescription): void {
    this.begin();
    if (entry.vector) {
      this.emitStateLoad('i32', VECTOR_TRAP);
      this.code.branchHint(false);
      this.code.if();
      this.emitLeave(Exit.vectorTrap, 'this');
      this.code.end();
    }
    entry.describe(this, this.#operands(entry.operands), shape);
    if (!this.terminated) {
      this.commit();
      this.emitNext();
    }
    this.end();
  }

  #operands(operands: HandlerDescription['entry']['operands']): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    let registers = 0;
    for (const [name, operand] of operands) {
      switch (operand.kind) {
        case 'register':
          values[name] = operandRegister(RECORD_REGISTERS[registers++] as number);
          break;
        case 'immediate64':
          values[name] = recordField('i64');
          break;
        case 'immediate32':
          values[name] = recordField('i32');
          break;
        default:
          values[name] = 0;
      }
    }
    return values;
  }

  /** Pushes the record's own address plus what the operand says. */
  #emitRegisterAddress(register: Register): void {
    this.code.localGet(this.stateLocal);
    if (register >= 0) return;
    this.code.localGet(this.recordLocal);
    this.code.load(Op.i32Load16U, 1, operandPlace(register));
    this.code.op(Op.i32Add);
  }

  protected override emitRegister(value: Value): void {
    const register = value.lo as Register;
    this.#emitRegisterAddress(register);
    this.code.load(plainLoad[value.type], plainAlign[value.type], Math.max(register, 0));
  }

  protected override writeRegister(register: Register, value: Value): void {
    this.#emitRegisterAddress(register);
    this.emit(value);
    this.code.store(plainStore[value.type], plainAlign[value.type], Math.max(register, 0));
  }

  protected override writeFlags(flags: Flags): void {
    this.emitStateStore(FLAG_N, flags.n);
    this.emitStateStore(FLAG_Z, flags.z);
    this.emitStateStore(FLAG_C, flags.c);
    this.emitStateStore(FLAG_V, flags.v);
  }

  protected override emitRecordField(value: Value): void {
    this.code.localGet(this.recordLocal);
    this.code.load(plainLoad[value.type], plainAlign[value.type], value.lo);
  }

  protected override emitTranslationTable(): void {
    this.emitStateLoad('i32', TLB);
  }

  /** The record always holds the registers here. */
  protected override synchronize(): void {}

  protected override emitException(): void {
    this.emitLeave(Exit.exception, 'this');
  }

  override leave(exit: Exit, at: 'this' | 'next'): void {
    this.terminate();
    this.emitLeave(exit, at);
  }

  override leaveIf(condition: I32, exit: Exit): void {
    const leaves = this.now(condition);
    this.terminate();
    this.emit(leaves);
    this.code.branchHint(false);
    this.code.if();
    this.emitLeave(exit, 'next');
    this.code.end();
    this.emitNext();
  }

  /** Records are looked at anew with each instruction, and their page after each look-up. */
  override synchronizeContext(): void {
    this.terminate();
    this.emitLeave(Exit.continue, 'next');
  }

  override abandonIf(condition: I32, exit: Exit): void {
    this.emit(condition);
    this.code.branchHint(false);
    this.code.if();
    this.emitLeave(exit, 'this');
    this.code.end();
  }

  override jump(_target: Target): void {
    this.terminate();
    this.emitJump();
  }

  override jumpIf(condition: I32, _target: Target): void {
    const taken = this.now(condition);
    this.terminate();
    this.emit(taken);
    this.code.if();
    this.emitJump();
    this.code.end();
    this.emitNext();
  }

  /** Pushes a direct branch's distance in bytes (i32). */
  protected emitDistance(): void {
    this.code.localGet(this.recordLocal);
    this.code.load(Op.i32Load, 2, RECORD_IMMEDIATE);
  }

  protected abstract emitLeave(exit: Exit, at: 'this' | 'next'): void;
  /** Goes on to the next instruction. */
  protected abstract emitNext(): void;
  /** Goes to where the record's distance leads. */
  protected abstract emitJump(): void;
}

const recordField = <T extends TypeName>(type: T): Value<T> =>
  new Value(NodeKind.recordField, type, 0, null, null, null, RECORD_IMMEDIATE, 0, null);

/** Returned by an out-of-line handler when the next instruction follows. */
export const NEXT = -1;
/** Returned in its place when nothing has happened yet, and the record is to be looked at again. */
export const AGAIN = -2;

/** A handler as a function of its own: (state, record, address of the instruction) -> Exit or NEXT. */
export class OutOfLineBuilder extends ColdBuilder {
  protected override readonly recordLocal = 1;
  readonly #pcLocal = 2;

  /** Makes the code of an architecture's epilogue. */
  describeEpilogue(epilogue: (o: Builder) => void): void {
    this.begin();
    epilogue(this);
    this.commit();
    this.emitNext();
    this.end();
  }

  protected override emitProgramCounter(delta: number): void {
    this.code.localGet(this.#pcLocal);
    if (delta === 0) return;
    this.code.i64ConstNumber(delta);
    this.code.op(Op.i64Add);
  }

  protected override emitLeave(exit: Exit, at: 'this' | 'next'): void {
    this.code.localGet(this.stateLocal);
    this.emitProgramCounter(at === 'this' ? 0 : 4);
    this.code.store(Op.i64Store, 3, PC);
    this.code.i32Const(exit);
    this.code.return();
  }

  protected override emitNext(): void {
    this.code.i32Const(NEXT);
    this.code.return();
  }

  protected override emitJump(): void {
    this.code.localGet(this.stateLocal);
    this.code.localGet(this.#pcLocal);
    this.emitDistance();
    this.code.op(Op.i64ExtendI32S);
    this.code.op(Op.i64Add);
    this.code.store(Op.i64Store, 3, PC);
    this.code.i32Const(Exit.continue);
    this.code.return();
  }

  override jumpTo(address: I64): void {
    const to = this.now(address);
    this.terminate();
    this.emitStateStore(PC, to);
    this.code.i32Const(Exit.continue);
    this.code.return();
  }
}

/** The main loop's locals and labels, which inline handlers use. */
export interface LoopContext {
  readonly record: number;
  readonly pageBase: number;
  readonly pageAddress: number;
  readonly budget: number;
  readonly exitCode: number;
  /** Goes on with the record that `record` names. */
  readonly nextLabel: number;
  /** Goes on with `record` after a branch: it may lie outside the page. */
  readonly jumpedLabel: number;
  /** Goes on at the state's PC. */
  readonly lookupLabel: number;
  /** Leaves with `exitCode`, PC being that of `record`. */
  readonly exitLabel: number;
}

/** A handler inside the main loop. */
export class InlineBuilder extends ColdBuilder {
  readonly #loop: LoopContext;
  protected override readonly recordLocal: number;

  constructor(code: FunctionBuilder, imports: ImportIndices, loop: LoopContext) {
    super(code, imports);
    this.#loop = loop;
    this.recordLocal = loop.record;
  }

  protected override emitProgramCounter(delta: number): void {
    const { code } = this;
    code.localGet(this.#loop.pageAddress);
    code.localGet(this.#loop.record);
    code.localGet(this.#loop.pageBase);
    code.op(Op.i32Sub);
    code.i32Const(2);
    code.op(Op.i32ShrU);
    code.op(Op.i64ExtendI32U);
    code.op(Op.i64Add);
    if (delta === 0) return;
    code.i64ConstNumber(delta);
    code.op(Op.i64Add);
  }

  #emitAdvance(): void {
    this.code.localGet(this.#loop.record);
    this.code.i32Const(RECORD_SIZE);
    this.code.op(Op.i32Add);
    this.code.localSet(this.#loop.record);
  }

  protected override emitLeave(exit: Exit, at: 'this' | 'next'): void {
    if (at === 'next') this.#emitAdvance();
    this.code.i32Const(exit);
    this.code.localSet(this.#loop.exitCode);
    this.code.br(this.#loop.exitLabel);
  }

  protected override emitNext(): void {
    this.#emitAdvance();
    this.code.br(this.#loop.nextLabel);
  }

  protected override emitJump(): void {
    const { code } = this;
    code.localGet(this.#loop.record);
    this.emitDistance();
    code.i32Const(Math.log2((RECORD_SIZE * 1024) / PAGE_SIZE));
    code.op(Op.i32Shl);
    code.op(Op.i32Add);
    code.localSet(this.#loop.record);
    code.br(this.#loop.jumpedLabel);
  }

  override jumpTo(address: I64): void {
    const to = this.now(address);
    this.terminate();
    this.emitStateStore(PC, to);
    this.code.br(this.#loop.lookupLabel);
  }
}

/** Stores the loop's budget in the record. */
export const emitStoreBudget = (code: FunctionBuilder, budgetLocal: number): void => {
  code.localGet(0);
  code.localGet(budgetLocal);
  code.store(Op.i32Store, 2, BUDGET);
};
