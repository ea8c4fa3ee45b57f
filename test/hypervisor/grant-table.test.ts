import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrantFlag } from '../../src/hypervisor/abi/grant-table.ts';
import { ARGUMENT, Code, operation, SELF } from './calls.ts';
import { RAM, TestHost } from './host.ts';

const GRANT_TABLE_OP = 20;
const TABLE = 0x3800_0000;
/** The page that is granted, and the guest frame it is mapped at. */
const PAGE = RAM + 0x1_0000;
const PAGE_FRAME = 0x40010;
const WINDOW = 0x5000_0000;
const REFERENCE = 9;

const general = -1;
const badDomain = -2;
const badReference = -3;
const badHandle = -4;
const denied = -8;
const badPage = -9;
const tryAgain = -12;

const setUp = (): { host: TestHost; granter: number; user: number } => {
  const host = new TestHost();
  const [granter, user] = [host.createDomain(), host.createDomain()];
  assert.equal(operation(host, granter, 12, 7, [SELF, 1, 0, 0, 0x38000, 0]), 0);
  grant(host, granter, user, GrantFlag.permitAccess);
  host.write32(granter, PAGE, 0xc0ffee);
  return { host, granter, user };
};

const grant = (host: TestHost, granter: number, user: number, flags: number, frame = PAGE_FRAME): void =>
  host.write32(granter, TABLE + REFERENCE * 8, flags | (user << 16), frame);

const flagsOf = (host: TestHost, granter: number): number => host.read16(granter, TABLE + REFERENCE * 8);

const map = (host: TestHost, user: number, granter: number, flags = 2, reference = REFERENCE, at = WINDOW): number => {
  const words = [at, 0, flags, reference, granter, 0, 0, 0];
  assert.equal(operation(host, user, GRANT_TABLE_OP, 0, words, 1), 0);
  return (host.read16(user, ARGUMENT + 18) << 16) >> 16;
};

const handle = (host: TestHost, user: number): number => host.read32(user, ARGUMENT + 20);

const unmap = (host: TestHost, user: number, which: number, at = WINDOW): number => {
  assert.equal(operation(host, user, GRANT_TABLE_OP, 1, [at, 0, 0, 0, which, 0], 1), 0);
  return (host.read16(user, ARGUMENT + 20) << 16) >> 16;
};

test('size, version and frames', () => {
  const { host, granter, user } = setUp();
  assert.equal(operation(host, granter, GRANT_TABLE_OP, 6, [SELF, 0, 0, 0xffff], 1), 0);
  assert.deepEqual(
    [4, 8].map((at) => host.read32(granter, ARGUMENT + at)),
    [1, 64],
  );
  assert.equal(host.read16(granter, ARGUMENT + 12), 0);
  assert.equal(operation(host, granter, GRANT_TABLE_OP, 6, [user], 1), 0);
  assert.equal((host.read16(granter, ARGUMENT + 12) << 16) >> 16, denied);
  assert.equal(operation(host, granter, GRANT_TABLE_OP, 6, [SELF], 2), Code.inval);
  assert.equal(operation(host, granter, GRANT_TABLE_OP, 8, [1]), 0);
  assert.equal(operation(host, granter, GRANT_TABLE_OP, 8, [2]), Code.nosys);
  assert.equal(host.read32(granter, ARGUMENT), 1, 'the version in use');
  assert.equal(operation(host, granter, GRANT_TABLE_OP, 8, [3]), Code.inval);
  assert.equal(operation(host, granter, GRANT_TABLE_OP, 10, [SELF, 0]), 0);
  assert.equal(host.read32(granter, ARGUMENT + 4), 1);
});

test('setup_table tells where the frames are mapped', () => {
  const { host, granter } = setUp();
  const list = RAM + 0x2000;
  assert.equal(operation(host, granter, GRANT_TABLE_OP, 2, [SELF, 2, 0, 0, list, 0], 1), 0);
  assert.equal(host.read16(granter, ARGUMENT + 8), 0);
  assert.equal(host.read32(granter, list), 0x38000);
  assert.equal(host.read32(granter, list + 8), 0xffff_ffff, 'not mapped');
  assert.equal(operation(host, granter, GRANT_TABLE_OP, 2, [SELF, 65, 0, 0, list, 0], 1), 0);
  assert.equal((host.read16(granter, ARGUMENT + 8) << 16) >> 16, general);
});

test('a mapping shows the page, and marks it as in use', () => {
  const { host, granter, user } = setUp();
  assert.equal(map(host, user, granter), 0);
  const mapping = handle(host, user);
  assert.equal(flagsOf(host, granter), GrantFlag.permitAccess | GrantFlag.reading | GrantFlag.writing);
  assert.equal(host.read32(user, WINDOW), 0xc0ffee);
  host.write32(user, WINDOW + 4, 77);
  assert.equal(host.read32(granter, PAGE + 4), 77);
  assert.equal(unmap(host, user, mapping, WINDOW + 0x1000), general, 'not mapped there');
  assert.equal(unmap(host, user, mapping), 0);
  assert.equal(flagsOf(host, granter), GrantFlag.permitAccess);
  assert.throws(() => host.read32(user, WINDOW));
  assert.equal(unmap(host, user, mapping), badHandle);
});

test('read-only grants stay so', () => {
  const { host, granter, user } = setUp();
  grant(host, granter, user, GrantFlag.permitAccess | GrantFlag.readOnly);
  assert.equal(map(host, user, granter), general, 'mapped for writing');
  assert.equal(map(host, user, granter, 2 | 4), 0);
  assert.equal(flagsOf(host, granter), GrantFlag.permitAccess | GrantFlag.readOnly | GrantFlag.reading);
  const result = host.hypervisor.translate(host.state(user), WINDOW >>> 12, true);
  assert.equal(result & 1, 0, 'stores may not go to it');
});

test('what cannot be mapped', () => {
  const { host, granter, user } = setUp();
  assert.equal(map(host, user, 999), badDomain);
  assert.equal(map(host, user, granter, 0), badReference);
  assert.equal(map(host, user, granter, 3), general, 'for a device');
  assert.equal(map(host, user, granter, 2, 512), badReference);
  assert.equal(map(host, user, granter, 2, 0xffff_ffff), badReference);
  assert.equal(map(host, user, granter, 2, 10), general, 'not granted');
  assert.equal(map(host, granter, granter), general, 'granted to another');
  grant(host, granter, user, GrantFlag.permitAccess | GrantFlag.subPage);
  assert.equal(map(host, user, granter), general, 'part of a page');
  for (const frame of [0x12, 0x38000, 0x40100, 0xffff_ffff]) {
    grant(host, granter, user, GrantFlag.permitAccess, frame);
    assert.equal(map(host, user, granter), badPage, `frame ${frame.toString(16)}`);
    assert.equal(flagsOf(host, granter), GrantFlag.permitAccess);
  }
});

test('a granted page cannot be granted on', () => {
  const { host, granter, user } = setUp();
  assert.equal(map(host, user, granter), 0);
  assert.equal(operation(host, user, 12, 7, [SELF, 1, 0, 0, 0x38000, 0]), 0);
  host.write32(user, TABLE + REFERENCE * 8, GrantFlag.permitAccess | (granter << 16), WINDOW >>> 12);
  assert.equal(map(host, granter, user), badPage);
});

test('the page outlives its grant, its place and its domain while it is mapped', () => {
  const { host, granter, user } = setUp();
  assert.equal(map(host, user, granter), 0);
  const mapping = handle(host, user);
  host.write32(granter, TABLE + REFERENCE * 8, 0, 0);
  host.write32(granter, RAM + 0x8000, PAGE_FRAME, 0);
  assert.equal(operation(host, granter, 12, 1, [RAM + 0x8000, 0, 1, 0, 0, 0, SELF]), 1);
  assert.equal(host.read32(user, WINDOW), 0xc0ffee);
  host.hypervisor.destroyDomain(granter);
  assert.equal(host.read32(user, WINDOW), 0xc0ffee);
  const available = host.frames.available;
  assert.equal(unmap(host, user, mapping), 0);
  assert.equal(host.frames.available, available + 1);
});

test('a domain that dies gives its mappings back', () => {
  const { host, granter, user } = setUp();
  assert.equal(map(host, user, granter), 0);
  host.hypervisor.destroyDomain(user);
  assert.equal(flagsOf(host, granter), GrantFlag.permitAccess);
  host.hypervisor.destroyDomain(granter);
});

test('domain 0 maps without a place', () => {
  const { host, granter } = setUp();
  grant(host, granter, 0, GrantFlag.permitAccess);
  const mapping = host.hypervisor.mapGrant(granter, REFERENCE, true);
  assert.ok(mapping >= 0);
  const frame = host.hypervisor.mappedFrame(mapping);
  assert.equal(frame, host.machine(granter, PAGE));
  host.hypervisor.unmapGrant(mapping);
  assert.equal(host.hypervisor.mappedFrame(mapping), 0);
  assert.throws(() => host.hypervisor.unmapGrant(mapping), /no grant mapping/);
  assert.equal(host.hypervisor.mapGrant(granter, 10, true), general);
});

test('handles run out, and come back', () => {
  const { host, granter, user } = setUp();
  const handles: number[] = [];
  for (;;) {
    const status = map(host, user, granter, 2 | 4, REFERENCE, WINDOW + handles.length * 4096);
    if (status !== 0) {
      assert.equal(status, general, 'a grant has 255 readers at most');
      break;
    }
    handles.push(handle(host, user));
  }
  assert.equal(handles.length, 255);
  for (const [i, each] of handles.entries()) assert.equal(unmap(host, user, each, WINDOW + i * 4096), 0);
  assert.equal(flagsOf(host, granter), GrantFlag.permitAccess);
  assert.equal(map(host, user, granter), 0);
});

/** One gnttab_copy; ends are [reference or frame, domid, offset]. */
const copy = (
  host: TestHost,
  domid: number,
  source: readonly [number, number, number],
  destination: readonly [number, number, number],
  length: number,
  flags: number,
): number => {
  const end = ([what, who, offset]: readonly [number, number, number]): number[] => [what, 0, who | (offset << 16), 0];
  const words = [...end(source), ...end(destination), length | (flags << 16), 0xffff];
  assert.equal(operation(host, domid, GRANT_TABLE_OP, 5, words, 1), 0);
  return (host.read16(domid, ARGUMENT + 36) << 16) >> 16;
};

test('copies between a grant and a frame of one’s own', () => {
  const { host, granter, user } = setUp();
  const own = 0x40020;
  assert.equal(copy(host, user, [REFERENCE, granter, 0], [own, SELF, 100], 4, 1), 0);
  assert.equal(host.read32(user, own * 4096 + 100), 0xc0ffee);
  host.write32(user, own * 4096, 0xbeef);
  assert.equal(copy(host, user, [own, SELF, 0], [REFERENCE, granter, 4092], 4, 2), 0);
  assert.equal(host.read32(granter, PAGE + 4092), 0xbeef);
  assert.equal(flagsOf(host, granter), GrantFlag.permitAccess, 'no longer in use');
});

test('copies that go too far', () => {
  const { host, granter, user } = setUp();
  const own = 0x40020;
  const ref = [REFERENCE, granter, 0] as const;
  assert.equal(copy(host, user, ref, [own, SELF, 4093], 4, 1), -10);
  assert.equal(copy(host, user, [REFERENCE, granter, 4095], [own, SELF, 0], 2, 1), -10);
  assert.equal(copy(host, user, [REFERENCE, granter, 0xffff], [own, SELF, 0], 0xffff, 1), -10);
  assert.equal(copy(host, user, [own, granter, 0], [own, SELF, 0], 4, 0), denied, "another's frame");
  assert.equal(copy(host, user, [0x12, SELF, 0], [own, SELF, 0], 4, 0), badPage);
  assert.equal(copy(host, user, ref, [0x38000, SELF, 0], 4, 1), badPage);
  assert.equal(copy(host, user, [REFERENCE, 999, 0], [own, SELF, 0], 4, 1), badDomain);
  assert.equal(copy(host, user, [9999, granter, 0], [own, SELF, 0], 4, 1), badReference);
  grant(host, granter, user, GrantFlag.permitAccess | GrantFlag.readOnly);
  assert.equal(copy(host, user, [own, SELF, 0], [REFERENCE, granter, 0], 4, 2), general);
  assert.equal(copy(host, user, ref, [own, SELF, 0], 4, 1), 0);
  assert.equal(flagsOf(host, granter), GrantFlag.permitAccess | GrantFlag.readOnly);
});

test('batches go on where they stopped', () => {
  const { host, granter, user } = setUp();
  const count = 70;
  for (let i = 0; i < count; i++) {
    host.write32(user, ARGUMENT + i * 32, WINDOW + i * 4096, 0, 2, REFERENCE, granter, 0, 0, 0);
  }
  assert.equal(host.call(user, GRANT_TABLE_OP, [0, ARGUMENT, count]), 0);
  for (let i = 0; i < count; i++) {
    assert.equal(host.read16(user, ARGUMENT + i * 32 + 18), 0);
    assert.equal(host.read32(user, ARGUMENT + i * 32 + 20), i);
  }
});

test('grants change places, unless one is in use', () => {
  const { host, granter, user } = setUp();
  const swap = (first: number, second: number): number => {
    assert.equal(operation(host, granter, GRANT_TABLE_OP, 11, [first, second, 0xffff_ffff], 1), 0);
    assert.equal(host.read16(granter, ARGUMENT + 10), 0xffff, 'the status alone is written');
    return (host.read16(granter, ARGUMENT + 8) << 16) >> 16;
  };
  const entry = (reference: number): number[] => [0, 4].map((at) => host.read32(granter, TABLE + reference * 8 + at));
  const granted = entry(REFERENCE);
  assert.equal(swap(REFERENCE, 511), 0);
  assert.deepEqual([entry(REFERENCE), entry(511)], [[0, 0], granted]);
  assert.equal(map(host, user, granter, 2, 511), 0);
  const mapping = handle(host, user);
  assert.equal(swap(REFERENCE, 511), tryAgain);
  assert.equal(swap(511, REFERENCE), tryAgain);
  assert.equal(swap(511, 511), 0, 'with itself');
  assert.equal(unmap(host, user, mapping), 0);
  assert.equal(swap(511, REFERENCE), 0);
  assert.deepEqual([entry(REFERENCE), entry(511)], [granted, [0, 0]]);
  for (const absent of [512, 0xffff_ffff]) {
    assert.equal(swap(REFERENCE, absent), badReference);
    assert.equal(swap(absent, absent), badReference);
  }
});

test('a mapping cannot be replaced by another page, but unmapped that way', () => {
  const { host, granter, user } = setUp();
  const replace = (which: number, at: number, by: number): number => {
    assert.equal(operation(host, user, GRANT_TABLE_OP, 7, [at, 0, by, 0, which, 0xffff_ffff], 1), 0);
    return (host.read16(user, ARGUMENT + 20) << 16) >> 16;
  };
  assert.equal(replace(0, 0, 0), badHandle);
  assert.equal(map(host, user, granter), 0);
  const mapping = handle(host, user);
  assert.equal(replace(mapping + 1, WINDOW, PAGE), badHandle);
  assert.equal(replace(mapping, WINDOW, PAGE), general);
  assert.equal(replace(mapping, 0, PAGE), 0, 'nothing to unmap');
  assert.equal(unmap(host, user, mapping, 0), 0, 'nothing to unmap');
  assert.equal(host.read32(user, WINDOW), 0xc0ffee);
  assert.equal(replace(mapping, WINDOW, 0), 0);
  assert.throws(() => host.read32(user, WINDOW));
  assert.equal(unmap(host, user, mapping, 0), badHandle);
});

test('status frames are those of version 2', () => {
  const { host, granter, user } = setUp();
  const frames = (count: number, domid: number): number => {
    assert.equal(operation(host, granter, GRANT_TABLE_OP, 9, [count, domid | (0xffff << 16), 0, 0], 1), 0);
    return (host.read16(granter, ARGUMENT + 6) << 16) >> 16;
  };
  assert.equal(frames(0, SELF), 0);
  assert.equal(frames(1, SELF), general);
  assert.equal(frames(0, user), denied);
  assert.equal(frames(0, 0), denied);
  assert.equal(frames(0, 999), badDomain);
  for (const count of [0, 2]) {
    assert.equal(operation(host, granter, GRANT_TABLE_OP, 9, [0, SELF, 0, 0], count), Code.inval);
  }
  assert.equal(host.call(granter, GRANT_TABLE_OP, [9, 0x1000, 1]), Code.fault);
});

test('flushing caches checks what is asked for', () => {
  const { host, granter, user } = setUp();
  const flush = (address: number, offset: number, length: number, op: number, count = 1, command = 12): number =>
    operation(host, user, GRANT_TABLE_OP, command, [address, 0, offset | (length << 16), op], count);
  const page = RAM + 0x3000;
  for (const op of [0, 1, 2, 3]) assert.equal(flush(page, 0, 4096, op), 0, `operation ${op}`);
  assert.equal(flush(page, 4095, 1, 1), 0);
  assert.equal(flush(page, 4095, 2, 1), Code.inval);
  assert.equal(flush(page, 4096, 0, 0), Code.inval, 'past the page');
  assert.equal(flush(page, 0, 4, 4), Code.inval);
  assert.equal(flush(page, 0, 4, 0x8000_0001), Code.inval, 'by reference');
  assert.equal(flush(WINDOW, 0, 4, 1), Code.inval, 'nothing is there');
  assert.equal(flush(WINDOW, 0, 0, 1), 0, 'no byte of it');
  assert.equal(map(host, user, granter), 0);
  assert.equal(flush(WINDOW, 0, 4, 1), 0);
  assert.equal(flush(0, 0, 0, 0, 0), 0, 'nothing at all');
  assert.equal(flush(page, 0, 4, 1, 1, 0x500c), 0, 'a search that goes on');
  assert.equal(flush(page, 0, 4, 0, 1, 0x500c), Code.ilseq, 'where there was none');
  for (let i = 0; i < 70; i++) host.write32(user, ARGUMENT + i * 16, page, 0, 4 << 16, i < 40 ? 1 : 0);
  assert.equal(host.call(user, GRANT_TABLE_OP, [0x500c, ARGUMENT, 70]), 0, 'only its first entry does');
  assert.equal(host.call(user, GRANT_TABLE_OP, [12, 0x1000, 1]), Code.fault);
});

test('operations that are refused', () => {
  const { host, user } = setUp();
  for (const op of [3, 13, 99]) {
    assert.equal(operation(host, user, GRANT_TABLE_OP, op, [0, 0, 0, 0], 1), Code.nosys, `operation ${op}`);
  }
  for (const count of [0, 1, 7]) {
    assert.equal(operation(host, user, GRANT_TABLE_OP, 4, [0, 0, 0, 0, 0], count), Code.opnotsupp, 'transfer');
  }
  for (const op of [0, 1, 5, 7, 11, 12]) {
    assert.equal(host.call(user, GRANT_TABLE_OP, [op, 0x1000, 0]), 0, `operation ${op} of nothing`);
    assert.equal(host.call(user, GRANT_TABLE_OP, [op, 0x1000, 1]), Code.fault, `operation ${op} without memory`);
  }
  for (const op of [0, 4, 12]) {
    assert.equal(operation(host, user, GRANT_TABLE_OP, op, [0], 0x8000_0000), Code.inval);
  }
  for (const op of [0, 4, 99]) assert.equal(operation(host, user, GRANT_TABLE_OP, op | 0x1000, [0], 1), Code.inval);
});
