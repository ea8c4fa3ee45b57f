import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type TestGuest, TestStore } from './guest.ts';
import { modelPath } from './model.ts';

const committed = ['transactionEnd OK|'];
const conflict = ['error EAGAIN|'];

test('others see what a transaction did when it commits, and nothing if it does not', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  for (const [verdict, seen] of [
    ['F', null],
    ['T', 'x'],
  ] as const) {
    const id = guest.startTransaction();
    assert.deepEqual(guest.ask('write', 'a/b|x', id), ['write OK|']);
    assert.deepEqual(guest.ask('read', 'a/b|', id), ['read x']);
    assert.deepEqual(guest.ask('read', 'a/b|'), ['error ENOENT|']);
    assert.equal(host.store.read('/local/domain/1/a/b'), null);
    assert.deepEqual(guest.ask('transactionEnd', `${verdict}|`, id), committed);
    assert.equal(host.store.read('/local/domain/1/a/b'), seen);
    assert.deepEqual(guest.ask('read', 'a/b|', id), ['error ENOENT|']);
  }
});

test('a transaction goes on seeing the tree as it was', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  guest.ask('write', 'a|before');
  const id = guest.startTransaction();
  host.store.write('/local/domain/1/a', 'after');
  host.store.write('/local/domain/1/new', '');
  assert.deepEqual(guest.ask('read', 'a|', id), ['read before']);
  assert.deepEqual(guest.ask('directory', '|'.replace('|', '/local/domain/1|'), id), ['directory a|']);
});

test('a transaction commits unless something changed what it has read or written', () => {
  const cases: [name: string, action: (guest: TestGuest, id: number) => void, expected: string[]][] = [
    ['read', (guest, id) => guest.ask('read', 'a|', id), conflict],
    ['write', (guest, id) => guest.ask('write', 'a|y', id), conflict],
    ['directory', (guest, id) => guest.ask('directory', 'a|', id), conflict],
    ['permissions', (guest, id) => guest.ask('getPermissions', 'a|', id), conflict],
    ['remove a parent', (guest, id) => guest.ask('remove', '/local/domain/1|', id), conflict],
    ['another', (guest, id) => guest.ask('write', 'other|y', id), committed],
    ['nothing', () => {}, committed],
  ];
  for (const [name, action, expected] of cases) {
    const host = new TestStore();
    const guest = host.guest(1);
    guest.ask('write', 'a|x');
    guest.ask('write', 'other|x');
    const id = guest.startTransaction();
    action(guest, id);
    host.store.write('/local/domain/1/a', 'changed');
    assert.deepEqual(guest.ask('transactionEnd', 'T|', id), expected, name);
    assert.equal(host.store.read('/local/domain/1/a'), 'changed');
  }
});

test('a node that was missing and is made meanwhile is a conflict, also for an error', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  const id = guest.startTransaction();
  assert.deepEqual(guest.ask('read', 'a/b|', id), ['error ENOENT|']);
  host.store.write('/local/domain/1/a/b', '');
  assert.deepEqual(guest.ask('transactionEnd', 'T|', id), conflict);
});

test('of two transactions that touch the same, the second to commit fails, and its identifier is gone', () => {
  const guest = new TestStore().guest(1);
  const [first, second] = [guest.startTransaction(), guest.startTransaction()];
  assert.notEqual(first, second);
  for (const id of [first, second]) guest.ask('write', `a|${id}`, id);
  assert.deepEqual(guest.ask('transactionEnd', 'T|', second), committed);
  assert.deepEqual(guest.ask('transactionEnd', 'T|', first), conflict);
  assert.deepEqual(guest.ask('transactionEnd', 'T|', first), ['error ENOENT|']);
  assert.deepEqual(guest.ask('read', 'a|'), [`read ${second}`]);
});

test("transactions do not nest, and are their client's alone", () => {
  const host = new TestStore();
  const [guest, other] = [host.guest(1), host.guest(2)];
  const id = guest.startTransaction();
  assert.deepEqual(guest.ask('transactionStart', '|', id), ['error EBUSY|']);
  assert.deepEqual(guest.ask('transactionStart', '|', 99), ['error ENOENT|']);
  assert.deepEqual(other.ask('transactionEnd', 'T|', id), ['error ENOENT|']);
  for (const bad of ['', '|', 'X|', 'T', 'TF|', 'T|T|']) {
    assert.deepEqual(guest.ask('transactionEnd', bad, id), ['error EINVAL|'], bad);
  }
  assert.deepEqual(guest.ask('transactionEnd', 'T|', id), committed);
  assert.deepEqual(guest.ask('transactionEnd', 'T|'), ['error ENOENT|']);
});

/** What two guests that share a folder do, each in a transaction of its own or none. */
const step = fc.record({
  who: fc.nat(1),
  action: fc.oneof(
    fc.constant({ kind: 'start' as const }),
    fc.record({ kind: fc.constant('end' as const), commit: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('write', 'remove', 'makeDirectory', 'read', 'directory'), path: modelPath }),
  ),
});

test('whatever commits is as if it had run alone, at once, when it committed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const concurrent = new TestStore();
      const serial = new TestStore();
      for (const { store } of [concurrent, serial]) {
        store.makeDirectory('/s');
        store.setPermissions('/s', ['b0']);
      }
      const guests = [concurrent.guest(1), concurrent.guest(2)];
      const copies = [serial.guest(1), serial.guest(2)];
      /** What each did in its transaction: requests and the answers they got. */
      const open: ({ id: number; log: (() => void)[] } | null)[] = [null, null];
      for (const [index, { who, action }] of steps.entries()) {
        const transaction = open[who];
        const guest = guests[who];
        if (action.kind === 'start') {
          if (transaction === null) open[who] = { id: guest.startTransaction(), log: [] };
        } else if ('commit' in action) {
          if (transaction === null) continue;
          open[who] = null;
          const [answer] = guest.ask('transactionEnd', action.commit ? 'T|' : 'F|', transaction.id);
          assert.ok(action.commit ? /OK|EAGAIN/.test(answer) : /OK/.test(answer), answer);
          if (action.commit && answer === committed[0]) for (const repeat of transaction.log) repeat();
        } else {
          const name = action.kind as 'write' | 'remove' | 'makeDirectory' | 'read' | 'directory';
          const payload = `/s${action.path.replace(/\/$/, '')}|${name === 'write' ? index : ''}`;
          const answers = guest.ask(name, payload, transaction?.id ?? 0);
          const repeat = (): void => assert.deepEqual(copies[who].ask(name, payload), answers);
          if (transaction === null) repeat();
          else transaction.log.push(repeat);
        }
      }
      assert.equal(concurrent.store.dump(), serial.store.dump());
    }),
    { numRuns: 300 },
  );
});
