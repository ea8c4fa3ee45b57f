import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestStore } from './guest.ts';

test("domain 0's services read and write text, and get null for what is missing", () => {
  const { store } = new TestStore();
  assert.equal(store.read('/a'), null);
  assert.equal(store.directory('/a'), null);
  assert.equal(store.permissions('/a'), null);
  store.write('/a/b', 'größe');
  assert.equal(store.read('/a/b'), 'größe');
  assert.equal(store.readBytes('/a/b')?.length, 7);
  assert.deepEqual(store.directory('/a'), ['b']);
  store.remove('/x/y');
  store.remove('/a');
  assert.equal(store.read('/a/b'), null);
  assert.throws(() => store.write('/a b', ''), { code: 'EINVAL' });
  assert.throws(() => store.setPermissions('/a', ['n0']), { code: 'ENOENT' });
});

test('bytes that are written are not those of the caller any more', () => {
  const { store } = new TestStore();
  const bytes = Uint8Array.of(1, 2);
  store.write('/a', bytes);
  bytes[0] = 9;
  assert.deepEqual(store.readBytes('/a'), Uint8Array.of(1, 2));
});

test('a service is called when it begins to watch and at each change, by guests too', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  const seen: string[] = [];
  const stop = host.store.watch('/local/domain/1/a', (path) => seen.push(`${path} ${host.store.read(path)}`));
  guest.ask('write', 'a/b|x');
  stop();
  guest.ask('write', 'a/b|y');
  assert.deepEqual(seen, ['/local/domain/1/a null', '/local/domain/1/a/b x']);
});

test("a service's calls come after what caused them, never within each other", () => {
  const host = new TestStore();
  const guest = host.guest(1);
  const { store } = host;
  const seen: string[] = [];
  let depth = 0;
  const watch = (path: string, then: () => void): void => {
    store.watch(path, (changed) => {
      assert.equal(++depth, 1);
      seen.push(changed);
      then();
      depth--;
    });
  };
  watch('/b', () => {});
  watch('/local/domain/1/a', () => {
    store.write('/b', '1');
    store.write('/b/c', '2');
  });
  seen.length = 0;
  guest.ask('watch', 'a|t|');
  // The guest has its answer before the service reacts.
  assert.deepEqual(guest.ask('write', 'a|x'), ['watchEvent a|t|', 'write OK|']);
  assert.deepEqual(seen, ['/local/domain/1/a', '/b', '/b/c']);
});

test('a service that stops watching in a call is not called again', () => {
  const { store } = new TestStore();
  let calls = 0;
  const stop = store.watch('/a', () => {
    calls++;
  });
  store.watch('/a', (path) => {
    if (store.read(path) !== 'go') return;
    store.write('/a/b', '');
    stop();
  });
  store.write('/a', 'go');
  assert.equal(calls, 2);
});

test('releasing a domain ends its connection and leaves neither its nodes nor its rights', () => {
  const host = new TestStore();
  const [guest, other] = [host.guest(1), host.guest(2)];
  host.store.write('/shared', 'x');
  host.store.setPermissions('/shared', ['n0', 'r1', 'r2']);
  guest.ask('write', 'a/b|x');
  host.store.watch('/local/domain/1', () => {});
  host.store.release(1);
  assert.equal(host.store.isIntroduced(1), false);
  assert.equal(host.store.read('/local/domain/1'), null);
  assert.deepEqual(host.store.permissions('/shared'), ['n0', 'r2']);
  guest.put(guest.encode('read', '/shared|'));
  guest.poll();
  assert.deepEqual(guest.messages(), []);
  assert.deepEqual(other.ask('read', '/shared|'), ['read x']);
  host.store.release(1);
  const again = host.guest(1);
  assert.deepEqual(again.ask('read', '/shared|'), ['error EACCES|']);
});

test('a domain is connected once', () => {
  const host = new TestStore();
  host.guest(1);
  assert.throws(() => host.guest(1), RangeError);
  assert.throws(() => host.guest(0), RangeError);
});

test('the dump shows all nodes with values and permissions', () => {
  const { store } = new TestStore();
  store.write('/b/c', 'v"');
  store.makeDirectory('/a');
  store.setPermissions('/a', ['n3', 'r0', 'b1']);
  assert.equal(store.dump(), '/b = ""   (n0)\n/b/c = "v\\""   (n0)\n/a = ""   (n3,r0,b1)\n');
});
