import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import {
  decodeMessage,
  encodeMessage,
  HEADER_SIZE,
  type Message,
  MessageType,
  payloadLength,
} from '../../src/xenstore/protocol.ts';
import type { Quota } from '../../src/xenstore/quota.ts';
import { defaultQuota } from '../../src/xenstore/quota.ts';
import { StoreRing } from '../../src/xenstore/ring.ts';
import { XenStore } from '../../src/xenstore/server.ts';
import { TransactionTable } from '../../src/xenstore/transactions.ts';

/** Guests of a store that has no hypervisor under it: their side of the rings, driven by tests. */

const PAGE_SIZE = 4096;
const PAGES = 16;
const RING_SIZE = 1024;
const REPLIES = 1024;

/** Offsets of the ring page's words. */
export const Field = {
  requestConsumer: 2048,
  requestProducer: 2052,
  replyConsumer: 2056,
  replyProducer: 2060,
  serverFeatures: 2064,
  connection: 2068,
  error: 2072,
} as const;

export type RequestName = keyof typeof MessageType;

/** Text whose characters are the payload's bytes, `|` standing for zero. */
const payloadOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll('|', '\0'), 'latin1'));

const nameOf = (type: number): string =>
  Object.entries(MessageType).find(([, number]) => number === type)?.[0] ?? `${type}`;

/** An answer or event as text: `read 1`, `error ENOENT|`, `watchEvent a|token|`. */
export const describe = ({ type, payload }: Message): string =>
  `${nameOf(type)} ${Buffer.from(payload).toString('latin1').replaceAll('\0', '|')}`.trimEnd();

export class TestGuest {
  readonly domid: number;
  readonly store: XenStore;
  readonly #memory: MachineMemory;
  readonly #page: number;
  #requestId = 0;
  #received = new Uint8Array(0);
  /** Times the store sent an event, and asked to be polled again. */
  notified = 0;
  pollsAsked = 0;

  constructor(store: XenStore, memory: MachineMemory, page: number, domid: number) {
    this.store = store;
    this.#memory = memory;
    this.#page = page;
    this.domid = domid;
    store.introduce(domid, {
      ring: new StoreRing(memory, page),
      notify: () => void this.notified++,
      pollAgain: () => void this.pollsAsked++,
    });
  }

  field(offset: number): number {
    return this.#memory.u32[(this.#page + offset) >>> 2];
  }

  setField(offset: number, value: number): void {
    this.#memory.u32[(this.#page + offset) >>> 2] = value;
  }

  /** Puts bytes on the ring as far as they fit; tells how many. */
  put(bytes: Uint8Array): number {
    const producer = this.field(Field.requestProducer);
    const room = RING_SIZE - ((producer - this.field(Field.requestConsumer)) >>> 0);
    const count = Math.min(room, bytes.length);
    for (let i = 0; i < count; i++) this.#memory.u8[this.#page + ((producer + i) & (RING_SIZE - 1))] = bytes[i];
    this.setField(Field.requestProducer, producer + count);
    return count;
  }

  /** Takes what is on the ring, at most so many bytes. */
  take(limit = RING_SIZE): void {
    const consumer = this.field(Field.replyConsumer);
    const count = Math.min(limit, (this.field(Field.replyProducer) - consumer) >>> 0);
    const taken = new Uint8Array(count);
    for (let i = 0; i < count; i++)
      taken[i] = this.#memory.u8[this.#page + REPLIES + ((consumer + i) & (RING_SIZE - 1))];
    this.setField(Field.replyConsumer, consumer + count);
    this.#received = Uint8Array.of(...this.#received, ...taken);
  }

  /** The whole messages that have been taken. */
  messages(): Message[] {
    const messages: Message[] = [];
    while (this.#received.length >= HEADER_SIZE) {
      const size = HEADER_SIZE + payloadLength(this.#received);
      if (this.#received.length < size) break;
      messages.push(decodeMessage(this.#received.subarray(0, size)));
      this.#received = this.#received.slice(size);
    }
    return messages;
  }

  poll(): void {
    this.store.poll(this.domid);
  }

  /** All that comes, however much. */
  drain(): Message[] {
    const messages: Message[] = [];
    for (;;) {
      this.take();
      const more = this.messages();
      messages.push(...more);
      this.poll();
      if (this.field(Field.replyProducer) === this.field(Field.replyConsumer)) return messages;
    }
  }

  encode(name: RequestName | number, payload: string, transactionId = 0): Uint8Array {
    const type = typeof name === 'number' ? name : MessageType[name];
    return encodeMessage({ type, requestId: ++this.#requestId, transactionId, payload: payloadOf(payload) });
  }

  /** Sends a request, and gives all that comes then as text. */
  ask(name: RequestName | number, payload: string, transactionId = 0): string[] {
    let bytes = this.encode(name, payload, transactionId);
    const answers: Message[] = [];
    while (bytes.length > 0) {
      bytes = bytes.subarray(this.put(bytes));
      this.poll();
      answers.push(...this.drain());
    }
    return answers.map(describe);
  }

  /** Asks for a new connection, as a kernel does that was started by another. */
  reconnect(): void {
    this.setField(Field.connection, 1);
    this.poll();
    this.#received = new Uint8Array(0);
  }

  /** The events that wait. */
  events(): string[] {
    return this.drain().map(describe);
  }

  startTransaction(): number {
    const [answer = ''] = this.ask('transactionStart', '|');
    return Number(/^transactionStart (\d+)\|$/.exec(answer)?.[1]);
  }
}

/** A store with guests 1, 2 and so on, each with its folder. */
export class TestStore {
  readonly store: XenStore;
  readonly #memory = new MachineMemory(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));

  constructor(quota: Partial<Quota> = {}) {
    this.store = new XenStore({ ...defaultQuota, ...quota });
  }

  /** What sends domain 0's messages; the answers go to `onAnswer`. */
  control(onAnswer: (message: Message) => void): (name: RequestName, payload: string) => void {
    const client = {
      domid: 0,
      target: -1,
      transactions: new TransactionTable(),
      deliver: (): void => {},
      send: onAnswer,
    };
    return (name, payload) =>
      this.store.handle(client, {
        type: MessageType[name],
        requestId: 1,
        transactionId: 0,
        payload: payloadOf(payload),
      });
  }

  guest(domid = 1): TestGuest {
    if (domid >= PAGES) throw new RangeError('there is no page for such a guest');
    this.store.makeDirectory(`/local/domain/${domid}`);
    this.store.setPermissions(`/local/domain/${domid}`, [`n${domid}`, 'r0']);
    this.#memory.u8.fill(0, domid * PAGE_SIZE, (domid + 1) * PAGE_SIZE);
    return new TestGuest(this.store, this.#memory, domid * PAGE_SIZE, domid);
  }
}
