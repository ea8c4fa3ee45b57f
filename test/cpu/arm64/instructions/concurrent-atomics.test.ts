import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Assembler, lsl, registers } from '../../../../src/cpu/arm64/assembler.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import { PAD } from '../cases/layout.ts';
import { BARRIER, type ContenderData, DATA, memoryPages, PROGRAM } from './contender.ts';

/**
 * Two processors on two threads change the same memory at the same time, in one way after the other: nothing may be lost.
 */

const { x0, x1, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, w4, w14, wzr, xzr } = registers;

const CONTENDERS = 2;
const ROUNDS = 400_000;
/** Fewer where each must wait for the other, which may not be running. */
const ORDER_ROUNDS = 4000;
/** More where it takes luck to meet the other one. */
const MEETING_ROUNDS = 2_000_000;

/** Offsets in the data page; neighbours on purpose. */
const Place = {
  word: 0,
  byte: 8,
  pair: 16,
  words: 32,
  swapped: 48,
  added: 64,
  greatest: 72,
  numbers: 80,
  decreases: 88,
  lock: 96,
  locked: 104,
  arrivals: 112,
  ordered: 120,
  /** And two flags, 16 bytes from each other. */
  turn: 128,
  alone: 176,
  timesAlone: 184,
  /** Two flags, far from each other. */
  flags: 512,
};

/** A way to change memory, done again and again with X3 pointing to its place; X12 counts the rounds down. */
interface Way {
  readonly place: number;
  readonly rounds?: number;
  readonly write: (a: Assembler) => void;
}

const ways: readonly Way[] = [
  {
    place: Place.word,
    write(a) {
      a.label('again');
      a.ldxr(x4, x3);
      a.add(x4, x4, 1);
      a.stxr(w14, x4, x3);
      a.cbnz(w14, 'again');
    },
  },
  {
    place: Place.byte,
    write(a) {
      a.label('again');
      a.ldaxr(w4, x3, 1);
      a.add(w4, w4, 1);
      a.stlxr(w14, w4, x3, 1);
      a.cbnz(w14, 'again');
    },
  },
  {
    place: Place.pair,
    write(a) {
      a.label('again');
      a.emit('LDXP, LDAXP', { sz: 1, Rs: 31, ordered: 1, Rt2: 5, Rn: 3, Rt: 4 });
      a.add(x4, x4, 1);
      a.add(x5, x5, 3);
      a.emit('STXP, STLXP', { sz: 1, Rs: 14, o0: 1, Rt2: 5, Rn: 3, Rt: 4 });
      a.cbnz(w14, 'again');
    },
  },
  {
    place: Place.words,
    write(a) {
      a.label('again');
      a.emit('LDXP, LDAXP', { sz: 0, Rs: 31, ordered: 0, Rt2: 5, Rn: 3, Rt: 4 });
      a.add(x4, x4, 5);
      a.add(x5, x5, 7);
      a.emit('STXP, STLXP', { sz: 0, Rs: 14, o0: 0, Rt2: 5, Rn: 3, Rt: 4 });
      a.cbnz(w14, 'again');
    },
  },
  {
    place: Place.swapped,
    write(a) {
      a.ldp(x4, x5, [x3]);
      a.label('again');
      a.mov(x8, x4);
      a.mov(x9, x5);
      a.add(x6, x4, 2);
      a.add(x7, x5, 9);
      a.emit('CASP', { sz: 1, L: 1, Rs: 4, o0: 1, Rn: 3, Rt: 6 });
      a.cmp(x4, x8);
      a.ccmp(x5, x9, 0, 'eq');
      a.b('again', 'ne');
    },
  },
  {
    place: Place.added,
    write(a) {
      a.mov(x4, 11);
      a.atomic('LDADD', x4, x5, x3);
    },
  },
  {
    // Each takes the next number and makes it the maximum, which may then never be less: X11 has the last one.
    place: Place.greatest,
    write(a) {
      a.add(x7, x0, Place.numbers);
      a.mov(x6, 1);
      a.atomic('LDADD', x6, x4, x7);
      a.atomic('LDUMAX', x4, x5, x3);
      a.cmp(x5, x11);
      a.cset(x6, 'lo');
      a.add(x7, x0, Place.decreases);
      a.atomic('LDADD', x6, x5, x7);
      a.mov(x11, x4);
    },
  },
  {
    // A spin lock from CAS and store-release around plain accesses.
    place: Place.lock,
    write(a) {
      a.mov(x13, 1);
      a.label('lock');
      a.mov(x10, 0);
      a.cas(x10, x13, x3);
      a.cbnz(x10, 'lock');
      a.ldr(x4, [x0, Place.locked]);
      a.add(x4, x4, 13);
      a.str(x4, [x0, Place.locked]);
      a.stlr(wzr, x3, 4);
    },
  },
  {
    // Peterson's lock, which needs a load-acquire to stay behind an earlier store-release. X8 and X9 point to the own flag and
    // the other one's, X3 to whose turn it is to go first.
    place: Place.turn,
    rounds: ORDER_ROUNDS,
    write(a) {
      a.mov(x13, 1);
      a.eor(x10, x1, x13);
      a.add(x8, x3, x1, lsl(4));
      a.add(x8, x8, 16);
      a.add(x9, x3, x10, lsl(4));
      a.add(x9, x9, 16);
      a.stlr(x13, x8);
      a.stlr(x10, x3);
      a.label('other first');
      a.ldar(x4, x9);
      a.cbz(x4, 'enter');
      a.ldar(x4, x3);
      a.cmp(x4, x10);
      a.b('other first', 'eq');
      a.label('enter');
      a.ldr(x4, [x0, Place.ordered]);
      a.add(x4, x4, 1);
      a.str(x4, [x0, Place.ordered]);
      a.stlr(xzr, x8);
    },
  },
  {
    // Who raises its flag and does not see the other one's, behind a DMB, is alone; else it goes without.
    place: Place.flags,
    rounds: MEETING_ROUNDS,
    write(a) {
      a.mov(x13, 1);
      a.eor(x10, x1, x13);
      a.add(x8, x3, x1, lsl(7));
      a.add(x9, x3, x10, lsl(7));
      a.str(x13, [x8]);
      a.dmb('ish');
      a.ldr(x4, [x9]);
      a.cbnz(x4, 'not alone');
      a.dmb('ishld');
      a.ldr(x4, [x0, Place.alone]);
      a.add(x4, x4, 1);
      a.str(x4, [x0, Place.alone]);
      a.dmb('ishst');
      a.str(xzr, [x8]);
      a.add(x7, x0, Place.timesAlone);
      a.atomic('LDADD', x13, x5, x7);
      a.label('not alone');
      a.str(xzr, [x8]);
    },
  },
];

/** Code that does a way's rounds; position-independent. */
const roundsOf = ({ place, rounds = ROUNDS, write }: Way, index: number): Uint8Array => {
  const a = new Assembler();
  // Nobody begins before all have come.
  a.add(x3, x0, Place.arrivals);
  a.mov(x4, 1);
  a.atomic('LDADD', x4, x5, x3);
  a.label('wait');
  a.ldar(x5, x3);
  a.cmp(x5, CONTENDERS * (index + 1));
  a.b('wait', 'lo');
  a.mov(x11, 0);
  a.add(x3, x0, place);
  a.mov(x12, rounds);
  a.label('round');
  write(a);
  a.sub(x12, x12, 1);
  a.cbnz(x12, 'round');
  return a.finish();
};

const program = (): Uint8Array => {
  const end = new Assembler();
  end.word(PAD);
  return Buffer.concat([...ways.map(roundsOf), end.finish()]);
};

const contend = async (hotThreshold: number, hostOrder: boolean | null): Promise<DataView> => {
  const pages = memoryPages(CONTENDERS);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  new Uint8Array(memory.buffer).set(program(), PROGRAM);
  new Int32Array(memory.buffer, BARRIER, 1)[0] = CONTENDERS;
  const exits = Array.from({ length: CONTENDERS }, async (_, number) => {
    const workerData: ContenderData = { memory, number, hotThreshold, hostOrder };
    const [exit] = await once(new Worker(new URL('contender.ts', import.meta.url), { workerData }), 'message');
    return exit;
  });
  assert.deepEqual(await Promise.all(exits), new Array(CONTENDERS).fill(Exit.exception));
  return new DataView(memory.buffer, DATA, 4096);
};

for (const [tier, hotThreshold, hostOrder] of [
  ['cold tier', 0, null],
  ['hot tier', 50, null],
  ['hot tier as on a host that keeps no order', 50, false],
] as const) {
  test(`two processors lose none of each other's changes, ${tier}`, async () => {
    const data = await contend(hotThreshold, hostOrder);
    const total = BigInt(CONTENDERS * ROUNDS);
    const read = (place: number): bigint => data.getBigUint64(place, true);
    assert.equal(read(Place.word), total, 'LDXR, STXR');
    assert.equal(BigInt(data.getUint8(Place.byte)), total & 0xffn, 'LDAXRB, STLXRB');
    assert.equal(read(Place.byte) >> 8n, 0n, 'beside the byte');
    assert.deepEqual([read(Place.pair), read(Place.pair + 8)], [total, 3n * total], 'LDAXP, STLXP of 16 bytes');
    assert.equal(read(Place.words), (7n * total * 2n ** 32n) | (5n * total), 'LDXP, STXP of 8 bytes');
    assert.deepEqual([read(Place.swapped), read(Place.swapped + 8)], [2n * total, 9n * total], 'CASP of 16 bytes');
    assert.equal(read(Place.added), 11n * total, 'LDADD');
    assert.equal(read(Place.greatest), total - 1n, 'LDUMAX');
    assert.equal(read(Place.decreases), 0n, 'LDUMAX: memory became less');
    assert.equal(read(Place.locked), 13n * total, 'CAS, STLR');
    assert.equal(read(Place.ordered), BigInt(CONTENDERS * ORDER_ROUNDS), 'STLR, LDAR');
    assert.ok(read(Place.timesAlone) > 0n);
    assert.equal(read(Place.alone), read(Place.timesAlone), 'DMB');
  });
}
