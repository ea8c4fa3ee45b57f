import { type Instruction, instruction } from '../../instruction.ts';
import type { AtomicOperation, Builder } from '../../ir/builder.ts';
import { compareExchangePair } from '../../ir/compare-exchange-pair.ts';
import type { I32, I64 } from '../../ir/value.ts';
import { computed, destination, immediate32, memoryBase, source } from '../operands.ts';
import { readOffset, writeOffset } from '../state.ts';

/**
 * Atomic read-modify-write and compare-and-swap (FEAT_LSE; Arm ARM C4.1, "Atomic memory operations", "Compare and swap").
 * Wasm's atomics are sequentially consistent, so the acquire and release bits make no difference. The forms that store only
 * (STADD and so on) are those with Rt = 31.
 */

type Size = 1 | 2 | 4 | 8;

const sizeOf = (size: number): Size => (1 << size) as Size;

const zeroExtend = (o: Builder, value: I64, bytes: Size): I64 =>
  bytes === 8 ? value : o.zeroExtend(value, (bytes * 8) as 8 | 16 | 32);

const signExtend = (o: Builder, value: I64, bytes: Size): I64 =>
  bytes === 8 ? value : o.signExtend(value, (bytes * 8) as 8 | 16 | 32);

/** A read-modify-write at the machine address; gives the old value, zero-extended. */
type Modify = (o: Builder, bytes: Size, machineAddress: I32, operand: I64) => I64;

const direct =
  (operation: AtomicOperation): Modify =>
  (o, bytes, machineAddress, operand) =>
    o.atomic(operation, bytes, machineAddress, operand);

const clear: Modify = (o, bytes, machineAddress, operand) => o.atomic('and', bytes, machineAddress, o.not(operand));

/** Keeps memory's value where `keeps` says so of it and the operand, both extended to 64 bits; else stores the operand. */
const choose =
  (extend: typeof zeroExtend, keeps: (o: Builder, old: I64, operand: I64) => I32): Modify =>
  (o, bytes, machineAddress, operand) => {
    const narrow = o.now(zeroExtend(o, operand, bytes));
    return o.retry('i64', () => {
      const old = o.atomic('add', bytes, machineAddress, o.i64(0));
      const kept = keeps(o, extend(o, old, bytes), extend(o, narrow, bytes));
      const seen = o.compareExchange(bytes, machineAddress, old, o.select(kept, old, narrow));
      return { value: seen, done: o.eq(seen, old) };
    });
  };

/** `code` is the encoding's o3 and opc. */
const readModifyWrite = (name: string, code: string, modify: Modify): Instruction =>
  instruction({
    name,
    bits: `size:2 111000 A:1 R:1 1 Rs:5 ${code} 00 Rn:5 Rt:5`,
    shape: ['size'],
    operands: { s: source('Rs'), t: destination('Rt'), n: memoryBase('Rn') },
    describe(o, x, f) {
      const bytes = sizeOf(f.size);
      o.set(x.t, modify(o, bytes, o.machineAddress(bytes, o.get64(x.n)), o.get64(x.s)));
    },
  });

const compareAndSwap = instruction({
  name: 'CAS',
  bits: 'size:2 0010001 L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5',
  shape: ['size'],
  operands: { s: source('Rs'), d: destination('Rs'), t: source('Rt'), n: memoryBase('Rn') },
  describe(o, x, f) {
    const bytes = sizeOf(f.size);
    const machineAddress = o.machineAddress(bytes, o.get64(x.n));
    o.set(x.d, o.compareExchange(bytes, machineAddress, zeroExtend(o, o.get64(x.s), bytes), o.get64(x.t)));
  },
});

const joinWords = (o: Builder, low: I64, high: I64): I64 => o.or(o.zeroExtend(low, 32), o.shl(high, o.i64(32)));

const compareAndSwapPair = instruction({
  name: 'CASP',
  bits: '0 sz:1 0010000 L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5',
  shape: ['sz'],
  valid: (f) => ((f.Rs as number) & 1) === 0 && ((f.Rt as number) & 1) === 0,
  operands: {
    s: destination('Rs'),
    s2: computed((f) => writeOffset((f.Rs as number) + 1)),
    t: source('Rt'),
    t2: computed((f) => readOffset((f.Rt as number) + 1)),
    n: memoryBase('Rn'),
    // s2 names where to write: of the zero register that is no place to read.
    s2Mask: immediate32((f) => (f.Rs === 30 ? 0 : -1)),
  },
  describe(o, x, f) {
    const address = o.get64(x.n);
    const expected = { low: o.get64(x.s), high: o.and(o.get64(x.s2), o.extendS(x.s2Mask)) };
    const replacement = { low: o.get64(x.t), high: o.get64(x.t2) };
    if (f.sz === 0) {
      const seen = o.compareExchange(
        8,
        o.machineAddress(8, address),
        joinWords(o, expected.low, expected.high),
        joinWords(o, replacement.low, replacement.high),
      );
      o.set(x.s, o.zeroExtend(seen, 32));
      o.set(x.s2, o.shrU(seen, o.i64(32)));
    } else {
      const seen = compareExchangePair(o, o.machineAddress(16, address), expected, replacement);
      o.set(x.s, seen.low);
      o.set(x.s2, seen.high);
    }
  },
});

export const atomics: readonly Instruction[] = [
  readModifyWrite('LDADD', '0 000', direct('add')),
  readModifyWrite('LDCLR', '0 001', clear),
  readModifyWrite('LDEOR', '0 010', direct('xor')),
  readModifyWrite('LDSET', '0 011', direct('or')),
  readModifyWrite(
    'LDSMAX',
    '0 100',
    choose(signExtend, (o, old, operand) => o.geS(old, operand)),
  ),
  readModifyWrite(
    'LDSMIN',
    '0 101',
    choose(signExtend, (o, old, operand) => o.leS(old, operand)),
  ),
  readModifyWrite(
    'LDUMAX',
    '0 110',
    choose(zeroExtend, (o, old, operand) => o.geU(old, operand)),
  ),
  readModifyWrite(
    'LDUMIN',
    '0 111',
    choose(zeroExtend, (o, old, operand) => o.leU(old, operand)),
  ),
  readModifyWrite('SWP', '1 000', direct('exchange')),
  compareAndSwap,
  compareAndSwapPair,
];
