import { lock, unlock } from '../cpu/lock.ts';
import type { MachineMemory } from '../cpu/machine-memory.ts';
import type { Heap } from '../memory/heap.ts';
import { ControlWord } from '../memory/layout.ts';
import { DOMID_FIRST_RESERVED, DOMID_SELF } from './abi/domain-id.ts';
import { DOMAIN_LOCK, DOMAIN_RECORD_SIZE, DOMID, DOMID_NONE, lockDomain, NEXT_UNUSED, unlockDomain } from './domain.ts';

/**
 * The table that leads from domain numbers to records: in machine memory, headed by words of the control block. A record
 * is never given back to the heap but kept for the next domain, so that its lock stays a lock for who was about to take it.
 */
const TABLE = ControlWord.hypervisor;
const TABLE_LOCK = ControlWord.hypervisor + 4;
const NEXT_DOMID = ControlWord.hypervisor + 8;
const UNUSED_RECORDS = ControlWord.hypervisor + 12;

/** Makes the table unless another thread has. Throws if the heap is full. */
export const openDomainTable = (memory: MachineMemory, heap: Heap): void => {
  lock(memory, TABLE_LOCK);
  if (memory.u32[TABLE >>> 2] === 0) memory.u32[TABLE >>> 2] = heap.allocate(DOMID_FIRST_RESERVED * 4);
  unlock(memory, TABLE_LOCK);
  if (memory.u32[TABLE >>> 2] === 0) throw new Error('no room in the heap for the domain table');
};

/** The record of a domain by its number; 0 if there is none. */
export const domainById = (memory: MachineMemory, domid: number): number =>
  domid < DOMID_FIRST_RESERVED ? Atomics.load(memory.i32, (memory.u32[TABLE >>> 2] >>> 2) + domid) >>> 0 : 0;

/** As `domainById`, where DOMID_SELF names the caller. */
export const domainByAnyId = (memory: MachineMemory, caller: number, domid: number): number =>
  domid === DOMID_SELF ? caller : domainById(memory, domid);

/** Calls `each` with the number and record of every domain. */
export const forEachDomain = (memory: MachineMemory, each: (domid: number, domain: number) => void): void => {
  for (let domid = 0; domid < DOMID_FIRST_RESERVED; domid++) {
    const domain = domainById(memory, domid);
    if (domain !== 0) each(domid, domain);
  }
};

/** A zeroed record that no number leads to yet; 0 if the heap is full. */
export const takeDomainRecord = (memory: MachineMemory, heap: Heap): number => {
  lock(memory, TABLE_LOCK);
  let record = memory.u32[UNUSED_RECORDS >>> 2];
  if (record !== 0) memory.u32[UNUSED_RECORDS >>> 2] = memory.u32[(record + NEXT_UNUSED) >>> 2];
  else record = heap.allocate(DOMAIN_RECORD_SIZE);
  unlock(memory, TABLE_LOCK);
  if (record === 0) return 0;
  lockDomain(memory, record);
  memory.u8.fill(0, record + DOMAIN_LOCK + 4, record + DOMAIN_RECORD_SIZE);
  memory.u32[(record + DOMID) >>> 2] = DOMID_NONE;
  unlockDomain(memory, record);
  return record;
};

/** Keeps a record for the next domain. */
export const giveDomainRecord = (memory: MachineMemory, record: number): void => {
  lockDomain(memory, record);
  memory.u32[(record + DOMID) >>> 2] = DOMID_NONE;
  unlockDomain(memory, record);
  lock(memory, TABLE_LOCK);
  memory.u32[(record + NEXT_UNUSED) >>> 2] = memory.u32[UNUSED_RECORDS >>> 2];
  memory.u32[UNUSED_RECORDS >>> 2] = record;
  unlock(memory, TABLE_LOCK);
};

/** The next free number from 1 on, in turn, as the toolstack of Xen hands them out; -1 if all are taken. */
export const takeDomid = (memory: MachineMemory): number => {
  lock(memory, TABLE_LOCK);
  let domid = memory.u32[NEXT_DOMID >>> 2];
  let tries = 0;
  do {
    domid = domid + 1 >= DOMID_FIRST_RESERVED ? 1 : domid + 1;
    tries++;
  } while (domainById(memory, domid) !== 0 && tries < DOMID_FIRST_RESERVED);
  memory.u32[NEXT_DOMID >>> 2] = domid;
  unlock(memory, TABLE_LOCK);
  return tries < DOMID_FIRST_RESERVED ? domid : -1;
};

/** Makes a number lead to a record; 0 takes it back. False if the number was taken. */
export const publishDomain = (memory: MachineMemory, domid: number, record: number): boolean => {
  const slot = (memory.u32[TABLE >>> 2] >>> 2) + domid;
  if (record === 0) {
    Atomics.store(memory.i32, slot, 0);
    return true;
  }
  return Atomics.compareExchange(memory.i32, slot, 0, record | 0) === 0;
};
