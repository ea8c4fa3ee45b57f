import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type RequestName, TestStore } from './guest.ts';

/**
 * What a stock kernel and a real store daemon said to each other from boot to shutdown, with a disk and a network interface:
 * `>` a request of the guest's in a transaction or 0, `<` what the guest got, `!` what domain 0 did.
 */

const recorded = (name: string): string[] =>
  readFileSync(new URL(`recorded/${name}.txt`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

const names: Readonly<Record<string, RequestName>> = {
  READ: 'read',
  WRITE: 'write',
  DIRECTORY: 'directory',
  WATCH: 'watch',
  WATCH_EVENT: 'watchEvent',
  RESET_WATCHES: 'resetWatches',
  TRANSACTION_START: 'transactionStart',
  TRANSACTION_END: 'transactionEnd',
  ERROR: 'error',
};

/** Lines as xenstore-ls shows them. */
const TREE_LINE = /^(\S+) = "(.*)" {3}\((.*)\)$/;

test('a recorded conversation of a kernel with a disk and a network interface goes the same way', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  const { store } = host;
  for (const line of recorded('vbd-vif-tree')) {
    const [, path, value, permissions] = TREE_LINE.exec(line) ?? assert.fail(line);
    store.write(path, value);
    store.setPermissions(path, permissions.split(','));
  }
  const expected: string[] = [];
  const got: string[] = [];
  for (const line of recorded('vbd-vif-conversation')) {
    const [direction, ...rest] = line.split(' ');
    if (direction === '<') {
      expected.push(`${names[rest[0]]} ${rest[1]}`.trimEnd());
    } else if (direction === '>') {
      const [transaction, name, payload] = rest;
      got.push(...guest.ask(names[name], payload, Number(transaction)));
    } else {
      const [action, path, value] = rest;
      if (action === 'write') store.write(path, value);
      else store.remove(path);
      got.push(...guest.events());
    }
  }
  assert.ok(expected.length > 150);
  assert.deepEqual(got, expected);
});
