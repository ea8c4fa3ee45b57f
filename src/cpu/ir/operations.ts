import { Op } from '../../wasm/opcodes.ts';
import { type F32, type F64, type I32, type I64, NodeKind, type TypeName, type V128, Value } from './value.ts';

const constant = <T extends TypeName>(type: T, lo: number, hi: number): Value<T> =>
  new Value(NodeKind.constant, type, 0, null, null, null, lo, hi, null);

const isZero = (value: Value): boolean => value.kind === NodeKind.constant && value.lo === 0 && value.hi === 0;

/**
 * The pure operations that descriptions are written in. All are wasm's own, with wasm's semantics (shift counts are taken
 * modulo the width, for one); integer ones work on i32 or i64 by their operands' type, and comparisons give an i32 of 0 or 1.
 */
export class Operations {
  // Constants

  i32(value: number): I32 {
    return constant('i32', value | 0, 0);
  }

  /** An i64 constant from a safe integer. */
  i64(value: number): I64 {
    return constant('i64', value | 0, Math.floor(value / 4294967296) | 0);
  }

  /** An i64 constant from its two halves. */
  i64Parts(lo: number, hi: number): I64 {
    return constant('i64', lo | 0, hi | 0);
  }

  /** An integer constant of the width `like` has. */
  constantLike<T extends 'i32' | 'i64'>(like: Value<T>, value: number): Value<T> {
    return (like.type === 'i32' ? this.i32(value) : this.i64(value)) as Value as Value<T>;
  }

  v128(bytes: Uint8Array): V128 {
    if (bytes.length !== 16) throw new RangeError(`a v128 constant has 16 bytes, not ${bytes.length}`);
    return new Value(NodeKind.constant, 'v128', 0, null, null, null, 0, 0, bytes);
  }

  /** A v128 constant with the same 64 bits in both halves. */
  v128Splat64(lo: number, hi: number): V128 {
    const bytes = new Uint8Array(16);
    const words = new DataView(bytes.buffer);
    for (const at of [0, 8]) {
      words.setInt32(at, lo, true);
      words.setInt32(at + 4, hi, true);
    }
    return this.v128(bytes);
  }

  v128Zero(): V128 {
    return this.v128(new Uint8Array(16));
  }

  // Generic forms, for the operations that have no method of their own

  /** Any wasm operation without immediates that takes one operand. */
  unary<T extends TypeName>(opcode: number, type: T, a: Value): Value<T> {
    return new Value(NodeKind.operation, type, opcode, a, null, null, 0, 0, null);
  }

  /** Any wasm operation without immediates that takes two operands. */
  binary<T extends TypeName>(opcode: number, type: T, a: Value, b: Value): Value<T> {
    return new Value(NodeKind.operation, type, opcode, a, b, null, 0, 0, null);
  }

  /** A SIMD operation with one vector operand (Op.i8x16Abs and the like). */
  simd1(opcode: number, a: V128): V128 {
    return this.unary(opcode, 'v128', a);
  }

  /** A SIMD operation with two vector operands. */
  simd2(opcode: number, a: V128, b: V128): V128 {
    return this.binary(opcode, 'v128', a, b);
  }

  /** A SIMD operation with three vector operands (bitselect). */
  simd3(opcode: number, a: V128, b: V128, c: V128): V128 {
    return new Value(NodeKind.operation, 'v128', opcode, a, b, c, 0, 0, null);
  }

  /** A SIMD shift by a scalar count. */
  simdShift(opcode: number, a: V128, count: I32): V128 {
    return this.binary(opcode, 'v128', a, count);
  }

  /** A splat (Op.i8x16Splat and the like). */
  splat(opcode: number, a: Value): V128 {
    return this.unary(opcode, 'v128', a);
  }

  /** A lane extraction (Op.i8x16ExtractLaneU and the like); the lane is known when the code is made. */
  extractLane<T extends 'i32' | 'i64' | 'f32' | 'f64'>(opcode: number, type: T, a: V128, lane: number): Value<T> {
    return new Value(NodeKind.operation, type, opcode, a, null, null, lane, 0, null);
  }

  /** A lane replacement (Op.i8x16ReplaceLane and the like). */
  replaceLane(opcode: number, a: V128, lane: number, value: Value): V128 {
    return new Value(NodeKind.operation, 'v128', opcode, a, value, null, lane, 0, null);
  }

  /** i8x16.shuffle: lanes 0 to 15 name bytes of `a`, 16 to 31 bytes of `b`. */
  shuffle(a: V128, b: V128, lanes: ArrayLike<number>): V128 {
    return new Value(NodeKind.operation, 'v128', Op.i8x16Shuffle, a, b, null, 0, 0, Uint8Array.from(lanes));
  }

  // Integers: each operation has an opcode for i32 and one for i64

  #integer<T extends 'i32' | 'i64'>(narrow: number, wide: number, a: Value<T>, b: Value<T>): Value<T> {
    if (a.type !== b.type) throw new TypeError(`mixed widths: ${a.type} and ${b.type}`);
    return this.binary(a.type === 'i32' ? narrow : wide, a.type, a, b);
  }

  #unaryInteger<T extends 'i32' | 'i64'>(narrow: number, wide: number, a: Value<T>): Value<T> {
    return this.unary(a.type === 'i32' ? narrow : wide, a.type, a);
  }

  #compare<T extends 'i32' | 'i64'>(narrow: number, wide: number, a: Value<T>, b: Value<T>): I32 {
    if (a.type !== b.type) throw new TypeError(`mixed widths: ${a.type} and ${b.type}`);
    return this.binary(a.type === 'i32' ? narrow : wide, 'i32', a, b);
  }

  add<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): Value<T> {
    if (isZero(b) && a.type === b.type) return a;
    if (isZero(a) && a.type === b.type) return b;
    return this.#integer(Op.i32Add, Op.i64Add, a, b);
  }

  sub<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): Value<T> {
    if (isZero(b) && a.type === b.type) return a;
    return this.#integer(Op.i32Sub, Op.i64Sub, a, b);
  }

  mul<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): Value<T> {
    return this.#integer(Op.i32Mul, Op.i64Mul, a, b);
  }

  /** Signed division as wasm has it: the caller rules out division by zero and overflow, which trap. */
  divS<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): Value<T> {
    return this.#integer(Op.i32DivS, Op.i64DivS, a, b);
  }

  /** Unsigned division as wasm has it: the caller rules out division by zero, which traps. */
  divU<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): Value<T> {
    return this.#integer(Op.i32DivU, Op.i64DivU, a, b);
  }

  and<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): Value<T> {
    return this.#integer(Op.i32And, Op.i64And, a, b);
  }

  or<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): Value<T> {
    if (isZero(a) && a.type === b.type) return b;
    if (isZero(b) && a.type === b.type) return a;
    return this.#integer(Op.i32Or, Op.i64Or, a, b);
  }

  xor<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): Value<T> {
    return this.#integer(Op.i32Xor, Op.i64Xor, a, b);
  }

  not<T extends 'i32' | 'i64'>(a: Value<T>): Value<T> {
    return this.xor(a, this.constantLike(a, -1));
  }

  neg<T extends 'i32' | 'i64'>(a: Value<T>): Value<T> {
    return this.sub(this.constantLike(a, 0), a);
  }

  shl<T extends 'i32' | 'i64'>(a: Value<T>, count: Value<T>): Value<T> {
    if (isZero(count)) return a;
    return this.#integer(Op.i32Shl, Op.i64Shl, a, count);
  }

  shrU<T extends 'i32' | 'i64'>(a: Value<T>, count: Value<T>): Value<T> {
    if (isZero(count)) return a;
    return this.#integer(Op.i32ShrU, Op.i64ShrU, a, count);
  }

  shrS<T extends 'i32' | 'i64'>(a: Value<T>, count: Value<T>): Value<T> {
    if (isZero(count)) return a;
    return this.#integer(Op.i32ShrS, Op.i64ShrS, a, count);
  }

  rotr<T extends 'i32' | 'i64'>(a: Value<T>, count: Value<T>): Value<T> {
    if (isZero(count)) return a;
    return this.#integer(Op.i32Rotr, Op.i64Rotr, a, count);
  }

  clz<T extends 'i32' | 'i64'>(a: Value<T>): Value<T> {
    return this.#unaryInteger(Op.i32Clz, Op.i64Clz, a);
  }

  ctz<T extends 'i32' | 'i64'>(a: Value<T>): Value<T> {
    return this.#unaryInteger(Op.i32Ctz, Op.i64Ctz, a);
  }

  popcnt<T extends 'i32' | 'i64'>(a: Value<T>): Value<T> {
    return this.#unaryInteger(Op.i32Popcnt, Op.i64Popcnt, a);
  }

  eqz(a: Value<'i32' | 'i64'>): I32 {
    return this.unary(a.type === 'i32' ? Op.i32Eqz : Op.i64Eqz, 'i32', a);
  }

  eq<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    if (isZero(b)) return this.eqz(a);
    return this.#compare(Op.i32Eq, Op.i64Eq, a, b);
  }

  ne<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    return this.#compare(Op.i32Ne, Op.i64Ne, a, b);
  }

  ltS<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    return this.#compare(Op.i32LtS, Op.i64LtS, a, b);
  }

  ltU<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    return this.#compare(Op.i32LtU, Op.i64LtU, a, b);
  }

  leS<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    return this.#compare(Op.i32LeS, Op.i64LeS, a, b);
  }

  leU<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    return this.#compare(Op.i32LeU, Op.i64LeU, a, b);
  }

  gtS<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    return this.#compare(Op.i32GtS, Op.i64GtS, a, b);
  }

  gtU<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    return this.#compare(Op.i32GtU, Op.i64GtU, a, b);
  }

  geS<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    return this.#compare(Op.i32GeS, Op.i64GeS, a, b);
  }

  geU<T extends 'i32' | 'i64'>(a: Value<T>, b: Value<T>): I32 {
    return this.#compare(Op.i32GeU, Op.i64GeU, a, b);
  }

  /** `condition ? a : b`, both evaluated; any type. */
  select<T extends TypeName>(condition: I32, a: Value<T>, b: Value<T>): Value<T> {
    if (a.type !== b.type) throw new TypeError(`mixed types: ${a.type} and ${b.type}`);
    return new Value(
      NodeKind.operation,
      a.type,
      a.type === 'v128' ? Op.selectTyped : Op.select,
      a,
      b,
      condition,
      0,
      0,
      null,
    );
  }

  // Widths

  wrap(a: I64): I32 {
    if (a.kind === NodeKind.constant) return this.i32(a.lo);
    return this.unary(Op.i32WrapI64, 'i32', a);
  }

  /** The high half of an i64. */
  high(a: I64): I32 {
    if (a.kind === NodeKind.constant) return this.i32(a.hi);
    return this.wrap(this.shrU(a, this.i64(32)));
  }

  /** An i64 at the width an instruction's sf bit says: itself for 1, its low half for 0. */
  atWidth(a: I64, sf: number): Value<'i32' | 'i64'> {
    return sf === 0 ? this.wrap(a) : a;
  }

  extendU(a: I32): I64 {
    if (a.kind === NodeKind.constant) return this.i64Parts(a.lo, 0);
    return this.unary(Op.i64ExtendI32U, 'i64', a);
  }

  extendS(a: I32): I64 {
    if (a.kind === NodeKind.constant) return this.i64(a.lo);
    return this.unary(Op.i64ExtendI32S, 'i64', a);
  }

  /** The low 8, 16 or 32 bits, sign-extended to the value's own width. */
  signExtend<T extends 'i32' | 'i64'>(a: Value<T>, bits: 8 | 16 | 32): Value<T> {
    if (a.type === 'i32') {
      if (bits === 32) return a;
      return this.unary(bits === 8 ? Op.i32Extend8S : Op.i32Extend16S, a.type, a);
    }
    return this.unary(bits === 8 ? Op.i64Extend8S : bits === 16 ? Op.i64Extend16S : Op.i64Extend32S, a.type, a);
  }

  /** The low 8, 16 or 32 bits, zero-extended to the value's own width. */
  zeroExtend<T extends 'i32' | 'i64'>(a: Value<T>, bits: 8 | 16 | 32): Value<T> {
    if (bits === 32) {
      if (a.type === 'i32') return a;
      return this.extendU(this.wrap(a as Value as I64)) as Value as Value<T>;
    }
    return this.and(a, this.constantLike(a, bits === 8 ? 0xff : 0xffff));
  }

  // Bit casts

  f64FromBits(a: I64): F64 {
    return this.unary(Op.f64ReinterpretI64, 'f64', a);
  }

  bitsOfF64(a: F64): I64 {
    return this.unary(Op.i64ReinterpretF64, 'i64', a);
  }

  f32FromBits(a: I32): F32 {
    return this.unary(Op.f32ReinterpretI32, 'f32', a);
  }

  bitsOfF32(a: F32): I32 {
    return this.unary(Op.i32ReinterpretF32, 'i32', a);
  }
}
