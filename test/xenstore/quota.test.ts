import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestStore } from './guest.ts';

const full = ['error ENOSPC|'];

test('a guest owns so many nodes, however it makes them', () => {
  const host = new TestStore({ nodes: 4 });
  const [guest, other] = [host.guest(1), host.guest(2)];
  // Its folder is the first.
  assert.deepEqual(guest.ask('write', 'a/b/c/d|x'), full);
  assert.deepEqual(guest.ask('write', 'a/b/c|x'), ['write OK|']);
  assert.deepEqual(guest.ask('makeDirectory', 'e|'), full);
  assert.deepEqual(guest.ask('write', 'a|x'), ['write OK|']);
  assert.deepEqual(other.ask('write', 'a/b/c|x'), ['write OK|']);
  host.store.write('/local/domain/1/by-dom0', '');
  assert.deepEqual(guest.ask('remove', 'a|'), ['remove OK|']);
  assert.deepEqual(guest.ask('makeDirectory', 'e|'), ['makeDirectory OK|']);
});

test('transactions do not lead past the number of nodes', () => {
  const guest = new TestStore({ nodes: 4 }).guest(1);
  guest.ask('write', 'p/a|');
  const [first, second] = [guest.startTransaction(), guest.startTransaction()];
  assert.deepEqual(guest.ask('write', 'p/b|', first), ['write OK|']);
  assert.deepEqual(guest.ask('write', 'p/c|', first), full);
  assert.deepEqual(guest.ask('write', 'p/a/c|', second), ['write OK|']);
  assert.deepEqual(guest.ask('transactionEnd', 'T|', first), ['transactionEnd OK|']);
  assert.deepEqual(guest.ask('transactionEnd', 'T|', second), full);
});

test('values and lists of permissions are bounded', () => {
  const guest = new TestStore({ valueSize: 3, permissions: 2 }).guest(1);
  assert.deepEqual(guest.ask('write', 'a|123'), ['write OK|']);
  assert.deepEqual(guest.ask('write', 'a|1234'), full);
  assert.deepEqual(guest.ask('setPermissions', 'a|n1|r0|'), ['setPermissions OK|']);
  assert.deepEqual(guest.ask('setPermissions', 'a|n1|r0|r2|'), full);
});

test('watches and transactions are bounded', () => {
  const guest = new TestStore({ watches: 2, transactions: 1, transactionNodes: 5 }).guest(1);
  for (const node of ['a', 'b', 'c', 'd', 'e', 'f']) guest.ask('write', `${node}|`);
  guest.ask('watch', 'a|1|');
  guest.ask('watch', 'a|2|');
  assert.deepEqual(guest.ask('watch', 'a|3|'), ['error E2BIG|']);
  guest.ask('unwatch', 'a|1|');
  assert.deepEqual(guest.ask('watch', 'b|3|')[0], 'watch OK|');
  const id = guest.startTransaction();
  assert.deepEqual(guest.ask('transactionStart', '|'), full);
  for (const node of ['a', 'b', 'c', 'd', 'e']) guest.ask('read', `${node}|`, id);
  assert.deepEqual(guest.ask('read', 'f|', id), full);
  assert.deepEqual(guest.ask('transactionEnd', 'T|', id), ['transactionEnd OK|']);
  assert.equal(guest.startTransaction(), id + 1);
});

test('domain 0 is not bounded, but no value is longer than a message', () => {
  const { store } = new TestStore({ nodes: 1, watches: 1, valueSize: 1, permissions: 1 });
  store.write('/a/b/c', 'x'.repeat(4096));
  store.setPermissions('/a', ['n0', 'r1', 'r2']);
  for (let i = 0; i < 3; i++) store.watch('/a', () => {});
  assert.throws(() => store.write('/a', 'x'.repeat(4097)), { code: 'E2BIG' });
});
