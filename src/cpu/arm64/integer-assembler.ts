import type { Fields, Parts } from '../instruction.ts';
import {
  type Extend,
  type GeneralRegister,
  numberOf,
  type Shift,
  stackNumberOf,
  uxtw,
  uxtx,
  widthOf,
} from './assembly-operands.ts';
import { encodeBitmask } from './bitmask-immediate.ts';
import { CodeBuffer } from './code-buffer.ts';
import { type Condition, conditionCode } from './conditions.ts';
import { encode } from './encoder.ts';

/** The second operand of arithmetic: a register or a constant. */
export type Operand2 = GeneralRegister | number | bigint;

const opposites: Readonly<Record<string, string>> = { ADD: 'SUB', SUB: 'ADD', ADDS: 'SUBS', SUBS: 'ADDS' };

const partsOf = (value: bigint): Parts => ({
  lo: Number(BigInt.asUintN(32, value)),
  hi: Number(BigInt.asUintN(32, value >> 32n)),
});

/** A constant, signed or unsigned, as the bits of a register. */
const constantBits = (name: string, value: number | bigint, sf: number): bigint => {
  const width = sf === 1 ? 64 : 32;
  const bits = BigInt.asUintN(width, BigInt(value));
  if (BigInt(value) !== bits && BigInt(value) !== BigInt.asIntN(width, bits)) {
    throw new RangeError(`${name}: ${value} does not fit ${width} bits`);
  }
  return bits;
};

/** The fields of a register's bits as a logical immediate, or null. */
const bitmaskOf = (bits: bigint, sf: number): Fields | null => {
  const { lo, hi } = partsOf(bits);
  return encodeBitmask({ lo, hi: sf === 1 ? hi : lo }) as Fields | null;
};

/**
 * Instruction words by name, and the data-processing instructions as methods named like their mnemonics. Methods throw a
 * RangeError when the operands have no encoding.
 */
export class IntegerAssembler extends CodeBuffer {
  /** Writes any instruction of the table by its name there, its fields as they stand in the encoding. */
  emit(name: string, fields: Fields): void {
    this.word(encode(name, fields));
  }

  // Addition and subtraction

  add(d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift | Extend): void {
    this.#addSubtract('ADD', d, n, m, modifier);
  }

  adds(d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift | Extend): void {
    this.#addSubtract('ADDS', d, n, m, modifier);
  }

  sub(d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift | Extend): void {
    this.#addSubtract('SUB', d, n, m, modifier);
  }

  subs(d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift | Extend): void {
    this.#addSubtract('SUBS', d, n, m, modifier);
  }

  cmp(n: GeneralRegister, m: Operand2, modifier?: Shift | Extend): void {
    this.subs(zeroLike(n), n, m, modifier);
  }

  cmn(n: GeneralRegister, m: Operand2, modifier?: Shift | Extend): void {
    this.adds(zeroLike(n), n, m, modifier);
  }

  neg(d: GeneralRegister, m: GeneralRegister, modifier?: Shift): void {
    this.sub(d, zeroLike(d), m, modifier);
  }

  adc(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.#three('ADC', d, n, m);
  }

  adcs(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.#three('ADCS', d, n, m);
  }

  sbc(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.#three('SBC', d, n, m);
  }

  sbcs(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.#three('SBCS', d, n, m);
  }

  #addSubtract(name: string, d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift | Extend): void {
    if (typeof m !== 'object') this.#addImmediate(name, d, n, Number(m));
    else if (modifier?.kind === 'extend') this.#addExtended(name, d, n, m, modifier);
    else if (d.stack || n.stack) {
      const amount = modifier?.amount ?? 0;
      if ((modifier?.type ?? 0) !== 0) throw new RangeError(`${name}: beside the stack pointer only LSL is possible`);
      this.#addExtended(name, d, n, m, d.sf === 1 ? uxtx(amount) : uxtw(amount));
    } else this.#shifted(name, d, n, m, modifier);
  }

  #addImmediate(name: string, d: GeneralRegister, n: GeneralRegister, value: number): void {
    if (value < 0) {
      this.#addImmediate(opposites[name] as string, d, n, -value);
      return;
    }
    const sh = value > 0xfff ? 1 : 0;
    const imm12 = sh === 1 ? value / 4096 : value;
    if (!Number.isInteger(imm12) || imm12 > 0xfff) throw new RangeError(`${name}: ${value} is no immediate`);
    const Rd = name.endsWith('S') ? numberOf(d) : stackNumberOf(d);
    this.emit(`${name} (immediate)`, { sf: widthOf(d, n), sh, imm12, Rn: stackNumberOf(n), Rd });
  }

  #addExtended(name: string, d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, extend: Extend): void {
    const width = d.sf === 1 && (extend.option & 3) === 3 ? 1 : 0;
    if (m.sf !== width) throw new RangeError(`${name}: the extended register must be ${width === 1 ? 'an X' : 'a W'}`);
    const Rd = name.endsWith('S') ? numberOf(d) : stackNumberOf(d);
    const { option, amount } = extend;
    const sf = widthOf(d, n);
    this.emit(`${name} (extended register)`, { sf, Rm: numberOf(m), option, imm3: amount, Rn: stackNumberOf(n), Rd });
  }

  #shifted(name: string, d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, modifier?: Shift): void {
    const fields = { sf: widthOf(d, n, m), Rm: numberOf(m), Rn: numberOf(n), Rd: numberOf(d) };
    if (modifier === undefined) this.emit(`${name} (register)`, fields);
    else this.emit(`${name} (shifted register)`, { ...fields, shift: modifier.type, imm6: modifier.amount });
  }

  #three(name: string, d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.emit(name, { sf: widthOf(d, n, m), Rm: numberOf(m), Rn: numberOf(n), Rd: numberOf(d) });
  }

  // Logic

  and(d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift): void {
    this.#logic('AND', d, n, m, modifier);
  }

  ands(d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift): void {
    this.#logic('ANDS', d, n, m, modifier);
  }

  orr(d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift): void {
    this.#logic('ORR', d, n, m, modifier);
  }

  eor(d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift): void {
    this.#logic('EOR', d, n, m, modifier);
  }

  bic(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, modifier?: Shift): void {
    this.#shifted('BIC', d, n, m, modifier);
  }

  bics(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, modifier?: Shift): void {
    this.#shifted('BICS', d, n, m, modifier);
  }

  orn(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, modifier?: Shift): void {
    this.#shifted('ORN', d, n, m, modifier);
  }

  eon(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, modifier?: Shift): void {
    this.#shifted('EON', d, n, m, modifier);
  }

  tst(n: GeneralRegister, m: Operand2, modifier?: Shift): void {
    this.ands(zeroLike(n), n, m, modifier);
  }

  mvn(d: GeneralRegister, m: GeneralRegister, modifier?: Shift): void {
    this.orn(d, zeroLike(d), m, modifier);
  }

  #logic(name: string, d: GeneralRegister, n: GeneralRegister, m: Operand2, modifier?: Shift): void {
    if (typeof m === 'object') {
      this.#shifted(name, d, n, m, modifier);
      return;
    }
    const sf = widthOf(d, n);
    const bitmask = bitmaskOf(constantBits(name, m, sf), sf);
    if (bitmask === null) throw new RangeError(`${name}: ${m} is no bitmask immediate`);
    const Rd = name === 'ANDS' ? numberOf(d) : stackNumberOf(d);
    this.emit(`${name} (immediate)`, { sf, ...bitmask, Rn: numberOf(n), Rd });
  }

  // Moves

  /** Copies a register, the stack pointer included, or loads any constant in as few instructions as it takes. */
  mov(d: GeneralRegister, value: Operand2): void {
    if (typeof value !== 'object') this.#moveConstant(d, value);
    else if (d.stack || value.stack) this.add(d, value, 0);
    else this.emit('MOV (register)', { sf: widthOf(d, value), Rm: numberOf(value), Rd: numberOf(d) });
  }

  #moveConstant(d: GeneralRegister, value: number | bigint): void {
    const { sf } = d;
    const constant = constantBits('MOV', value, sf);
    const parts: number[] = [];
    for (let at = 0; at < (sf === 1 ? 64 : 32); at += 16)
      parts.push(Number(BigInt.asUintN(16, constant >> BigInt(at))));
    const count = (part: number): number => parts.filter((candidate) => candidate === part).length;
    const inverted = count(0xffff) > count(0);
    const filler = inverted ? 0xffff : 0;
    const needed = [...parts.keys()].filter((hw) => parts[hw] !== filler);
    const bitmask = bitmaskOf(constant, sf);
    if (needed.length > 1 && bitmask !== null) {
      this.emit('ORR (immediate)', { sf, ...bitmask, Rn: 31, Rd: numberOf(d) });
      return;
    }
    const first = needed[0] ?? 0;
    this.#moveWide(inverted ? 'MOVN' : 'MOVZ', d, (parts[first] as number) ^ filler, 16 * first);
    for (const hw of needed.slice(1)) this.movk(d, parts[hw] as number, 16 * hw);
  }

  movz(d: GeneralRegister, imm16: number, shift = 0): void {
    this.#moveWide('MOVZ', d, imm16, shift);
  }

  movn(d: GeneralRegister, imm16: number, shift = 0): void {
    this.#moveWide('MOVN', d, imm16, shift);
  }

  movk(d: GeneralRegister, imm16: number, shift = 0): void {
    this.#moveWide('MOVK', d, imm16, shift);
  }

  #moveWide(name: string, d: GeneralRegister, imm16: number, shift: number): void {
    this.emit(name, { sf: d.sf, hw: shift / 16, imm16, Rd: numberOf(d) });
  }

  // Shifts and bit fields

  lsl(d: GeneralRegister, n: GeneralRegister, count: GeneralRegister | number): void {
    if (typeof count === 'object') this.#three('LSLV', d, n, count);
    else this.ubfm(d, n, -count & topBit(d), topBit(d) - count);
  }

  lsr(d: GeneralRegister, n: GeneralRegister, count: GeneralRegister | number): void {
    if (typeof count === 'object') this.#three('LSRV', d, n, count);
    else this.ubfm(d, n, count, topBit(d));
  }

  asr(d: GeneralRegister, n: GeneralRegister, count: GeneralRegister | number): void {
    if (typeof count === 'object') this.#three('ASRV', d, n, count);
    else this.sbfm(d, n, count, topBit(d));
  }

  ror(d: GeneralRegister, n: GeneralRegister, count: GeneralRegister | number): void {
    if (typeof count === 'object') this.#three('RORV', d, n, count);
    else this.extr(d, n, n, count);
  }

  extr(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, lsb: number): void {
    const sf = widthOf(d, n, m);
    this.emit('EXTR', { sf, N: sf, Rm: numberOf(m), imms: lsb, Rn: numberOf(n), Rd: numberOf(d) });
  }

  ubfm(d: GeneralRegister, n: GeneralRegister, immr: number, imms: number): void {
    this.#bitfield('UBFM', d, n, immr, imms);
  }

  sbfm(d: GeneralRegister, n: GeneralRegister, immr: number, imms: number): void {
    this.#bitfield('SBFM', d, n, immr, imms);
  }

  bfm(d: GeneralRegister, n: GeneralRegister, immr: number, imms: number): void {
    this.#bitfield('BFM', d, n, immr, imms);
  }

  ubfx(d: GeneralRegister, n: GeneralRegister, lsb: number, width: number): void {
    this.ubfm(d, n, lsb, lsb + width - 1);
  }

  sbfx(d: GeneralRegister, n: GeneralRegister, lsb: number, width: number): void {
    this.sbfm(d, n, lsb, lsb + width - 1);
  }

  bfxil(d: GeneralRegister, n: GeneralRegister, lsb: number, width: number): void {
    this.bfm(d, n, lsb, lsb + width - 1);
  }

  bfi(d: GeneralRegister, n: GeneralRegister, lsb: number, width: number): void {
    this.bfm(d, n, -lsb & topBit(d), width - 1);
  }

  uxtb(d: GeneralRegister, n: GeneralRegister): void {
    this.ubfm(d, n, 0, 7);
  }

  uxth(d: GeneralRegister, n: GeneralRegister): void {
    this.ubfm(d, n, 0, 15);
  }

  sxtb(d: GeneralRegister, n: GeneralRegister): void {
    this.sbfm(d, { ...n, sf: d.sf }, 0, 7);
  }

  sxth(d: GeneralRegister, n: GeneralRegister): void {
    this.sbfm(d, { ...n, sf: d.sf }, 0, 15);
  }

  sxtw(d: GeneralRegister, n: GeneralRegister): void {
    this.sbfm(d, { ...n, sf: d.sf }, 0, 31);
  }

  #bitfield(name: string, d: GeneralRegister, n: GeneralRegister, immr: number, imms: number): void {
    const sf = widthOf(d, n);
    this.emit(name, { sf, N: sf, immr, imms, Rn: numberOf(n), Rd: numberOf(d) });
  }

  // Bits

  rbit(d: GeneralRegister, n: GeneralRegister): void {
    this.#two('RBIT', d, n);
  }

  rev16(d: GeneralRegister, n: GeneralRegister): void {
    this.#two('REV16', d, n);
  }

  rev32(d: GeneralRegister, n: GeneralRegister): void {
    if (widthOf(d, n) === 0) throw new RangeError('REV32 needs X registers');
    this.emit('REV32', { Rn: numberOf(n), Rd: numberOf(d) });
  }

  rev(d: GeneralRegister, n: GeneralRegister): void {
    this.emit(widthOf(d, n) === 1 ? 'REV (64-bit)' : 'REV (32-bit)', { Rn: numberOf(n), Rd: numberOf(d) });
  }

  clz(d: GeneralRegister, n: GeneralRegister): void {
    this.#two('CLZ', d, n);
  }

  cls(d: GeneralRegister, n: GeneralRegister): void {
    this.#two('CLS', d, n);
  }

  #two(name: string, d: GeneralRegister, n: GeneralRegister): void {
    this.emit(name, { sf: widthOf(d, n), Rn: numberOf(n), Rd: numberOf(d) });
  }

  // Multiplication and division

  madd(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, a: GeneralRegister): void {
    const sf = widthOf(d, n, m, a);
    this.emit('MADD', { sf, Rm: numberOf(m), Ra: numberOf(a), Rn: numberOf(n), Rd: numberOf(d) });
  }

  msub(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, a: GeneralRegister): void {
    const sf = widthOf(d, n, m, a);
    this.emit('MSUB', { sf, Rm: numberOf(m), Ra: numberOf(a), Rn: numberOf(n), Rd: numberOf(d) });
  }

  mul(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.madd(d, n, m, zeroLike(d));
  }

  smaddl(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, a: GeneralRegister): void {
    this.#multiplyLong('SMADDL', d, n, m, a);
  }

  smsubl(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, a: GeneralRegister): void {
    this.#multiplyLong('SMSUBL', d, n, m, a);
  }

  umaddl(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, a: GeneralRegister): void {
    this.#multiplyLong('UMADDL', d, n, m, a);
  }

  umsubl(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, a: GeneralRegister): void {
    this.#multiplyLong('UMSUBL', d, n, m, a);
  }

  /** The product of two W registers, added to or taken from an X register. */
  #multiplyLong(name: string, d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, a: GeneralRegister): void {
    if (widthOf(n, m) === 1 || widthOf(d, a) === 0) throw new RangeError(`${name} takes an X, two W and an X register`);
    this.emit(name, { Rm: numberOf(m), Ra: numberOf(a), Rn: numberOf(n), Rd: numberOf(d) });
  }

  smull(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.smaddl(d, n, m, zeroLike(d));
  }

  umull(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.umaddl(d, n, m, zeroLike(d));
  }

  smulh(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.#multiplyHigh('SMULH', d, n, m);
  }

  umulh(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.#multiplyHigh('UMULH', d, n, m);
  }

  #multiplyHigh(name: string, d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    if (widthOf(d, n, m) === 0) throw new RangeError(`${name} needs X registers`);
    this.emit(name, { Rm: numberOf(m), Rn: numberOf(n), Rd: numberOf(d) });
  }

  udiv(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.#three('UDIV', d, n, m);
  }

  sdiv(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): void {
    this.#three('SDIV', d, n, m);
  }

  // Conditions

  csel(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, condition: Condition): void {
    this.#select('CSEL', d, n, m, condition);
  }

  csinc(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, condition: Condition): void {
    this.#select('CSINC', d, n, m, condition);
  }

  csinv(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, condition: Condition): void {
    this.#select('CSINV', d, n, m, condition);
  }

  csneg(d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, condition: Condition): void {
    this.#select('CSNEG', d, n, m, condition);
  }

  cset(d: GeneralRegister, condition: Condition): void {
    const zero = zeroLike(d);
    this.emit('CSINC', { ...selectFields(d, zero, zero), cond: inverse(condition) });
  }

  csetm(d: GeneralRegister, condition: Condition): void {
    const zero = zeroLike(d);
    this.emit('CSINV', { ...selectFields(d, zero, zero), cond: inverse(condition) });
  }

  cinc(d: GeneralRegister, n: GeneralRegister, condition: Condition): void {
    this.emit('CSINC', { ...selectFields(d, n, n), cond: inverse(condition) });
  }

  #select(name: string, d: GeneralRegister, n: GeneralRegister, m: GeneralRegister, condition: Condition): void {
    this.emit(name, { ...selectFields(d, n, m), cond: conditionCode(condition) });
  }

  ccmp(n: GeneralRegister, m: GeneralRegister | number, nzcv: number, condition: Condition): void {
    this.#compareIf('CCMP', n, m, nzcv, condition);
  }

  ccmn(n: GeneralRegister, m: GeneralRegister | number, nzcv: number, condition: Condition): void {
    this.#compareIf('CCMN', n, m, nzcv, condition);
  }

  #compareIf(name: string, n: GeneralRegister, m: GeneralRegister | number, nzcv: number, condition: Condition): void {
    const fields = { sf: n.sf, cond: conditionCode(condition), Rn: numberOf(n), nzcv };
    if (typeof m === 'number') this.emit(`${name} (immediate)`, { ...fields, imm5: m });
    else this.emit(`${name} (register)`, { ...fields, sf: widthOf(n, m), Rm: numberOf(m) });
  }
}

/** The zero register of the same width. */
const zeroLike = (register: GeneralRegister): GeneralRegister => ({
  kind: 'general',
  number: 31,
  sf: register.sf,
  stack: false,
});

const topBit = (register: GeneralRegister): number => (register.sf === 1 ? 63 : 31);

const selectFields = (d: GeneralRegister, n: GeneralRegister, m: GeneralRegister): Record<string, number> => ({
  sf: widthOf(d, n, m),
  Rm: numberOf(m),
  Rn: numberOf(n),
  Rd: numberOf(d),
});

/** The code of the opposite condition; 'al' has none. */
const inverse = (condition: Condition): number => {
  const code = conditionCode(condition);
  if (code >= 14) throw new RangeError(`condition '${condition}' cannot be inverted`);
  return code ^ 1;
};
