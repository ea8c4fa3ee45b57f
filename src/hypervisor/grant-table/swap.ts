import { GrantEntry, GrantStatus } from '../abi/grant-table.ts';
import type { Core } from '../core.ts';
import { lockDomain, unlockDomain } from '../domain.ts';
import { Active, activeEntry, sharedEntry } from './record.ts';
import { tableOf } from './table.ts';

/** Exchanges the entries of two references of a domain's own, neither of which may be in use. Gives a GrantStatus. */
export const swapGrants = (core: Core, domain: number, first: number, second: number): number => {
  lockDomain(core.memory, domain);
  const status = swapLocked(core, tableOf(core, domain), first, second);
  unlockDomain(core.memory, domain);
  return status;
};

const swapLocked = (core: Core, table: number, first: number, second: number): number => {
  const { memory } = core;
  const one = sharedEntry(memory, table, first);
  const other = sharedEntry(memory, table, second);
  if (one === 0 || other === 0) return GrantStatus.badGrantReference;
  if (first === second) return GrantStatus.okay;
  if (isInUse(core, table, first) || isInUse(core, table, second)) return GrantStatus.tryAgain;
  for (let at = 0; at < GrantEntry.size; at += 4) {
    const word = memory.u32[(one + at) >>> 2];
    memory.u32[(one + at) >>> 2] = memory.u32[(other + at) >>> 2];
    memory.u32[(other + at) >>> 2] = word;
  }
  return GrantStatus.okay;
};

const isInUse = (core: Core, table: number, reference: number): boolean => {
  const active = activeEntry(core.memory, table, reference);
  return (core.memory.u16[(active + Active.readers) >>> 1] | core.memory.u16[(active + Active.writers) >>> 1]) !== 0;
};
