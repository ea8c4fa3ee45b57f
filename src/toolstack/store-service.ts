import type { Host } from '../host/host.ts';
import { HvmParam } from '../hypervisor/abi/hvm.ts';
import { StoreRing } from '../xenstore/ring.ts';
import { XenStore } from '../xenstore/server.ts';
import { removeDomainEntries, writeDomainEntries, writeHostEntries } from './store-entries.ts';

/** The store of a host, and how domains come to it and leave it. */

export interface StoreDomain {
  readonly domid: number;
  readonly name: string;
  /** Sixteen bytes. */
  readonly uuid: Uint8Array;
  readonly vcpus: number;
  readonly memoryKiB: number;
}

interface Connected {
  readonly uuid: string;
  /** Domain 0's end of the event channel. */
  readonly port: number;
}

interface StoreService {
  readonly store: XenStore;
  readonly connected: Map<number, Connected>;
}

const services = new WeakMap<Host, StoreService>();

const serviceOf = (host: Host): StoreService => {
  let service = services.get(host);
  if (service === undefined) {
    service = { store: new XenStore(), connected: new Map() };
    writeHostEntries(service.store);
    services.set(host, service);
  }
  return service;
};

/** The store of a host: there is one. */
export const storeOf = (host: Host): XenStore => serviceOf(host).store;

const formatUuid = (bytes: Uint8Array): string => {
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20]].map(([from, to]) => digits.slice(from, to)).join('-');
};

/**
 * Writes a domain's entries and connects it with the store.
 *
 * @throws Error if its event channel cannot be bound
 */
export const connectStore = (host: Host, { domid, name, uuid: uuidBytes, vcpus, memoryKiB }: StoreDomain): void => {
  const { hypervisor, memory } = host.machine;
  const { store, connected } = serviceOf(host);
  const storePort = hypervisor.parameterOf(domid, HvmParam.storeEventChannel);
  const port = hypervisor.bindInterdomain(domid, storePort);
  if (port < 0) throw new Error(`domain ${domid} cannot be connected with the store (error ${-port})`);
  const uuid = formatUuid(uuidBytes);
  connected.set(domid, { uuid, port });
  writeDomainEntries(store, {
    domid,
    name,
    uuid,
    vcpus,
    memoryKiB,
    startTime: hypervisor.services.wallClock(hypervisor.domain(domid)),
    consolePort: hypervisor.parameterOf(domid, HvmParam.consoleEventChannel),
    consolePfn: hypervisor.parameterOf(domid, HvmParam.consolePfn),
    storePort,
    storePfn: hypervisor.parameterOf(domid, HvmParam.storePfn),
  });
  store.introduce(domid, {
    ring: new StoreRing(memory, hypervisor.storePage(domid)),
    notify: () => hypervisor.send(port),
    pollAgain: () => setTimeout(() => store.poll(domid), 0),
  });
  host.onEvent(port, () => store.poll(domid));
};

/** Ends a domain's connection and removes its entries, if it has any. */
export const disconnectStore = (host: Host, domid: number): void => {
  const { store, connected } = serviceOf(host);
  const domain = connected.get(domid);
  if (domain === undefined) return;
  connected.delete(domid);
  host.machine.hypervisor.close(domain.port);
  store.release(domid);
  removeDomainEntries(store, { domid, uuid: domain.uuid });
};
