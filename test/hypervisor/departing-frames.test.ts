import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { GrantFlag } from '../../src/hypervisor/abi/grant-table.ts';
import { ARGUMENT, operation, SELF } from './calls.ts';
import { RAM, TestHost } from './host.ts';
import { type InsiderData, VALUE } from './insider.ts';

/** A frame that a domain loses is given up when no vCPU can store to it any more. */

const PAGE = RAM + 0x1_0000;
const PAGE_FRAME = 0x40010;
const EXTENTS = RAM + 0x2000;
const TABLE = 0x3800_0000;
const TABLE_FRAME = 0x38000;
const REFERENCE = 9;
const MEMORY_OP = 12;
const GRANT_TABLE_OP = 20;

/** Makes an address of a domain known to a thread that stores to it later, takes it away, and sees that this has waited. */
const takeAway = async (host: TestHost, domid: number, address: number, take: () => void): Promise<void> => {
  const control = new SharedArrayBuffer(4);
  const machine = host.machine(domid, address);
  const data: InsiderData = { memory: host.memory.memory, state: host.state(domid, 1), address: machine, control };
  const worker = new Worker(new URL('insider.ts', import.meta.url), { workerData: data });
  const ended = once(worker, 'exit');
  await Atomics.waitAsync(new Int32Array(control), 0, 0).value;
  take();
  assert.equal(host.memory.u32[machine >>> 2], VALUE, 'the store is over');
  assert.deepEqual(await ended, [0]);
};

test('by decrease_reservation', async () => {
  const host = new TestHost();
  const domid = host.createDomain();
  host.write32(domid, EXTENTS, PAGE_FRAME, 0);
  for (const page of [ARGUMENT, PAGE]) host.machine(domid, page);
  const { available } = host.frames;
  await takeAway(host, domid, PAGE, () => {
    assert.equal(operation(host, domid, MEMORY_OP, 1, [EXTENTS, 0, 1, 0, 0, 0, SELF]), 1);
  });
  assert.equal(host.frames.available, available + 1);
});

test('by remove_from_physmap', async () => {
  const host = new TestHost();
  const domid = host.createDomain();
  await takeAway(host, domid, PAGE, () => {
    assert.equal(operation(host, domid, MEMORY_OP, 15, [SELF, 0, PAGE_FRAME, 0]), 0);
  });
});

test('by mapping another frame in its place', async () => {
  const host = new TestHost();
  const domid = host.createDomain();
  await takeAway(host, domid, PAGE, () => {
    assert.equal(operation(host, domid, MEMORY_OP, 7, [SELF, 1, 0, 0, PAGE_FRAME, 0]), 0);
  });
});

test('by unmapping a grant, before the granter hears of it', async () => {
  const host = new TestHost();
  const [granter, user] = [host.createDomain(), host.createDomain()];
  assert.equal(operation(host, granter, MEMORY_OP, 7, [SELF, 1, 0, 0, TABLE_FRAME, 0]), 0);
  host.write32(granter, TABLE + REFERENCE * 8, GrantFlag.permitAccess | (user << 16), PAGE_FRAME);
  const window = 0x5000_0000;
  assert.equal(operation(host, user, GRANT_TABLE_OP, 0, [window, 0, 2, REFERENCE, granter, 0, 0, 0], 1), 0);
  const handle = host.read32(user, ARGUMENT + 20);
  await takeAway(host, user, window, () => {
    assert.equal(operation(host, user, GRANT_TABLE_OP, 1, [window, 0, 0, 0, handle, 0], 1), 0);
  });
  assert.equal(host.read32(granter, PAGE), VALUE);
  assert.equal(host.read16(granter, TABLE + REFERENCE * 8), GrantFlag.permitAccess);
});
