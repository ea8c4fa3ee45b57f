import type { Core } from '../core.ts';
import { EVENT_TABLES } from '../domain.ts';
import { HOST_BITMAP, HOST_PORTS, HOST_SELECTOR } from './tables.ts';

/**
 * How domain 0, whose services are part of the host, hears of events: a bit for each port in a bitmap, and a bit for each word
 * of that bitmap, which the services take.
 */

export const setPending = (core: Core, domain: number, port: number): void => {
  const { i32 } = core.memory;
  const tables = core.memory.u32[(domain + EVENT_TABLES) >>> 2];
  const bit = 1 << (port & 31);
  if ((Atomics.or(i32, (tables + HOST_BITMAP + (port >>> 5) * 4) >>> 2, bit) & bit) !== 0) return;
  Atomics.or(i32, (tables + HOST_SELECTOR + (port >>> 10) * 4) >>> 2, 1 << ((port >>> 5) & 31));
  core.services.doorbell();
};

export const clearPending = (core: Core, domain: number, port: number): void => {
  const tables = core.memory.u32[(domain + EVENT_TABLES) >>> 2];
  Atomics.and(core.memory.i32, (tables + HOST_BITMAP + (port >>> 5) * 4) >>> 2, ~(1 << (port & 31)));
};

export const isPending = (core: Core, domain: number, port: number): boolean => {
  const tables = core.memory.u32[(domain + EVENT_TABLES) >>> 2];
  const word = Atomics.load(core.memory.i32, (tables + HOST_BITMAP + (port >>> 5) * 4) >>> 2);
  return (word & (1 << (port & 31))) !== 0;
};

/** Takes all waiting events: calls `each` with every port that has one. */
export const takePending = (core: Core, domain: number, each: (port: number) => void): void => {
  const { i32 } = core.memory;
  const tables = core.memory.u32[(domain + EVENT_TABLES) >>> 2];
  for (let group = 0; group < HOST_PORTS / 1024; group++) {
    let words = Atomics.exchange(i32, (tables + HOST_SELECTOR + group * 4) >>> 2, 0);
    while (words !== 0) {
      const word = group * 32 + 31 - Math.clz32(words & -words);
      words &= words - 1;
      let ports = Atomics.exchange(i32, (tables + HOST_BITMAP + word * 4) >>> 2, 0);
      while (ports !== 0) {
        each(word * 32 + 31 - Math.clz32(ports & -ports));
        ports &= ports - 1;
      }
    }
  }
};
