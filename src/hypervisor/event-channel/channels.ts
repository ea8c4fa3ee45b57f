import type { MachineMemory } from '../../cpu/machine-memory.ts';
import { DOMID_SELF } from '../abi/domain-id.ts';
import { Errno } from '../abi/errno.ts';
import { ChannelStatus, FIFO_PRIORITY_MIN, PIRQS, VIRQS, Virq } from '../abi/event-channel.ts';
import type { Core } from '../core.ts';
import { domidOf, EVENT_ABI, lockBoth, lockDomain, unlockBoth, unlockDomain, VALID_PORTS, vcpuAt } from '../domain.ts';
import { domainByAnyId, domainById } from '../domain-table.ts';
import { domainOf, indexOf, VIRQ_PORTS } from '../vcpu.ts';
import { isPending, setPending, unmask } from './delivery.ts';
import { destroyFifo } from './fifo-setup.ts';
import { findFreePort, freePort, openPort } from './port-allocation.ts';
import { EventAbi, Port, PortState, portRecord } from './tables.ts';

/**
 * What domains do with event channels (Xen's common/event_channel.c, for the semantics and errors). `domain` is the caller's
 * record; results are a port or 0, or a negative error number.
 */

const stateOf = (memory: MachineMemory, record: number): number => memory.u8[record + Port.state];

const remoteDomidOf = (memory: MachineMemory, record: number): number => memory.u16[(record + Port.remoteDomid) >>> 1];

const remotePortOf = (memory: MachineMemory, record: number): number => memory.u32[(record + Port.remotePort) >>> 2];

/** Whether a port is in use: then the domain's ABI can name it. */
const isOpen = (memory: MachineMemory, record: number): boolean => stateOf(memory, record) > PortState.reserved;

/** Makes a port of `domain` that `remoteDomid` may bind to. */
export const allocateUnbound = (core: Core, domain: number, remoteDomid: number): number => {
  const { memory } = core;
  lockDomain(memory, domain);
  const port = findFreePort(core, domain);
  if (port >= 0) {
    const record = portRecord(memory, domain, port);
    openPort(memory, record, PortState.unbound, 0);
    const self = domidOf(memory, domain);
    memory.u16[(record + Port.remoteDomid) >>> 1] = remoteDomid === DOMID_SELF ? self : remoteDomid;
  }
  unlockDomain(memory, domain);
  return port;
};

/** Connects a new port of `domain` to an unbound one that another domain made for it. */
export const bindInterdomain = (core: Core, domain: number, remoteDomid: number, remotePort: number): number => {
  const { memory } = core;
  const remote = domainByAnyId(memory, domain, remoteDomid);
  if (remote === 0) return -Errno.ESRCH;
  lockBoth(memory, domain, remote);
  const port = findFreePort(core, domain);
  const result = port < 0 ? port : connect(core, domain, port, remote, remotePort);
  unlockBoth(memory, domain, remote);
  return result;
};

const connect = (core: Core, domain: number, port: number, remote: number, remotePort: number): number => {
  const { memory } = core;
  const far = portRecord(memory, remote, remotePort);
  const domid = domidOf(memory, domain);
  if (far === 0 || stateOf(memory, far) !== PortState.unbound || remoteDomidOf(memory, far) !== domid) {
    return -Errno.EINVAL;
  }
  const near = portRecord(memory, domain, port);
  openPort(memory, near, PortState.interdomain, 0);
  memory.u16[(near + Port.remoteDomid) >>> 1] = domidOf(memory, remote);
  memory.u32[(near + Port.remotePort) >>> 2] = remotePort;
  memory.u8[far + Port.state] = PortState.interdomain;
  memory.u32[(far + Port.remotePort) >>> 2] = port;
  // What was sent before there was another end may have been lost.
  setPending(core, domain, port, near);
  return port;
};

/** Whether each vCPU has a virtual interrupt of its own. */
const isPerVcpu = (virq: number): boolean =>
  virq === Virq.timer || virq === Virq.debug || virq === Virq.xenoprof || virq === Virq.xenpmu;

const virqPort = (vcpu: number, virq: number): number => (vcpu + VIRQ_PORTS + virq * 4) >>> 2;

export const bindVirq = (core: Core, domain: number, virq: number, vcpuIndex: number): number => {
  const { memory } = core;
  if (virq >= VIRQS || (!isPerVcpu(virq) && vcpuIndex !== 0)) return -Errno.EINVAL;
  const vcpu = vcpuAt(memory, domain, vcpuIndex);
  if (vcpu === 0) return -Errno.ENOENT;
  lockDomain(memory, domain);
  let port: number = -Errno.EEXIST;
  if (memory.u32[virqPort(vcpu, virq)] === 0) {
    port = findFreePort(core, domain);
    if (port >= 0) {
      const record = portRecord(memory, domain, port);
      openPort(memory, record, PortState.virq, vcpuIndex);
      memory.u16[(record + Port.virq) >>> 1] = virq;
      memory.u32[virqPort(vcpu, virq)] = port;
    }
  }
  unlockDomain(memory, domain);
  return port;
};

/** Physical interrupts do not come by event channels on Arm: what cannot be had is the record of one. */
export const bindPirq = (core: Core, domain: number, pirq: number): number => {
  if (pirq >= PIRQS) return -Errno.EINVAL;
  lockDomain(core.memory, domain);
  const port = findFreePort(core, domain);
  unlockDomain(core.memory, domain);
  return port < 0 ? port : -Errno.ENOMEM;
};

export const bindIpi = (core: Core, domain: number, vcpuIndex: number): number => {
  const { memory } = core;
  if (vcpuAt(memory, domain, vcpuIndex) === 0) return -Errno.ENOENT;
  lockDomain(memory, domain);
  const port = findFreePort(core, domain);
  if (port >= 0) openPort(memory, portRecord(memory, domain, port), PortState.ipi, vcpuIndex);
  unlockDomain(memory, domain);
  return port;
};

/** Closes a port; the other end of a channel becomes unbound. */
export const close = (core: Core, domain: number, port: number): number => {
  const { memory } = core;
  for (;;) {
    const record = portRecord(memory, domain, port);
    if (record === 0) return -Errno.EINVAL;
    // Which domain to lock as well is only known for certain once it is locked.
    const expected = stateOf(memory, record) === PortState.interdomain ? remoteDomidOf(memory, record) : -1;
    const remote = expected < 0 ? domain : domainById(memory, expected) || domain;
    lockBoth(memory, domain, remote);
    const now = stateOf(memory, record) === PortState.interdomain ? remoteDomidOf(memory, record) : -1;
    const result = now === expected ? closeLocked(core, domain, port, record, remote) : 1;
    unlockBoth(memory, domain, remote);
    if (result <= 0) return result;
  }
};

const closeLocked = (core: Core, domain: number, port: number, record: number, remote: number): number => {
  const { memory } = core;
  switch (stateOf(memory, record)) {
    case PortState.unbound:
    case PortState.ipi:
      break;
    case PortState.virq: {
      const virq = memory.u16[(record + Port.virq) >>> 1];
      const index = isPerVcpu(virq) ? memory.u8[record + Port.vcpu] : 0;
      memory.u32[virqPort(vcpuAt(memory, domain, index), virq)] = 0;
      break;
    }
    case PortState.interdomain: {
      const far = portRecord(memory, remote, remotePortOf(memory, record));
      if (far !== 0 && isOtherEnd(memory, far, domain, port)) {
        memory.u8[far + Port.state] = PortState.unbound;
        memory.u32[(far + Port.remotePort) >>> 2] = 0;
      }
      break;
    }
    default:
      return -Errno.EINVAL;
  }
  freePort(core, domain, port, record);
  return 0;
};

/** Whether a port of the other domain leads back to a port of this one. */
const isOtherEnd = (memory: MachineMemory, far: number, domain: number, port: number): boolean =>
  stateOf(memory, far) === PortState.interdomain &&
  remotePortOf(memory, far) === port &&
  remoteDomidOf(memory, far) === domidOf(memory, domain);

/** Sends an event through a port. */
export const send = (core: Core, domain: number, port: number): number => {
  const { memory } = core;
  const record = portRecord(memory, domain, port);
  if (record === 0) return -Errno.EINVAL;
  switch (stateOf(memory, record)) {
    case PortState.interdomain:
      break;
    case PortState.ipi:
      lockDomain(memory, domain);
      if (stateOf(memory, record) === PortState.ipi) setPending(core, domain, port, record);
      unlockDomain(memory, domain);
      return 0;
    case PortState.unbound:
      return 0;
    default:
      return -Errno.EINVAL;
  }
  const remote = domainById(memory, remoteDomidOf(memory, record));
  const remotePort = remotePortOf(memory, record);
  if (remote === 0) return -Errno.EINVAL;
  lockDomain(memory, remote);
  const far = portRecord(memory, remote, remotePort);
  // That the other end leads back shows, while its domain is locked, that the channel is still whole.
  if (far !== 0 && isOtherEnd(memory, far, domain, port)) setPending(core, remote, remotePort, far);
  unlockDomain(memory, remote);
  return 0;
};

export const bindVcpu = (core: Core, domain: number, port: number, vcpuIndex: number): number => {
  const { memory } = core;
  if (vcpuAt(memory, domain, vcpuIndex) === 0) return -Errno.ENOENT;
  const record = portRecord(memory, domain, port);
  if (record === 0) return -Errno.EINVAL;
  lockDomain(memory, domain);
  const state = stateOf(memory, record);
  const movable =
    state === PortState.unbound ||
    state === PortState.interdomain ||
    (state === PortState.virq && !isPerVcpu(memory.u16[(record + Port.virq) >>> 1]));
  if (movable) memory.u8[record + Port.vcpu] = vcpuIndex;
  unlockDomain(memory, domain);
  return movable ? 0 : -Errno.EINVAL;
};

export const unmaskPort = (core: Core, domain: number, port: number): number => {
  const { memory } = core;
  const record = portRecord(memory, domain, port);
  if (record === 0) return -Errno.EINVAL;
  lockDomain(memory, domain);
  if (isOpen(memory, record)) unmask(core, domain, port, record);
  unlockDomain(memory, domain);
  return 0;
};

export const setPriority = (core: Core, domain: number, port: number, priority: number): number => {
  const { memory } = core;
  const record = portRecord(memory, domain, port);
  if (record === 0) return -Errno.EINVAL;
  if (memory.u32[(domain + EVENT_ABI) >>> 2] !== EventAbi.fifo) return -Errno.ENOSYS;
  if (priority > FIFO_PRIORITY_MIN) return -Errno.EINVAL;
  memory.u8[record + Port.priority] = priority;
  return 0;
};

/** Closes all ports and goes back to the two-level ABI. */
export const reset = (core: Core, domain: number): number => {
  const { memory } = core;
  closeAll(core, domain);
  lockDomain(memory, domain);
  // Another vCPU may have opened one meanwhile.
  const done = !hasOpenPorts(memory, domain);
  if (done) destroyFifo(core, domain);
  unlockDomain(memory, domain);
  return done ? 0 : -Errno.EAGAIN;
};

const hasOpenPorts = (memory: MachineMemory, domain: number): boolean => {
  const valid = memory.u32[(domain + VALID_PORTS) >>> 2];
  for (let port = 1; port < valid; port++) {
    if (isOpen(memory, portRecord(memory, domain, port))) return true;
  }
  return false;
};

/** Closes all ports. */
export const closeAll = (core: Core, domain: number): void => {
  const valid = core.memory.u32[(domain + VALID_PORTS) >>> 2];
  for (let port = 1; port < valid; port++) close(core, domain, port);
};

/** What evtchn_status tells of a port. */
export interface PortStatus {
  /** ChannelStatus. */
  readonly status: number;
  readonly vcpu: number;
  /** Who may bind or has bound it. */
  readonly remoteDomid: number;
  readonly remotePort: number;
  readonly virq: number;
}

const channelStatus: readonly number[] = [
  ChannelStatus.closed,
  ChannelStatus.closed,
  ChannelStatus.unbound,
  ChannelStatus.interdomain,
  ChannelStatus.virq,
  ChannelStatus.ipi,
];

/** The state of a port; undefined if there is no such port. */
export const portStatus = (core: Core, domain: number, port: number): PortStatus | undefined => {
  const { memory } = core;
  const record = portRecord(memory, domain, port);
  if (record === 0) return undefined;
  lockDomain(memory, domain);
  const status: PortStatus = {
    status: channelStatus[stateOf(memory, record)],
    vcpu: memory.u8[record + Port.vcpu],
    remoteDomid: remoteDomidOf(memory, record),
    remotePort: remotePortOf(memory, record),
    virq: memory.u16[(record + Port.virq) >>> 1],
  };
  unlockDomain(memory, domain);
  return status;
};

/** Whether an event waits at a port; undefined if there is no such port in use. */
export const pollPort = (core: Core, domain: number, port: number): boolean | undefined => {
  const record = portRecord(core.memory, domain, port);
  if (record === 0) return undefined;
  return isOpen(core.memory, record) && isPending(core, domain, port);
};

/** Raises a virtual interrupt of a vCPU (one that each vCPU has) or its domain, if the guest has bound it. */
export const raiseVirq = (core: Core, vcpu: number, virq: number): void => {
  const { memory } = core;
  const domain = domainOf(memory, vcpu);
  lockDomain(memory, domain);
  const index = isPerVcpu(virq) ? indexOf(memory, vcpu) : 0;
  const port = memory.u32[virqPort(vcpuAt(memory, domain, index), virq)];
  if (port !== 0) setPending(core, domain, port, portRecord(memory, domain, port));
  unlockDomain(memory, domain);
};
