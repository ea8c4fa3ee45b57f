import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { Value } from '../../ir/value.ts';
import { destination, source } from '../operands.ts';

/** Shifts by a register, and reversals and counts of bits (Arm ARM C4.1, "Data-processing (2 source)" and "(1 source)"). */

type Integer = Value<'i32' | 'i64'>;

/** The count is taken modulo the register's width, as wasm does. */
const shift = (name: string, op2: string, operation: (o: Builder, a: Integer, b: Integer) => Integer): Instruction =>
  instruction({
    name,
    bits: `sf:1 0 0 11010110 Rm:5 0010 ${op2} Rn:5 Rd:5`,
    shape: ['sf'],
    operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm') },
    describe(o, x, f) {
      o.set(x.d, operation(o, o.get(x.n, f.sf), o.get(x.m, f.sf)));
    },
  });

/** The lower ones of each two neighbouring groups of bits, by the group's width. */
const lowerGroups: Readonly<Record<number, number>> = {
  1: 0x55555555,
  2: 0x33333333,
  4: 0x0f0f0f0f,
  8: 0x00ff00ff,
  16: 0x0000ffff,
};

/** Swaps each two neighbouring groups of `width` bits. */
const swap = (o: Builder, value: Integer, width: number): Integer => {
  const word = lowerGroups[width] as number;
  const mask: Integer = value.type === 'i32' ? o.i32(word) : o.i64Parts(word, word);
  const distance = o.constantLike(value, width);
  return o.or(o.shl(o.and(value, mask), distance), o.and(o.shrU(value, distance), mask));
};

const swapHalves = (o: Builder, value: Integer): Integer =>
  o.rotr(value, o.constantLike(value, value.type === 'i32' ? 16 : 32));

const reverseBytes = (o: Builder, value: Integer): Integer => {
  const inHalfwords = swap(o, value, 8);
  return swapHalves(o, value.type === 'i32' ? inHalfwords : swap(o, inHalfwords, 16));
};

const unary = (name: string, sf: string, opcode: string, operation: (o: Builder, a: Integer) => Integer): Instruction =>
  instruction({
    name,
    bits: `${sf} 1 0 11010110 00000 ${opcode} Rn:5 Rd:5`,
    ...(sf === 'sf:1' ? { shape: ['sf'] } : {}),
    operands: { d: destination('Rd'), n: source('Rn') },
    describe(o, x, f) {
      o.set(x.d, operation(o, o.get(x.n, sf === 'sf:1' ? (f as { sf: number }).sf : Number(sf))));
    },
  });

export const shiftsAndBits: readonly Instruction[] = [
  shift('LSLV', '00', (o, a, b) => o.shl(a, b)),
  shift('LSRV', '01', (o, a, b) => o.shrU(a, b)),
  shift('ASRV', '10', (o, a, b) => o.shrS(a, b)),
  shift('RORV', '11', (o, a, b) => o.rotr(a, b)),
  unary('RBIT', 'sf:1', '000000', (o, a) => reverseBytes(o, swap(o, swap(o, swap(o, a, 1), 2), 4))),
  unary('REV16', 'sf:1', '000001', (o, a) => swap(o, a, 8)),
  unary('REV (32-bit)', '0', '000010', reverseBytes),
  unary('REV32', '1', '000010', (o, a) => swap(o, swap(o, a, 8), 16)),
  unary('REV (64-bit)', '1', '000011', reverseBytes),
  unary('CLZ', 'sf:1', '000100', (o, a) => o.clz(a)),
  // Bits that differ from their neighbour end the run of sign bits; the topmost has none to differ from.
  unary('CLS', 'sf:1', '000101', (o, a) =>
    o.sub(o.clz(o.xor(a, o.shrS(a, o.constantLike(a, 1)))), o.constantLike(a, 1)),
  ),
];
