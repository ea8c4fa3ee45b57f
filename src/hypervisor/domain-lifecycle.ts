import { OWNER } from '../cpu/state.ts';
import { FRAME_SHIFT, FRAME_SIZE } from '../memory/layout.ts';
import { P2M_ROOT_BYTES, P2M_WRITABLE } from '../memory/p2m.ts';
import { DOMID_CONTROL } from './abi/domain-id.ts';
import { GRANT_CONSOLE, GRANT_XENSTORE } from './abi/grant-table.ts';
import { CONSOLE_FRAME, RAM_BANK0_FRAMES, RAM_FIRST_FRAME, STORE_FRAME } from './abi/guest-layout.ts';
import { HvmParam } from './abi/hvm.ts';
import { SharedInfo } from './abi/shared-info.ts';
import { Runstate, RunstateInfo } from './abi/vcpu.ts';
import { CONSOLE_LOG_SIZE } from './console-log.ts';
import type { Core } from './core.ts';
import * as D from './domain.ts';
import { domainById, giveDomainRecord, publishDomain, takeDomainRecord, takeDomid } from './domain-table.ts';
import { allocateUnbound, closeAll } from './event-channel/channels.ts';
import { destroyFifo } from './event-channel/fifo-setup.ts';
import { createPorts, destroyPorts } from './event-channel/port-allocation.ts';
import { EVENT_TABLES_SIZE, EventAbi, HOST_PORTS, HOST_TABLES_SIZE } from './event-channel/tables.ts';
import { releaseMappings } from './grant-table/map.ts';
import { createGrantTable, destroyGrantTable, seedGrant } from './grant-table/table.ts';
import { setParameter } from './parameters.ts';
import { addRam } from './physmap.ts';
import { PL011_RECORD_SIZE, RING } from './pl011/pl011.ts';
import { forgetRunstateArea } from './runstate.ts';
import * as V from './vcpu.ts';
import { forgetVcpuInfo, initialVcpuInfo } from './vcpu-info.ts';
import { VGIC_RECORD_SIZE } from './vgic/record.ts';
import { resetTimers } from './vtimer.ts';

/** Making domains and taking them apart. */

export interface DomainOptions {
  /** 1 to 8. */
  readonly vcpus: number;
  /** RAM in MiB at the start. */
  readonly memory: number;
  /** RAM in MiB that the domain may balloon to; as much as at the start if not given. */
  readonly maximumMemory?: number;
  readonly gicVersion: 2 | 3;
  /** Sixteen bytes. */
  readonly uuid?: Uint8Array;
  /** Event channels it may have open at once; 1023 if not given. */
  readonly eventChannels?: number;
}

const FRAMES_PER_MIB = (2 ** 20) >>> FRAME_SHIFT;
/** What the toolstack of Xen allows beyond the maximum, for its own sake. */
const SLACK_FRAMES = FRAMES_PER_MIB;
const MAXIMUM_MEMORY = RAM_BANK0_FRAMES / FRAMES_PER_MIB;
const UUID_BYTES = 16;
const EVENT_CHANNELS = 1023;
const EVENT_CHANNELS_LIMIT = 131_071;

const check = (what: string, value: number, minimum: number, maximum: number): void => {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(`${what} must be a whole number from ${minimum} to ${maximum}, not ${value}`);
  }
};

const checkOptions = (options: DomainOptions): void => {
  check('the number of vCPUs', options.vcpus, 1, D.MAXIMUM_VCPUS);
  check("a domain's memory in MiB", options.memory, 1, MAXIMUM_MEMORY);
  check("a domain's maximum memory in MiB", options.maximumMemory ?? options.memory, options.memory, MAXIMUM_MEMORY);
  check('the number of event channels', options.eventChannels ?? EVENT_CHANNELS, 2, EVENT_CHANNELS_LIMIT);
  if (options.uuid !== undefined && options.uuid.length !== UUID_BYTES) {
    throw new RangeError(`a UUID has ${UUID_BYTES} bytes, not ${options.uuid.length}`);
  }
};

const noRoom = (what: string): Error => new Error(`the host has no memory left for a domain's ${what}`);

const allocateRecord = (core: Core, size: number, what: string): number => {
  const record = core.heap.allocate(size);
  if (record === 0) throw noRoom(what);
  return record;
};

/**
 * Makes a domain with its memory, paused, and gives its number. The processors are as the engine's zeroed records are; vCPU 0
 * is online. Throws RangeError for options out of range, Error if the host has no room.
 */
export const createDomain = (core: Core, options: DomainOptions): number => {
  checkOptions(options);
  const { memory } = core;
  const domid = takeDomid(memory);
  if (domid < 0) throw new Error('all domain numbers are taken');
  const domain = takeDomainRecord(memory, core.heap);
  if (domain === 0) throw noRoom('record');
  memory.u32[(domain + D.DOMID) >>> 2] = domid;
  Atomics.store(memory.i32, (domain + D.STATUS) >>> 2, D.DomainStatus.paused);
  try {
    fillDomain(core, domain, options);
  } catch (error) {
    takeApart(core, domain);
    throw error;
  }
  publishDomain(memory, domid, domain);
  return domid;
};

const fillDomain = (core: Core, domain: number, options: DomainOptions): void => {
  const { memory } = core;
  const word = (field: number): number => (domain + field) >>> 2;
  // With its clock's start still 0, the domain's system time is the host's: from here on it counts from 0.
  memory.f64[(domain + D.CLOCK) >>> 3] = core.services.systemTime(domain);
  memory.u32[word(D.GIC_VERSION)] = options.gicVersion;
  memory.u32[word(D.SHARED_INFO_FRAME)] = D.NOT_MAPPED;
  if (options.uuid !== undefined) memory.u8.set(options.uuid, domain + D.UUID);
  memory.u32[word(D.CONSOLE_LOG)] = allocateRecord(core, CONSOLE_LOG_SIZE, 'console log');
  createMemory(core, domain, options);
  createVcpus(core, domain, options);
  if (!createPorts(core, domain, EVENT_TABLES_SIZE, (options.eventChannels ?? EVENT_CHANNELS) + 1)) {
    throw noRoom('event channels');
  }
  if (!createGrantTable(core, domain)) throw noRoom('grant table');
  connectServices(core, domain);
};

const createMemory = (core: Core, domain: number, options: DomainOptions): void => {
  const { memory } = core;
  const word = (field: number): number => (domain + field) >>> 2;
  memory.u32[word(D.P2M_ROOT)] = allocateRecord(core, P2M_ROOT_BYTES, 'physical map');
  memory.u32[word(D.SHARED_INFO)] = allocateFrame(core, domain);
  memory.u32[word(D.CONSOLE_PAGE)] = allocatePage(core, domain, CONSOLE_FRAME);
  memory.u32[word(D.STORE_PAGE)] = allocatePage(core, domain, STORE_FRAME);
  const frames = options.memory * FRAMES_PER_MIB;
  memory.u32[word(D.RAM_FRAMES)] = frames;
  memory.u32[word(D.MAXIMUM_PAGES)] = (options.maximumMemory ?? options.memory) * FRAMES_PER_MIB + SLACK_FRAMES;
  if (!addRam(core, domain, RAM_FIRST_FRAME, frames)) throw noRoom('physical map');
  const shared = memory.u32[word(D.SHARED_INFO)];
  const seconds = core.services.wallClock(domain);
  memory.u32[(shared + SharedInfo.wallClockSeconds) >>> 2] = Math.floor(seconds);
  memory.u32[(shared + SharedInfo.wallClockSecondsHigh) >>> 2] = Math.floor(seconds / 0x1_0000_0000);
  memory.u32[(shared + SharedInfo.wallClockNanoseconds) >>> 2] = (seconds % 1) * 1e9;
};

const allocateFrame = (core: Core, domain: number): number => {
  const frame = core.frames.allocate(D.domidOf(core.memory, domain));
  if (frame === 0) throw noRoom('pages');
  return frame;
};

/** A page that guest and hypervisor both hold: one reference for each. */
const allocatePage = (core: Core, domain: number, guestFrame: number): number => {
  const frame = allocateFrame(core, domain);
  const root = core.memory.u32[(domain + D.P2M_ROOT) >>> 2];
  if (!core.physicalMap.setEntry(root, guestFrame, (frame | P2M_WRITABLE) >>> 0)) {
    core.frames.release(frame);
    throw noRoom('physical map');
  }
  core.memory.u32[(domain + D.PAGES) >>> 2]++;
  core.frames.share(frame);
  return frame;
};

const createVcpus = (core: Core, domain: number, options: DomainOptions): void => {
  const { memory } = core;
  const states: number[] = [];
  for (let index = 0; index < options.vcpus; index++) {
    const vcpu = allocateRecord(core, V.VCPU_RECORD_SIZE, 'vCPUs');
    memory.u32[(domain + D.VCPUS + index * 4) >>> 2] = vcpu;
    memory.u32[(domain + D.VCPU_COUNT) >>> 2] = index + 1;
    memory.u32[(vcpu + V.DOMAIN) >>> 2] = domain;
    memory.u32[(vcpu + V.INDEX) >>> 2] = index;
    memory.u32[(vcpu + V.FIFO_CONTROL_FRAME) >>> 2] = D.NOT_MAPPED;
    initialVcpuInfo(core, vcpu);
    resetTimers(memory, vcpu);
    const state = allocateRecord(core, core.processor.recordSize, 'processors');
    memory.u32[(vcpu + V.CPU_STATE) >>> 2] = state;
    memory.u32[(state + OWNER) >>> 2] = vcpu;
    states.push(state);
    memory.u32[(vcpu + V.ONLINE) >>> 2] = index === 0 ? 1 : 0;
    const runstate = index === 0 ? Runstate.runnable : Runstate.offline;
    memory.u32[(vcpu + V.RUNSTATE + RunstateInfo.state) >>> 2] = runstate;
  }
  const gic = allocateRecord(core, VGIC_RECORD_SIZE, 'interrupt controller');
  memory.u32[(domain + D.VGIC) >>> 2] = gic;
  core.vgic.initialize(gic, options.gicVersion, states);
};

/** Prepares what connects a guest with console and store, in the order of Xen's toolstack: store first. */
const connectServices = (core: Core, domain: number): void => {
  seedGrant(core, domain, GRANT_CONSOLE, CONSOLE_FRAME);
  seedGrant(core, domain, GRANT_XENSTORE, STORE_FRAME);
  setParameter(core.memory, domain, HvmParam.storePfn, STORE_FRAME);
  setParameter(core.memory, domain, HvmParam.consolePfn, CONSOLE_FRAME);
  const store = allocateUnbound(core, domain, DOMID_CONTROL);
  const console = allocateUnbound(core, domain, DOMID_CONTROL);
  setParameter(core.memory, domain, HvmParam.storeEventChannel, store);
  setParameter(core.memory, domain, HvmParam.consoleEventChannel, console);
};

/**
 * Takes a domain apart and gives back all it has. None of its vCPUs may run any more. False if there is no such domain.
 */
export const destroyDomain = (core: Core, domid: number): boolean => {
  const domain = domid === DOMID_CONTROL ? 0 : domainById(core.memory, domid);
  if (domain === 0) return false;
  takeApart(core, domain);
  return true;
};

const takeApart = (core: Core, domain: number): void => {
  const { memory } = core;
  Atomics.or(memory.i32, (domain + D.STATUS) >>> 2, D.DomainStatus.dying);
  closeAll(core, domain);
  D.lockDomain(memory, domain);
  destroyFifo(core, domain);
  D.unlockDomain(memory, domain);
  releaseMappings(core, domain);
  publishDomain(memory, D.domidOf(memory, domain), 0);

  // Whoever still waits for the lock finds no ports and no grants.
  D.lockDomain(memory, domain);
  destroyGrantTable(core, domain);
  destroyPorts(core, domain, EVENT_TABLES_SIZE);
  D.unlockDomain(memory, domain);
  freeVcpus(core, domain);
  freeMemory(core, domain);
  freeUart(core, domain);
  freeRecord(core, domain, D.VGIC, VGIC_RECORD_SIZE);
  freeRecord(core, domain, D.CONSOLE_LOG, CONSOLE_LOG_SIZE);
  giveDomainRecord(memory, domain);
};

const freeVcpus = (core: Core, domain: number): void => {
  const { memory, heap } = core;
  for (let index = 0; index < D.vcpuCount(memory, domain); index++) {
    const vcpu = D.vcpuAt(memory, domain, index);
    forgetVcpuInfo(core, vcpu);
    forgetRunstateArea(core, vcpu);
    const state = V.stateOf(memory, vcpu);
    if (state !== 0) heap.free(state, core.processor.recordSize);
    heap.free(vcpu, V.VCPU_RECORD_SIZE);
  }
  memory.u32[(domain + D.VCPU_COUNT) >>> 2] = 0;
};

const freeMemory = (core: Core, domain: number): void => {
  const { memory } = core;
  const root = memory.u32[(domain + D.P2M_ROOT) >>> 2];
  if (root !== 0) core.physicalMap.clear(root);
  freeRecord(core, domain, D.P2M_ROOT, P2M_ROOT_BYTES);
  for (const field of [D.SHARED_INFO, D.CONSOLE_PAGE, D.STORE_PAGE]) {
    const page = memory.u32[(domain + field) >>> 2];
    memory.u32[(domain + field) >>> 2] = 0;
    if (page !== 0) core.frames.release(page);
  }
};

const freeUart = (core: Core, domain: number): void => {
  const uart = core.memory.u32[(domain + D.UART) >>> 2];
  if (uart === 0) return;
  core.heap.free(core.memory.u32[(uart + RING) >>> 2], FRAME_SIZE);
  freeRecord(core, domain, D.UART, PL011_RECORD_SIZE);
};

/** Gives back the record that a field of the domain's leads to, if there is one. */
const freeRecord = (core: Core, domain: number, field: number, size: number): void => {
  const record = core.memory.u32[(domain + field) >>> 2];
  core.memory.u32[(domain + field) >>> 2] = 0;
  if (record !== 0) core.heap.free(record, size);
};

/**
 * Makes domain 0 unless another thread has: it has no processors and no memory of its own, since its services are part of the
 * host, but event channels and grant mappings like any domain. Gives its record.
 */
export const openControlDomain = (core: Core): number => {
  const { memory } = core;
  const present = domainById(memory, DOMID_CONTROL);
  if (present !== 0) return present;
  const domain = takeDomainRecord(memory, core.heap);
  if (domain === 0) throw noRoom('record');
  memory.u32[(domain + D.EVENT_ABI) >>> 2] = EventAbi.host;
  if (!createPorts(core, domain, HOST_TABLES_SIZE, HOST_PORTS)) throw noRoom('event channels');
  if (!createGrantTable(core, domain)) throw noRoom('grant table');
  memory.u32[(domain + D.DOMID) >>> 2] = DOMID_CONTROL;
  if (publishDomain(memory, DOMID_CONTROL, domain)) return domain;
  destroyPorts(core, domain, HOST_TABLES_SIZE);
  destroyGrantTable(core, domain);
  giveDomainRecord(memory, domain);
  return domainById(memory, DOMID_CONTROL);
};
