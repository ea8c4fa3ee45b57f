import type { MachineMemory } from '../cpu/machine-memory.ts';

/**
 * The store's side of a guest's ring (struct xenstore_domain_interface of Xen's io/xs_wire.h): 1024 bytes of requests, 1024 of
 * answers, free-running indices. The indices are the guest's to break: then reading and writing say so.
 */

const REQUESTS = 0;
const REPLIES = 1024;
const RING_SIZE = 1024;
const REQUEST_CONSUMER = 2048;
const REQUEST_PRODUCER = 2052;
const REPLY_CONSUMER = 2056;
const REPLY_PRODUCER = 2060;
const SERVER_FEATURES = 2064;
const CONNECTION = 2068;
const ERROR = 2072;

const ServerFeature = { reconnection: 1, error: 2 } as const;
const ConnectionState = { connected: 0, reconnect: 1 } as const;

/** What the ring's error field tells the guest. */
export const RingError = { none: 0, communication: 1, indices: 2, protocol: 3 } as const;

/** Given instead of a count if the indices are broken. */
export const BROKEN = -1;

export class StoreRing {
  readonly #memory: MachineMemory;
  readonly #page: number;

  /** `page` is the machine address of the ring's page. */
  constructor(memory: MachineMemory, page: number) {
    this.#memory = memory;
    this.#page = page;
  }

  #load(field: number): number {
    return Atomics.load(this.#memory.i32, (this.#page + field) >>> 2);
  }

  #store(field: number, value: number): void {
    Atomics.store(this.#memory.i32, (this.#page + field) >>> 2, value | 0);
  }

  /** Says what the store can do, and that it is there. */
  connect(): void {
    this.#store(SERVER_FEATURES, ServerFeature.reconnection | ServerFeature.error);
    this.#store(ERROR, RingError.none);
    this.#store(CONNECTION, ConnectionState.connected);
  }

  /** Whether the guest asks to start afresh. */
  get reconnecting(): boolean {
    return this.#load(CONNECTION) === ConnectionState.reconnect;
  }

  /** Starts afresh: both rings empty. The guest leaves the page alone until it is connected again. */
  reconnect(): void {
    for (const index of [REQUEST_CONSUMER, REQUEST_PRODUCER, REPLY_CONSUMER, REPLY_PRODUCER]) this.#store(index, 0);
    this.connect();
  }

  /** Tells the guest by a RingError why nobody answers any more. */
  fail(error: number): void {
    this.#store(ERROR, error);
  }

  /** Takes up to `length` bytes of requests; tells how many, or BROKEN. */
  read(into: Uint8Array, offset: number, length: number): number {
    const consumer = this.#load(REQUEST_CONSUMER);
    const available = (this.#load(REQUEST_PRODUCER) - consumer) >>> 0;
    if (available > RING_SIZE) return BROKEN;
    const count = Math.min(available, length);
    const { u8 } = this.#memory;
    for (let i = 0; i < count; i++) {
      into[offset + i] = u8[this.#page + REQUESTS + ((consumer + i) & (RING_SIZE - 1))];
    }
    if (count > 0) this.#store(REQUEST_CONSUMER, consumer + count);
    return count;
  }

  /** Gives the guest as many of the bytes from `offset` on as fit; tells how many, or BROKEN. */
  write(bytes: Uint8Array, offset: number): number {
    const producer = this.#load(REPLY_PRODUCER);
    const used = (producer - this.#load(REPLY_CONSUMER)) >>> 0;
    if (used > RING_SIZE) return BROKEN;
    const count = Math.min(bytes.length - offset, RING_SIZE - used);
    const { u8 } = this.#memory;
    for (let i = 0; i < count; i++) {
      u8[this.#page + REPLIES + ((producer + i) & (RING_SIZE - 1))] = bytes[offset + i];
    }
    if (count > 0) this.#store(REPLY_PRODUCER, producer + count);
    return count;
  }
}
