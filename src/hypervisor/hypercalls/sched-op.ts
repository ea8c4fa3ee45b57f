import { DAIF } from '../../cpu/arm64/state.ts';
import { INTERRUPT_LINE } from '../../cpu/state.ts';
import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import { POLL_PORTS_LIMIT, Poll, RemoteShutdown, SchedOp, Shutdown, Watchdog } from '../abi/sched.ts';
import type { Core } from '../core.ts';
import { POLLERS, SHUTDOWN_CODE } from '../domain.ts';
import { domainById } from '../domain-table.ts';
import { pollPort } from '../event-channel/channels.ts';
import { shutDown } from '../shutdown.ts';
import { BLOCKED, block, clearBlocked, indexOf, isBlocked, POLL, POLL_DEADLINE, POLL_SEVERAL } from '../vcpu.ts';
import { setWatchdog } from '../watchdog.ts';
import type { Call } from './call.ts';
import { type Handler, type Hypercall, readParameter } from './handler.ts';

/** sched_op: giving the processor away, and ending. */

/** PSTATE.I in the layout of DAIF. */
const INTERRUPTS_MASKED = 1 << 7;
const REASON_MASK = 0xff;
/** Where in the parameter the list of polled ports is put. */
const PORT_LIST = 64;

const shutdown: Handler = (core, call) => {
  if (!readParameter(core, call, 1, Shutdown.size)) return -Errno.EFAULT;
  shutDown(core, call.domain, core.parameter.u32(Shutdown.reason) & REASON_MASK);
  call.reschedule = true;
  return 0;
};

/** Says beforehand why the domain will shut down. */
const shutdownCode: Handler = (core, call) => {
  if (!readParameter(core, call, 1, Shutdown.size)) return -Errno.EFAULT;
  const code = (core.parameter.u32(Shutdown.reason) & REASON_MASK) + 1;
  Atomics.compareExchange(core.memory.i32, (call.domain + SHUTDOWN_CODE) >>> 2, 0, code);
  return 0;
};

const remoteShutdown: Handler = (core, call) => {
  if (!readParameter(core, call, 1, RemoteShutdown.size)) return -Errno.EFAULT;
  return domainById(core.memory, core.parameter.u16(RemoteShutdown.domid)) === 0 ? -Errno.ESRCH : -Errno.EPERM;
};

/** Waits for an interrupt, unmasking interrupts as Xen does. */
const blockVcpu: Handler = (core, call) => {
  core.memory.i32[(call.state + DAIF) >>> 2] &= ~INTERRUPTS_MASKED;
  call.reschedule = block(core.memory, call.vcpu);
  return 0;
};

/** Waits until an event comes to one of some ports, an interrupt comes, or a time has come. */
const poll: Handler = (core, call) => {
  const { memory, parameter } = core;
  if (!readParameter(core, call, 1, Poll.size)) return -Errno.EFAULT;
  const count = parameter.u32(Poll.count);
  const timeout = parameter.u64(Poll.timeout);
  if (count > POLL_PORTS_LIMIT) return -Errno.EINVAL;
  const lo = parameter.u32(Poll.ports) | 0;
  const hi = parameter.u32(Poll.ports + 4) | 0;
  if (!core.guest.copyFrom(call.state, lo, hi, parameter.bytes, PORT_LIST, count * 4)) return -Errno.EFAULT;

  // First say that the vCPU waits, then look: an event that comes in between ends the wait.
  const only = count === 1 ? parameter.u32(PORT_LIST) | 0 : 0;
  Atomics.store(memory.i32, (call.vcpu + POLL) >>> 2, only > 0 ? only : POLL_SEVERAL);
  Atomics.store(memory.i32, (call.vcpu + BLOCKED) >>> 2, 1);
  Atomics.or(memory.i32, (call.domain + POLLERS) >>> 2, 1 << indexOf(memory, call.vcpu));
  const result = findEvent(core, call, count);
  if (result <= 0) {
    clearBlocked(memory, call.vcpu);
    return result;
  }
  if (timeout !== 0) memory.f64[(call.vcpu + POLL_DEADLINE) >>> 3] = timeout;
  // Woken meanwhile: the deadline must not outlive the wait.
  if (!isBlocked(memory, call.vcpu)) memory.f64[(call.vcpu + POLL_DEADLINE) >>> 3] = 0;
  call.reschedule = true;
  return 0;
};

/** 0 if the vCPU need not wait, an error number if a port is not valid, or 1. */
const findEvent = (core: Core, call: Call, count: number): number => {
  if (Atomics.load(core.memory.i32, (call.state + INTERRUPT_LINE) >>> 2) !== 0) return 0;
  for (let i = 0; i < count; i++) {
    const pending = pollPort(core, call.domain, core.parameter.u32(PORT_LIST + i * 4));
    if (pending === undefined) return -Errno.EINVAL;
    if (pending) return 0;
  }
  return 1;
};

const watchdog: Handler = (core, call) => {
  const { parameter } = core;
  if (!readParameter(core, call, 1, Watchdog.size)) return -Errno.EFAULT;
  return setWatchdog(core, call.domain, parameter.u32(Watchdog.id), parameter.u32(Watchdog.timeout));
};

const handler: Handler = (core, call) => {
  switch (call.low(0)) {
    case SchedOp.yield:
      call.reschedule = true;
      return 0;
    case SchedOp.block:
      return blockVcpu(core, call);
    case SchedOp.shutdown:
      return shutdown(core, call);
    case SchedOp.shutdown_code:
      return shutdownCode(core, call);
    case SchedOp.poll:
      return poll(core, call);
    case SchedOp.remote_shutdown:
      return remoteShutdown(core, call);
    case SchedOp.watchdog:
      return watchdog(core, call);
    case SchedOp.pin_override:
      return -Errno.EPERM;
    default:
      return -Errno.ENOSYS;
  }
};

export const schedOp: Hypercall = {
  number: HypercallNumber.sched_op,
  name: 'sched_op',
  arguments: 2,
  handler,
  operations: SchedOp,
};
