import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import { type Architecture, RegisterClass } from '../architecture.ts';
import { highHalf, lowHalf } from '../decoder.ts';
import { Exit } from '../exits.ts';
import type { Flags, Target } from '../ir/builder.ts';
import { type I32, type I64, NodeKind, type Register, type TypeName, Value } from '../ir/value.ts';
import { BUDGET, FLAG_C, FLAG_N, FLAG_V, FLAG_Z, KICK, PC, TLB, VECTOR_TRAP } from '../state.ts';
import { GuestBuilder } from './guest-builder.ts';
import type { ImportIndices } from './imports.ts';
import type { RegionInstruction } from './region.ts';

/** How the control flow around a block is emitted: the region's structure knows. */
export interface BlockEnd {
  /** Goes to the block's branch target. */
  taken(): void;
  /** Goes to the block's successor. */
  next(): void;
}

/** How an instruction went on: to the next one of its block (null), or out of the block, by a condition if it is a value. */
type Outcome = 'next' | 'jump' | I32 | null;

/**
 * The hot tier's form of descriptions: guest registers and flags in wasm locals, operands known, faults leaving through one
 * block that writes the registers back.
 */
export class HotBuilder extends GuestBuilder {
  readonly #architecture: Architecture;
  readonly #pageAddress = 1;
  readonly #table: number;
  readonly #budget: number;
  readonly #exitCode: number;
  readonly #exitPc: number;
  readonly #flagN: number;
  readonly #flagZ: number;
  readonly #flagC: number;
  readonly #flagV: number;
  /** The local of each register in use, by its offset in the record. */
  readonly #registers = new Map<number, number>();
  /** The instruction in hand, and how many of its block come after it. */
  #position = 0;
  #remaining = 0;
  #outcome: Outcome = null;
  /** Set once this instruction has written the registers back itself. */
  #synchronized = false;
  #exitLabel = 0;

  constructor(code: FunctionBuilder, imports: ImportIndices, architecture: Architecture) {
    super(code, imports);
    const { i32, i64 } = ValueType;
    this.#architecture = architecture;
    this.#table = code.local(i32);
    this.#budget = code.local(i32);
    this.#exitCode = code.local(i32);
    this.#exitPc = code.local(i64);
    this.#flagN = code.local(i64);
    this.#flagZ = code.local(i64);
    this.#flagC = code.local(i32);
    this.#flagV = code.local(i64);
  }

  /** Begins the function: loads what the instructions will use. */
  open(instructions: Iterable<RegionInstruction>): void {
    for (const { entry, fields } of instructions) {
      for (const [, operand] of entry.operands) if (operand.kind === 'register') this.#prepare(operand.get(fields));
    }
    this.#loadLocal('i32', TLB, this.#table);
    this.#loadLocal('i32', BUDGET, this.#budget);
    this.#loadLocal('i64', FLAG_N, this.#flagN);
    this.#loadLocal('i64', FLAG_Z, this.#flagZ);
    this.#loadLocal('i32', FLAG_C, this.#flagC);
    this.#loadLocal('i64', FLAG_V, this.#flagV);
    for (const [offset, local] of this.#registers) this.#loadLocal(this.#typeOf(offset), offset, local);
    this.#exitLabel = this.code.block();
  }

  #typeOf(offset: number): 'i64' | 'v128' {
    return this.#architecture.registerClass(offset) === RegisterClass.vector ? 'v128' : 'i64';
  }

  #prepare(offset: number): void {
    const kind = this.#architecture.registerClass(offset);
    if (kind !== RegisterClass.general && kind !== RegisterClass.vector) return;
    if (this.#registers.has(offset)) return;
    this.#registers.set(offset, this.code.local(kind === RegisterClass.vector ? ValueType.v128 : ValueType.i64));
  }

  #loadLocal(type: TypeName, offset: number, local: number): void {
    this.emitStateLoad(type, offset);
    this.code.localSet(local);
  }

  /** Ends the function: the block that every way out goes through. */
  close(): void {
    const { code } = this;
    code.op(Op.unreachable);
    code.end();
    this.#writeBack();
    this.emitStateStore(PC, this.localValue('i64', this.#exitPc));
    this.emitStateStore(BUDGET, this.localValue('i32', this.#budget));
    code.localGet(this.#exitCode);
  }

  #writeBack(): void {
    this.emitStateStore(FLAG_N, this.localValue('i64', this.#flagN));
    this.emitStateStore(FLAG_Z, this.localValue('i64', this.#flagZ));
    this.emitStateStore(FLAG_C, this.localValue('i32', this.#flagC));
    this.emitStateStore(FLAG_V, this.localValue('i64', this.#flagV));
    for (const [offset, local] of this.#registers) {
      this.emitStateStore(offset, this.localValue(this.#typeOf(offset), local));
    }
  }

  /** Counts a block's instructions against the budget. */
  countBlock(length: number): void {
    this.#addBudget(-length);
  }

  #addBudget(count: number): void {
    const { code } = this;
    code.localGet(this.#budget);
    code.i32Const(count);
    code.op(Op.i32Add);
    code.localSet(this.#budget);
  }

  /** Leaves at `position` if the budget is used up or the vCPU was kicked: on the way back to a loop's head. */
  checkBudget(position: number): void {
    const { code } = this;
    code.localGet(this.#budget);
    this.emitStateLoad('i32', KICK);
    code.op(Op.i32Or);
    code.i32Const(0);
    code.op(Op.i32LtS);
    code.branchHint(false);
    code.if();
    this.leaveAt(position, Exit.budget);
    code.end();
  }

  /** Leaves with PC at a position in the page, which may lie outside it. */
  leaveAt(position: number, exit: Exit): void {
    this.#emitPosition(position);
    this.code.localSet(this.#exitPc);
    this.#exit(exit);
  }

  #exit(exit: Exit): void {
    this.code.i32Const(exit);
    this.code.localSet(this.#exitCode);
    this.code.br(this.#exitLabel);
  }

  #emitPosition(position: number): void {
    this.code.localGet(this.#pageAddress);
    if (position === 0) return;
    this.code.i64ConstNumber(position * 4);
    this.code.op(Op.i64Add);
  }

  /** Emits one instruction; `remaining` of its block come after it, and `end` says where the last one goes. */
  describe(instruction: RegionInstruction, remaining: number, end: BlockEnd): void {
    const { entry, fields } = instruction;
    this.#position = instruction.position;
    this.#remaining = remaining;
    this.#outcome = null;
    this.#synchronized = false;
    this.begin();
    if (entry.vector) {
      this.emitStateLoad('i32', VECTOR_TRAP);
      this.code.branchHint(false);
      this.code.if();
      this.#fault(Exit.vectorTrap);
      this.code.end();
    }
    entry.describe(this, this.#operands(instruction), fields);
    if (!this.terminated) {
      this.commit();
      if (remaining === 0) this.#outcome = 'next';
    }
    this.end();
    if (entry.epilogue?.(fields)) this.#emitEpilogue();
    this.#emitOutcome(this.#outcome, end);
  }

  #emitEpilogue(): void {
    this.begin();
    this.#architecture.epilogue(this);
    this.commit();
    this.end();
    this.#loadLocal('i32', TLB, this.#table);
  }

  /** Emits where the instruction goes; what follows in the region's structure may be emitted inside. */
  #emitOutcome(outcome: Outcome, end: BlockEnd): void {
    if (outcome === null) return;
    if (outcome === 'next') end.next();
    else if (outcome === 'jump') end.taken();
    else {
      this.emit(outcome);
      this.code.if();
      end.taken();
      this.code.else();
      end.next();
      this.code.end();
    }
  }

  #operands({ entry, fields }: RegionInstruction): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [name, operand] of entry.operands) {
      switch (operand.kind) {
        case 'immediate64': {
          const value = operand.get(fields);
          values[name] = this.i64Parts(lowHalf(value), highHalf(value));
          break;
        }
        case 'immediate32':
          values[name] = this.i32(operand.get(fields));
          break;
        default:
          values[name] = operand.get(fields);
      }
    }
    return values;
  }

  /** Leaves with the instruction not done: those after it in the block have not run either. */
  #fault(exit: Exit): void {
    if (this.#remaining > 0) this.#addBudget(this.#remaining);
    this.leaveAt(this.#position, exit);
  }

  protected override emitException(): void {
    this.#fault(Exit.exception);
  }

  protected override emitTranslationTable(): void {
    this.code.localGet(this.#table);
  }

  protected override synchronize(): void {
    this.#writeBack();
    this.#synchronized = true;
  }

  protected override emitRecordField(value: Value): void {
    throw new Error(`the hot tier has no record to read field ${value.lo} of`);
  }

  protected override emitProgramCounter(delta: number): void {
    this.#emitPosition(this.#position + delta / 4);
  }

  protected override flagField<T extends TypeName>(type: T, offset: number): Value<T> {
    const local = { [FLAG_N]: this.#flagN, [FLAG_Z]: this.#flagZ, [FLAG_C]: this.#flagC, [FLAG_V]: this.#flagV }[
      offset
    ];
    return new Value(NodeKind.register, type, 0, null, null, null, -1 - (local as number), 0, null);
  }

  protected override emitRegister(value: Value): void {
    const { code } = this;
    if (value.lo < 0) {
      code.localGet(-1 - value.lo);
      return;
    }
    switch (this.#architecture.registerClass(value.lo)) {
      case RegisterClass.general:
        code.localGet(this.#registers.get(value.lo) as number);
        if (value.type === 'i32') code.op(Op.i32WrapI64);
        return;
      case RegisterClass.vector:
        code.localGet(this.#registers.get(value.lo) as number);
        this.#emitLowestLane(value.type);
        return;
      case RegisterClass.zero:
        if (value.type === 'i32') code.i32Const(0);
        else code.i64Const(0, 0);
        return;
      default:
        this.emitStateLoad(value.type, value.lo);
    }
  }

  #emitLowestLane(type: TypeName): void {
    if (type === 'i32') this.code.lane(Op.i32x4ExtractLane, 0);
    else if (type === 'i64') this.code.lane(Op.i64x2ExtractLane, 0);
    else if (type === 'f32') this.code.lane(Op.f32x4ExtractLane, 0);
    else if (type === 'f64') this.code.lane(Op.f64x2ExtractLane, 0);
  }

  protected override writeRegister(register: Register, value: Value): void {
    const kind = this.#architecture.registerClass(register);
    if (kind === RegisterClass.sink) return;
    if (kind === RegisterClass.memory) {
      this.emitStateStore(register, value);
      return;
    }
    const local = this.#registers.get(register) as number;
    this.emit(value);
    this.code.localSet(local);
    if (this.#synchronized) this.emitStateStore(register, this.localValue(this.#typeOf(register), local));
  }

  protected override writeFlags(flags: Flags): void {
    this.#setFlag(flags.n, this.#flagN);
    this.#setFlag(flags.z, this.#flagZ);
    this.#setFlag(flags.c, this.#flagC);
    this.#setFlag(flags.v, this.#flagV);
    if (this.#synchronized) this.#writeBack();
  }

  #setFlag(value: Value, local: number): void {
    this.emit(value);
    this.code.localSet(local);
  }

  override jump(_target: Target): void {
    this.terminate();
    this.#outcome = 'jump';
  }

  override jumpIf(condition: I32, _target: Target): void {
    const taken = this.now(condition);
    this.terminate();
    this.#outcome = taken;
  }

  override jumpTo(address: I64): void {
    const to = this.now(address);
    this.terminate();
    this.emit(to);
    this.code.localSet(this.#exitPc);
    this.#exit(Exit.continue);
  }

  override leaveIf(condition: I32, exit: Exit): void {
    const leaves = this.now(condition);
    this.terminate();
    if (this.#remaining === 0) this.#outcome = 'next';
    const { code } = this;
    this.emit(leaves);
    code.branchHint(false);
    code.if();
    if (this.#remaining > 0) this.#addBudget(this.#remaining);
    this.leaveAt(this.#position + 1, exit);
    code.end();
  }

  override leave(exit: Exit, at: 'this' | 'next'): void {
    this.terminate();
    if (!this.#synchronized) {
      this.leaveAt(this.#position + (at === 'next' ? 1 : 0), exit);
      return;
    }
    // The engine call may have changed the registers in the record, which the common way out would overwrite.
    const { code } = this;
    this.#emitPosition(this.#position + (at === 'next' ? 1 : 0));
    code.localSet(this.#exitPc);
    this.emitStateStore(PC, this.localValue('i64', this.#exitPc));
    this.emitStateStore(BUDGET, this.localValue('i32', this.#budget));
    code.i32Const(exit);
    code.return();
  }
}
