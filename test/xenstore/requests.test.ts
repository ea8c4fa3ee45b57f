import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageType } from '../../src/xenstore/protocol.ts';
import { describe, TestStore } from './guest.ts';

test('an answer repeats type, request and transaction; an error has its own type', () => {
  const guest = new TestStore().guest(1);
  guest.put(guest.encode('write', 'a|x'));
  guest.put(guest.encode('read', 'a|', 7));
  guest.poll();
  const header = ({ type, requestId, transactionId }: { type: number; requestId: number; transactionId: number }) => [
    type,
    requestId,
    transactionId,
  ];
  assert.deepEqual(guest.drain().map(header), [
    [MessageType.write, 1, 0],
    [MessageType.error, 2, 7],
  ]);
});

test('values are bytes: any, none, and zeros', () => {
  const guest = new TestStore().guest(1);
  for (const value of ['', 'a', '|', 'a|b|', '\xff\x80', ' ']) {
    assert.deepEqual(guest.ask('write', `v|${value}`), ['write OK|']);
    assert.deepEqual(guest.ask('read', 'v|'), [`read ${value}`.trimEnd()]);
  }
});

test('payloads that are not as they should be are refused', () => {
  const guest = new TestStore().guest(1);
  const requests = [
    ['read', ''],
    ['read', 'a'],
    ['read', 'a|b|'],
    ['directory', 'a'],
    ['write', ''],
    ['write', 'a'],
    ['makeDirectory', 'a'],
    ['remove', 'a|b'],
    ['watch', 'a|'],
    ['watch', 'a|t'],
    ['unwatch', 'a'],
    ['getDomainPath', ''],
    ['getDomainPath', 'x|'],
    ['getDomainPath', '65536|'],
    ['getDomainPath', '-1|'],
    ['isDomainIntroduced', '1'],
    ['directoryPart', 'a|'],
    ['directoryPart', 'a|x|'],
  ] as const;
  for (const [name, payload] of requests) {
    assert.deepEqual(guest.ask(name, payload), ['error EINVAL|'], `${name} ${payload}`);
  }
});

test('types that are no requests are not supported', () => {
  const guest = new TestStore().guest(1);
  for (const type of [MessageType.watchEvent, MessageType.error, 20, 23, 26, 0xffff, 0xffff_ffff]) {
    assert.deepEqual(guest.ask(type, 'a|'), ['error ENOSYS|'], `${type}`);
  }
});

test("domain 0's requests are not a guest's", () => {
  const guest = new TestStore().guest(1);
  const requests = [
    ['control', 'check|'],
    ['introduce', '1|0|1|'],
    ['release', '1|'],
    ['resume', '1|'],
    ['setTarget', '1|2|'],
  ] as const;
  for (const [name, payload] of requests) assert.deepEqual(guest.ask(name, payload), ['error EACCES|'], name);
});

test('domain 0 may ask by message too', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  const answers: string[] = [];
  const dom0 = host.control((message) => answers.push(describe(message)));
  const ask = (name: keyof typeof MessageType, payload: string): string | undefined => {
    dom0(name, payload);
    return answers.pop();
  };
  assert.equal(ask('control', 'check|'), 'control OK|');
  assert.equal(ask('control', 'help|'), 'control check\nhelp|');
  assert.equal(ask('control', 'other|'), 'error EINVAL|');
  assert.equal(ask('resume', '1|'), 'resume OK|');
  assert.equal(ask('resume', '2|'), 'error ENOENT|');
  assert.equal(ask('setTarget', '1|2|'), 'setTarget OK|');
  assert.equal(ask('setTarget', '2|1|'), 'error ENOENT|');
  assert.equal(ask('introduce', '1|0|1|'), 'introduce OK|');
  assert.equal(ask('introduce', '2|0|1|'), 'error EINVAL|');
  assert.equal(ask('release', '1|'), 'release OK|');
  assert.equal(ask('release', '1|'), 'error ENOENT|');
  guest.put(guest.encode('read', 'a|'));
  guest.poll();
  assert.deepEqual(guest.messages(), []);
});

test('domains are told their folders, and who is connected', () => {
  const guest = new TestStore().guest(1);
  assert.deepEqual(guest.ask('getDomainPath', '7|'), ['getDomainPath /local/domain/7|']);
  for (const [domid, answer] of [
    ['0', 'T'],
    ['1', 'T'],
    ['2', 'F'],
    ['32752', 'T'],
  ]) {
    assert.deepEqual(guest.ask('isDomainIntroduced', `${domid}|`), [`isDomainIntroduced ${answer}|`]);
  }
});

test('a long list of children comes in parts, and not in one', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  const names = Array.from({ length: 700 }, (_, index) => `child-${index}`);
  for (const name of names) host.store.makeDirectory(`/local/domain/1/many/${name}`);
  assert.deepEqual(guest.ask('directory', 'many|'), ['error E2BIG|']);
  const seen: string[] = [];
  const generations = new Set<string>();
  for (let offset = 0; ; ) {
    const [answer = ''] = guest.ask('directoryPart', `many|${offset}|`);
    const [generation, ...part] = answer.slice('directoryPart '.length).slice(0, -1).split('|');
    generations.add(generation);
    const isLast = part.at(-1) === '';
    if (isLast) part.pop();
    seen.push(...part);
    offset += part.reduce((sum, name) => sum + name.length + 1, 0);
    if (isLast) break;
  }
  assert.deepEqual(seen, names);
  assert.equal(generations.size, 1);
  const [beyond = ''] = guest.ask('directoryPart', 'many|1000000|');
  assert.match(beyond, /^directoryPart \d+\|\|$/);
  guest.ask('makeDirectory', 'many/more|');
  const [later = ''] = guest.ask('directoryPart', 'many|1000000|');
  assert.notEqual(later, beyond);
});
