import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parentOf, resolvePath, resolveWatchPath } from '../../src/xenstore/paths.ts';

const refused = { name: 'StoreError', code: 'EINVAL' };

test('relative paths start from the folder of the domain', () => {
  assert.equal(resolvePath(3, 'device/vif'), '/local/domain/3/device/vif');
  assert.equal(resolvePath(3, '/vm'), '/vm');
  assert.equal(resolvePath(3, '/'), '/');
  assert.equal(resolveWatchPath(3, '@releaseDomain'), '@releaseDomain');
  assert.equal(resolveWatchPath(3, 'a@b'), '/local/domain/3/a@b');
});

test('what cannot be a path is refused', () => {
  for (const path of ['', 'a/', '/a/', '//', '/a//b', 'a b', '/a.b', '/a\0b', '/ä', 'a:b', '@introduceDomain']) {
    assert.throws(() => resolvePath(1, path), refused, path);
  }
  for (const path of ['', '@', '@a b', 'a//b']) assert.throws(() => resolveWatchPath(1, path), refused, path);
});

test('paths are bounded, for guests from their folder on', () => {
  const longest = 'a'.repeat(2048);
  assert.equal(resolvePath(1, longest).length, 2048 + '/local/domain/1/'.length);
  assert.throws(() => resolvePath(1, `${longest}a`), refused);
  assert.throws(() => resolvePath(1, `/${longest}`), refused);
  assert.equal(resolvePath(0, `/${'a'.repeat(3071)}`).length, 3072);
  assert.throws(() => resolvePath(0, `/${'a'.repeat(3072)}`), refused);
  assert.throws(() => resolveWatchPath(1, `@${longest}`), refused);
});

test('the root is its own parent', () => {
  assert.deepEqual(['/a/b', '/a', '/'].map(parentOf), ['/a', '/', '/']);
});
