import type { Core } from '../core.ts';
import { EVENT_ABI } from '../domain.ts';
import * as fifo from './fifo.ts';
import * as host from './host-events.ts';
import { EventAbi } from './tables.ts';
import * as twoLevel from './two-level.ts';

/** The operations of whichever ABI a domain uses. The domain is locked; `record` is the port's. */

const abiOf = (core: Core, domain: number): number => core.memory.u32[(domain + EVENT_ABI) >>> 2];

export const setPending = (core: Core, domain: number, port: number, record: number): void => {
  const abi = abiOf(core, domain);
  if (abi === EventAbi.fifo) fifo.setPending(core, domain, port, record);
  else if (abi === EventAbi.host) host.setPending(core, domain, port);
  else twoLevel.setPending(core, domain, port, record);
};

export const clearPending = (core: Core, domain: number, port: number): void => {
  const abi = abiOf(core, domain);
  if (abi === EventAbi.fifo) fifo.clearPending(core, domain, port);
  else if (abi === EventAbi.host) host.clearPending(core, domain, port);
  else twoLevel.clearPending(core, domain, port);
};

/** Domain 0's services do not mask ports. */
export const unmask = (core: Core, domain: number, port: number, record: number): void => {
  const abi = abiOf(core, domain);
  if (abi === EventAbi.fifo) fifo.unmask(core, domain, port, record);
  else if (abi === EventAbi.twoLevel) twoLevel.unmask(core, domain, port, record);
};

export const isPending = (core: Core, domain: number, port: number): boolean => {
  const abi = abiOf(core, domain);
  if (abi === EventAbi.fifo) return fifo.isPending(core, domain, port);
  if (abi === EventAbi.host) return host.isPending(core, domain, port);
  return twoLevel.isPending(core, domain, port);
};

/** Whether a port cannot be reused yet. */
export const isBusy = (core: Core, domain: number, port: number): boolean =>
  abiOf(core, domain) === EventAbi.fifo && fifo.isLinked(core, domain, port);
