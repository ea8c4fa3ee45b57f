import { arm64Architecture } from '../../../../src/cpu/arm64/architecture.ts';
import { Access } from '../../../../src/cpu/ir/builder.ts';
import { Status } from '../../../../src/cpu/runtime.ts';
import { PENDING_ADDRESS, PENDING_SYNDROME, SCRATCH, TLB, TLB_UNPRIVILEGED } from '../../../../src/cpu/state.ts';
import {
  ADDEND,
  EXECUTE_TAG,
  INDEX_MASK,
  INDEX_SHIFT,
  READ_TAG,
  WRITE_TAG,
} from '../../../../src/cpu/translation-table.ts';
import { highHalf, lowHalf, type Machine } from './machine.ts';

/** Data accesses of the first processor as translated code makes them: the translation table first, then the slow path. */

export interface Fault {
  /** The syndrome with its class as from a lower level, without the class itself. */
  readonly specific: number;
  readonly exceptionClass: number;
  readonly address: bigint;
}

export type Outcome = { readonly value: bigint; readonly hit: boolean } | Fault;

const entryOf = (machine: Machine, address: bigint, unprivileged: boolean): number =>
  machine.get32(machine.first, unprivileged ? TLB_UNPRIVILEGED : TLB) +
  ((lowHalf(address) >>> INDEX_SHIFT) & INDEX_MASK);

const tagHits = (machine: Machine, address: bigint, size: number, tag: number, unprivileged: boolean): boolean =>
  BigInt.asUintN(64, machine.memory.view.getBigUint64(entryOf(machine, address, unprivileged) + tag, true) + address) <=
  BigInt(4096 - size);

/** Whether a load, store or fetch would hit the translation table. */
export const hits = (
  machine: Machine,
  address: bigint,
  kind: 'read' | 'write' | 'execute',
  unprivileged = false,
): boolean =>
  tagHits(machine, address, 1, { read: READ_TAG, write: WRITE_TAG, execute: EXECUTE_TAG }[kind], unprivileged);

const hitAddress = (machine: Machine, address: bigint, unprivileged: boolean): number =>
  (machine.memory.view.getInt32(entryOf(machine, address, unprivileged) + ADDEND, true) + lowHalf(address)) >>> 0;

export const faultOf = (machine: Machine): Fault => {
  const syndrome = machine.get32(machine.first, PENDING_SYNDROME);
  return {
    specific: syndrome & 0x1ffffff,
    exceptionClass: syndrome >>> 26,
    address: machine.get(machine.first, PENDING_ADDRESS),
  };
};

const kindOf = (size: number, unprivileged: boolean): number =>
  size | ((unprivileged ? Access.unprivileged : Access.normal) << 8);

const readBytes = (machine: Machine, from: number, size: number): bigint => {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(machine.memory.u8[from + i] as number);
  return value;
};

const writeBytes = (machine: Machine, to: number, size: number, value: bigint): void => {
  for (let i = 0; i < size; i++) machine.memory.u8[to + i] = Number((value >> BigInt(8 * i)) & 0xffn);
};

export const load = (machine: Machine, address: bigint, size = 8, unprivileged = false): Outcome => {
  if (tagHits(machine, address, size, READ_TAG, unprivileged)) {
    return { value: readBytes(machine, hitAddress(machine, address, unprivileged), size), hit: true };
  }
  const { runtime, first } = machine;
  const kind = kindOf(size, unprivileged);
  const status = arm64Architecture.load(runtime, first, lowHalf(address), highHalf(address), kind);
  if (status !== Status.done) return faultOf(machine);
  return { value: readBytes(machine, first + SCRATCH, 16), hit: false };
};

export const store = (machine: Machine, address: bigint, value: bigint, size = 8, unprivileged = false): Outcome => {
  if (tagHits(machine, address, size, WRITE_TAG, unprivileged)) {
    writeBytes(machine, hitAddress(machine, address, unprivileged), size, value);
    return { value, hit: true };
  }
  const { runtime, first } = machine;
  writeBytes(machine, first + SCRATCH, 16, value);
  const kind = kindOf(size, unprivileged);
  const status = arm64Architecture.store(runtime, first, lowHalf(address), highHalf(address), kind);
  return status === Status.done ? { value, hit: false } : faultOf(machine);
};
