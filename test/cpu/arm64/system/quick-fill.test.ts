import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { arm64Architecture } from '../../../../src/cpu/arm64/architecture.ts';
import {
  bankAddress,
  entryOf,
  sizesAddress,
  translationChanged,
  userBank,
} from '../../../../src/cpu/arm64/mmu/banks.ts';
import { CURRENT_EL } from '../../../../src/cpu/arm64/state.ts';
import {
  BANK_STATE_SIZE,
  BANK_STATES,
  FILL_LOG_SIZE,
  FILL_LOGS,
  KERNEL_BANK,
  LARGE_MAP_SIZE,
  LARGE_MAPS,
  LOOSE_COUNT,
  MAIR_EL1,
  SCTLR_EL1,
  TCR_EL1,
  TTBR0_EL1,
  TTBR1_EL1,
} from '../../../../src/cpu/arm64/system-state.ts';
import type { FrameMap } from '../../../../src/cpu/environment.ts';
import { Access } from '../../../../src/cpu/ir/builder.ts';
import { Status } from '../../../../src/cpu/runtime.ts';
import { OWNER, SCRATCH, TLB_FILLS } from '../../../../src/cpu/state.ts';
import { IMPORT_MODULE, REGION_SLOTS } from '../../../../src/cpu/tiers/imports.ts';
import { encodeLink } from '../../../../src/cpu/tiers/link.ts';
import { ADDEND, ENTRY_SIZE, noPage, READ_TAG, WRITE_TAG } from '../../../../src/cpu/translation-table.ts';
import { faultOf } from './accesses.ts';
import { highHalf, lowHalf, Machine, RAM, RAM_SIZE, READ_ONLY_FRAME } from './machine.ts';
import { type Regime, regime } from './random-tables.ts';

/** Fills of the translation table in wasm do what those in TypeScript do, or nothing. */

const machine = new Machine();
const state = machine.first;
const { memory, runtime } = machine;

/** The frame map of the machine's RAM, in pages that nothing else has. */
const ROOT = 0x4000;
const LEAF = 0x8000;
const WRITABLE = 1;
const SPECIAL = 4;
const map: FrameMap = { path: [OWNER], leafShift: 10, limit: 1 << 22, special: SPECIAL, writable: WRITABLE };
/** Frames that the map keeps for the environment. */
const isSpecial = (frame: number): boolean => frame % 16 === 5;

machine.set32(state, OWNER, ROOT);
machine.set32(ROOT, (RAM >>> 22) * 4, LEAF);
for (let frame = RAM >>> 12; frame < (RAM + RAM_SIZE) >>> 12; frame++) {
  const flags = (frame === READ_ONLY_FRAME ? 0 : WRITABLE) | (isSpecial(frame) ? SPECIAL : 0);
  machine.set32(LEAF, (frame & 1023) * 4, machine.machineAddress(frame * 4096) | flags);
}

type Name = 'load' | 'store' | 'address';
const names: readonly Name[] = ['load', 'store', 'address'];

/** Accesses that were found to fault. */
let faults = 0;
let asked = false;
const ask = (): number => {
  asked = true;
  return Status.exception;
};
const { exports } = new WebAssembly.Instance(
  new WebAssembly.Module(encodeLink(memory.size / 65536, arm64Architecture.quickFill(map))),
  {
    [IMPORT_MODULE]: {
      memory: memory.memory,
      regions: new WebAssembly.Table({ element: 'anyfunc', initial: REGION_SLOTS, maximum: REGION_SLOTS }),
      load: ask,
      store: ask,
      address: ask,
    },
  },
);
const quick = exports as Record<Name, (state: number, address: bigint, kind: number) => number>;

const load = ({ registers, words }: Regime): void => {
  machine.set(state, SCTLR_EL1, registers.sctlr | 1n);
  // The granule of 4 KiB in both halves.
  machine.set(state, TCR_EL1, (registers.tcr & ~((3n << 14n) | (3n << 30n))) | (2n << 30n));
  machine.set(state, TTBR0_EL1, registers.ttbr0);
  machine.set(state, TTBR1_EL1, registers.ttbr1);
  machine.set(state, MAIR_EL1, registers.mair);
  const pattern = new Uint8Array(new BigUint64Array(words).buffer);
  for (let physical = RAM; physical < RAM + RAM_SIZE; physical += pattern.length) machine.writeBytes(physical, pattern);
};

interface Subject {
  readonly name: Name;
  readonly address: bigint;
  readonly level: 0 | 1;
  readonly unprivileged: boolean;
  readonly size: number;
}

const VALUE = 0x0123_4567_89ab_cdefn;

/** Empty banks, and a value to store. */
const prepare = (level: 0 | 1): void => {
  machine.set32(state, CURRENT_EL, level);
  translationChanged(memory, state);
  userBank(memory, state);
  machine.set(state, SCRATCH, VALUE);
  machine.set(state, SCRATCH + 8, ~VALUE);
};

/** All that a fill may change. */
const filled = (name: Name, address: bigint): unknown => {
  const number = entryOf(lowHalf(address));
  const entries = [KERNEL_BANK, userBank(memory, state)].map((bank) => {
    const at = bankAddress(state, bank) + number * ENTRY_SIZE;
    const tags = [READ_TAG, WRITE_TAG].map((tag) =>
      memory.i32[(at + tag) >>> 2] === noPage(number) ? null : machine.get(at, tag),
    );
    const valid = tags.some((tag) => tag !== null);
    const sizes = memory.u8[sizesAddress(state, bank) + number * 2];
    return { tags, addend: valid ? machine.get32(at, ADDEND) : null, sizes: valid ? sizes : null };
  });
  const bytes = (from: number, length: number): string =>
    Buffer.from(memory.u8.subarray(state + from, state + from + length)).toString('hex');
  const user = userBank(memory, state);
  // The engine fills twice for atomic operations, once for each direction.
  if (name === 'address') return { entries };
  return {
    entries,
    states: [KERNEL_BANK, user].map((bank) => bytes(BANK_STATES + bank * BANK_STATE_SIZE + 16, BANK_STATE_SIZE - 16)),
    maps: [KERNEL_BANK, user].map((bank) => bytes(LARGE_MAPS + bank * LARGE_MAP_SIZE, LARGE_MAP_SIZE)),
    logs: [KERNEL_BANK, user].map((bank) => bytes(FILL_LOGS + bank * FILL_LOG_SIZE, 2)),
    loose: machine.get32(state, LOOSE_COUNT),
  };
};

/** What was loaded, or the bytes around what was stored. */
const effect = ({ name, size }: Subject, before: Uint8Array): unknown => {
  if (name === 'address') return machine.get32(state, SCRATCH);
  if (name === 'load') return [machine.get(state, SCRATCH), size === 16 ? machine.get(state, SCRATCH + 8) : 0n];
  const ram = memory.u8.subarray(machine.machineAddress(RAM), machine.machineAddress(RAM) + RAM_SIZE);
  const at = Buffer.compare(ram, before) === 0 ? -1 : ram.findIndex((byte, i) => byte !== before[i]);
  const change = at < 0 ? null : [at, Buffer.from(ram.subarray(at, at + 32)).toString('hex')];
  ram.set(before);
  return change;
};

/** Whether the access was quick. */
const check = (subject: Subject, ram: Uint8Array): boolean => {
  const { name, address, level, unprivileged, size } = subject;
  const kind = size | ((unprivileged ? Access.unprivileged : Access.normal) << 8);
  prepare(level);
  const nothing = filled(name, address);
  const fills = machine.get32(state, TLB_FILLS);
  asked = false;
  const status = quick[name](state, address, kind);
  const done = filled(name, address);
  const result = effect(subject, ram);
  const label = `${name} of ${size} at ${address.toString(16)}, EL${level}${unprivileged ? ', unprivileged' : ''}`;
  if (asked) {
    assert.deepEqual(done, nothing, label);
    assert.equal(machine.get32(state, TLB_FILLS), fills, label);
    return false;
  }
  const fault = status === Status.done ? null : faultOf(machine);
  assert.equal(machine.get32(state, TLB_FILLS), fault === null ? fills + 1 : fills, label);
  prepare(level);
  const expected = arm64Architecture[name](runtime, state, lowHalf(address), highHalf(address), kind);
  assert.equal(status, expected, label);
  assert.deepEqual(fault, status === Status.done ? null : faultOf(machine), label);
  assert.deepEqual(done, filled(name, address), label);
  if (fault !== null) {
    faults++;
    return false;
  }
  assert.deepEqual(result, effect(subject, ram), label);
  return true;
};

it('for random tables', () => {
  const counts = { load: 0, store: 0, address: 0 };
  let all = 0;
  fc.assert(
    fc.property(regime, fc.infiniteStream(fc.nat({ max: 63 })), (subject, random) => {
      load(subject);
      const start = machine.machineAddress(RAM);
      const ram = memory.u8.slice(start, start + RAM_SIZE);
      for (const at of subject.addresses) {
        const choice = random.next().value;
        const size = 1 << (choice % 5);
        const level = (choice & 32) === 0 ? 0 : 1;
        const unprivileged = level === 1 && (choice & 16) === 0;
        // Mostly aligned, or across the end of a page now and then.
        const address = (choice & 3) === 0 ? at : at & ~BigInt(size - 1);
        for (const name of names) {
          all++;
          if (check({ name, address, level, unprivileged, size }, ram)) counts[name]++;
        }
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(faults > 100, `${faults} of ${all} accesses were quick to fault`);
  for (const name of names) assert.ok(counts[name] > 10, `${counts[name]} of ${all / 3} ${name}s were quick`);
});
