import { kick } from '../cpu/kick.ts';
import { ShutdownReason } from './abi/sched.ts';
import { appendConsoleLog } from './console-log.ts';
import type { Core } from './core.ts';
import {
  CRASH_REASON,
  CRASH_REASON_BYTES,
  CRASH_REASON_LENGTH,
  DomainStatus,
  domidOf,
  SHUTDOWN_CODE,
  STATUS,
  vcpuAt,
  vcpuCount,
} from './domain.ts';
import { stateOf } from './vcpu.ts';

/**
 * Ends of a domain's run. None of this takes the domain's lock, so that it can be called from anywhere.
 */

/** Shuts a domain down for one of Xen's reasons; the first reason stays. All its vCPUs stop. */
export const shutDown = (core: Core, domain: number, reason: number): void => {
  Atomics.compareExchange(core.memory.i32, (domain + SHUTDOWN_CODE) >>> 2, 0, reason + 1);
  const before = Atomics.or(core.memory.i32, (domain + STATUS) >>> 2, DomainStatus.shutdown);
  if ((before & DomainStatus.shutdown) !== 0) return;
  for (let index = 0; index < vcpuCount(core.memory, domain); index++) {
    kick(core.memory, stateOf(core.memory, vcpuAt(core.memory, domain, index)));
  }
  core.services.stopped(domain);
};

/** The reason a domain shut down for, or -1 if it has not. */
export const shutdownReason = (core: Core, domain: number): number =>
  Atomics.load(core.memory.i32, (domain + SHUTDOWN_CODE) >>> 2) - 1;

/** Shuts a domain down as crashed. The text says why; the first one is kept and ends the domain's console log. */
export const crash = (core: Core, domain: number, reason: string): void => {
  const { memory } = core;
  const text = reason.slice(0, CRASH_REASON_BYTES);
  const length = (domain + CRASH_REASON_LENGTH) >>> 2;
  if (Atomics.compareExchange(memory.i32, length, 0, text.length) === 0) {
    for (let i = 0; i < text.length; i++) memory.u8[domain + CRASH_REASON + i] = text.charCodeAt(i);
    appendConsoleLog(core, domain, `(XEN) d${domidOf(memory, domain)} crashed: ${text}\n`);
  }
  shutDown(core, domain, ShutdownReason.crash);
};

/** Why a domain crashed; empty if it did not. */
export const crashReason = (core: Core, domain: number): string => {
  const length = core.memory.u32[(domain + CRASH_REASON_LENGTH) >>> 2];
  const bytes = core.memory.u8.slice(domain + CRASH_REASON, domain + CRASH_REASON + length);
  return String.fromCharCode(...bytes);
};
