import { Op } from '../../../wasm/opcodes.ts';
import type { Builder } from '../../ir/builder.ts';
import type { F32, F64, I32, Register, V128, Value } from '../../ir/value.ts';
import { arrangementOf } from './lanes.ts';
import { DOUBLE } from './routines.ts';

/**
 * The forms in which descriptions have floating-point values: a scalar as f32 or f64, one or more lanes of a vector as v128.
 * What operations there are, and the tests by which a result is known to be the exact path's.
 */

export type FloatValue = Value<'f32' | 'f64' | 'v128'>;
/** For each lane whether something holds: 0 or 1 for a scalar, else lanes of zeros or ones. */
export type Mask = Value<'i32' | 'v128'>;

const f32Opcodes = {
  abs: Op.f32Abs,
  neg: Op.f32Neg,
  ceil: Op.f32Ceil,
  floor: Op.f32Floor,
  trunc: Op.f32Trunc,
  nearest: Op.f32Nearest,
  sqrt: Op.f32Sqrt,
  add: Op.f32Add,
  sub: Op.f32Sub,
  mul: Op.f32Mul,
  div: Op.f32Div,
  min: Op.f32Min,
  max: Op.f32Max,
  eq: Op.f32Eq,
  lt: Op.f32Lt,
  gt: Op.f32Gt,
  ge: Op.f32Ge,
} as const;

type Operation = keyof typeof f32Opcodes;
type Comparison = 'eq' | 'lt' | 'gt' | 'ge';
type Opcodes = Readonly<Record<Operation, number>>;

const f64Opcodes: Opcodes = {
  abs: Op.f64Abs,
  neg: Op.f64Neg,
  ceil: Op.f64Ceil,
  floor: Op.f64Floor,
  trunc: Op.f64Trunc,
  nearest: Op.f64Nearest,
  sqrt: Op.f64Sqrt,
  add: Op.f64Add,
  sub: Op.f64Sub,
  mul: Op.f64Mul,
  div: Op.f64Div,
  min: Op.f64Min,
  max: Op.f64Max,
  eq: Op.f64Eq,
  lt: Op.f64Lt,
  gt: Op.f64Gt,
  ge: Op.f64Ge,
};

const f32x4Opcodes: Opcodes = {
  abs: Op.f32x4Abs,
  neg: Op.f32x4Neg,
  ceil: Op.f32x4Ceil,
  floor: Op.f32x4Floor,
  trunc: Op.f32x4Trunc,
  nearest: Op.f32x4Nearest,
  sqrt: Op.f32x4Sqrt,
  add: Op.f32x4Add,
  sub: Op.f32x4Sub,
  mul: Op.f32x4Mul,
  div: Op.f32x4Div,
  min: Op.f32x4Min,
  max: Op.f32x4Max,
  eq: Op.f32x4Eq,
  lt: Op.f32x4Lt,
  gt: Op.f32x4Gt,
  ge: Op.f32x4Ge,
};

const f64x2Opcodes: Opcodes = {
  abs: Op.f64x2Abs,
  neg: Op.f64x2Neg,
  ceil: Op.f64x2Ceil,
  floor: Op.f64x2Floor,
  trunc: Op.f64x2Trunc,
  nearest: Op.f64x2Nearest,
  sqrt: Op.f64x2Sqrt,
  add: Op.f64x2Add,
  sub: Op.f64x2Sub,
  mul: Op.f64x2Mul,
  div: Op.f64x2Div,
  min: Op.f64x2Min,
  max: Op.f64x2Max,
  eq: Op.f64x2Eq,
  lt: Op.f64x2Lt,
  gt: Op.f64x2Gt,
  ge: Op.f64x2Ge,
};

/**
 * Tests come in two kinds: masks, which `all` brings together, and the guarded ones, which also demand that the state field
 * `guard` (FP_EXACT or FPCR) is 0.
 */
export abstract class FloatShape {
  abstract readonly type: 'f32' | 'f64' | 'v128';
  readonly isDouble: boolean;
  readonly lanes: number;
  readonly #opcodes: Opcodes;

  constructor(isDouble: boolean, lanes: number, opcodes: Opcodes) {
    this.isDouble = isDouble;
    this.lanes = lanes;
    this.#opcodes = opcodes;
  }

  /** Greatest exponent field. */
  protected get topExponent(): number {
    return this.isDouble ? 0x7ff : 0xff;
  }

  protected get bias(): number {
    return this.isDouble ? 1023 : 127;
  }

  unary(o: Builder, operation: Operation, a: FloatValue): FloatValue {
    return o.unary(this.#opcodes[operation], this.type, a);
  }

  binary(o: Builder, operation: Operation, a: FloatValue, b: FloatValue): FloatValue {
    return o.binary(this.#opcodes[operation], this.type, a, b);
  }

  /** Where lanes are equal, less, greater, or greater or equal; nowhere for NaNs. */
  compare(o: Builder, operation: Comparison, a: FloatValue, b: FloatValue): Mask {
    return o.binary(this.#opcodes[operation], this.type === 'v128' ? 'v128' : 'i32', a, b);
  }

  /** Calls a routine of the exact path; `parameter` is what it adds to the format. */
  exact(o: Builder, routine: number, operands: readonly Value[], parameter = 0): FloatValue {
    const arrangement = o.i32(arrangementOf(this.lanes, (this.isDouble ? DOUBLE : 0) | parameter));
    return o.call(routine, [arrangement, ...operands], [this.type])[0] as FloatValue;
  }

  abstract get(o: Builder, register: Register): FloatValue;
  /** Writes the lanes to a register and clears the rest. */
  abstract set(o: Builder, register: Register, value: FloatValue): void;

  /** A magnitude with the sign of `a`. */
  abstract withSign(o: Builder, magnitude: FloatValue, a: FloatValue): FloatValue;

  abstract both(o: Builder, a: Mask, b: Mask): Mask;
  abstract either(o: Builder, a: Mask, b: Mask): Mask;
  /** Whether the mask holds in every lane. */
  abstract all(o: Builder, mask: Mask, guard: number): I32;

  /** Zero of either sign. */
  abstract zero(o: Builder, a: FloatValue): Mask;
  abstract finite(o: Builder, a: FloatValue): Mask;
  /** Greater in magnitude than the least normal number, and finite. */
  abstract normal(o: Builder, a: FloatValue): Mask;
  /** Less in magnitude than 2^power. */
  abstract below(o: Builder, a: FloatValue, power: number): Mask;
  /** Positive (or, for vectors, zero) and less than 2^power. */
  abstract positiveBelow(o: Builder, a: FloatValue, power: number): Mask;

  abstract finiteGuarded(o: Builder, a: FloatValue, guard: number): I32;
  abstract normalGuarded(o: Builder, a: FloatValue, guard: number): I32;
  /** Not NaN; infinities may fail too. */
  abstract numberGuarded(o: Builder, a: FloatValue, guard: number): I32;
  /**
   * After `normalGuarded` failed: whether each lane is normal, or finite with one of the operands zero. A single lane is known
   * not to be normal.
   */
  abstract exactZeroGuarded(o: Builder, a: FloatValue, operands: readonly FloatValue[], guard: number): I32;

  /** Finite, and one of the operands is zero. */
  exactZero(o: Builder, a: FloatValue, operands: readonly FloatValue[]): Mask {
    const zero = operands.map((operand) => this.zero(o, operand)).reduce((some, mask) => this.either(o, some, mask));
    return this.both(o, zero, this.finite(o, a));
  }
}

/** A condition and a state field that must be 0, at once. */
const guarded = (o: Builder, condition: I32, guard: number): I32 => o.gtU(condition, o.state32(guard));

class ScalarShape extends FloatShape {
  readonly type: 'f32' | 'f64';

  constructor(isDouble: boolean) {
    super(isDouble, 1, isDouble ? f64Opcodes : f32Opcodes);
    this.type = isDouble ? 'f64' : 'f32';
  }

  override get(o: Builder, register: Register): FloatValue {
    return this.isDouble ? o.getF64(register) : o.getF32(register);
  }

  override set(o: Builder, register: Register, value: FloatValue): void {
    o.setScalar(register, value as F32 | F64);
  }

  override withSign(o: Builder, magnitude: FloatValue, a: FloatValue): FloatValue {
    return o.binary(this.isDouble ? Op.f64Copysign : Op.f32Copysign, this.type, magnitude, a);
  }

  override both(o: Builder, a: Mask, b: Mask): Mask {
    return o.and(a as I32, b as I32);
  }

  override either(o: Builder, a: Mask, b: Mask): Mask {
    return o.or(a as I32, b as I32);
  }

  override all(o: Builder, mask: Mask, guard: number): I32 {
    return guarded(o, mask as I32, guard);
  }

  /** Sign and exponent field in the lowest bits. */
  #head(o: Builder, a: FloatValue): I32 {
    return this.isDouble ? o.wrap(o.shrU(o.bitsOfF64(a as F64), o.i64(52))) : o.shrU(o.bitsOfF32(a as F32), o.i32(23));
  }

  #exponent(o: Builder, a: FloatValue): I32 {
    return o.and(this.#head(o, a), o.i32(this.topExponent));
  }

  /** Below the bound, with the guard being 0 or greater than any bound. */
  #belowGuarded(o: Builder, a: I32, bound: number, guard: number): I32 {
    return o.ltU(o.or(a, o.state32(guard)), o.i32(bound));
  }

  override zero(o: Builder, a: FloatValue): Mask {
    return this.isDouble
      ? o.eqz(o.shl(o.bitsOfF64(a as F64), o.i64(1)))
      : o.eqz(o.shl(o.bitsOfF32(a as F32), o.i32(1)));
  }

  override finite(o: Builder, a: FloatValue): Mask {
    return o.ltU(this.#exponent(o, a), o.i32(this.topExponent));
  }

  /** The exponent field less 2: great for zero, for subnormals, and with the least normal number's exponent. */
  #normality(o: Builder, a: FloatValue): I32 {
    return o.sub(this.#exponent(o, a), o.i32(2));
  }

  override normal(o: Builder, a: FloatValue): Mask {
    return o.ltU(this.#normality(o, a), o.i32(this.topExponent - 2));
  }

  override below(o: Builder, a: FloatValue, power: number): Mask {
    return o.ltU(this.#exponent(o, a), o.i32(this.bias + power));
  }

  override positiveBelow(o: Builder, a: FloatValue, power: number): Mask {
    return o.ltU(this.#head(o, a), o.i32(this.bias + power));
  }

  override finiteGuarded(o: Builder, a: FloatValue, guard: number): I32 {
    return this.#belowGuarded(o, this.#exponent(o, a), this.topExponent, guard);
  }

  override normalGuarded(o: Builder, a: FloatValue, guard: number): I32 {
    return this.#belowGuarded(o, this.#normality(o, a), this.topExponent - 2, guard);
  }

  override numberGuarded(o: Builder, a: FloatValue, guard: number): I32 {
    return this.finiteGuarded(o, a, guard);
  }

  override exactZeroGuarded(o: Builder, a: FloatValue, operands: readonly FloatValue[], guard: number): I32 {
    return this.all(o, this.exactZero(o, a, operands), guard);
  }
}

/** A vector register's lanes from the lowest: one, two or four. */
export class VectorShape extends FloatShape {
  override readonly type = 'v128';

  constructor(isDouble: boolean, lanes: number) {
    super(isDouble, lanes, isDouble ? f64x2Opcodes : f32x4Opcodes);
  }

  get laneBytes(): number {
    return this.isDouble ? 8 : 4;
  }

  get isFull(): boolean {
    return this.lanes * this.laneBytes === 16;
  }

  override get(o: Builder, register: Register): V128 {
    return o.getV(register);
  }

  override set(o: Builder, register: Register, value: FloatValue): void {
    o.setV(register, this.isFull ? (value as V128) : o.simd2(Op.v128And, value as V128, this.#lanesInUse(o)));
  }

  #lanesInUse(o: Builder): V128 {
    return o.v128(new Uint8Array(16).fill(0xff, 0, this.lanes * this.laneBytes));
  }

  override unary(o: Builder, operation: Operation, a: FloatValue): V128 {
    return super.unary(o, operation, a) as V128;
  }

  override binary(o: Builder, operation: Operation, a: FloatValue, b: FloatValue): V128 {
    return super.binary(o, operation, a, b) as V128;
  }

  override exact(o: Builder, routine: number, operands: readonly Value[], parameter = 0): V128 {
    return super.exact(o, routine, operands, parameter) as V128;
  }

  override compare(o: Builder, operation: Comparison, a: FloatValue, b: FloatValue): V128 {
    return super.compare(o, operation, a, b) as V128;
  }

  override withSign(o: Builder, magnitude: FloatValue, a: FloatValue): V128 {
    const sign = o.simd2(Op.v128And, a as V128, this.splat(o, 1 << 31));
    return o.simd2(Op.v128Or, magnitude as V128, sign);
  }

  override both(o: Builder, a: Mask, b: Mask): V128 {
    return o.simd2(Op.v128And, a as V128, b as V128);
  }

  override either(o: Builder, a: Mask, b: Mask): V128 {
    return o.simd2(Op.v128Or, a as V128, b as V128);
  }

  override all(o: Builder, mask: Mask, guard: number): I32 {
    return guarded(o, this.#allLanes(o, mask as V128), guard);
  }

  #allLanes(o: Builder, mask: V128): I32 {
    if (this.isFull) return o.unary(this.isDouble ? Op.i64x2AllTrue : Op.i32x4AllTrue, 'i32', mask);
    if (this.lanes === 2) return o.eq(o.extractLane(Op.i64x2ExtractLane, 'i64', mask, 0), o.i64(-1));
    return o.and(o.extractLane(Op.i32x4ExtractLane, 'i32', mask, 0), o.i32(1));
  }

  /** Every lane the double or single with these bits (for a double, of its high word). */
  splat(o: Builder, high: number): V128 {
    return this.isDouble ? o.v128Splat64(0, high) : o.v128Splat64(high, high);
  }

  /** Every lane 2^power. */
  splatPower(o: Builder, power: number): V128 {
    return this.splat(o, (power + this.bias) << (this.isDouble ? 20 : 23));
  }

  override zero(o: Builder, a: FloatValue): V128 {
    return this.compare(o, 'eq', a, o.v128Zero());
  }

  override finite(o: Builder, a: FloatValue): V128 {
    return this.compare(o, 'lt', this.unary(o, 'abs', a), this.splatPower(o, this.bias + 1));
  }

  override normal(o: Builder, a: FloatValue): V128 {
    const magnitude = this.unary(o, 'abs', a);
    const notTiny = this.compare(o, 'gt', magnitude, this.splatPower(o, 1 - this.bias));
    return this.both(o, notTiny, this.compare(o, 'lt', magnitude, this.splatPower(o, this.bias + 1)));
  }

  override below(o: Builder, a: FloatValue, power: number): V128 {
    return this.compare(o, 'lt', this.unary(o, 'abs', a), this.splatPower(o, power));
  }

  override positiveBelow(o: Builder, a: FloatValue, power: number): V128 {
    const positive = this.compare(o, 'ge', a, o.v128Zero());
    return this.both(o, positive, this.compare(o, 'lt', a, this.splatPower(o, power)));
  }

  override finiteGuarded(o: Builder, a: FloatValue, guard: number): I32 {
    if (this.lanes === 1) return this.#scalar.finiteGuarded(o, this.#lowest(o, a), guard);
    return this.all(o, this.finite(o, a), guard);
  }

  override normalGuarded(o: Builder, a: FloatValue, guard: number): I32 {
    if (this.lanes === 1) return this.#scalar.normalGuarded(o, this.#lowest(o, a), guard);
    return this.all(o, this.normal(o, a), guard);
  }

  override numberGuarded(o: Builder, a: FloatValue, guard: number): I32 {
    return this.all(o, this.compare(o, 'eq', a, a), guard);
  }

  override exactZeroGuarded(o: Builder, a: FloatValue, operands: readonly FloatValue[], guard: number): I32 {
    if (this.lanes === 1) {
      const scalars = operands.map((operand) => this.#lowest(o, operand));
      return this.#scalar.exactZeroGuarded(o, this.#lowest(o, a), scalars, guard);
    }
    return this.all(o, this.either(o, this.normal(o, a), this.exactZero(o, a, operands)), guard);
  }

  get #scalar(): FloatShape {
    return scalarShape(this.isDouble);
  }

  #lowest(o: Builder, a: FloatValue): FloatValue {
    return this.isDouble
      ? o.extractLane(Op.f64x2ExtractLane, 'f64', a as V128, 0)
      : o.extractLane(Op.f32x4ExtractLane, 'f32', a as V128, 0);
  }
}

const scalars = [new ScalarShape(false), new ScalarShape(true)] as const;

/** One single (f32) or double (f64). */
export const scalarShape = (isDouble: boolean): FloatShape => scalars[isDouble ? 1 : 0];

/** The vector shape of an instruction's sz and Q bits. */
export const vectorShape = (sz: number, q: number): VectorShape => new VectorShape(sz === 1, (q === 1 ? 4 : 2) >> sz);

/** The lowest lane alone, as the scalar forms among the vector instructions have it. */
export const laneShape = (sz: number): VectorShape => new VectorShape(sz === 1, 1);
