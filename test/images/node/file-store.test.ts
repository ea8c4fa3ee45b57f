import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FileStore, type FileSystem } from '../../../src/images/node/file-store.ts';
import { bytesOf, sha256 } from '../builders.ts';
import { imageError } from '../expect.ts';

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'hostrock-test-'));
});
afterEach(() => fs.rm(folder, { recursive: true }));

const content = bytesOf('some content');
const hash = sha256(content);

async function filesUnder(path: string): Promise<string[]> {
  const entries = await fs.readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** A file system whose files fail in the given way once written to. */
function failing(code: string, operation: 'writeFile' | 'appendFile'): FileSystem {
  const error = Object.assign(new Error(`${code}: injected`), { code });
  const open: typeof fs.open = async (...args) => {
    const handle = await fs.open(...args);
    handle[operation] = () => Promise.reject(error);
    return handle;
  };
  return { ...fs, open };
}

test('objects are kept by their hash', async () => {
  const store = new FileStore(folder);
  assert.equal(await store.get(hash), undefined);
  assert.equal(await store.put(content), hash);
  assert.equal(await store.put(content), hash);
  assert.deepEqual(new Uint8Array((await store.get(hash)) ?? []), content);
  assert.deepEqual([await store.has(hash, content.length), await store.has(hash, 1)], [true, false]);
  assert.deepEqual(await filesUnder(folder), [hash]);
});

test('a damaged object is as good as none, and goes away', async () => {
  const store = new FileStore(folder);
  await store.put(content);
  const path = join(folder, 'objects', hash.slice(0, 2), hash);
  for (const damage of [bytesOf('other content'), new Uint8Array(0)]) {
    await fs.writeFile(path, damage);
    assert.equal(await store.get(hash), undefined);
    assert.deepEqual(await filesUnder(folder), []);
  }
});

test('records are replaced whole', async () => {
  const store = new FileStore(folder);
  assert.equal(await store.readRecord('a-b.c+d'), undefined);
  await store.writeRecord('a-b.c+d', 'first and long');
  await store.writeRecord('a-b.c+d', 'second');
  assert.equal(await store.readRecord('a-b.c+d'), 'second');
  assert.deepEqual(await filesUnder(folder), ['a-b.c+d.json']);
});

test('a partial object is continued by a later attempt', async () => {
  const store = new FileStore(folder);
  const first = await store.partial(hash);
  await first.append(content.subarray(0, 5));
  await first.close();
  const second = await store.partial(hash);
  assert.equal(second.length, 5);
  await second.append(content.subarray(5));
  assert.deepEqual(new Uint8Array((await second.commit()) ?? []), content);
  await second.close();
  assert.deepEqual(new Uint8Array((await store.get(hash)) ?? []), content);
  assert.deepEqual(await filesUnder(folder), [hash]);
});

test('one under way is left alone, one of an ended process is taken over', async () => {
  const store = new FileStore(folder);
  const first = await store.partial(hash);
  await first.append(content.subarray(0, 5));
  const second = await store.partial(hash);
  assert.equal(second.length, 0);
  await Promise.all([first.close(), second.close()]);
  // No process has this number: it is above the largest that Linux gives.
  await fs.writeFile(join(folder, 'partial', `${hash}.4194999.1`), content.subarray(0, 7));
  const third = await store.partial(hash);
  assert.equal(third.length, 7);
  await third.close();
});

test('a partial object of the wrong content is thrown away', async () => {
  const store = new FileStore(folder);
  const partial = await store.partial(hash);
  await partial.append(bytesOf('wrong'));
  await partial.restart();
  assert.equal(partial.length, 0);
  await partial.append(bytesOf('wrong again'));
  assert.equal(await partial.commit(), undefined);
  await partial.close();
  assert.deepEqual(await filesUnder(folder), []);
});

test('a full disk: a clear error, and nothing half-written', async () => {
  const store = new FileStore(folder, failing('ENOSPC', 'writeFile'));
  const full = imageError(
    'disk-full',
    /^cannot write .*: no space is left on its disk\. The cache folder can be chosen/,
  );
  await assert.rejects(store.put(content), full);
  await assert.rejects(store.writeRecord('name', 'text'), full);
  assert.deepEqual(await filesUnder(folder), []);
  const partial = await new FileStore(folder, failing('EDQUOT', 'appendFile')).partial(hash);
  await assert.rejects(partial.append(content), full);
  await partial.close();
});

test('missing rights and other failures: a clear error', async () => {
  const read = (code: string): FileSystem => ({
    ...fs,
    readFile: (() => Promise.reject(Object.assign(new Error(`${code}: injected`), { code }))) as typeof fs.readFile,
  });
  await assert.rejects(
    new FileStore(folder, read('EACCES')).get(hash),
    imageError('permission', /^cannot read .*denied/),
  );
  await assert.rejects(new FileStore(folder, read('EIO')).get(hash), imageError('io', /EIO: injected/));
  const denied = new FileStore(folder, failing('EROFS', 'writeFile'));
  await assert.rejects(denied.put(content), imageError('permission', /^cannot write/));
  // Where no folder can be made, whatever the rights: this once made Node's own mkdir go round for ever.
  const nowhere: FileSystem = {
    ...fs,
    mkdir: (() => Promise.reject(Object.assign(new Error('injected'), { code: 'ENOENT' }))) as typeof fs.mkdir,
  };
  await assert.rejects(
    new FileStore(folder, nowhere).put(content),
    imageError('io', /^cannot write .*no such file or folder/),
  );
  await fs.writeFile(join(folder, 'file'), '');
  await assert.rejects(new FileStore(join(folder, 'file')).put(content), imageError('io', /^cannot (read|write)/));
});
