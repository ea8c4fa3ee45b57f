import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { removeDomainEntries, writeDomainEntries, writeHostEntries } from '../../src/toolstack/store-entries.ts';
import { XenStore } from '../../src/xenstore/server.ts';

const uuid = 'f7bb1943-99f7-4821-a849-52570316c607';

const written = (): XenStore => {
  const store = new XenStore();
  writeHostEntries(store);
  writeDomainEntries(store, {
    domid: 1,
    name: 'u1',
    uuid,
    vcpus: 2,
    memoryKiB: 196_608,
    startTime: 1_795_327_620.37,
    consolePort: 2,
    consolePfn: 0x39000,
    storePort: 1,
    storePfn: 0x39001,
  });
  return store;
};

test('a domain finds what the real toolstack writes, with the same permissions', () => {
  const recorded = readFileSync(new URL('../xenstore/recorded/vbd-vif-tree.txt', import.meta.url), 'utf8');
  // Disk and network interface are not part of this; the console's terminal is another.
  const expected = recorded.split('\n').filter((line) => !/\/(vbd|vif)\b/.test(line.split(' ')[0]));
  const sorted = (lines: string[]): string[] => lines.map((line) => line.replace('"/dev/pts/0"', '""')).sort();
  assert.deepEqual(sorted(written().dump().split('\n')), sorted(expected));
});

test('nothing of a domain is left when its entries are removed', () => {
  const store = written();
  const hostAlone = new XenStore();
  writeHostEntries(hostAlone);
  removeDomainEntries(store, { domid: 1, uuid });
  for (const kind of store.directory('/local/domain/0/backend') ?? []) {
    assert.deepEqual(store.directory(`/local/domain/0/backend/${kind}`), []);
  }
  store.remove('/local/domain/0/backend');
  assert.equal(store.dump(), hostAlone.dump());
});
