import { PAIR_LOCKS } from '../state.ts';
import type { Builder } from './builder.ts';
import type { I32, I64 } from './value.ts';

/** 16 bytes of memory as two i64, the one at the lower address first. */
export interface Pair {
  readonly low: I64;
  readonly high: I64;
}

/** The lock words lie in a page, one in each line of 64 bytes. */
export const PAIR_LOCKS_SIZE = 4096;
const LINE_MASK = PAIR_LOCKS_SIZE - 64;

/** The address of the lock for the line at a machine address. Lines of equal place in different pages mostly differ in it. */
const lockOf = (o: Builder, machineAddress: I32): I32 => {
  const line = o.and(o.xor(machineAddress, o.shrU(machineAddress, o.i32(6))), o.i32(LINE_MASK));
  return o.now(o.add(o.state32(PAIR_LOCKS), line));
};

/**
 * Stores `replacement` at a machine address (a multiple of 16) if memory there holds `expected`; gives what was there.
 *
 * Wasm has no 16-byte atomic access, so a lock makes these atomic among themselves. Against narrower accesses each half is
 * atomic: no half is ever seen torn, and a narrower store in between is not lost but takes its place before or after.
 */
export const compareExchangePair = (o: Builder, machineAddress: I32, expected: Pair, replacement: Pair): Pair => {
  const upper = o.add(machineAddress, o.i32(8));
  const lock = lockOf(o, machineAddress);
  o.retry('i64', () => {
    const value = o.compareExchange(4, lock, o.i64(0), o.i64(1));
    return { value, done: o.eqz(value) };
  });
  const high = o.atomic('add', 8, upper, o.i64(0));
  const highEqual = o.eq(high, expected.high);
  const low = o.compareExchange(8, machineAddress, expected.low, o.select(highEqual, replacement.low, expected.low));
  const equal = o.and(highEqual, o.eq(low, expected.low));
  o.compareExchange(8, upper, high, o.select(equal, replacement.high, high));
  o.atomic('exchange', 4, lock, o.i64(0));
  return { low, high };
};
