import { Op } from '../../../wasm/opcodes.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import { Access, type Builder } from '../../ir/builder.ts';
import { compareExchangePair } from '../../ir/compare-exchange-pair.ts';
import type { I32, I64 } from '../../ir/value.ts';
import { destination, memoryBase, source } from '../operands.ts';
import { holdAccessRoutine } from '../stack-alignment.ts';
import { EXCLUSIVE_ADDRESS, EXCLUSIVE_SIZE, EXCLUSIVE_VALUE } from '../state.ts';
import { STACK_MISALIGNED } from '../system-state.ts';

/**
 * Exclusive and ordered loads and stores (Arm ARM C4.1, "Load/store exclusive", "Load-acquire/store-release").
 *
 * The exclusive monitor remembers size, virtual address and the value that the load saw. A store succeeds if size and address
 * agree and memory still holds that value; so a location that was changed and changed back goes unnoticed, which software
 * cannot rely on to fail: the store is atomic all the same. Taking an exception and returning from one open the monitor.
 */

type Size = 1 | 2 | 4 | 8;

const sizeOf = (size: number): Size => (1 << size) as Size;

const arm = (o: Builder, bytes: number, address: I64, low: I64, high?: I64): void => {
  o.setState32(EXCLUSIVE_SIZE, o.i32(bytes));
  o.setState64(EXCLUSIVE_ADDRESS, address);
  o.setState64(EXCLUSIVE_VALUE, low);
  if (high !== undefined) o.setState64(EXCLUSIVE_VALUE + 8, high);
};

/** Does the store if the monitor allows it and opens the monitor; gives the status register's value: 0 when it was stored. */
const storeExclusive = (o: Builder, bytes: number, address: I64, failed: () => I32): I32 => {
  const sizeAgrees = o.eq(o.state32(EXCLUSIVE_SIZE), o.i32(bytes));
  const armed = o.and(sizeAgrees, o.eq(o.state64(EXCLUSIVE_ADDRESS), address));
  const status = o.ifElse(armed, 'i32', failed, () => {
    // There is no access that would notice a misaligned stack pointer as base.
    o.ifThen(o.state32(STACK_MISALIGNED), () => {
      o.callChecked(holdAccessRoutine, [], []);
    });
    return o.i32(1);
  });
  o.setState32(EXCLUSIVE_SIZE, o.i32(0));
  return status;
};

/** As `storeExclusive`, for what one compare-and-exchange can store. */
const storeExclusiveValue = (o: Builder, bytes: Size, address: I64, value: I64): I32 =>
  storeExclusive(o, bytes, address, () => {
    const expected = o.state64(EXCLUSIVE_VALUE);
    const machineAddress = o.machineAddress(bytes, address);
    return o.ne(o.compareExchange(bytes, machineAddress, expected, value), expected);
  });

/** The access of a load-acquire or store-release, or of their plain forms. */
const accessOf = (ordered: number): number => Access.aligned | (ordered === 1 ? Access.ordered : 0);

export const exclusives: readonly Instruction[] = [
  instruction({
    name: 'LDXR, LDAXR',
    bits: 'size:2 001000 010 Rs:5 ordered:1 Rt2:5 Rn:5 Rt:5',
    shape: ['size', 'ordered'],
    operands: { t: destination('Rt'), n: memoryBase('Rn') },
    describe(o, x, f) {
      const bytes = sizeOf(f.size);
      const address = o.now(o.get64(x.n));
      const value = o.load(bytes, address, accessOf(f.ordered));
      arm(o, bytes, address, value);
      o.set(x.t, value);
    },
  }),
  instruction({
    name: 'LDXP, LDAXP',
    bits: '1 sz:1 001000 011 Rs:5 ordered:1 Rt2:5 Rn:5 Rt:5',
    shape: ['sz', 'ordered'],
    operands: { t: destination('Rt'), t2: destination('Rt2'), n: memoryBase('Rn') },
    describe(o, x, f) {
      const address = o.now(o.get64(x.n));
      if (f.sz === 0) {
        const value = o.load(8, address, accessOf(f.ordered));
        arm(o, 8, address, value);
        o.set(x.t, o.zeroExtend(value, 32));
        o.set(x.t2, o.shrU(value, o.i64(32)));
      } else {
        const both = o.loadV(address, Access.aligned);
        if (f.ordered === 1) o.fence('loads');
        const low = o.extractLane(Op.i64x2ExtractLane, 'i64', both, 0);
        const high = o.extractLane(Op.i64x2ExtractLane, 'i64', both, 1);
        arm(o, 16, address, low, high);
        o.set(x.t, low);
        o.set(x.t2, high);
      }
    },
  }),
  instruction({
    name: 'STXR, STLXR',
    bits: 'size:2 001000 000 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5',
    shape: ['size'],
    operands: { s: destination('Rs'), t: source('Rt'), n: memoryBase('Rn') },
    describe(o, x, f) {
      o.set(x.s, storeExclusiveValue(o, sizeOf(f.size), o.get64(x.n), o.get64(x.t)));
    },
  }),
  instruction({
    name: 'STXP, STLXP',
    bits: '1 sz:1 001000 001 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5',
    shape: ['sz'],
    operands: { s: destination('Rs'), t: source('Rt'), t2: source('Rt2'), n: memoryBase('Rn') },
    describe(o, x, f) {
      const address = o.get64(x.n);
      if (f.sz === 0) {
        const value = o.or(o.extendU(o.get32(x.t)), o.shl(o.get64(x.t2), o.i64(32)));
        o.set(x.s, storeExclusiveValue(o, 8, address, value));
        return;
      }
      const status = storeExclusive(o, 16, address, () => {
        const expected = { low: o.state64(EXCLUSIVE_VALUE), high: o.state64(EXCLUSIVE_VALUE + 8) };
        const replacement = { low: o.get64(x.t), high: o.get64(x.t2) };
        const seen = compareExchangePair(o, o.machineAddress(16, address), expected, replacement);
        return o.or(o.ne(seen.low, expected.low), o.ne(seen.high, expected.high));
      });
      o.set(x.s, status);
    },
  }),
  instruction({
    name: 'CLREX',
    bits: '11010101000000110011 CRm:4 010 11111',
    operands: {},
    describe(o) {
      o.setState32(EXCLUSIVE_SIZE, o.i32(0));
    },
  }),
  instruction({
    name: 'LDAR',
    bits: 'size:2 001000 110 Rs:5 1 Rt2:5 Rn:5 Rt:5',
    shape: ['size'],
    operands: { t: destination('Rt'), n: memoryBase('Rn') },
    describe(o, x, f) {
      o.set(x.t, o.load(sizeOf(f.size), o.get64(x.n), accessOf(1)));
    },
  }),
  instruction({
    name: 'STLR',
    bits: 'size:2 001000 100 Rs:5 1 Rt2:5 Rn:5 Rt:5',
    shape: ['size'],
    operands: { t: source('Rt'), n: memoryBase('Rn') },
    describe(o, x, f) {
      o.store(sizeOf(f.size), o.get64(x.n), o.get64(x.t), accessOf(1));
    },
  }),
];
