import { ControlBlock, EventWord } from '../abi/event-channel.ts';
import type { Core } from '../core.ts';
import { vcpuAt } from '../domain.ts';
import { FIFO_CONTROL, FIFO_TAILS } from '../vcpu.ts';
import { eventWord, Port } from './tables.ts';
import { checkPollers, markEventsPending } from './upcall.ts';

/**
 * The FIFO ABI (public/event_channel.h; "Event channel FIFO-based ABI" design): sixteen queues for each vCPU, linked through
 * event words that the guest shares. The guest may, at any time, clear PENDING, change MASKED, and unlink what it takes, so
 * words change by atomic operations alone. The tails are ours; the domain's lock keeps other senders away.
 */

/** How often a link is tried against a guest that keeps changing the word. */
const LINK_TRIES = 4;

export const setPending = (core: Core, domain: number, port: number, record: number): void => {
  const { memory } = core;
  const { i32, u8 } = memory;
  const address = eventWord(memory, domain, port);
  if (address === 0) {
    u8[record + Port.latched] = 1;
    return;
  }
  const vcpu = vcpuAt(memory, domain, u8[record + Port.vcpu]);
  const control = memory.u32[(vcpu + FIFO_CONTROL) >>> 2];
  // The guest must not unmask an event before it has set up the control block: nobody can miss it.
  if (control === 0) return;

  const word = address >>> 2;
  const before = Atomics.or(i32, word, EventWord.pending);
  if (!isMasked(i32, word) && (Atomics.or(i32, word, EventWord.linked) & EventWord.linked) === 0) {
    append(core, domain, port, record, vcpu, control);
  }
  if ((before & EventWord.pending) === 0) checkPollers(core, domain, port);
};

const isMasked = (i32: Int32Array, word: number): boolean => (Atomics.load(i32, word) & EventWord.masked) !== 0;

const tailOf = (vcpu: number, priority: number): number => (vcpu + FIFO_TAILS + priority * 4) >>> 2;

/** Puts a port, whose word was just marked as linked, at the end of its queue. */
const append = (core: Core, domain: number, port: number, record: number, vcpu: number, control: number): void => {
  const { i32, u8, u32 } = core.memory;
  const priority = u8[record + Port.priority];
  const tail = tailOf(vcpu, priority);
  const lastVcpu = vcpuAt(core.memory, domain, u8[record + Port.lastVcpu]);
  const lastTail = tailOf(lastVcpu, u8[record + Port.lastPriority]);
  // It was the tail of a queue that is empty by now: nothing may be linked behind it there.
  if (u32[lastTail] === port) u32[lastTail] = 0;
  u8[record + Port.lastVcpu] = u8[record + Port.vcpu];
  u8[record + Port.lastPriority] = priority;

  const behind = u32[tail];
  const linked = behind !== 0 && link(i32, eventWord(core.memory, domain, behind), port);
  u32[tail] = port;
  if (linked) return;
  Atomics.store(i32, (control + ControlBlock.head + priority * 4) >>> 2, port);
  const ready = Atomics.or(i32, (control + ControlBlock.ready) >>> 2, 1 << priority);
  if ((ready & (1 << priority)) === 0) markEventsPending(core, vcpu);
};

/**
 * Makes a word lead to a port if it is still on its queue; false if it is not, and the queue therefore empty. BUSY keeps the
 * guest from unmasking the event meanwhile, which leaves it three changes to make.
 */
const link = (i32: Int32Array, address: number, port: number): boolean => {
  const word = address >>> 2;
  for (let tries = 0; tries <= LINK_TRIES; tries++) {
    if (tries === 1) Atomics.or(i32, word, EventWord.busy);
    const before = Atomics.load(i32, word);
    if ((before & EventWord.linked) === 0) {
      if (tries > 0) Atomics.and(i32, word, ~EventWord.busy);
      return false;
    }
    const after = (before & ~(EventWord.busy | EventWord.linkMask)) | port;
    if (Atomics.compareExchange(i32, word, before, after) === before) return true;
  }
  // Against the rules: the guest loses events of this queue.
  Atomics.and(i32, word, ~EventWord.busy);
  return true;
};

export const clearPending = (core: Core, domain: number, port: number): void => {
  const address = eventWord(core.memory, domain, port);
  if (address !== 0) Atomics.and(core.memory.i32, address >>> 2, ~EventWord.pending);
};

export const unmask = (core: Core, domain: number, port: number, record: number): void => {
  const address = eventWord(core.memory, domain, port);
  if (address === 0) return;
  const before = Atomics.and(core.memory.i32, address >>> 2, ~EventWord.masked);
  if ((before & EventWord.pending) !== 0) setPending(core, domain, port, record);
};

export const isPending = (core: Core, domain: number, port: number): boolean => {
  const address = eventWord(core.memory, domain, port);
  return address !== 0 && (Atomics.load(core.memory.i32, address >>> 2) & EventWord.pending) !== 0;
};

/** Whether a port is still on a queue, and therefore must not be used for something else. */
export const isLinked = (core: Core, domain: number, port: number): boolean => {
  const address = eventWord(core.memory, domain, port);
  return address !== 0 && (Atomics.load(core.memory.i32, address >>> 2) & EventWord.linked) !== 0;
};
