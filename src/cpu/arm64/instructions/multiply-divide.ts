import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I64, Value } from '../../ir/value.ts';
import { destination, source } from '../operands.ts';

/** Multiplication and division (Arm ARM C4.1, "Data-processing (3 source)" and part of "(2 source)"). */

type Integer = Value<'i32' | 'i64'>;
type Combine = (o: Builder, a: Integer, b: Integer) => Integer;

const plus: Combine = (o, a, b) => o.add(a, b);
const minus: Combine = (o, a, b) => o.sub(a, b);

const multiplyAdd = (name: string, o0: string, combine: Combine): Instruction =>
  instruction({
    name,
    bits: `sf:1 00 11011 000 Rm:5 ${o0} Ra:5 Rn:5 Rd:5`,
    shape: ['sf'],
    operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm'), a: source('Ra') },
    describe(o, x, f) {
      o.set(x.d, combine(o, o.get(x.a, f.sf), o.mul(o.get(x.n, f.sf), o.get(x.m, f.sf))));
    },
  });

const multiplyAddLong = (name: string, u: string, o0: string, combine: Combine): Instruction =>
  instruction({
    name,
    bits: `1 00 11011 ${u} 01 Rm:5 ${o0} Ra:5 Rn:5 Rd:5`,
    operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm'), a: source('Ra') },
    describe(o, x) {
      const n = o.get32(x.n);
      const m = o.get32(x.m);
      const product = u === '1' ? o.mul(o.extendU(n), o.extendU(m)) : o.mul(o.extendS(n), o.extendS(m));
      o.set(x.d, combine(o, o.get64(x.a), product));
    },
  });

/** The high half of a 128-bit unsigned product, from the four products of halves. */
const highProduct = (o: Builder, a: I64, b: I64): I64 => {
  const low = (value: I64): I64 => o.zeroExtend(value, 32);
  const high = (value: I64): I64 => o.shrU(value, o.i64(32));
  const middle = o.add(o.mul(high(a), low(b)), high(o.mul(low(a), low(b))));
  const other = o.add(o.mul(low(a), high(b)), low(middle));
  return o.add(o.add(o.mul(high(a), high(b)), high(middle)), high(other));
};

const multiplyHigh: readonly Instruction[] = [
  instruction({
    name: 'SMULH',
    bits: '1 00 11011 0 10 Rm:5 0 11111 Rn:5 Rd:5',
    operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm') },
    describe(o, x) {
      const n = o.get64(x.n);
      const m = o.get64(x.m);
      const sign = (value: I64): I64 => o.shrS(value, o.i64(63));
      // A negative factor counts 2^64 too much when read as unsigned.
      const excess = o.add(o.and(sign(n), m), o.and(sign(m), n));
      o.set(x.d, o.sub(highProduct(o, n, m), excess));
    },
  }),
  instruction({
    name: 'UMULH',
    bits: '1 00 11011 1 10 Rm:5 0 11111 Rn:5 Rd:5',
    operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm') },
    describe(o, x) {
      o.set(x.d, highProduct(o, o.get64(x.n), o.get64(x.m)));
    },
  }),
];

const division: readonly Instruction[] = [
  instruction({
    name: 'UDIV',
    bits: 'sf:1 0 0 11010110 Rm:5 00001 0 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm') },
    describe(o, x, f) {
      const divisor = o.get(x.m, f.sf);
      const isZero = o.eqz(divisor);
      const quotient = o.divU(o.get(x.n, f.sf), o.select(isZero, o.constantLike(divisor, 1), divisor));
      o.set(x.d, o.select(isZero, o.constantLike(divisor, 0), quotient));
    },
  }),
  instruction({
    name: 'SDIV',
    bits: 'sf:1 0 0 11010110 Rm:5 00001 1 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm') },
    describe(o, x, f) {
      const dividend = o.get(x.n, f.sf);
      const divisor = o.get(x.m, f.sf);
      // Divisors 0 and -1, with which wasm can trap, give the dividend multiplied by them.
      const one = o.constantLike(divisor, 1);
      const special = o.leU(o.add(divisor, one), one);
      const quotient = o.divS(dividend, o.select(special, one, divisor));
      o.set(x.d, o.select(special, o.mul(dividend, divisor), quotient));
    },
  }),
];

export const multiplyDivide: readonly Instruction[] = [
  multiplyAdd('MADD', '0', plus),
  multiplyAdd('MSUB', '1', minus),
  multiplyAddLong('SMADDL', '0', '0', plus),
  multiplyAddLong('SMSUBL', '0', '1', minus),
  multiplyAddLong('UMADDL', '1', '0', plus),
  multiplyAddLong('UMSUBL', '1', '1', minus),
  ...multiplyHigh,
  ...division,
];
