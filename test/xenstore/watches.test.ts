import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestStore } from './guest.ts';

const setUp = () => {
  const host = new TestStore();
  return { host, store: host.store, guest: host.guest(1) };
};

const event = (path: string, token = 't'): string => `watchEvent ${path}|${token}|`;

test('a new watch fires once, after the answer, whether or not the node exists', () => {
  const { guest } = setUp();
  assert.deepEqual(guest.ask('watch', 'missing|token|'), ['watch OK|', event('missing', 'token')]);
  assert.deepEqual(guest.events(), []);
  assert.deepEqual(guest.ask('watch', 'missing|token|'), ['error EEXIST|']);
  assert.deepEqual(guest.ask('watch', 'missing|second|'), ['watch OK|', event('missing', 'second')]);
});

test('it fires for the node and all below it, with the path as it was given: relative or not', () => {
  const { guest, store } = setUp();
  guest.ask('watch', 'a|relative|');
  guest.ask('watch', '/local/domain/1/a|absolute|');
  store.write('/local/domain/1/a/b', 'x');
  assert.deepEqual(guest.events(), [event('a/b', 'relative'), event('/local/domain/1/a/b', 'absolute')]);
  store.write('/local/domain/1/ab', 'x');
  assert.deepEqual(guest.events(), []);
  store.setPermissions('/local/domain/1/a', ['n1']);
  assert.deepEqual(guest.events(), [event('a', 'relative'), event('/local/domain/1/a', 'absolute')]);
});

test('the same value again is a change; making a folder that exists is none', () => {
  const { guest, store } = setUp();
  store.write('/local/domain/1/a', 'x');
  guest.ask('watch', 'a|t|');
  store.write('/local/domain/1/a', 'x');
  assert.deepEqual(guest.events(), [event('a')]);
  store.makeDirectory('/local/domain/1/a');
  store.remove('/local/domain/1/missing');
  assert.deepEqual(guest.events(), []);
});

test('a guest is told of its own change before the answer to it, oldest watch first', () => {
  const { guest } = setUp();
  for (const watched of ['a/b|1|', 'a|2|', 'a/b|3|']) guest.ask('watch', watched);
  assert.deepEqual(guest.ask('write', 'a/b|x'), [event('a/b', '1'), event('a/b', '2'), event('a/b', '3'), 'write OK|']);
});

test('removal tells the watches above once, and each watch of a node that went by its own path', () => {
  const { guest, store } = setUp();
  store.write('/local/domain/1/a/b/c', '');
  store.write('/local/domain/1/a/d', '');
  guest.ask('watch', 'a|above|');
  guest.ask('watch', 'a/b/c|below|');
  guest.ask('watch', 'a/missing|none|');
  store.remove('/local/domain/1/a');
  assert.deepEqual(guest.events(), [event('a', 'above'), event('a/b/c', 'below')]);
});

test("a transaction's changes are told when it commits: each path once, in order", () => {
  const { guest, store } = setUp();
  guest.ask('watch', '/local/domain/1|t|');
  const inTransaction = (verdict: string): string[] => {
    const id = guest.startTransaction();
    for (const path of ['b', 'a', 'b']) assert.deepEqual(guest.ask('write', `${path}|x`, id), ['write OK|']);
    return guest.ask('transactionEnd', `${verdict}|`, id);
  };
  assert.deepEqual(inTransaction('F'), ['transactionEnd OK|']);
  assert.deepEqual(inTransaction('T'), [event('/local/domain/1/b'), event('/local/domain/1/a'), 'transactionEnd OK|']);
  const id = guest.startTransaction();
  guest.ask('write', 'a|y', id);
  store.write('/local/domain/1/a', 'z');
  guest.events();
  assert.deepEqual(guest.ask('transactionEnd', 'T|', id), ['error EAGAIN|']);
});

test('changes that a guest may not see are not told, before or after', () => {
  const { guest, store } = setUp();
  store.makeDirectory('/hidden');
  guest.ask('watch', '/hidden|t|');
  store.write('/hidden/a', '');
  assert.deepEqual(guest.events(), []);
  store.setPermissions('/hidden/a', ['n0', 'r1']);
  assert.deepEqual(guest.events(), [event('/hidden/a')]);
  store.setPermissions('/hidden/a', ['n0']);
  assert.deepEqual(guest.events(), [event('/hidden/a')]);
  store.write('/hidden/a', '');
  store.remove('/hidden/a');
  assert.deepEqual(guest.events(), []);
});

test('a watch that was removed is quiet', () => {
  const { guest, store } = setUp();
  guest.ask('watch', 'a|t|');
  guest.ask('watch', 'a|u|');
  assert.deepEqual(guest.ask('unwatch', 'a|x|'), ['error ENOENT|']);
  assert.deepEqual(guest.ask('unwatch', 'a|t|'), ['unwatch OK|']);
  assert.deepEqual(guest.ask('unwatch', 'a|t|'), ['error ENOENT|']);
  store.write('/local/domain/1/a', '');
  assert.deepEqual(guest.events(), [event('a', 'u')]);
  const id = guest.startTransaction();
  assert.deepEqual(guest.ask('resetWatches', '|'), ['resetWatches OK|']);
  store.write('/local/domain/1/a', '');
  assert.deepEqual(guest.events(), []);
  assert.deepEqual(guest.ask('transactionEnd', 'T|', id), ['error ENOENT|']);
});

test('special events tell domain 0, and guests that it allows', () => {
  const { host, guest, store } = setUp();
  const seen: string[] = [];
  for (const special of ['@introduceDomain', '@releaseDomain']) {
    store.watch(special, (path) => seen.push(path));
    assert.deepEqual(guest.ask('watch', `${special}|t|`), ['watch OK|', event(special)]);
  }
  assert.deepEqual(guest.ask('setPermissions', '@releaseDomain|n0|r1|'), ['error EACCES|']);
  store.setPermissions('@releaseDomain', ['n0', 'r1']);
  assert.deepEqual(store.permissions('@releaseDomain'), ['n0', 'r1']);
  host.guest(2);
  store.release(2);
  assert.deepEqual(seen, ['@introduceDomain', '@releaseDomain', '@introduceDomain', '@releaseDomain']);
  assert.deepEqual(guest.events(), [event('@releaseDomain')]);
  store.announceShutdown();
  assert.deepEqual(guest.events(), [event('@releaseDomain')]);
});
