import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestStore } from './guest.ts';

test('a guest reaches what is its own and what it was given, by name or as one of all others', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  const { store } = host;
  const give = (path: string, ...permissions: string[]): void => {
    store.write(path, 'x');
    store.setPermissions(path, permissions);
  };
  give('/none', 'n0');
  give('/others-read', 'r0');
  give('/read', 'n0', 'r1');
  give('/write', 'n0', 'w1');
  give('/both', 'n0', 'r2', 'b1');
  give('/barred', 'b0', 'n1');
  give('/own', 'n1');
  const reads = (path: string): string[] => guest.ask('read', `${path}|`);
  const writes = (path: string): string[] => guest.ask('write', `${path}|y`);
  const denied = ['error EACCES|'];
  for (const path of ['/none', '/write', '/barred', '/']) assert.deepEqual(reads(path), denied, path);
  for (const path of ['/others-read', '/read', '/both', '/own']) assert.deepEqual(reads(path), ['read x'], path);
  for (const path of ['/none', '/others-read', '/read', '/barred']) assert.deepEqual(writes(path), denied, path);
  for (const path of ['/write', '/both', '/own']) assert.deepEqual(writes(path), ['write OK|'], path);
  assert.deepEqual(guest.ask('directory', '/|'), denied);
  assert.deepEqual(guest.ask('getPermissions', '/read|'), ['getPermissions n0|r1|']);
  assert.deepEqual(guest.ask('getPermissions', '/none|'), denied);
});

test('whether a node is missing shows only where one may look', () => {
  const guest = new TestStore().guest(1);
  assert.deepEqual(guest.ask('read', 'missing/deep|'), ['error ENOENT|']);
  assert.deepEqual(guest.ask('read', '/missing/deep|'), ['error EACCES|']);
  assert.deepEqual(guest.ask('write', '/missing|x'), ['error EACCES|']);
  assert.deepEqual(guest.ask('makeDirectory', '/missing|'), ['error EACCES|']);
  assert.deepEqual(guest.ask('remove', '/missing|'), ['error EACCES|']);
});

test('a new node has the permissions of its parent, but a guest owns what it makes', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  host.store.write('/shared', '');
  host.store.setPermissions('/shared', ['n0', 'b1', 'r2']);
  host.store.write('/shared/of-dom0/deep', '');
  assert.deepEqual(host.store.permissions('/shared/of-dom0/deep'), ['n0', 'b1', 'r2']);
  assert.deepEqual(guest.ask('write', '/shared/of-guest/deep|v'), ['write OK|']);
  for (const path of ['/shared/of-guest', '/shared/of-guest/deep']) {
    assert.deepEqual(host.store.permissions(path), ['n1', 'b1', 'r2']);
  }
});

test('only the owner sets permissions, and only domain 0 gives a node away', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  host.store.write('/shared', '');
  host.store.setPermissions('/shared', ['n0', 'b1']);
  assert.deepEqual(guest.ask('setPermissions', '/shared|n1|'), ['error EACCES|']);
  assert.deepEqual(guest.ask('write', 'own|x'), ['write OK|']);
  assert.deepEqual(guest.ask('setPermissions', 'own|n2|'), ['error EPERM|']);
  assert.deepEqual(guest.ask('setPermissions', 'own|n1|b0|w3|'), ['setPermissions OK|']);
  assert.deepEqual(host.store.permissions('/local/domain/1/own'), ['n1', 'b0', 'w3']);
  assert.deepEqual(guest.ask('setPermissions', 'missing|n1|'), ['error ENOENT|']);
  for (const bad of ['own|', 'own||', 'own|x1|', 'own|n|', 'own|n65536|', 'own|n-1|', 'own|n1']) {
    assert.deepEqual(guest.ask('setPermissions', bad), ['error EINVAL|'], bad);
  }
});

test('removing takes all below, whoever owns it, but not the root', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  host.store.write('/local/domain/1/a/b', '');
  host.store.setPermissions('/local/domain/1/a/b', ['n0']);
  assert.deepEqual(guest.ask('remove', 'a|'), ['remove OK|']);
  assert.equal(host.store.read('/local/domain/1/a/b'), null);
  assert.deepEqual(guest.ask('remove', 'a|'), ['remove OK|']);
  assert.deepEqual(guest.ask('remove', 'a/b|'), ['error ENOENT|']);
  assert.throws(() => host.store.remove('/'), { code: 'EINVAL' });
});

test('a domain that acts for another has its rights', () => {
  const host = new TestStore();
  const [helper, target] = [host.guest(1), host.guest(2)];
  target.ask('write', 'secret|x');
  target.ask('setPermissions', 'secret|n2|');
  assert.deepEqual(helper.ask('read', '/local/domain/2/secret|'), ['error EACCES|']);
  host.store.setTarget(1, 2);
  assert.deepEqual(helper.ask('read', '/local/domain/2/secret|'), ['read x']);
  host.store.release(2);
  host.guest(2).ask('write', 'secret|y');
  host.store.setPermissions('/local/domain/2/secret', ['n2']);
  assert.deepEqual(helper.ask('read', '/local/domain/2/secret|'), ['error EACCES|']);
});
