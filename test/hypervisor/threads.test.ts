import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { EventWord } from '../../src/hypervisor/abi/event-channel.ts';
import { channelFromDom0, eventOp } from './channels.ts';
import { RAM, TestHost } from './host.ts';
import type { SenderData } from './sender.ts';

/** Events that the guest takes while the threads send. */
const EVENTS = 4_000;
const PORTS = 5;
const SENDERS = 2;
const CONTROL = RAM + 0x1_0000;
const ARRAY = RAM + 0x3_0000;
const HEAD = 8;
const QUEUE = 7;

/** A guest that takes events as Linux does: mask, clear, handle, unmask. */
class Guest {
  readonly host: TestHost = new TestHost();
  readonly domid: number = this.host.createDomain();
  readonly #i32: Int32Array = this.host.memory.i32;
  readonly #control: number;
  readonly #array: number;
  #head = 0;
  taken = 0;

  constructor() {
    assert.equal(eventOp(this.host, this.domid, 'init_control', 0x40010, 0, 0, 0), 0);
    assert.equal(eventOp(this.host, this.domid, 'expand_array', 0x40030, 0), 0);
    this.#control = this.host.machine(this.domid, CONTROL) >>> 2;
    this.#array = this.host.machine(this.domid, ARRAY) >>> 2;
  }

  word(port: number): number {
    return Atomics.load(this.#i32, this.#array + port);
  }

  /** Takes a port off the queue; false if the queue is not ready. */
  take(): boolean {
    const i32 = this.#i32;
    if ((Atomics.load(i32, this.#control) & (1 << QUEUE)) === 0) return false;
    const port = this.#head === 0 ? Atomics.load(i32, this.#control + (HEAD >>> 2) + QUEUE) : this.#head;
    const word = this.#array + port;
    for (;;) {
      const before = Atomics.load(i32, word);
      const after = before & ~EventWord.linked & ~EventWord.linkMask;
      if (Atomics.compareExchange(i32, word, before, after) !== before) continue;
      this.#head = before & EventWord.linkMask;
      break;
    }
    if (this.#head === 0) Atomics.and(i32, this.#control, ~(1 << QUEUE));
    if ((Atomics.load(i32, word) & (EventWord.pending | EventWord.masked)) !== EventWord.pending) return true;
    Atomics.or(i32, word, EventWord.masked);
    Atomics.and(i32, word, ~EventWord.pending);
    this.taken++;
    assert.equal(eventOp(this.host, this.domid, 'unmask', port), 0);
    return true;
  }
}

test('no event is lost while several threads send and the guest takes them', async () => {
  const guest = new Guest();
  const channels = Array.from({ length: SENDERS * PORTS }, () => channelFromDom0(guest.host, guest.domid));
  const control = new SharedArrayBuffer(8);
  const [begun, stop] = [0, 1];
  const flags = new Int32Array(control);
  let running = SENDERS;
  const failures: unknown[] = [];
  for (let sender = 0; sender < SENDERS; sender++) {
    const ports = channels.slice(sender * PORTS, (sender + 1) * PORTS).map(({ dom0 }) => dom0);
    const workerData: SenderData = { memory: guest.host.memory.memory, ports, control };
    const worker = new Worker(new URL('sender.ts', import.meta.url), { workerData });
    worker.on('error', (error) => failures.push(error));
    worker.on('exit', () => void running--);
  }
  while (Atomics.load(flags, begun) < SENDERS) await new Promise((resolve) => setImmediate(resolve));
  // Taking events as they come, or none for a while: then a lost one shows as silence.
  for (let idle = 0; guest.taken < EVENTS && idle < 1e8; idle++) if (guest.take()) idle = 0;
  Atomics.store(flags, stop, 1);
  while (running > 0) await new Promise((resolve) => setImmediate(resolve));
  while (guest.take());
  assert.deepEqual(failures, []);
  assert.ok(guest.taken >= EVENTS, `only ${guest.taken} events came`);
  for (const { guest: port } of channels) assert.equal(guest.word(port), 0, `port ${port} has nothing left`);
});
