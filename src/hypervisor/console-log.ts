import { lock, unlock } from '../cpu/lock.ts';
import type { Core } from './core.ts';
import { CONSOLE_LOG } from './domain.ts';

/**
 * What a domain writes with console_io, and what the hypervisor has to say about it: a ring of text in machine memory. A
 * guest's output is kept back until its line is complete, so that lines stay whole.
 */

const LOG_LOCK = 0;
/** Bytes ever written (u32, wrapping). */
const PRODUCED = 4;
/** Bytes of the unfinished line. */
const LINE_LENGTH = 8;
const LINE = 16;
const LINE_BYTES = 240;
const RING = LINE + LINE_BYTES;
const RING_BYTES = 8192;
export const CONSOLE_LOG_SIZE = RING + RING_BYTES;

const NEWLINE = 10;

const logOf = (core: Core, domain: number): number => core.memory.u32[(domain + CONSOLE_LOG) >>> 2];

const put = (core: Core, log: number, byte: number): void => {
  const produced = core.memory.u32[(log + PRODUCED) >>> 2];
  core.memory.u8[log + RING + (produced % RING_BYTES)] = byte;
  core.memory.u32[(log + PRODUCED) >>> 2] = produced + 1;
};

const flushLine = (core: Core, log: number): void => {
  const length = core.memory.u32[(log + LINE_LENGTH) >>> 2];
  for (let i = 0; i < length; i++) put(core, log, core.memory.u8[log + LINE + i]);
  put(core, log, NEWLINE);
  core.memory.u32[(log + LINE_LENGTH) >>> 2] = 0;
  core.services.doorbell();
};

/** Takes a guest's output. Only printable characters, tabs and newlines are kept. */
export const writeConsole = (core: Core, domain: number, bytes: Uint8Array, count: number): void => {
  const log = logOf(core, domain);
  lock(core.memory, log + LOG_LOCK);
  for (let i = 0; i < count; i++) {
    const byte = bytes[i];
    const length = core.memory.u32[(log + LINE_LENGTH) >>> 2];
    if (byte === NEWLINE || length === LINE_BYTES) flushLine(core, log);
    if (byte === NEWLINE || !isPrintable(byte)) continue;
    const now = core.memory.u32[(log + LINE_LENGTH) >>> 2];
    core.memory.u8[log + LINE + now] = byte;
    core.memory.u32[(log + LINE_LENGTH) >>> 2] = now + 1;
  }
  unlock(core.memory, log + LOG_LOCK);
};

const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte !== 0x7f) || byte === 9;

/** Adds a message of the hypervisor's own. */
export const appendConsoleLog = (core: Core, domain: number, text: string): void => {
  const log = logOf(core, domain);
  if (log === 0) return;
  lock(core.memory, log + LOG_LOCK);
  if (core.memory.u32[(log + LINE_LENGTH) >>> 2] > 0) flushLine(core, log);
  for (let i = 0; i < text.length; i++) put(core, log, text.charCodeAt(i));
  unlock(core.memory, log + LOG_LOCK);
};

/**
 * What was written from position `from` on (0 the first time), as much of it as the ring still holds, and the position to
 * go on from.
 */
export const readConsoleLog = (core: Core, domain: number, from: number): { bytes: Uint8Array; next: number } => {
  const log = logOf(core, domain);
  lock(core.memory, log + LOG_LOCK);
  const produced = core.memory.u32[(log + PRODUCED) >>> 2];
  const count = Math.min((produced - from) >>> 0, RING_BYTES, produced);
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) bytes[i] = core.memory.u8[log + RING + ((produced - count + i) % RING_BYTES)];
  unlock(core.memory, log + LOG_LOCK);
  return { bytes, next: produced };
};
