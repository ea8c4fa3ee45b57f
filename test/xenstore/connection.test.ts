import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describe, Field, TestStore } from './guest.ts';

test('a request may come in any pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (pieces) => {
      const guest = new TestStore().guest(1);
      const bytes = Uint8Array.of(
        ...guest.encode('write', `a|${'value'.repeat(8)}`),
        ...guest.encode('transactionStart', ''),
        ...guest.encode('read', 'a|'),
      );
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const length = pieces[i % pieces.length];
        guest.put(bytes.subarray(at, at + length));
        guest.poll();
        at += length;
      }
      assert.deepEqual(guest.events(), ['write OK|', 'transactionStart 1|', `read ${'value'.repeat(8)}`]);
    }),
    { numRuns: 50 },
  );
});

test('messages longer than the ring go through it', () => {
  const host = new TestStore({ valueSize: 4096 });
  const guest = host.guest(1);
  const value = Array.from({ length: 4000 }, (_, i) => String.fromCharCode(32 + (i % 90)))
    .join('')
    .replaceAll('|', ' ');
  assert.deepEqual(guest.ask('write', `long|${value}`), ['write OK|']);
  assert.equal(host.store.read('/local/domain/1/long'), value);
  assert.deepEqual(guest.ask('read', 'long|'), [`read ${value}`.trimEnd()]);
});

test('paths may be as deep as they are long', () => {
  const guest = new TestStore().guest(1);
  const deep = 'a/'.repeat(900).slice(0, -1);
  assert.deepEqual(guest.ask('read', `${deep}|`), ['error ENOENT|']);
  assert.deepEqual(guest.ask('write', `${deep}|x`), ['write OK|']);
  assert.deepEqual(guest.ask('read', `${deep}|`), ['read x']);
  assert.deepEqual(guest.ask('read', `${deep}/b/c|`), ['error ENOENT|']);
  assert.deepEqual(guest.ask('remove', 'a|'), ['remove OK|']);
});

test('indices go round', () => {
  const guest = new TestStore().guest(1);
  for (const field of [Field.requestConsumer, Field.requestProducer]) guest.setField(field, 0xffff_fff0);
  for (const field of [Field.replyConsumer, Field.replyProducer]) guest.setField(field, 0xffff_ff00);
  for (let i = 0; i < 100; i++) {
    assert.deepEqual(guest.ask('write', `a|${i}`), ['write OK|']);
    assert.deepEqual(guest.ask('read', 'a|'), [`read ${i}`]);
  }
});

test('the guest gets an event whenever its ring changed, and none otherwise', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  guest.poll();
  assert.equal(guest.notified, 0);
  const bytes = guest.encode('watch', 'a|t|');
  guest.put(bytes.subarray(0, 5));
  guest.poll();
  assert.equal(guest.notified, 1);
  guest.put(bytes.subarray(5));
  guest.poll();
  assert.equal(guest.notified, 2);
  host.store.write('/local/domain/1/a', '');
  assert.equal(guest.notified, 3);
});

test('answers wait while the ring is full, and requests then too', () => {
  const host = new TestStore({ outstanding: 3 });
  const guest = host.guest(1);
  guest.ask('write', `v|${'x'.repeat(500)}`);
  const requests = Array.from({ length: 20 }, () => guest.encode('read', 'v|'));
  for (const request of requests) {
    guest.put(request);
    guest.poll();
  }
  assert.ok(guest.field(Field.requestProducer) - guest.field(Field.requestConsumer) >= 10 * 18);
  const answers = guest.drain();
  assert.deepEqual(
    answers.map(({ requestId }) => requestId),
    requests.map((_, index) => index + 2),
  );
  for (const answer of answers) assert.equal(describe(answer), `read ${'x'.repeat(500)}`);
});

test('a guest that keeps its ring filled leaves others their turn', () => {
  const guest = new TestStore().guest(1);
  const request = guest.encode('isDomainIntroduced', '1|').length;
  // The ring holds fewer requests than one turn: the guest fills it up while it is served.
  const original = guest.store.handle.bind(guest.store);
  let handled = 0;
  guest.store.handle = (client, message) => {
    handled++;
    original(client, message);
    guest.take();
    guest.put(guest.encode('isDomainIntroduced', '1|'));
  };
  guest.put(guest.encode('isDomainIntroduced', '1|'));
  guest.poll();
  assert.ok(request < 64 && handled === 64, `${handled}`);
  assert.equal(guest.pollsAsked, 1);
  guest.poll();
  assert.equal(handled, 128);
});

test('the same event twice waits once, until the guest has begun to see it', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  for (const watched of ['b', 'a']) guest.ask('watch', `${watched}|t|`);
  // Fill the ring with events of ever new nodes, then let the same come again and again.
  for (let i = 0; i < 60; i++) host.store.write(`/local/domain/1/b/${i}`, '');
  for (let i = 0; i < 10; i++) host.store.write('/local/domain/1/a', '');
  const events = guest.events();
  assert.equal(events.length, 61);
  assert.equal(events.at(-1), 'watchEvent a|t|');
  host.store.write('/local/domain/1/a', '');
  assert.deepEqual(guest.events(), ['watchEvent a|t|']);
});

test('a guest that lets events pile up loses its connection, and gets it back by asking', () => {
  const host = new TestStore({ queuedBytes: 4000 });
  const [guest, other] = [host.guest(1), host.guest(2)];
  other.ask('watch', '/local/domain/1/a|t|');
  guest.ask('watch', 'a|t|');
  const id = guest.startTransaction();
  for (let i = 0; i < 300; i++) {
    host.store.write(`/local/domain/1/a/${i}`, '');
    other.drain();
  }
  assert.equal(guest.field(Field.error), 1);
  assert.deepEqual(
    guest.events().filter((text) => !text.startsWith('watchEvent')),
    [],
  );
  guest.put(guest.encode('read', 'a|'));
  guest.poll();
  assert.deepEqual(guest.events(), []);
  assert.deepEqual(other.ask('isDomainIntroduced', '1|'), ['isDomainIntroduced T|']);

  guest.reconnect();
  assert.deepEqual(
    [Field.connection, Field.error, Field.requestProducer, Field.replyProducer].map((field) => guest.field(field)),
    [0, 0, 0, 0],
  );
  assert.deepEqual(guest.ask('transactionEnd', 'T|', id), ['error ENOENT|']);
  assert.deepEqual(guest.ask('write', 'a|x'), ['write OK|']);
});

test('a guest that connects anew has no watches and transactions, and no answers to what was asked before', () => {
  const host = new TestStore();
  const guest = host.guest(1);
  guest.ask('watch', 'a|t|');
  const id = guest.startTransaction();
  guest.put(guest.encode('read', 'a|'));
  guest.put(guest.encode('read', 'a|').subarray(0, 10));
  guest.reconnect();
  host.store.write('/local/domain/1/a', 'x');
  assert.deepEqual(guest.events(), []);
  assert.deepEqual(guest.ask('transactionEnd', 'T|', id), ['error ENOENT|']);
  assert.deepEqual(guest.ask('read', 'a|'), ['read x']);
});

test('broken indices and too long payloads end the connection of their guest alone', () => {
  const breakages: [error: number, (guest: ReturnType<TestStore['guest']>) => void][] = [
    [2, (guest) => guest.setField(Field.requestProducer, guest.field(Field.requestConsumer) + 1025)],
    [2, (guest) => guest.setField(Field.requestProducer, guest.field(Field.requestConsumer) - 1)],
    [
      2,
      (guest) => {
        guest.setField(Field.replyConsumer, guest.field(Field.replyProducer) + 1);
        guest.put(guest.encode('read', 'a|'));
      },
    ],
    [3, (guest) => guest.put(Uint8Array.of(...new Uint8Array(12), 0x01, 0x10, 0, 0))],
    [3, (guest) => guest.put(new Uint8Array(16).fill(0xff))],
  ];
  for (const [error, breakIt] of breakages) {
    const host = new TestStore();
    const [guest, other] = [host.guest(1), host.guest(2)];
    guest.ask('watch', 'a|t|');
    breakIt(guest);
    guest.poll();
    assert.equal(guest.field(Field.error), error);
    const producer = guest.field(Field.replyProducer);
    host.store.write('/local/domain/1/a', '');
    guest.poll();
    assert.equal(guest.field(Field.replyProducer), producer);
    assert.deepEqual(other.ask('write', 'a|x'), ['write OK|']);
  }
});

test('the ring says what the store can do', () => {
  const guest = new TestStore().guest(1);
  assert.equal(guest.field(Field.serverFeatures), 3);
  assert.equal(guest.field(Field.connection), 0);
});
