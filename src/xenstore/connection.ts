import { NO_TARGET } from './permissions.ts';
import {
  decodeMessage,
  encodeMessage,
  encodeStrings,
  HEADER_SIZE,
  type Message,
  MessageType,
  PAYLOAD_MAX,
  payloadLength,
} from './protocol.ts';
import type { Quota } from './quota.ts';
import { BROKEN, RingError, type StoreRing } from './ring.ts';
import type { Client } from './store.ts';
import { TransactionTable } from './transactions.ts';

/**
 * A domain's connection: takes requests off its ring, however they come in pieces, and puts answers and watch events on it as
 * room comes. A guest that breaks the protocol, or lets events pile up, loses the connection until it asks for a new one.
 */

export interface ConnectionOptions {
  readonly domid: number;
  readonly ring: StoreRing;
  /** Tells the guest that the ring changed. */
  readonly notify: () => void;
  /** Asks for another `poll` soon: the guest keeps the ring filled, and others are to have their turn. */
  readonly pollAgain: () => void;
  /** Answers a request with `send`. */
  readonly onRequest: (connection: Connection, request: Message) => void;
  /** The connection starts afresh, or ends: its watches and transactions are void. */
  readonly onReset: (connection: Connection) => void;
  readonly quota: Quota;
}

interface Outgoing {
  readonly bytes: Uint8Array;
  /** What makes a watch event the same as another, null for answers. */
  readonly event: string | null;
}

/** Requests taken in one go. */
const BATCH = 64;

export class Connection implements Client {
  readonly domid: number;
  /** The domain that this one acts for, if any. */
  target: number = NO_TARGET;
  readonly transactions: TransactionTable = new TransactionTable();
  readonly #options: ConnectionOptions;
  readonly #incoming = new Uint8Array(HEADER_SIZE + PAYLOAD_MAX);
  #incomingLength = 0;
  #outgoing: Outgoing[] = [];
  /** How much of the first message is on the ring already. */
  #outgoingOffset = 0;
  #outgoingBytes = 0;
  /** The watch events that wait: the same twice says no more than once. */
  readonly #waitingEvents = new Set<string>();
  #broken = false;
  #closed = false;
  #polling = false;

  constructor(options: ConnectionOptions) {
    this.domid = options.domid;
    this.#options = options;
    options.ring.connect();
  }

  /** The guest's event channel fired, or somebody wants to be sure. */
  poll(): void {
    if (this.#closed) return;
    const { ring, notify, pollAgain, quota } = this.#options;
    let changed = this.#reconnect();
    this.#polling = true;
    let requests = 0;
    while (!this.#broken) {
      if (this.#flush()) changed = true;
      if (this.#broken || this.#outgoing.length >= quota.outstanding) break;
      if (requests === BATCH) {
        pollAgain();
        break;
      }
      const count = ring.read(this.#incoming, this.#incomingLength, this.#wanted() - this.#incomingLength);
      if (count === BROKEN) this.#fail(RingError.indices);
      if (count <= 0) break;
      changed = true;
      this.#incomingLength += count;
      if (this.#takeRequest()) requests++;
    }
    this.#polling = false;
    if (changed) notify();
  }

  /** Ends the connection for good: the ring may be gone. */
  close(): void {
    this.#broken = true;
    this.#closed = true;
    this.#clear();
    this.#options.onReset(this);
  }

  send(message: Message): void {
    this.#enqueue({ bytes: encodeMessage(message), event: null });
  }

  deliver(path: string, token: string): void {
    const event = `${path}\0${token}`;
    const payload = encodeStrings(path, token);
    // Watched path and token came in one message, but the event's path can be longer.
    if (this.#broken || this.#waitingEvents.has(event) || payload.length > PAYLOAD_MAX) return;
    this.#waitingEvents.add(event);
    const bytes = encodeMessage({ type: MessageType.watchEvent, requestId: 0, transactionId: 0, payload });
    this.#enqueue({ bytes, event });
  }

  #enqueue(outgoing: Outgoing): void {
    if (this.#broken) return;
    this.#outgoing.push(outgoing);
    this.#outgoingBytes += outgoing.bytes.length;
    if (this.#outgoingBytes > this.#options.quota.queuedBytes) this.#fail(RingError.communication);
    // Within a poll, that tells the guest of everything at once.
    else if (!this.#polling && this.#flush()) this.#options.notify();
  }

  /** The bytes that the message coming in has as far as is known. */
  #wanted(): number {
    return this.#incomingLength < HEADER_SIZE ? HEADER_SIZE : HEADER_SIZE + payloadLength(this.#incoming);
  }

  /** Passes the request on if it is whole. */
  #takeRequest(): boolean {
    if (this.#incomingLength < HEADER_SIZE) return false;
    if (payloadLength(this.#incoming) > PAYLOAD_MAX) {
      this.#fail(RingError.protocol);
      return false;
    }
    if (this.#incomingLength < this.#wanted()) return false;
    this.#incomingLength = 0;
    this.#options.onRequest(this, decodeMessage(this.#incoming));
    return true;
  }

  /** Puts on the ring what fits; whether anything did. */
  #flush(): boolean {
    let changed = false;
    for (let first = this.#outgoing[0]; first !== undefined; first = this.#outgoing[0]) {
      const count = this.#options.ring.write(first.bytes, this.#outgoingOffset);
      if (count === BROKEN) {
        this.#fail(RingError.indices);
        return true;
      }
      if (count === 0) break;
      changed = true;
      // The guest sees this one already: what happens from now on is news.
      if (first.event !== null) this.#waitingEvents.delete(first.event);
      this.#outgoingOffset += count;
      this.#outgoingBytes -= count;
      if (this.#outgoingOffset < first.bytes.length) break;
      this.#outgoing.shift();
      this.#outgoingOffset = 0;
    }
    return changed;
  }

  #reconnect(): boolean {
    const { ring, onReset } = this.#options;
    if (!ring.reconnecting) return false;
    this.#clear();
    this.#broken = false;
    onReset(this);
    ring.reconnect();
    return true;
  }

  #fail(error: number): void {
    const { ring, notify, onReset } = this.#options;
    this.#broken = true;
    this.#clear();
    ring.fail(error);
    onReset(this);
    notify();
  }

  #clear(): void {
    this.#incomingLength = 0;
    this.#outgoing = [];
    this.#outgoingOffset = 0;
    this.#outgoingBytes = 0;
    this.#waitingEvents.clear();
  }
}
