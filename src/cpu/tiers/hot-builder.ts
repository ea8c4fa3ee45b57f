import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import { type Architecture, RegisterClass } from '../architecture.ts';
import { highHalf, lowHalf } from '../decoder.ts';
import { Exit } from '../exits.ts';
import { operandAt, operandName } from '../instruction.ts';
import type { BranchKind, Flags, Target } from '../ir/builder.ts';
import {
  FlagForm,
  type FlagSource,
  flagForm,
  flagsOfForm,
  type Integer,
  type Relation,
  relationOfForm,
} from '../ir/flag-forms.ts';
import { type I32, type I64, NodeKind, type Register, type TypeName, Value } from '../ir/value.ts';
import { BUDGET, FLAG_C, FLAG_N, FLAG_V, FLAG_Z, PC, TLB, VECTOR_TRAP } from '../state.ts';
import { FlagLocals, type KnownFlags } from './flag-locals.ts';
import { GuestBuilder, type NearPlace } from './guest-builder.ts';
import type { ImportIndices } from './imports.ts';
import { type Known, KnownPlaces, nothingKnown, type Place, type Relative } from './known-places.ts';
import type { RegionInstruction } from './region.ts';
import { RegionLinks, type RegionPages } from './region-links.ts';
import { RegisterLocals } from './register-locals.ts';
import type { BlockUse, RegisterSet, RegisterUse } from './register-use.ts';

/** How the control flow around a block is emitted: the region's structure knows. */
export interface BlockEnd {
  /** Goes to the block's branch target. */
  taken(): void;
  /** Goes to the block's successor. */
  next(): void;
  /** The position that a direct branch or call goes to. */
  readonly target: number;
}

/** What is known where code is being made, which holds on every way there. */
export interface Facts {
  readonly flags: KnownFlags;
  readonly vectorsAllowed: boolean;
  readonly addresses: Known;
}

/** Nothing is known where several ways meet. */
export const noFacts: Facts = { flags: 'unknown', vectorsAllowed: false, addresses: nothingKnown };

/** How an instruction went on: to the next one of its block (null), or out of the block, by a condition if it is a value. */
type Outcome = 'next' | 'jump' | 'call' | 'callComputed' | I32 | null;

/**
 * A `leaving`: an Exit, from bit LEAVING_UNDONE on the number of instructions that the budget has counted but that were not
 * run, and from bit LEAVING_POSITION on the position of the next one, signed.
 */
const LEAVING_UNDONE = 5;
const LEAVING_POSITION = 15;
const MAX_UNDONE = (1 << (LEAVING_POSITION - LEAVING_UNDONE)) - 1;

interface PendingForm {
  readonly form: FlagForm;
  readonly a: I64;
  readonly b: I64;
}

/**
 * The hot tier's form of descriptions: guest registers and flags in wasm locals, operands known, faults leaving through one
 * block that writes the registers back.
 */
export class HotBuilder extends GuestBuilder {
  readonly #architecture: Architecture;
  readonly #links: RegionLinks;
  readonly #registers: RegisterLocals;
  readonly #flags: FlagLocals;
  readonly #places: KnownPlaces;
  readonly #table: number;
  readonly #budget: number;
  /** A `leaving`, on the common way out. */
  readonly #leaving: number;
  /** Where a branch out of the region goes. */
  readonly #callPc: number;
  /** The instruction in hand, and how many of its block come after it. */
  #position = 0;
  #remaining = 0;
  #outcome: Outcome = null;
  #pendingForm: PendingForm | null = null;
  #vectorsAllowed = false;
  /** Set once this instruction has written the registers back itself. */
  #synchronized = false;
  /** What values that were put into locals for this instruction stand for. */
  readonly #evaluated = new Map<Value, Relative>();
  #exitLabel = 0;

  constructor(
    code: FunctionBuilder,
    imports: ImportIndices,
    architecture: Architecture,
    use: RegisterUse,
    pages: RegionPages,
  ) {
    super(code, imports);
    const { i32, i64 } = ValueType;
    this.#architecture = architecture;
    this.#registers = new RegisterLocals(code, this.stateLocal, use);
    this.#flags = new FlagLocals(code, this.stateLocal);
    this.#places = new KnownPlaces(code);
    this.#table = code.local(i32);
    this.#budget = code.local(i32);
    this.#leaving = code.local(i32);
    this.#callPc = code.local(i64);
    this.#links = new RegionLinks(code, imports, pages);
  }

  /** Begins the function; `entry` is the first block's use, `calls` says that the region calls others. */
  open(entry: BlockUse, calls: boolean): void {
    this.#loadLocal('i32', TLB, this.#table);
    this.#loadLocal('i32', BUDGET, this.#budget);
    this.#links.emitPrologue(this.#budget, calls);
    this.#flags.forget();
    this.#registers.load(entry.liveIn);
    this.#exitLabel = this.code.block();
  }

  #loadLocal(type: TypeName, offset: number, local: number): void {
    this.emitStateLoad(type, offset);
    this.code.localSet(local);
  }

  /** Ends the function: the block that every way out goes through, but for those to other regions. */
  close(): void {
    const { code } = this;
    code.op(Op.unreachable);
    code.end();
    this.#flags.storeUnknown();
    this.#registers.storeNoted();
    const leaving = this.localValue('i32', this.#leaving);
    const position = this.shrS(leaving, this.i32(LEAVING_POSITION));
    const undone = this.and(this.shrU(leaving, this.i32(LEAVING_UNDONE)), this.i32(MAX_UNDONE));
    code.localGet(this.stateLocal);
    this.#links.emitPosition(0);
    this.emit(this.shl(this.extendS(position), this.i64(2)));
    code.op(Op.i64Add);
    code.store(Op.i64Store, 3, PC);
    this.emitStateStore(BUDGET, this.add(this.localValue('i32', this.#budget), undone));
    this.emit(this.and(leaving, this.i32((1 << LEAVING_UNDONE) - 1)));
  }

  /** Begins a block. */
  openBlock(use: BlockUse, length: number): void {
    this.#registers.dirty = use.dirtyIn;
    this.#addBudget(-length);
  }

  get facts(): Facts {
    return { flags: this.#flags.known, vectorsAllowed: this.#vectorsAllowed, addresses: this.#places.known };
  }

  /** Says what is known here; flags that are less known than the form's local says are so by design. */
  set facts({ flags, vectorsAllowed, addresses }: Facts) {
    this.#places.known = addresses;
    this.#flags.known = flags;
    this.#vectorsAllowed = vectorsAllowed;
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
    this.#links.emitBudgetUsed(this.#budget);
    code.branchHint(false);
    code.if();
    this.leaveAt(position, Exit.budget);
    code.end();
  }

  /** Leaves with PC at a position, which may lie outside the region; `undone` instructions of the block were not run. */
  leaveAt(position: number, exit: Exit, undone = 0): void {
    this.#registers.emitLeaving();
    this.code.i32Const((position << LEAVING_POSITION) | (undone << LEAVING_UNDONE) | exit);
    this.code.localSet(this.#leaving);
    this.code.br(this.#exitLabel);
  }

  /** Goes on at a position outside the region: in the region there, if there is one. */
  goOnAt(position: number): void {
    this.#handOver();
    this.#storePosition(position);
    this.#links.emitJump(position, this.#callPc);
  }

  /** Stores all that the record must hold while another region runs, but PC. */
  #handOver(): void {
    this.#flags.store();
    this.#registers.store();
    this.emitStateStore(BUDGET, this.localValue('i32', this.#budget));
  }

  #storePosition(position: number): void {
    this.code.localGet(this.stateLocal);
    this.#links.emitPosition(position);
    this.code.store(Op.i64Store, 3, PC);
  }

  /** Calls what is at a position, or at the address in `#callPc`; comes back here if the call returns to `returnPosition`. */
  #emitCallOut(target: number | null, returnPosition: number, after: BlockUse | null): void {
    this.#handOver();
    if (target === null) {
      this.emitStateStore(PC, this.localValue('i64', this.#callPc));
      this.#links.emitCallTo(this.#callPc, returnPosition);
    } else {
      this.#storePosition(target);
      this.#links.emitCall(target, returnPosition, this.#callPc);
    }
    this.#loadLocal('i32', TLB, this.#table);
    this.#links.emitStillMapped();
    this.#loadLocal('i32', BUDGET, this.#budget);
    this.#flags.forget();
    this.#vectorsAllowed = false;
    this.#places.known = nothingKnown;
    this.#registers.dirty = noRegisters;
    if (after !== null) this.#registers.load(after.liveIn);
  }

  /** Emits one instruction; `remaining` of its block come after it, and `end` says where the last one goes. */
  describe(instruction: RegionInstruction, remaining: number, end: BlockEnd, after: BlockUse | null): void {
    const { entry, fields } = instruction;
    this.#position = instruction.position;
    this.#remaining = remaining;
    this.#outcome = null;
    this.#synchronized = false;
    this.#evaluated.clear();
    this.begin();
    if (entry.vector) this.#requireVectors();
    entry.describe(this, this.#operands(instruction), fields);
    if (!this.terminated) {
      this.commit();
      if (remaining === 0) this.#outcome = 'next';
    }
    this.end();
    if (entry.epilogue?.(fields)) this.#emitEpilogue();
    this.#emitOutcome(this.#outcome, end, after);
  }

  #requireVectors(): void {
    if (this.#vectorsAllowed) return;
    this.#vectorsAllowed = true;
    this.emitStateLoad('i32', VECTOR_TRAP);
    this.code.branchHint(false);
    this.code.if();
    this.#fault(Exit.vectorTrap);
    this.code.end();
  }

  #emitEpilogue(): void {
    this.begin();
    this.#architecture.epilogue(this);
    this.commit();
    this.end();
    this.#loadLocal('i32', TLB, this.#table);
    this.#places.forgetPlaces();
  }

  /** Emits where the instruction goes; what follows in the region's structure may be emitted inside. */
  #emitOutcome(outcome: Outcome, end: BlockEnd, after: BlockUse | null): void {
    if (outcome === null) return;
    if (outcome === 'next') end.next();
    else if (outcome === 'jump') end.taken();
    else if (outcome === 'call' || outcome === 'callComputed') {
      this.#emitCallOut(outcome === 'call' ? end.target : null, this.#position + 1, after);
      if (after === null) {
        // All is in the record, and has not been loaded again.
        this.#storePosition(this.#position + 1);
        this.#links.emitJump(this.#position + 1, this.#callPc);
      } else end.next();
    } else {
      const { facts } = this;
      const { dirty } = this.#registers;
      this.emit(outcome);
      this.code.if();
      end.taken();
      this.code.else();
      this.facts = facts;
      this.#registers.dirty = dirty;
      end.next();
      this.code.end();
    }
  }

  #operands({ entry, fields }: RegionInstruction): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (let i = 0; i < entry.operands.length; i++) {
      const name = operandName(entry, i);
      const operand = operandAt(entry, i);
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
    this.leaveAt(this.#position, exit, this.#remaining);
  }

  protected override emitException(): void {
    this.#fault(Exit.exception);
  }

  protected override emitTranslationTable(): void {
    this.code.localGet(this.#table);
  }

  protected override synchronize(): void {
    this.#places.forgetPlaces();
    this.#flags.storeFields(this.imports.normalise);
    this.#registers.store();
    this.#synchronized = true;
  }

  protected override emitRecordField(value: Value): void {
    throw new Error(`the hot tier has no record to read field ${value.lo} of`);
  }

  protected override emitProgramCounter(delta: number): void {
    this.#links.emitPosition(this.#position + delta / 4);
  }

  // Flags

  override flags(): Flags {
    const flags = this.#flags;
    if (flags.known === FlagForm.fields) {
      const { n, z, c, v } = flags;
      return { n: mutable('i64', n), z: mutable('i64', z), c: mutable('i32', c), v: mutable('i64', v) };
    }
    if (typeof flags.known === 'number') {
      return flagsOfForm(this, flags.known, mutable('i64', flags.n), mutable('i64', flags.z));
    }
    flags.storeFields(this.imports.normalise);
    if (!this.conditional) flags.leaveToRecord();
    return {
      n: this.state64(FLAG_N),
      z: this.state64(FLAG_Z),
      c: this.state32(FLAG_C),
      v: this.state64(FLAG_V),
    };
  }

  override relation(relation: Relation): I32 {
    const { known, n, z } = this.#flags;
    if (typeof known !== 'number' || known === FlagForm.fields) return super.relation(relation);
    return relationOfForm(this, known, mutable('i64', n), mutable('i64', z), relation);
  }

  override setFlagsOf(source: FlagSource, a: Integer, b: Integer, _result: Integer): void {
    const wide = (value: Integer): I64 => (value.type === 'i32' ? this.extendU(value as I32) : (value as I64));
    const pending = { form: flagForm(source, a), a: wide(a), b: wide(b) };
    pending.a.uses++;
    pending.b.uses++;
    this.#pendingForm = pending;
  }

  protected override commit(): void {
    const pending = this.#pendingForm;
    if (pending === null) {
      super.commit();
      return;
    }
    this.#pendingForm = null;
    const a = this.now(pending.a);
    const b = this.now(pending.b);
    super.commit();
    this.#setLocal(a, this.#flags.n);
    this.#setLocal(b, this.#flags.z);
    this.#setForm(pending.form);
  }

  protected override writeFlags({ n, z, c, v }: Flags): void {
    this.#setLocal(n, this.#flags.n);
    this.#setLocal(z, this.#flags.z);
    this.#setLocal(c, this.#flags.c);
    this.#setLocal(v, this.#flags.v);
    this.#setForm(FlagForm.fields);
  }

  #setForm(form: FlagForm): void {
    this.#flags.set(form);
    if (this.#synchronized) this.#flags.storeFields(this.imports.normalise);
  }

  #setLocal(value: Value, local: number): void {
    this.emit(value);
    this.code.localSet(local);
  }

  // Addresses

  /** What a value stands for, if it is a register's plus or minus a constant. */
  #relativeOf(value: Value): Relative | null {
    if (value.type !== 'i64') return null;
    const { kind, opcode, a, b } = value;
    if (kind === NodeKind.local) return this.#evaluated.get(value) ?? null;
    if (kind === NodeKind.register) {
      const general = value.lo >= 0 && this.#architecture.registerClass(value.lo) === RegisterClass.general;
      return general ? this.#places.relativeOf(value.lo) : null;
    }
    if (kind !== NodeKind.operation || a === null || b === null || b.kind !== NodeKind.constant) return null;
    if (opcode !== Op.i64Add && opcode !== Op.i64Sub) return null;
    if (b.hi !== b.lo >> 31) return null;
    const relative = this.#relativeOf(a);
    if (relative === null) return null;
    return { origin: relative.origin, distance: relative.distance + (opcode === Op.i64Add ? b.lo : -b.lo) };
  }

  override now<T extends TypeName>(value: Value<T>): Value<T> {
    const relative = this.#relativeOf(value);
    const result = super.now(value);
    if (relative !== null) this.#evaluated.set(result, relative);
    return result;
  }

  override call(routine: number, inputs: readonly Value[], results: readonly TypeName[]): Value[] {
    this.#places.forgetPlaces();
    return super.call(routine, inputs, results);
  }

  protected override knownPlace(address: I64, write: boolean): NearPlace | null {
    const relative = this.#relativeOf(address);
    const place = relative === null ? null : this.#places.find(relative, write);
    return place === null || relative === null
      ? null
      : { place, distance: relative.distance - place.relative.distance };
  }

  protected override newPlace(address: I64, write: boolean): Place | null {
    const relative = this.conditional ? null : this.#relativeOf(address);
    return relative === null ? null : this.#places.add(relative, write);
  }

  protected override get places(): readonly Place[] {
    return this.#places.places;
  }

  // Registers

  protected override emitRegister(value: Value): void {
    const { code } = this;
    if (value.lo < 0) {
      code.localGet(-1 - value.lo);
      return;
    }
    switch (this.#architecture.registerClass(value.lo)) {
      case RegisterClass.general:
        code.localGet(this.#registers.of(value.lo));
        if (value.type === 'i32') code.op(Op.i32WrapI64);
        return;
      case RegisterClass.vector:
        code.localGet(this.#registers.of(value.lo));
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
    if (kind === RegisterClass.general) this.#places.set(register, this.#relativeOf(value));
    if (kind === RegisterClass.memory) {
      this.#places.forgetPlaces();
      this.emitStateStore(register, value);
      return;
    }
    const local = this.#registers.of(register);
    this.#setLocal(value, local);
    this.#registers.change(register);
    if (!this.#synchronized) return;
    const type = kind === RegisterClass.vector ? 'v128' : 'i64';
    this.emitStateStore(register, this.localValue(type, local));
  }

  // Control

  override jump(_target: Target, kind: 'jump' | 'call' = 'jump'): void {
    this.terminate();
    this.#outcome = kind;
  }

  override jumpIf(condition: I32, _target: Target): void {
    const taken = this.now(condition);
    this.terminate();
    this.#outcome = taken;
  }

  override jumpTo(address: I64, kind: BranchKind = 'jump'): void {
    const to = this.now(address);
    this.terminate();
    this.#setLocal(to, this.#callPc);
    if (kind === 'call') {
      this.#outcome = 'callComputed';
      return;
    }
    this.#handOver();
    this.emitStateStore(PC, to);
    if (kind === 'return') {
      this.code.i32Const(Exit.continue);
      this.code.return();
    } else this.#links.emitJumpTo(this.#callPc);
  }

  override leaveIf(condition: I32, exit: Exit): void {
    const leaves = this.now(condition);
    this.terminate();
    if (this.#remaining === 0) this.#outcome = 'next';
    const { code } = this;
    this.emit(leaves);
    code.branchHint(false);
    code.if();
    this.leaveAt(this.#position + 1, exit, this.#remaining);
    code.end();
  }

  override synchronizeContext(): void {
    this.terminate();
    this.#places.forgetPlaces();
    if (this.#remaining === 0) this.#outcome = 'next';
    this.#links.emitChanged();
    this.code.branchHint(false);
    this.code.if();
    if (this.#remaining > 0) this.#addBudget(this.#remaining);
    this.leaveAt(this.#position + 1, Exit.continue);
    this.code.end();
  }

  override abandonIf(condition: I32, exit: Exit): void {
    const { code } = this;
    this.emit(condition);
    code.branchHint(false);
    code.if();
    this.#fault(exit);
    code.end();
  }

  override leave(exit: Exit, at: 'this' | 'next'): void {
    this.terminate();
    const position = this.#position + (at === 'next' ? 1 : 0);
    if (!this.#synchronized) {
      this.leaveAt(position, exit);
      return;
    }
    // The engine call may have changed the registers in the record, which the common way out would overwrite.
    this.#storePosition(position);
    this.emitStateStore(BUDGET, this.localValue('i32', this.#budget));
    this.code.i32Const(exit);
    this.code.return();
  }
}

const noRegisters: RegisterSet = { general: 0, vector: 0 };

/** What a wasm local holds now that later instructions change. */
const mutable = <T extends TypeName>(type: T, local: number): Value<T> =>
  new Value(NodeKind.register, type, 0, null, null, null, -1 - local, 0, null);
