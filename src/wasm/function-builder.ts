import { ByteWriter } from './byte-writer.ts';
import { BlockType, FirstTypeIndex, Op, type ReferenceType, type ValueType } from './opcodes.ts';

/** The function body itself as a branch target: a branch to it returns. */
export const FunctionLabel = 0;

const NoHint = -1;

/**
 * Writes the body of one function, instruction by instruction, in the order of the binary format.
 *
 * A label is the absolute nesting level of a construct, as `block`, `loop` and `if` return it; branches turn it into the
 * relative depth that the format wants. Validity beyond nesting is left to the engine that compiles the module.
 *
 * `reset` keeps all memory, so one builder can serve any number of functions without allocating.
 */
export class FunctionBuilder {
  /** The instructions so far. */
  readonly code = new ByteWriter(1024);
  /** The encoded declaration of locals; filled by `finish`. */
  readonly locals = new ByteWriter(16);
  paramCount = 0;
  /** How many constructs are open now. */
  depth = 0;
  /** Counts resets, so that a module can tell that a body it was given is gone. */
  generation = 0;
  /** How many branch hints are recorded. */
  hintCount = 0;

  /** One byte for each parameter and local: its type. */
  readonly #variables = new ByteWriter(64);
  /** For each hint `offset * 2 + likely`, the offset counting from the first instruction. Only `hintCount` are in use. */
  readonly #hints: number[] = [];
  #pendingHint = NoHint;
  #finished = false;

  constructor(paramTypes: readonly ValueType[] = []) {
    this.reset(paramTypes);
  }

  /** Starts another function with these parameters. */
  reset(paramTypes: readonly ValueType[]): void {
    this.code.reset();
    this.locals.reset();
    this.#variables.reset();
    for (let i = 0; i < paramTypes.length; i++) this.#variables.u8(paramTypes[i]);
    this.paramCount = paramTypes.length;
    this.depth = 0;
    this.generation++;
    this.hintCount = 0;
    this.#pendingHint = NoHint;
    this.#finished = false;
  }

  /** Adds a zeroed local and returns its index, which is final. */
  local(type: ValueType): number {
    this.#variables.u8(type);
    return this.#variables.length - 1;
  }

  /** Parameters and locals together. */
  get localCount(): number {
    return this.#variables.length;
  }

  /** The type of the parameter or local `index`. */
  localType(index: number): ValueType {
    if (index >= this.#variables.length) throw new RangeError(`no local ${index} among ${this.#variables.length}`);
    return this.#variables.buffer[index] as ValueType;
  }

  /**
   * Closes the body: writes the last `end` and the declaration of locals. Called by the module; harmless when repeated.
   * Throws when a construct is open or a branch hint found no branch.
   */
  finish(): void {
    if (this.#finished) return;
    if (this.depth !== 0) throw new Error(`function body ends with ${this.depth} constructs open`);
    if (this.#pendingHint !== NoHint) throw new Error('branch hint without a br_if or if after it');
    this.code.u8(Op.end);
    this.#encodeLocals();
    this.#finished = true;
  }

  #encodeLocals(): void {
    const { buffer, length } = this.#variables;
    let runs = 0;
    for (let i = this.paramCount; i < length; i++) {
      if (i === this.paramCount || buffer[i] !== buffer[i - 1]) runs++;
    }
    this.locals.u32(runs);
    for (let start = this.paramCount; start < length; ) {
      let end = start + 1;
      while (end < length && buffer[end] === buffer[start]) end++;
      this.locals.u32(end - start);
      this.locals.u8(buffer[start]);
      start = end;
    }
  }

  // Plain instructions

  /** Any instruction without immediates. */
  op(opcode: number): void {
    if (opcode < 0x100) {
      this.code.u8(opcode);
    } else {
      this.code.u8(opcode >>> 12);
      this.code.u32(opcode & 0xfff);
    }
  }

  unreachable(): void {
    this.code.u8(Op.unreachable);
  }

  drop(): void {
    this.code.u8(Op.drop);
  }

  select(): void {
    this.code.u8(Op.select);
  }

  /** `select` for reference types, which must be named. */
  selectTyped(type: ValueType): void {
    this.code.u8(Op.selectTyped);
    this.code.u8(1);
    this.code.u8(type);
  }

  // Constants

  i32Const(value: number): void {
    this.code.u8(Op.i32Const);
    this.code.s32(value);
  }

  /** An i64 from its low and high 32 bits. */
  i64Const(low: number, high: number): void {
    this.code.u8(Op.i64Const);
    this.code.s64(low, high);
  }

  /** An i64 from a safe integer; throws a RangeError for any other number. */
  i64ConstNumber(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`i64 constant ${value} is not a safe integer`);
    this.i64Const(value | 0, Math.floor(value / 0x1_0000_0000));
  }

  /** An f32; a NaN becomes the canonical one. */
  f32Const(value: number): void {
    this.code.u8(Op.f32Const);
    this.code.f32(value);
  }

  /** An f32 from its bits, which keeps NaN payloads. */
  f32ConstBits(bits: number): void {
    this.code.u8(Op.f32Const);
    this.code.fixed32(bits);
  }

  /** An f64; a NaN becomes the canonical one. */
  f64Const(value: number): void {
    this.code.u8(Op.f64Const);
    this.code.f64(value);
  }

  /** An f64 from its low and high 32 bits, which keeps NaN payloads. */
  f64ConstBits(low: number, high: number): void {
    this.code.u8(Op.f64Const);
    this.code.fixed32(low);
    this.code.fixed32(high);
  }

  /** A vector from its 16 bytes, lowest first. */
  v128Const(bytes: Uint8Array): void {
    if (bytes.length !== 16) throw new RangeError(`v128 constant of ${bytes.length} bytes`);
    this.op(Op.v128Const);
    this.code.raw(bytes);
  }

  // Variables

  localGet(index: number): void {
    this.code.u8(Op.localGet);
    this.code.u32(index);
  }

  localSet(index: number): void {
    this.code.u8(Op.localSet);
    this.code.u32(index);
  }

  localTee(index: number): void {
    this.code.u8(Op.localTee);
    this.code.u32(index);
  }

  globalGet(index: number): void {
    this.#indexed(Op.globalGet, index);
  }

  globalSet(index: number): void {
    this.#indexed(Op.globalSet, index);
  }

  // Memory. `align` is the base-2 logarithm of the alignment in bytes: at most the access's size, for atomics exactly it.
  // `offset` is unsigned 32-bit.

  load(opcode: number, align: number, offset: number): void {
    this.#memoryAccess(opcode, align, offset);
  }

  store(opcode: number, align: number, offset: number): void {
    this.#memoryAccess(opcode, align, offset);
  }

  /** Atomic load, store, read-modify-write, wait or notify. */
  atomic(opcode: number, align: number, offset: number): void {
    this.#memoryAccess(opcode, align, offset);
  }

  atomicFence(): void {
    this.op(Op.atomicFence);
    this.code.u8(0);
  }

  loadLane(opcode: number, align: number, offset: number, lane: number): void {
    this.#memoryAccess(opcode, align, offset);
    this.code.u8(lane);
  }

  storeLane(opcode: number, align: number, offset: number, lane: number): void {
    this.#memoryAccess(opcode, align, offset);
    this.code.u8(lane);
  }

  memorySize(): void {
    this.#indexed(Op.memorySize, 0);
  }

  memoryGrow(): void {
    this.#indexed(Op.memoryGrow, 0);
  }

  memoryCopy(): void {
    this.#indexed(Op.memoryCopy, 0);
    this.code.u32(0);
  }

  memoryFill(): void {
    this.#indexed(Op.memoryFill, 0);
  }

  memoryInit(dataSegment: number): void {
    this.#indexed(Op.memoryInit, dataSegment);
    this.code.u32(0);
  }

  dataDrop(dataSegment: number): void {
    this.#indexed(Op.dataDrop, dataSegment);
  }

  // Vectors

  /** `extract_lane` and `replace_lane`. */
  lane(opcode: number, lane: number): void {
    this.op(opcode);
    this.code.u8(lane);
  }

  /** `i8x16.shuffle`: for each byte of the result, 0..15 takes one of the first operand, 16..31 of the second. */
  shuffle(lanes: ArrayLike<number>): void {
    if (lanes.length !== 16) throw new RangeError(`shuffle with ${lanes.length} lanes`);
    this.op(Op.i8x16Shuffle);
    for (let i = 0; i < 16; i++) this.code.u8(lanes[i]);
  }

  // Control. A block type is a member of BlockType, or made by `blockTypeOf`.

  block(type: number = BlockType.void): number {
    return this.#open(Op.block, type);
  }

  loop(type: number = BlockType.void): number {
    return this.#open(Op.loop, type);
  }

  if(type: number = BlockType.void): number {
    this.#takeHint();
    return this.#open(Op.if, type);
  }

  else(): void {
    this.code.u8(Op.else);
  }

  /** Closes the innermost open construct. The function's own `end` is written by `finish`. */
  end(): void {
    if (this.depth === 0) throw new Error('end without an open block, loop or if');
    this.depth--;
    this.code.u8(Op.end);
  }

  br(label: number): void {
    this.#indexed(Op.br, this.#relativeDepth(label));
  }

  brIf(label: number): void {
    this.#takeHint();
    this.#indexed(Op.brIf, this.#relativeDepth(label));
  }

  /** Branches to `targets[i]` for the operand i, beyond the last to `otherwise`. */
  brTable(targets: ArrayLike<number>, otherwise: number): void {
    this.#indexed(Op.brTable, targets.length);
    for (let i = 0; i < targets.length; i++) this.code.u32(this.#relativeDepth(targets[i]));
    this.code.u32(this.#relativeDepth(otherwise));
  }

  /** Says which way the next `brIf` or `if` mostly goes: likely means the branch is taken, or the `if` entered. */
  branchHint(likely: boolean): void {
    this.#pendingHint = likely ? 1 : 0;
  }

  /** The offset of hint `i`'s instruction, in bytes from the first instruction. */
  hintOffset(i: number): number {
    return this.#hints[i] >>> 1;
  }

  hintIsLikely(i: number): boolean {
    return (this.#hints[i] & 1) !== 0;
  }

  return(): void {
    this.code.u8(Op.return);
  }

  call(functionIndex: number): void {
    this.#indexed(Op.call, functionIndex);
  }

  callIndirect(typeIndex: number, table = 0): void {
    this.#indexed(Op.callIndirect, typeIndex);
    this.code.u32(table);
  }

  returnCall(functionIndex: number): void {
    this.#indexed(Op.returnCall, functionIndex);
  }

  returnCallIndirect(typeIndex: number, table = 0): void {
    this.#indexed(Op.returnCallIndirect, typeIndex);
    this.code.u32(table);
  }

  // References and tables

  refNull(type: ReferenceType): void {
    this.#indexed(Op.refNull, type);
  }

  /** The function must be named outside function bodies too: in an export or an element segment. */
  refFunc(functionIndex: number): void {
    this.#indexed(Op.refFunc, functionIndex);
  }

  tableGet(table: number): void {
    this.#indexed(Op.tableGet, table);
  }

  tableSet(table: number): void {
    this.#indexed(Op.tableSet, table);
  }

  tableSize(table: number): void {
    this.#indexed(Op.tableSize, table);
  }

  tableGrow(table: number): void {
    this.#indexed(Op.tableGrow, table);
  }

  tableFill(table: number): void {
    this.#indexed(Op.tableFill, table);
  }

  tableCopy(destination: number, source: number): void {
    this.#indexed(Op.tableCopy, destination);
    this.code.u32(source);
  }

  tableInit(table: number, elementSegment: number): void {
    this.#indexed(Op.tableInit, elementSegment);
    this.code.u32(table);
  }

  elemDrop(elementSegment: number): void {
    this.#indexed(Op.elemDrop, elementSegment);
  }

  #indexed(opcode: number, index: number): void {
    this.op(opcode);
    this.code.u32(index);
  }

  #memoryAccess(opcode: number, align: number, offset: number): void {
    this.op(opcode);
    this.code.u8(align);
    this.code.u32(offset);
  }

  #open(opcode: number, type: number): number {
    this.code.u8(opcode);
    if (type < FirstTypeIndex) this.code.u8(type);
    else this.code.s32(type - FirstTypeIndex);
    return ++this.depth;
  }

  #relativeDepth(label: number): number {
    const relative = this.depth - label;
    if (label < 0 || relative < 0)
      throw new RangeError(`label ${label} is not open: the nesting is ${this.depth} deep`);
    return relative;
  }

  #takeHint(): void {
    if (this.#pendingHint === NoHint) return;
    this.#hints[this.hintCount++] = this.code.length * 2 + this.#pendingHint;
    this.#pendingHint = NoHint;
  }
}
