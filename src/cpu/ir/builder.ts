import type { FunctionBuilder } from '../../wasm/function-builder.ts';
import { Op, ValueType } from '../../wasm/opcodes.ts';
import type { Exit } from '../exits.ts';
import { FLAG_C, FLAG_N, FLAG_V, FLAG_Z, SCRATCH, SCRATCH_CELLS } from '../state.ts';
import {
  additionFlags,
  type FlagSource,
  type Integer,
  type Relation,
  relationOfFlags,
  resultFlags,
  subtractionFlags,
} from './flag-forms.ts';
import { Operations } from './operations.ts';
import {
  type F32,
  type F64,
  type I32,
  type I64,
  NodeKind,
  type Register,
  type TypeName,
  type V128,
  Value,
} from './value.ts';

/** A place in the guest's code that a direct branch names; descriptions only pass it on. */
export type Target = number & { readonly __target: unique symbol };

/** Which translation and which checks an access is subject to. */
export const Access = {
  normal: 0,
  /** As if at the lowest privilege (LDTR, STTR). */
  unprivileged: 1,
  /** Must be aligned to its size (acquire, release, exclusive and atomic accesses). */
  aligned: 2,
  /** Must not go to a device. */
  memory: 4,
  /** An acquire or release, with `aligned`: no access passes a load, none is passed by a store, and no load passes a store. */
  ordered: 8,
} as const;
export type Access = (typeof Access)[keyof typeof Access];

export type AccessSize = 1 | 2 | 4 | 8 | 16;

/** The four flags as the state keeps them: see state.ts. */
export interface Flags {
  readonly n: I64;
  readonly z: I64;
  readonly c: I32;
  readonly v: I64;
}

/** What a branch is for: calls and returns come in pairs, which a tier may use. */
export type BranchKind = 'jump' | 'call' | 'return';

/** A read-modify-write; wasm has no min and max, which descriptions build from compareExchange. */
export type AtomicOperation = 'add' | 'sub' | 'and' | 'or' | 'xor' | 'exchange';

const typeCode = {
  i32: ValueType.i32,
  i64: ValueType.i64,
  f32: ValueType.f32,
  f64: ValueType.f64,
  v128: ValueType.v128,
};

/**
 * What an instruction's description is written against. Pure operations make nodes; everything else is a statement, done in
 * the order written: memory accesses and engine calls at once, register and flag writes together at the instruction's end, so
 * that an instruction that faults has changed nothing and reads always see the values from before it.
 *
 * Both tiers implement it: the cold tier makes one handler of a description for all its operands, the hot tier inline code for
 * the operands at hand.
 */
export abstract class Builder extends Operations {
  protected readonly code: FunctionBuilder;

  #pendingRegisters: Register[] = [];
  #pendingValues: Value[] = [];
  #flags: Flags | null = null;
  /** Wasm locals for what instructions keep, by type, and how many of them the one in hand uses. */
  readonly #temporaries: Record<TypeName, number[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  readonly #used: Record<TypeName, number> = { i32: 0, i64: 0, f32: 0, f64: 0, v128: 0 };
  /** Values kept in locals since the innermost conditional scope began, for each open scope. */
  readonly #scopes: Value[][] = [];
  #terminated = false;

  constructor(code: FunctionBuilder) {
    super();
    this.code = code;
  }

  // Registers and flags

  /** All 64 bits of a general register, or the low 64 bits of a vector register. */
  get64(register: Register): I64 {
    return new Value(NodeKind.register, 'i64', 0, null, null, null, register, 0, null);
  }

  /** The low 32 bits of a register. */
  get32(register: Register): I32 {
    return new Value(NodeKind.register, 'i32', 0, null, null, null, register, 0, null);
  }

  /** A general register at the width an instruction's sf bit says: i64 for 1, i32 for 0. */
  get(register: Register, sf: number): Value<'i32' | 'i64'> {
    return sf === 0 ? this.get32(register) : this.get64(register);
  }

  getV(register: Register): V128 {
    return new Value(NodeKind.register, 'v128', 0, null, null, null, register, 0, null);
  }

  getF32(register: Register): F32 {
    return new Value(NodeKind.register, 'f32', 0, null, null, null, register, 0, null);
  }

  getF64(register: Register): F64 {
    return new Value(NodeKind.register, 'f64', 0, null, null, null, register, 0, null);
  }

  /** Writes a general register; an i32 clears the upper half. */
  set(register: Register, value: Value<'i32' | 'i64'>): void {
    this.#write(register, value.type === 'i32' ? this.extendU(value as I32) : value);
  }

  setV(register: Register, value: V128): void {
    this.#write(register, value);
  }

  /** Writes a scalar to a vector register's lowest lane and clears the rest. */
  setScalar(register: Register, value: I32 | I64 | F32 | F64): void {
    this.#write(register, this.scalarToVector(value));
  }

  /** A vector that has the scalar in its lowest lane and zeros above. */
  scalarToVector(value: I32 | I64 | F32 | F64): V128 {
    const opcode = {
      i32: Op.i32x4ReplaceLane,
      i64: Op.i64x2ReplaceLane,
      f32: Op.f32x4ReplaceLane,
      f64: Op.f64x2ReplaceLane,
    }[value.type];
    return this.replaceLane(opcode, this.v128Zero(), 0, value);
  }

  #write(register: Register, value: Value): void {
    value.uses++;
    this.#pendingRegisters.push(register);
    this.#pendingValues.push(value);
  }

  /** Writes a 32-bit state field, at the instruction's end like a register. */
  setState32(offset: number, value: I32): void {
    this.#write(this.stateRegister(offset), value);
  }

  /** Writes a 64-bit state field, at the instruction's end like a register. */
  setState64(offset: number, value: I64): void {
    this.#write(this.stateRegister(offset), value);
  }

  /** A 32-bit state field that is not an operand. */
  state32(offset: number): I32 {
    return new Value(NodeKind.stateField, 'i32', 0, null, null, null, offset, 0, null);
  }

  /** A 64-bit state field that is not an operand. */
  state64(offset: number): I64 {
    return new Value(NodeKind.stateField, 'i64', 0, null, null, null, offset, 0, null);
  }

  /** Names a state field, given its offset, as a register of this tier. */
  abstract stateRegister(offset: number): Register;

  /** The flags as they are before this instruction. */
  flags(): Flags {
    return {
      n: this.flagField('i64', FLAG_N),
      z: this.flagField('i64', FLAG_Z),
      c: this.flagField('i32', FLAG_C),
      v: this.flagField('i64', FLAG_V),
    };
  }

  protected flagField<T extends TypeName>(type: T, offset: number): Value<T> {
    return new Value(NodeKind.stateField, type, 0, null, null, null, offset, 0, null);
  }

  setFlags(flags: Flags): void {
    flags.n.uses++;
    flags.z.uses++;
    flags.c.uses++;
    flags.v.uses++;
    this.#flags = flags;
  }

  /**
   * Sets the flags to those of `result`, made by a + b (`sum`), a - b (`difference`), or otherwise (`logic`: C and V are
   * clear). A tier may put off what nobody asks for.
   */
  setFlagsOf(source: FlagSource, a: Integer, b: Integer, result: Integer): void {
    if (source === 'sum') this.setFlags(additionFlags(this, a, b, result));
    else if (source === 'difference') this.setFlags(subtractionFlags(this, a, b, result));
    else this.setFlags(resultFlags(this, result));
  }

  /** Whether the flags, as they are before this instruction, say that a relation holds (1 or 0). */
  relation(relation: Relation): I32 {
    return relationOfFlags(this, this.flags(), relation);
  }

  /** The address of this instruction plus `delta` bytes. */
  programCounter(delta = 0): I64 {
    return new Value(NodeKind.programCounter, 'i64', 0, null, null, null, delta, 0, null);
  }

  // Memory

  /** Loads up to eight bytes, zero-extended. */
  abstract load(size: 1 | 2 | 4 | 8, address: I64, access?: number): I64;
  abstract loadV(address: I64, access?: number): V128;
  /** Stores the low `size` bytes. */
  abstract store(size: AccessSize, address: I64, value: I32 | I64 | V128, access?: number): void;

  /** Two loads of the same size, one right after the other in memory; the second may fault when the first is done. */
  abstract loadPair(size: 4 | 8, address: I64): readonly [I64, I64];
  /** Two stores likewise. */
  abstract storePair(size: 4 | 8, address: I64, first: I32 | I64, second: I32 | I64): void;

  /**
   * The machine address of guest memory that is mapped for reading and writing, aligned to `size`; faults otherwise. For the
   * atomic operations below.
   */
  abstract machineAddress(size: AccessSize, address: I64): I32;

  /** A sequentially consistent read-modify-write at a machine address; gives the old value, zero-extended. */
  abstract atomic(operation: AtomicOperation, size: 1 | 2 | 4 | 8, machineAddress: I32, value: I64): I64;

  /** Stores `replacement` if memory holds `expected` (both zero-extended to i64); gives the old value, zero-extended. */
  abstract compareExchange(size: 1 | 2 | 4 | 8, machineAddress: I32, expected: I64, replacement: I64): I64;

  /** A barrier between all earlier and later memory accesses, or (`loads`) earlier loads and all later ones, or stores alone. */
  abstract fence(order: 'full' | 'loads' | 'stores'): void;

  /**
   * The machine address of a byte that stores go straight to, or 0 if a store there must take the slow path. Nothing has
   * happened then.
   */
  abstract storeAddress(address: I64): I32;

  /** Zeroes `size` bytes, a multiple of 16, at a machine address that is one too. */
  abstract zero(size: number, machineAddress: I32): void;

  // Engine calls

  /**
   * Calls one of the architecture's run-time functions: `inputs` go to the scratch cells from 0 on, results come back in the
   * cells from 0 on. For what is too rare or too long to be inline.
   */
  abstract call(routine: number, inputs: readonly Value[], results: readonly TypeName[]): Value[];

  /** As `call`, for a function that may raise an exception: then the instruction ends with it and writes nothing. */
  abstract callChecked(routine: number, inputs: readonly Value[], results: readonly TypeName[]): Value[];

  // Control

  /** Evaluates one of two alternatives; statements inside happen only in the one taken. */
  ifElse<T extends TypeName>(condition: I32, type: T, then: () => Value<T>, otherwise: () => Value<T>): Value<T> {
    this.emit(condition);
    const local = this.temporary(type);
    this.code.if();
    this.#inScope(() => this.#emitTo(then(), local));
    this.code.else();
    this.#inScope(() => this.#emitTo(otherwise(), local));
    this.code.end();
    return this.localValue(type, local);
  }

  /** Statements that happen only if the condition holds. Register writes are not allowed inside. */
  ifThen(condition: I32, then: () => void): void {
    this.emit(condition);
    this.code.if();
    this.#inScope(then);
    this.code.end();
  }

  /**
   * Does an attempt again and again until `done` is nonzero; gives the last one's value. For what only other processors'
   * interference can fail (compare-and-exchange loops, short locks): nothing interrupts it.
   */
  retry<T extends TypeName>(type: T, attempt: () => { readonly value: Value<T>; readonly done: I32 }): Value<T> {
    const local = this.temporary(type);
    const again = this.code.loop();
    this.#inScope(() => {
      const { value, done } = attempt();
      this.#emitTo(value, local);
      this.emit(this.eqz(done));
      this.code.brIf(again);
    });
    this.code.end();
    return this.localValue(type, local);
  }

  #emitTo(value: Value, local: number): void {
    this.emit(value);
    this.code.localSet(local);
  }

  #inScope(body: () => void): void {
    const kept: Value[] = [];
    this.#scopes.push(kept);
    body();
    this.#scopes.pop();
    for (const value of kept) value.local = -1;
  }

  /** Computes a value now, before the statements that follow. */
  now<T extends TypeName>(value: Value<T>): Value<T> {
    if (value.kind === NodeKind.constant || value.kind === NodeKind.local) return value;
    if (value.local < 0) {
      this.#compute(value);
      this.#keep(value);
      this.code.localSet(value.local);
    }
    return this.localValue(value.type, value.local);
  }

  /** Ends the instruction with a branch. */
  abstract jump(target: Target, kind?: 'jump' | 'call'): void;
  /** Ends the instruction with a branch if the condition holds; otherwise the next instruction follows. */
  abstract jumpIf(condition: I32, target: Target): void;
  /** Ends the instruction with a branch to a computed address. */
  abstract jumpTo(address: I64, kind?: BranchKind): void;
  /** Leaves translated code after this instruction (`next`) or with PC at it (`this`). */
  abstract leave(exit: Exit, at: 'this' | 'next'): void;

  /** Ends the instruction: leaves translated code after it if the condition holds, else the next instruction follows. */
  abstract leaveIf(condition: I32, exit: Exit): void;

  /** Ends the instruction; what follows is fetched anew if its code or its mapping may have changed. */
  abstract synchronizeContext(): void;

  /**
   * Leaves translated code with PC at this instruction if the condition holds. Before anything is done: whoever handles the exit
   * does the instruction whole.
   */
  abstract abandonIf(condition: I32, exit: Exit): void;

  // For the tiers

  /** Called by the tier around each description. */
  protected begin(): void {
    this.#terminated = false;
  }

  /** Marks that the description ended the instruction itself. */
  protected terminate(): void {
    this.commit();
    this.#terminated = true;
  }

  protected get terminated(): boolean {
    return this.#terminated;
  }

  /** Whether what is emitted now runs in some cases only. */
  protected get conditional(): boolean {
    return this.#scopes.length > 0;
  }

  /** Frees the instruction's locals. */
  protected end(): void {
    const used = this.#used;
    used.i32 = 0;
    used.i64 = 0;
    used.f32 = 0;
    used.f64 = 0;
    used.v128 = 0;
  }

  /** Does the pending register and flag writes, all with values from before any of them. */
  protected commit(): void {
    const registers = this.#pendingRegisters;
    const values = this.#pendingValues;
    const flags = this.#flags;
    this.#pendingRegisters = [];
    this.#pendingValues = [];
    this.#flags = null;
    if (flags === null && registers.length === 1) {
      this.writeRegister(registers[0] as Register, values[0] as Value);
      return;
    }
    const ready = values.map((value) => this.now(value));
    if (flags !== null) {
      const n = this.now(flags.n);
      const z = flags.z === flags.n ? n : this.now(flags.z);
      const c = this.now(flags.c);
      const v = this.now(flags.v);
      this.writeFlags({ n, z, c, v });
    }
    for (let i = 0; i < registers.length; i++) this.writeRegister(registers[i] as Register, ready[i] as Value);
  }

  protected abstract writeRegister(register: Register, value: Value): void;
  protected abstract writeFlags(flags: Flags): void;
  /** Pushes a register operand, at the node's type. */
  protected abstract emitRegister(value: Value): void;
  protected abstract emitRecordField(value: Value): void;
  protected abstract emitProgramCounter(delta: number): void;
  protected abstract emitStateField(value: Value): void;

  /** Pushes a value on wasm's stack. */
  protected emit(value: Value): void {
    if (value.local >= 0) {
      this.code.localGet(value.local);
      return;
    }
    this.#compute(value);
    if (value.uses > 1 && value.kind !== NodeKind.constant) {
      this.#keep(value);
      this.code.localTee(value.local);
    }
  }

  /** Pushes a value that no local holds. */
  #compute(value: Value): void {
    switch (value.kind) {
      case NodeKind.constant:
        this.#emitConstant(value);
        return;
      case NodeKind.operation:
        if (value.a !== null) this.emit(value.a);
        if (value.b !== null) this.emit(value.b);
        if (value.c !== null) this.emit(value.c);
        this.#emitOpcode(value);
        return;
      case NodeKind.register:
        this.emitRegister(value);
        return;
      case NodeKind.recordField:
        this.emitRecordField(value);
        return;
      case NodeKind.programCounter:
        this.emitProgramCounter(value.lo);
        return;
      case NodeKind.stateField:
        this.emitStateField(value);
        return;
      default:
        throw new Error(`a value of kind ${value.kind} has no local`);
    }
  }

  /** Gives a value a local, until the innermost conditional scope ends. */
  #keep(value: Value): void {
    value.local = this.temporary(value.type);
    this.#scopes.at(-1)?.push(value);
  }

  #emitConstant(value: Value): void {
    switch (value.type) {
      case 'i32':
        this.code.i32Const(value.lo);
        return;
      case 'i64':
        this.code.i64Const(value.lo, value.hi);
        return;
      case 'v128':
        this.code.v128Const(value.bytes as Uint8Array);
        return;
      default:
        throw new Error(`${value.type} constants are made from bits`);
    }
  }

  #emitOpcode(value: Value): void {
    const opcode = value.opcode;
    if (opcode === Op.i8x16Shuffle) this.code.shuffle(value.bytes as Uint8Array);
    else if (opcode === Op.selectTyped) this.code.selectTyped(typeCode[value.type]);
    else if (opcode >= Op.i8x16ExtractLaneS && opcode <= Op.f64x2ReplaceLane) this.code.lane(opcode, value.lo);
    else this.code.op(opcode);
  }

  /** A wasm local for the rest of this instruction. */
  protected temporary(type: TypeName): number {
    const locals = this.#temporaries[type];
    const index = this.#used[type]++;
    locals[index] ??= this.code.local(typeCode[type]);
    return locals[index];
  }

  /** Forgets the locals for what instructions keep: for a new function. */
  protected resetTemporaries(): void {
    for (const locals of Object.values(this.#temporaries)) locals.length = 0;
  }

  /** The content of a wasm local as a value. */
  protected localValue<T extends TypeName>(type: T, local: number): Value<T> {
    const value = new Value(NodeKind.local, type, 0, null, null, null, 0, 0, null);
    value.local = local;
    return value;
  }

  /** Byte offset of a scratch cell. */
  protected scratchOffset(cell: number): number {
    if (cell >= SCRATCH_CELLS) throw new RangeError(`an engine call passes at most ${SCRATCH_CELLS} values`);
    return SCRATCH + cell * 16;
  }
}
