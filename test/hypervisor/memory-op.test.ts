import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAME_SIZE } from '../../src/memory/layout.ts';
import { ARGUMENT, Code, operation, SELF } from './calls.ts';
import { RAM, TestHost } from './host.ts';

const MEMORY_OP = 12;
const EXTENTS = RAM + 0x8000;

/** add_to_physmap. */
const add = (host: TestHost, domid: number, space: number, index: number, frame: number, who = SELF): number =>
  operation(host, domid, MEMORY_OP, 7, [who, space, index, 0, frame, 0]);

const remove = (host: TestHost, domid: number, frame: number): number =>
  operation(host, domid, MEMORY_OP, 15, [SELF, 0, frame, 0]);

/** populate_physmap (6) or decrease_reservation (1) of extents already in memory. */
const adjust = (host: TestHost, domid: number, op: number, count: number, order = 0): number =>
  operation(host, domid, MEMORY_OP, op, [EXTENTS, 0, count, 0, order, 0, SELF]);

const figure = (host: TestHost, domid: number, op: number): number => operation(host, domid, MEMORY_OP, op, [SELF]);

const putFrames = (host: TestHost, domid: number, frames: readonly number[]): void =>
  host.write32(domid, EXTENTS, ...frames.flatMap((frame) => [frame, 0]));

test('the shared page replaces RAM, at one place at a time', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  host.write32(domid, RAM + 0x1_0000, 0x1234);
  const before = figure(host, domid, 3);
  assert.equal(add(host, domid, 0, 0, 0x40010), 0);
  assert.equal(host.read32(domid, RAM + 0x1_0000 + 1076), 1_700_000_000, 'the wall clock');
  assert.equal(host.read32(domid, RAM + 0x1_0000 + 1080), 500_000_000);
  assert.equal(figure(host, domid, 3), before - 1);
  assert.equal(add(host, domid, 0, 0, 0x40011), Code.busy);
  assert.equal(remove(host, domid, 0x40010), 0);
  assert.throws(() => host.read32(domid, RAM + 0x1_0000));
  assert.equal(add(host, domid, 0, 0, 0x38000), 0);
  assert.equal(host.read32(domid, 0x3800_0000 + 1076), 1_700_000_000);
  assert.equal(add(host, domid, 0, 1, 0x40011), Code.inval, 'there is one page');
});

test('a replaced frame leaves every translation table and is given back', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const frame = host.machine(domid, RAM + 0x1_0000);
  host.machine(domid, ARGUMENT);
  host.dropped.length = 0;
  const available = host.frames.available;
  assert.equal(add(host, domid, 0, 0, 0x40010), 0);
  assert.deepEqual(host.dropped, [
    { state: host.state(domid, 0), frame },
    { state: host.state(domid, 1), frame },
  ]);
  assert.equal(host.frames.available, available + 1);
});

test('grant frames appear where the guest wants them', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(add(host, domid, 1, 0, 0x38000), 0);
  assert.equal(host.read16(domid, 0x3800_0000 + 8), 1, 'the grant of the store ring');
  assert.equal(host.read32(domid, 0x3800_0000 + 12), 0x39001);
  assert.equal(add(host, domid, 1, 3, 0x38003), 0, 'the table grows');
  assert.equal(add(host, domid, 1, 3, 0x38004), Code.busy);
  assert.equal(add(host, domid, 1, 64, 0x38040), Code.inval);
});

test('what cannot be added', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const other = host.createDomain();
  assert.equal(add(host, domid, 0, 0, 0x40010, other), Code.perm);
  assert.equal(add(host, domid, 0, 0, 0x40010, 999), Code.srch);
  assert.equal(add(host, domid, 4, 0, 0x40010), Code.nosys, 'foreign frames');
  assert.equal(add(host, domid, 5, 0, 0x40010), -13, 'devices');
  assert.equal(add(host, domid, 77, 0, 0x40010), Code.nosys);
  assert.equal(add(host, domid, 0, 0, 0x0400_0000), Code.inval, 'beyond the map');
  assert.equal(operation(host, domid, MEMORY_OP, 7, [SELF, 0, 0, 0, 0xffff_ffff, 0xffff_ffff]), Code.inval);
  assert.equal(remove(host, domid, 0x12345), Code.noent);
});

test('batches give each entry its own error', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const [indexes, frames, errors] = [RAM + 0x1000, RAM + 0x2000, RAM + 0x3000];
  const count = 70;
  for (let i = 0; i < count; i++) {
    host.write32(domid, indexes + i * 8, i, 0);
    host.write32(domid, frames + i * 8, 0x38000 + i, 0);
  }
  const words = [SELF | (1 << 16), count, indexes, 0, frames, 0, errors, 0];
  assert.equal(operation(host, domid, MEMORY_OP, 23, words), 0);
  assert.equal(host.read32(domid, errors), 0);
  assert.equal(host.read32(domid, errors + 63 * 4), 0);
  assert.equal(host.read32(domid, errors + 64 * 4) | 0, Code.inval);
  const other = host.createDomain();
  host.write32(domid, ARGUMENT, SELF | (4 << 16), 1 | (other << 16), indexes, 0, frames, 0, errors, 0);
  assert.equal(host.call(domid, MEMORY_OP, [23, ARGUMENT]), 0);
  assert.equal(host.read32(domid, errors) | 0, Code.perm, "another domain's frame");
});

test('ballooning down gives frames back, and up takes them again', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const all = Array.from({ length: 200 }, (_, i) => 0x40020 + i);
  for (const frame of all) host.write32(domid, frame * FRAME_SIZE, frame);
  putFrames(host, domid, all);
  const pages = figure(host, domid, 3);
  const available = host.frames.available;
  assert.equal(adjust(host, domid, 1, all.length), all.length);
  assert.equal(host.frames.available, available + all.length);
  assert.equal(figure(host, domid, 3), pages - all.length);
  assert.throws(() => host.read32(domid, 0x40020 * FRAME_SIZE));
  assert.equal(adjust(host, domid, 1, all.length), 0, 'nothing is left there');
  assert.equal(adjust(host, domid, 6, all.length), all.length);
  assert.equal(host.read32(domid, 0x40020 * FRAME_SIZE), 0, 'fresh frames are zero');
  assert.equal(figure(host, domid, 3), pages);
});

test('large extents, and more than one call can do', () => {
  const host = new TestHost();
  const domid = host.createDomain({ memory: 4, maximumMemory: 24 });
  const pages = figure(host, domid, 3);
  putFrames(
    host,
    domid,
    [0, 1, 2, 3, 4, 5, 6, 7].map((i) => 0x50000 + i * 512),
  );
  assert.equal(adjust(host, domid, 6, 8, 9), 8);
  assert.equal(figure(host, domid, 3), pages + 8 * 512);
  assert.equal(adjust(host, domid, 1, 8, 9), 8);
  assert.equal(figure(host, domid, 3), pages);
  assert.equal(adjust(host, domid, 6, 8, 10), 0, 'too large an extent');
});

test('a domain cannot have more than its maximum', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const maximum = figure(host, domid, 4);
  const room = maximum - figure(host, domid, 3);
  const frames = Array.from({ length: room + 5 }, (_, i) => 0x50000 + i);
  putFrames(host, domid, frames);
  assert.equal(adjust(host, domid, 6, frames.length), room);
  assert.equal(figure(host, domid, 3), maximum);
});

test('reservations that are not what they seem', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const other = host.createDomain();
  putFrames(host, domid, [0x40020]);
  assert.equal(operation(host, domid, MEMORY_OP, 1, [EXTENTS, 0, 1, 0, 0, 0, other]), 0, 'of another domain');
  assert.equal(operation(host, domid, MEMORY_OP, 1, [0x1000, 0, 1, 0, 0, 0, SELF]), 0, 'no list');
  assert.equal(operation(host, domid, MEMORY_OP, 1, [EXTENTS, 0, 0xffff_ffff, 7, 0, 0, SELF]), 0, 'too many');
  for (const flags of [1, 12, (1 << 17) | (1 << 8)]) {
    assert.equal(operation(host, domid, MEMORY_OP, 6, [EXTENTS, 0, 1, 0, 0, flags, SELF]), 0, `flags ${flags}`);
  }
  for (const flags of [13, 64, 1 << 8, 1 << 17, (1 << 18) | (1 << 17) | (1 << 8)]) {
    assert.equal(operation(host, domid, MEMORY_OP, 6, [EXTENTS, 0, 1, 0, 0, flags, SELF]), 1, `flags ${flags}`);
  }
  assert.equal(operation(host, domid, MEMORY_OP, 1 + (5 << 6), [EXTENTS, 0, 3, 0, 0, 0, SELF]), 5, 'past the end');
  assert.equal(add(host, domid, 0, 0, 0x38000), 0);
  putFrames(host, domid, [0x38000]);
  assert.equal(adjust(host, domid, 1, 1), 0, 'the shared page is no RAM');
  putFrames(host, domid, [2 ** 32 - 1]);
  assert.equal(adjust(host, domid, 6, 1), 0, 'beyond the map');
});

test('figures and refusals', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const other = host.createDomain();
  assert.equal(figure(host, domid, 3), 256 + 2);
  assert.equal(figure(host, domid, 4), 512);
  assert.equal(figure(host, domid, 14), 0x400ff);
  assert.equal(operation(host, domid, MEMORY_OP, 3, [other]), Code.perm);
  assert.equal(operation(host, domid, MEMORY_OP, 3, [999]), Code.srch);
  assert.equal(operation(host, domid, MEMORY_OP, 3 + (1 << 6), [SELF]), Code.inval);
  for (const sharing of [18, 19]) {
    assert.equal(host.call(domid, MEMORY_OP, [sharing, 0]), 0);
    assert.equal(host.call(domid, MEMORY_OP, [sharing + 64, 0]), Code.nosys);
  }
  assert.equal(operation(host, domid, MEMORY_OP, 63, [0]), Code.nosys);
  assert.equal(host.call(domid, MEMORY_OP, [7, 0x1000]), Code.fault);
});

test('an exchange is done if there is nothing to exchange', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const other = host.createDomain();
  putFrames(host, domid, [0x40020, 0x50000, 0x40021]);
  interface Side {
    readonly list?: number;
    readonly count?: number;
    readonly order?: number;
    readonly flags?: number;
    readonly who?: number;
  }
  const words = ({ list = EXTENTS, count = 1, order = 0, flags = 0, who = SELF }: Side): number[] => [
    ...[list, 0, count, 0, order, flags, who, 0],
  ];
  /** The result, and how many extents are said to be done afterwards. */
  const exchange = (input: Side, output: Side, done = 0): [number, number] => {
    const result = operation(host, domid, MEMORY_OP, 11, [...words(input), ...words(output), done, 0]);
    return [result, host.read32(domid, ARGUMENT + 64)];
  };
  assert.equal(operation(host, domid, MEMORY_OP, 11, Array(18).fill(0)), 0);
  assert.deepEqual(exchange({ count: 3 }, { count: 3 }, 3), [0, 3]);
  assert.deepEqual(exchange({}, {}), [Code.opnotsupp, 0]);
  assert.deepEqual(exchange({ count: 3 }, { count: 3 }, 1), [Code.inval, 1], 'no memory there');
  assert.deepEqual(exchange({ count: 3 }, { count: 3 }, 2), [Code.opnotsupp, 2]);
  assert.deepEqual(exchange({ count: 4 }, { count: 2, order: 1 }, 3), [Code.opnotsupp, 2], 'by whole chunks');
  assert.deepEqual(exchange({ order: 10 }, { order: 10 }), [Code.perm, 0]);
  assert.deepEqual(exchange({}, { order: 10 }), [Code.perm, 0]);
  assert.deepEqual(exchange({}, { count: 2 }), [Code.inval, 0]);
  assert.deepEqual(exchange({ count: 0 }, { count: 0 }, 1), [Code.inval, 1]);
  assert.deepEqual(exchange({}, { who: domid }), [Code.inval, 0], 'two names');
  assert.deepEqual(exchange({}, { flags: (1 << 17) | (1 << 8) }), [Code.inval, 0], 'a certain node');
  assert.deepEqual(exchange({}, { flags: 1 << 17 }), [Code.opnotsupp, 0], 'no certain node');
  assert.deepEqual(exchange({ who: other }, { who: other }), [Code.perm, 0]);
  assert.deepEqual(exchange({ who: 999 }, { who: 999 }), [Code.srch, 0]);
  assert.deepEqual(exchange({ list: 0x1000 }, {}), [Code.fault, 0]);
  assert.equal(operation(host, domid, MEMORY_OP, 11, [0, 0, 0, 0x4000_0000, 2, 0, 0, 0, 0, 0, 0, 0x4000_0000, 2]), -22);
  assert.equal(operation(host, domid, MEMORY_OP, 11 + 64, [0]), Code.inval);
  assert.equal(host.call(domid, MEMORY_OP, [11, 0x1000]), Code.fault);
});

test('operations for the toolstack and for device models are refused as by Xen', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const other = host.createDomain();
  const claim = (...words: readonly number[]): number => operation(host, domid, MEMORY_OP, 24, [...words, 0, 0, 0, 0]);
  assert.equal(claim(0, 0, 1, 0, 0, 0, SELF), Code.inval, 'a domain by its number only');
  assert.equal(claim(0, 0, 1, 0, 0, 0, 999), Code.inval);
  for (const who of [0, domid, other]) assert.equal(claim(0, 0, 1, 0, 0, 0, who), Code.perm);
  for (const wrong of [0, 1, 4, 5]) {
    const words = [0, 0, 1, 0, 0, 0, other];
    words[wrong] = 1;
    assert.equal(claim(...words), Code.inval, `word ${wrong}`);
  }
  const acquire = (who: number, count: number, padding: number, lo: number, hi: number): number =>
    operation(host, domid, MEMORY_OP, 28, [who, 0, count, padding, lo, hi, 0, 0]);
  assert.equal(acquire(other, 1, 0, 0, 0), Code.perm);
  assert.equal(acquire(domid, 1, 0, 0, 0), Code.perm);
  for (const nobody of [SELF, 999]) assert.equal(acquire(nobody, 1, 0, 0, 0), Code.srch);
  assert.equal(acquire(other, 1, 1, 0, 0), Code.inval);
  assert.equal(acquire(other, 0, 0, 0, 1), Code.inval);
  assert.equal(acquire(other, 1, 0, 0xffff_ffff, 0), Code.inval);
  assert.equal(operation(host, domid, MEMORY_OP, 28 + 64, [other, 0, 1, 0, 0, 0, 0, 0]), Code.perm);
  const nodes = (who: number): number => operation(host, domid, MEMORY_OP, 26, [who, 0, 0, 0]);
  assert.equal(nodes(SELF), Code.opnotsupp);
  assert.equal(nodes(other), Code.perm);
  assert.equal(nodes(999), Code.srch);
  assert.equal(nodes(SELF | (1 << 16)), Code.inval);
  assert.equal(operation(host, domid, MEMORY_OP, 27, [1, 5]), 0);
  assert.equal(host.read32(domid, ARGUMENT + 4), 0, 'no reserved regions');
  assert.equal(operation(host, domid, MEMORY_OP, 27, [2, 5]), Code.inval);
  for (const op of [24, 26, 27]) assert.equal(host.call(domid, MEMORY_OP, [op + 64, ARGUMENT]), Code.inval);
  for (const op of [24, 26, 27, 28]) assert.equal(host.call(domid, MEMORY_OP, [op, 0x1000]), Code.fault);
});

test('a domain crashes with a reason when the host has no frame left', () => {
  const host = new TestHost(2 ** 20);
  const domid = host.createDomain({ memory: 64 });
  let address = RAM;
  assert.throws(() => {
    for (; ; address += FRAME_SIZE) host.machine(domid, address);
  });
  assert.ok(address > RAM);
  assert.equal(host.hypervisor.shutdownReason(domid), 3);
  assert.match(host.hypervisor.crashReason(domid), /no machine memory left/);
  assert.deepEqual(host.stopped, [host.hypervisor.domain(domid)]);
  host.hypervisor.destroyDomain(domid);
  assert.ok(host.hypervisor.createDomain({ vcpus: 1, memory: 1, gicVersion: 2 }) > domid);
});
