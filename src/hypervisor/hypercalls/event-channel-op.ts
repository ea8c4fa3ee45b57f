import { Errno } from '../abi/errno.ts';
import {
  AllocUnbound,
  BindInterdomain,
  BindIpi,
  BindPirq,
  BindVcpu,
  BindVirq,
  ChannelStatus,
  EventChannelOp,
  ExpandArray,
  FIFO_LINK_BITS,
  InitControl,
  OnePort,
  Reset,
  SetPriority,
  Status,
} from '../abi/event-channel.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import type { Core } from '../core.ts';
import { domainByAnyId } from '../domain-table.ts';
import * as channels from '../event-channel/channels.ts';
import { expandArray, initControl } from '../event-channel/fifo-setup.ts';
import type { Call } from './call.ts';
import { type Handler, type Hypercall, readParameter, writeParameter } from './handler.ts';

/** event_channel_op: takes the arguments apart; event-channel/ does the work. */

/** Hands a new port out in a field of the argument. */
const answerPort = (core: Core, call: Call, port: number, field: number): number => {
  if (port < 0) return port;
  core.parameter.setU32(field, port);
  return writeParameter(core, call, 1, 4, field) ? 0 : -Errno.EFAULT;
};

/** Only a domain itself, no other, may be named: there are no privileged guests. Gives its record or an error. */
const ownDomain = (core: Core, call: Call, domid: number): number => {
  const domain = domainByAnyId(core.memory, call.domain, domid);
  if (domain === 0) return -Errno.ESRCH;
  return domain === call.domain ? domain : -Errno.EPERM;
};

const allocUnbound: Handler = (core, call) => {
  const domain = ownDomain(core, call, core.parameter.u16(AllocUnbound.dom));
  if (domain < 0) return domain;
  const port = channels.allocateUnbound(core, domain, core.parameter.u16(AllocUnbound.remoteDom));
  return answerPort(core, call, port, AllocUnbound.port);
};

const bindInterdomain: Handler = (core, call) => {
  const remoteDomid = core.parameter.u16(BindInterdomain.remoteDom);
  const remotePort = core.parameter.u32(BindInterdomain.remotePort);
  const port = channels.bindInterdomain(core, call.domain, remoteDomid, remotePort);
  return answerPort(core, call, port, BindInterdomain.localPort);
};

const bindVirq: Handler = (core, call) => {
  const port = channels.bindVirq(
    core,
    call.domain,
    core.parameter.u32(BindVirq.virq),
    core.parameter.u32(BindVirq.vcpu),
  );
  return answerPort(core, call, port, BindVirq.port);
};

const bindIpi: Handler = (core, call) =>
  answerPort(core, call, channels.bindIpi(core, call.domain, core.parameter.u32(BindIpi.vcpu)), BindIpi.port);

const status: Handler = (core, call) => {
  const { parameter } = core;
  const domain = domainByAnyId(core.memory, call.domain, parameter.u16(Status.dom));
  if (domain === 0) return -Errno.ESRCH;
  const port = channels.portStatus(core, domain, parameter.u32(Status.port));
  if (port === undefined) return -Errno.EINVAL;
  if (domain !== call.domain) return -Errno.EPERM;
  parameter.setU32(Status.status, port.status);
  parameter.setU32(Status.vcpu, port.vcpu);
  if (port.status === ChannelStatus.unbound) parameter.setU16(Status.u, port.remoteDomid);
  if (port.status === ChannelStatus.virq) parameter.setU32(Status.u, port.virq);
  if (port.status === ChannelStatus.interdomain) {
    parameter.setU16(Status.u, port.remoteDomid);
    parameter.setU32(Status.uPort, port.remotePort);
  }
  return writeParameter(core, call, 1, Status.size) ? 0 : -Errno.EFAULT;
};

const reset: Handler = (core, call) => {
  const domain = ownDomain(core, call, core.parameter.u16(Reset.dom));
  return domain < 0 ? domain : channels.reset(core, domain);
};

/** Goes on with a reset; none is ever left half done. */
const continueReset = (core: Core, call: Call): number => {
  const domain = ownDomain(core, call, core.parameter.u16(Reset.dom));
  return domain < 0 ? domain : -Errno.EBUSY;
};

const control: Handler = (core, call) => {
  const { parameter } = core;
  const result = initControl(
    core,
    call.domain,
    parameter.u32(InitControl.vcpu),
    parameter.u64(InitControl.controlGfn),
    parameter.u32(InitControl.offset),
  );
  if (result < 0) return result;
  parameter.bytes[InitControl.linkBits] = FIFO_LINK_BITS;
  return writeParameter(core, call, 1, 1, InitControl.linkBits) ? 0 : -Errno.EFAULT;
};

const port = (core: Core): number => core.parameter.u32(OnePort.port);

interface Operation {
  /** Size of the argument in bytes. */
  readonly size: number;
  readonly handler: Handler;
}

/** By operation number; what is not here is refused. */
const operations: readonly (Operation | undefined)[] = [
  { size: BindInterdomain.size, handler: bindInterdomain },
  { size: BindVirq.size, handler: bindVirq },
  {
    size: BindPirq.size,
    handler: (core, call) => channels.bindPirq(core, call.domain, core.parameter.u32(BindPirq.pirq)),
  },
  { size: OnePort.size, handler: (core, call) => channels.close(core, call.domain, port(core)) },
  { size: OnePort.size, handler: (core, call) => channels.send(core, call.domain, port(core)) },
  { size: Status.size, handler: status },
  { size: AllocUnbound.size, handler: allocUnbound },
  { size: BindIpi.size, handler: bindIpi },
  {
    size: BindVcpu.size,
    handler: (core, call) => channels.bindVcpu(core, call.domain, port(core), core.parameter.u32(BindVcpu.vcpu)),
  },
  { size: OnePort.size, handler: (core, call) => channels.unmaskPort(core, call.domain, port(core)) },
  { size: Reset.size, handler: reset },
  { size: InitControl.size, handler: control },
  {
    size: ExpandArray.size,
    handler: (core, call) => expandArray(core, call.domain, core.parameter.u64(ExpandArray.arrayGfn)),
  },
  {
    size: SetPriority.size,
    handler: (core, call) =>
      channels.setPriority(core, call.domain, port(core), core.parameter.u32(SetPriority.priority)),
  },
  { size: Reset.size, handler: continueReset },
];

const handler: Handler = (core, call) => {
  const operation = operations[call.low(0)];
  if (operation === undefined) return -Errno.ENOSYS;
  return readParameter(core, call, 1, operation.size) ? operation.handler(core, call) : -Errno.EFAULT;
};

export const eventChannelOp: Hypercall = {
  number: HypercallNumber.event_channel_op,
  name: 'event_channel_op',
  arguments: 2,
  handler,
  operations: EventChannelOp,
};
