import assert from 'node:assert/strict';
import { PC } from '../src/cpu/state.ts';
import { HypercallNumber } from '../src/hypervisor/abi/hypercall-number.ts';
import { DOMAIN_RECORD_SIZE, EVENT_TABLES, GRANT_TABLE, VGIC } from '../src/hypervisor/domain.ts';
import { EVENT_TABLES_SIZE, PORT_BLOCK_SIZE, PORT_BLOCKS } from '../src/hypervisor/event-channel/tables.ts';
import { GRANT_TABLE_SIZE } from '../src/hypervisor/grant-table/record.ts';
import { hypercalls } from '../src/hypervisor/hypercalls/table.ts';
import { VCPU_RECORD_SIZE } from '../src/hypervisor/vcpu.ts';
import { VGIC_RECORD_SIZE } from '../src/hypervisor/vgic/record.ts';
import { FRAME_SIZE } from '../src/memory/layout.ts';
import { RAM, TestHost } from '../test/hypervisor/host.ts';

/**
 * Hypercalls with arbitrary arguments. Two domains make them, and may do to each other what they agree to; a third looks on,
 * and nothing of it may change. Afterwards both are destroyed, and every frame must be back.
 *
 * The input is read as a program: a byte chooses an action, and the bytes after it fill in what the action needs.
 */

/** A call that takes more rounds than this is left unfinished, as a guest may leave it. */
const ROUNDS = 20;
const ARGUMENT_PAGES = 4;
/** What guests are likely to put into fields: 32-bit words. */
const words: readonly number[] = [
  0,
  1,
  2,
  3,
  8,
  0x1000,
  0x7ff0,
  0x8000_0000,
  0xffff_ffff,
  0x38000,
  0x39000,
  0x40000,
  0x40003,
  0x40080,
  0x400ff,
  RAM,
  RAM + FRAME_SIZE,
  RAM + 2 * FRAME_SIZE - 4,
  RAM + 2 ** 20 - 8,
  0x3800_0000,
];

/** Words about the two domains: their numbers, grants to them, and ports made for them. */
const wordsAbout = (domids: readonly number[]): number[] =>
  domids.flatMap((domid) => [domid, 1 | (domid << 16), 0x7ff0 | (domid << 16)]);
const WORDS_ABOUT = 6;

/** Bytes of the input, then zeros. */
class Input {
  readonly #bytes: Uint8Array;
  readonly #words: readonly number[];
  #at = 0;

  constructor(bytes: Uint8Array, domids: readonly number[]) {
    this.#bytes = bytes;
    this.#words = [...wordsAbout(domids), ...words];
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  /** A 32-bit word: one of the likely ones, a small number, or any. */
  word(): number {
    const kind = this.byte();
    if (kind < 128) return this.#words[kind % this.#words.length];
    if (kind < 192) return kind - 128;
    return (this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24)) >>> 0;
  }
}

const host = new TestHost();
const onlooker = host.createDomain();
for (let frame = 0; frame < 8; frame++) host.write32(onlooker, RAM + frame * FRAME_SIZE, frame, 0x5eed);

const hash = (from: number, size: number, seed: number): number => {
  let value = seed;
  for (let at = from >>> 2; at < (from + size) >>> 2; at++) value = Math.imul(value ^ host.memory.i32[at], 0x0100_0193);
  return value;
};

/** A digest of everything that belongs to the onlooker. */
const digest = (): number => {
  const { hypervisor, memory } = host;
  const domain = hypervisor.domain(onlooker);
  const field = (offset: number): number => memory.u32[(domain + offset) >>> 2];
  let value = hash(domain, DOMAIN_RECORD_SIZE, 0x811c_9dc5);
  for (const index of [0, 1]) value = hash(hypervisor.vcpu(onlooker, index), VCPU_RECORD_SIZE, value);
  value = hash(field(VGIC), VGIC_RECORD_SIZE, value);
  value = hash(field(EVENT_TABLES), EVENT_TABLES_SIZE, value);
  value = hash(memory.u32[(field(EVENT_TABLES) + PORT_BLOCKS) >>> 2], PORT_BLOCK_SIZE, value);
  value = hash(field(GRANT_TABLE), GRANT_TABLE_SIZE, value);
  value = hash(hypervisor.consolePage(onlooker), FRAME_SIZE, value);
  for (let frame = 0; frame < 8; frame++)
    value = hash(host.machine(onlooker, RAM + frame * FRAME_SIZE), FRAME_SIZE, value);
  return value;
};

const quiet = digest();

/** Writes words into the caller's argument pages. */
const fill = (input: Input, domid: number): void => {
  const at = RAM + (input.byte() % ARGUMENT_PAGES) * FRAME_SIZE + (input.byte() & 0x3f) * 8;
  const count = input.byte() & 15;
  for (let i = 0; i < count; i++) {
    const frame = host.hypervisor.translate(host.state(domid), Math.floor((at + i * 4) / FRAME_SIZE), true);
    const value = input.word();
    // The page may be gone by now.
    if (frame > 0 && (frame & 1) === 1) host.memory.u32[(frame - 1 + ((at + i * 4) % FRAME_SIZE)) >>> 2] = value;
  }
};

const call = (input: Input, domid: number): void => {
  const state = host.state(domid, input.byte() & 1);
  const choice = input.byte();
  const number = choice < 240 ? hypercalls[choice % hypercalls.length].number : choice - 240;
  host.setRegister(state, 16, number);
  for (let i = 0; i < 5; i++) {
    const low = input.word();
    const high = input.byte();
    host.setRegister(state, i, low + (high > 250 ? (high - 250) * 2 ** 32 : 0));
  }
  for (let round = 0; round < ROUNDS; round++) {
    host.memory.u32[(state + PC) >>> 2] = 0x8000;
    host.hypervisor.hypercalls.dispatch(state);
    if (host.memory.u32[(state + PC) >>> 2] === 0x8000) return;
  }
};

const run = (bytes: Uint8Array): void => {
  const frames = host.frames.available;
  const domids = [host.createDomain(), host.createDomain({ gicVersion: 2 })];
  const input = new Input(bytes, domids);
  host.woken.length = 0;
  host.dropped.length = 0;
  while (!input.ended) {
    const action = input.byte();
    const domid = domids[action & 1];
    if (action < 128) fill(input, domid);
    else call(input, domid);
  }
  assert.equal(digest(), quiet, 'a domain that took no part was changed');
  for (const domid of domids) host.hypervisor.destroyDomain(domid);
  assert.equal(host.frames.available, frames, 'frames were lost or freed twice');
  host.hypervisor.pendingPorts(() => {});
  host.stopped.length = 0;
};

const FILL = 0;
const CALL = 128;
/** Values below 0 stand for the words about the domains. */
const A = -1;
const GRANT_TO_B = -5;
const PORT_FOR_B = -6;
/** A word as `Input.word` reads it. */
const word = (value: number): number[] =>
  value < 0
    ? [(-1 - value) % WORDS_ABOUT]
    : value < 64
      ? [128 + value]
      : [255, value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];

/** A hypercall of domain `who` with an operation, arguments after it, and words that lie where the pointer leads. */
const program = (who: number, number: number, operation: number, ...argument: readonly number[]): number[] => {
  const pointer = number === HypercallNumber.vcpu_op ? [0, RAM] : [RAM, 1];
  return [
    ...[FILL + who, 0, 0, argument.length, ...argument.flatMap(word)],
    ...[CALL + who, 0, hypercalls.findIndex((row) => row.number === number)],
    ...[operation, ...pointer, 0, 0].flatMap((value) => [...word(value), 0]),
  ];
};

const SELF = 0x7ff0;
const { memory_op, event_channel_op, grant_table_op, vcpu_op, hvm_op, sched_op, xen_version } = HypercallNumber;

/** What a kernel does as it boots, and what it may do later. */
export const target = {
  name: 'hypercalls',
  seeds: [
    program(0, xen_version, 6, 0, 0),
    [...program(0, memory_op, 7, SELF, 0, 0, 0, 0x40010, 0), ...program(0, memory_op, 15, SELF, 0, 0x40010, 0)],
    [...program(0, event_channel_op, 11, 0x40020, 0, 0, 0), ...program(0, event_channel_op, 12, 0x40021, 0)],
    [...program(0, event_channel_op, 6, SELF | (SELF << 16)), ...program(0, event_channel_op, 0, SELF, 3, 0)],
    [
      ...program(0, event_channel_op, 4, 3),
      ...program(0, event_channel_op, 3, 3),
      ...program(0, event_channel_op, 10, SELF),
    ],
    [...program(0, event_channel_op, 6, PORT_FOR_B), ...program(1, event_channel_op, 0, A, 3, 0)],
    [
      ...program(0, memory_op, 7, SELF, 1, 0, 0, 0x40003, 0),
      ...[FILL, 3, 0, 4, ...[GRANT_TO_B, 0x40005, GRANT_TO_B, 0x40006].flatMap(word)],
      ...program(1, grant_table_op, 0, 0x5000_0000, 0, 2, 0, A, 0, 0, 0),
      ...program(1, grant_table_op, 5, 1, 0, A, 0, 0x40001, 0, SELF, 0, 64 | (1 << 16), 0),
      ...program(1, grant_table_op, 1, 0x5000_0000, 0, 0, 0, 0, 0),
    ],
    program(0, grant_table_op, 5, 0x40000, 0, SELF, 0, 0x40001, 0, SELF, 0, 64, 0),
    program(1, grant_table_op, 2, SELF, 2, 0, 0, RAM + 0x2000, 0),
    program(0, memory_op, 1, RAM + 0x1000, 0, 4, 0, 0, 0, SELF),
    program(0, memory_op, 6, RAM + 0x1000, 0, 4, 0, 1, 0, SELF),
    program(0, vcpu_op, 10, 0x40030, 0, 0, 0),
    program(0, vcpu_op, 5, RAM + 0x3ff0, 0),
    program(1, hvm_op, 1, SELF, 17, 0, 0),
    program(1, sched_op, 3, RAM + 0x100, 0, 2, 0, 0, 0),
  ].map((bytes) => Uint8Array.from(bytes)),
  run,
};
