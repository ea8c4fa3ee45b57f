import { Errno } from './abi/errno.ts';
import { ShutdownReason, WATCHDOGS } from './abi/sched.ts';
import type { Core } from './core.ts';
import { lockDomain, unlockDomain, vcpuAt, vcpuCount, WATCHDOG_DEADLINES } from './domain.ts';
import { shutDown } from './shutdown.ts';
import { POLL_DEADLINE, unblock } from './vcpu.ts';

/**
 * What ends by itself: watchdogs, which shut their domain down unless it sets them again in time, and polls. The deadlines are
 * system times in the records; whoever runs the domain asks for the next one and calls `expire` when it has come.
 */

const NANOSECONDS = 1e9;

const slotOf = (domain: number, watchdog: number): number => (domain + WATCHDOG_DEADLINES) / 8 + watchdog;

/**
 * Sets a watchdog (`id` from 1 on) to bite in `timeout` seconds, a free one if `id` is 0, or takes it back if `timeout` is 0.
 * Gives the new watchdog's number, 0, or a negative error number.
 */
export const setWatchdog = (core: Core, domain: number, id: number, timeout: number): number => {
  if (id > WATCHDOGS) return -Errno.EINVAL;
  const { memory, services } = core;
  const deadline = services.systemTime(domain) + timeout * NANOSECONDS;
  lockDomain(memory, domain);
  const result = id === 0 ? startFree(core, domain, deadline) : restart(core, domain, id - 1, timeout, deadline);
  unlockDomain(memory, domain);
  return result;
};

const startFree = (core: Core, domain: number, deadline: number): number => {
  for (let i = 0; i < WATCHDOGS; i++) {
    if (core.memory.f64[slotOf(domain, i)] !== 0) continue;
    core.memory.f64[slotOf(domain, i)] = deadline;
    return i + 1;
  }
  return -Errno.ENOSPC;
};

const restart = (core: Core, domain: number, index: number, timeout: number, deadline: number): number => {
  if (core.memory.f64[slotOf(domain, index)] === 0) return -Errno.EINVAL;
  core.memory.f64[slotOf(domain, index)] = timeout === 0 ? 0 : deadline;
  return 0;
};

/** The next system time at which a watchdog or poll of the domain ends; Infinity if there is none. */
export const nextDeadline = (core: Core, domain: number): number => {
  const { f64 } = core.memory;
  let next = Number.POSITIVE_INFINITY;
  for (let i = 0; i < WATCHDOGS; i++) {
    const deadline = f64[slotOf(domain, i)];
    if (deadline !== 0) next = Math.min(next, deadline);
  }
  for (let index = 0; index < vcpuCount(core.memory, domain); index++) {
    const deadline = f64[(vcpuAt(core.memory, domain, index) + POLL_DEADLINE) / 8];
    if (deadline !== 0) next = Math.min(next, deadline);
  }
  return next;
};

/** Does what was due at or before a system time. */
export const expire = (core: Core, domain: number, now: number): void => {
  const { f64 } = core.memory;
  for (let i = 0; i < WATCHDOGS; i++) {
    const deadline = f64[slotOf(domain, i)];
    if (deadline === 0 || deadline > now) continue;
    f64[slotOf(domain, i)] = 0;
    shutDown(core, domain, ShutdownReason.watchdog);
  }
  for (let index = 0; index < vcpuCount(core.memory, domain); index++) {
    const vcpu = vcpuAt(core.memory, domain, index);
    const deadline = f64[(vcpu + POLL_DEADLINE) / 8];
    if (deadline !== 0 && deadline <= now) unblock(core, vcpu);
  }
};
