import type { MachineMemory } from '../cpu/machine-memory.ts';
import type { QuietPoint } from '../cpu/quiet-point.ts';
import type { Frames } from '../memory/frames.ts';
import type { Heap } from '../memory/heap.ts';
import { FRAME_SIZE } from '../memory/layout.ts';
import type { PhysicalMap } from '../memory/p2m.ts';
import { GrantStatus, MapFlag } from './abi/grant-table.ts';
import { readConsoleLog } from './console-log.ts';
import type { Core, Services } from './core.ts';
import { DepartingFrames } from './departing-frames.ts';
import {
  CONSOLE_PAGE,
  DomainStatus,
  NOT_MAPPED,
  SHUTDOWN_CODE,
  STATUS,
  STORE_PAGE,
  vcpuAt,
  vcpuCount,
} from './domain.ts';
import { createDomain, type DomainOptions, destroyDomain, openControlDomain } from './domain-lifecycle.ts';
import { domainById, forEachDomain, openDomainTable } from './domain-table.ts';
import * as channels from './event-channel/channels.ts';
import { takePending } from './event-channel/host-events.ts';
import { eventInterruptLine } from './event-channel/upcall.ts';
import { mapGrant, mappedFrame, unmapGrant } from './grant-table/map.ts';
import { GuestAccess } from './guest-access.ts';
import { HypercallDispatcher } from './hypercalls/dispatch.ts';
import { Parameter } from './parameter.ts';
import { parameterOf, setParameter } from './parameters.ts';
import { translateFrame } from './physmap.ts';
import type { Processor } from './processor.ts';
import { crash, crashReason, shutDown, shutdownReason } from './shutdown.ts';
import { domainOf, isOnline, stateOf, unblock, vcpuOfState } from './vcpu.ts';
import { Vgic } from './vgic/vgic.ts';

export interface HypervisorOptions {
  readonly memory: MachineMemory;
  readonly heap: Heap;
  readonly frames: Frames;
  readonly physicalMap: PhysicalMap;
  readonly processor: Processor;
  readonly services: Services;
  /** The thread's. */
  readonly quietPoint: QuietPoint;
}

/**
 * One thread's hold on the hypervisor: all threads' objects work on the same records in machine memory. Methods that name a
 * domain by number throw if there is none.
 */
export class Hypervisor implements Core {
  readonly memory: MachineMemory;
  readonly heap: Heap;
  readonly frames: Frames;
  readonly physicalMap: PhysicalMap;
  readonly processor: Processor;
  readonly services: Services;
  readonly quietPoint: QuietPoint;
  readonly departing: DepartingFrames = new DepartingFrames();
  readonly vgic: Vgic;
  readonly guest: GuestAccess;
  readonly parameter: Parameter = new Parameter();
  readonly hypercalls: HypercallDispatcher;
  /** Domain 0's record. */
  readonly controlDomain: number;

  constructor(options: HypervisorOptions) {
    this.memory = options.memory;
    this.heap = options.heap;
    this.frames = options.frames;
    this.physicalMap = options.physicalMap;
    this.processor = options.processor;
    this.services = options.services;
    this.quietPoint = options.quietPoint;
    this.guest = new GuestAccess(options.memory, options.processor, options.quietPoint);
    this.vgic = new Vgic(options.memory, {
      wake: (state) => unblock(this, vcpuOfState(this.memory, state)),
      eventLine: (state) => eventInterruptLine(this.memory, vcpuOfState(this.memory, state)),
    });
    this.hypercalls = new HypercallDispatcher(this);
    openDomainTable(this.memory, this.heap);
    this.controlDomain = openControlDomain(this);
  }

  // For the CPU engine's Environment.

  translate(state: number, guestFrame: number, write: boolean): number {
    return translateFrame(this, domainOf(this.memory, vcpuOfState(this.memory, state)), guestFrame, write);
  }

  /** Processors that are off are left out: they begin with empty translation tables, after what others changed before. */
  forEachOther(state: number, each: (other: number) => void): void {
    const domain = domainOf(this.memory, vcpuOfState(this.memory, state));
    for (let index = 0; index < vcpuCount(this.memory, domain); index++) {
      const vcpu = vcpuAt(this.memory, domain, index);
      const other = stateOf(this.memory, vcpu);
      if (other !== state && isOnline(this.memory, vcpu)) each(other);
    }
  }

  // For the toolstack.

  createDomain(options: DomainOptions): number {
    return createDomain(this, options);
  }

  /** No vCPU of the domain may run any more. */
  destroyDomain(domid: number): void {
    if (!destroyDomain(this, domid)) throw new Error(`there is no domain ${domid} to destroy`);
  }

  /** The record of a domain. */
  domain(domid: number): number {
    const domain = domainById(this.memory, domid);
    if (domain === 0) throw new Error(`there is no domain ${domid}`);
    return domain;
  }

  /** The numbers of all domains but domain 0. */
  domids(): number[] {
    const domids: number[] = [];
    forEachDomain(this.memory, (domid, domain) => {
      if (domain !== this.controlDomain) domids.push(domid);
    });
    return domids;
  }

  /** The record of a vCPU. */
  vcpu(domid: number, index: number): number {
    const vcpu = vcpuAt(this.memory, this.domain(domid), index);
    if (vcpu === 0) throw new Error(`domain ${domid} has no vCPU ${index}`);
    return vcpu;
  }

  pause(domid: number): void {
    const domain = this.domain(domid);
    Atomics.or(this.memory.i32, (domain + STATUS) >>> 2, DomainStatus.paused);
    this.#wakeAll(domain);
  }

  unpause(domid: number): void {
    const domain = this.domain(domid);
    Atomics.and(this.memory.i32, (domain + STATUS) >>> 2, ~DomainStatus.paused);
    this.#wakeAll(domain);
  }

  /** Lets a domain that shut down (to suspend) run on. */
  resume(domid: number): void {
    const domain = this.domain(domid);
    Atomics.store(this.memory.i32, (domain + SHUTDOWN_CODE) >>> 2, 0);
    Atomics.and(this.memory.i32, (domain + STATUS) >>> 2, ~DomainStatus.shutdown);
    this.#wakeAll(domain);
  }

  #wakeAll(domain: number): void {
    for (let index = 0; index < vcpuCount(this.memory, domain); index++) {
      this.services.wake(vcpuAt(this.memory, domain, index));
    }
  }

  /** Shuts a domain down for a ShutdownReason. */
  shutDown(domid: number, reason: number): void {
    shutDown(this, this.domain(domid), reason);
  }

  crash(domid: number, reason: string): void {
    crash(this, this.domain(domid), reason);
  }

  /** The ShutdownReason of a domain that shut down, or -1. */
  shutdownReason(domid: number): number {
    return shutdownReason(this, this.domain(domid));
  }

  /** Why a domain crashed, or ''. */
  crashReason(domid: number): string {
    return crashReason(this, this.domain(domid));
  }

  /** What the domain wrote with console_io from a position on; see console-log.ts. */
  consoleLog(domid: number, from = 0): { bytes: Uint8Array; next: number } {
    return readConsoleLog(this, this.domain(domid), from);
  }

  setParameter(domid: number, index: number, value: number): void {
    setParameter(this.memory, this.domain(domid), index, value);
  }

  parameterOf(domid: number, index: number): number {
    return parameterOf(this.memory, this.domain(domid), index);
  }

  /** The machine address of the page of the console's ring. */
  consolePage(domid: number): number {
    return this.memory.u32[(this.domain(domid) + CONSOLE_PAGE) >>> 2];
  }

  /** The machine address of the page of the store's ring. */
  storePage(domid: number): number {
    return this.memory.u32[(this.domain(domid) + STORE_PAGE) >>> 2];
  }

  /**
   * Calls `each` with the pieces of a guest-physical range in machine memory: address, offset from the range's start, and
   * length; pages are made writable. An address holds until `each` returns, which it must do soon. Throws RangeError if part of the range is no RAM, Error if the host is out of frames.
   */
  eachPiece(
    domid: number,
    address: number,
    length: number,
    each: (machine: number, offset: number, length: number) => void,
  ): void {
    const domain = this.domain(domid);
    for (let offset = 0; offset < length; ) {
      const at = address + offset;
      const within = at % FRAME_SIZE;
      const piece = Math.min(length - offset, FRAME_SIZE - within);
      this.quietPoint.within(0, () => {
        const frame = translateFrame(this, domain, Math.floor(at / FRAME_SIZE), true);
        if (frame < 0 || (frame & 1) === 0) {
          const reason = crashReason(this, domain);
          if (reason !== '') throw new Error(reason);
          throw new RangeError(`domain ${domid} has no writable RAM at 0x${at.toString(16)}`);
        }
        each(frame - 1 + within, offset, piece);
      });
      this.departing.release(this);
      offset += piece;
    }
  }

  // For domain 0's services. Results below 0 are negative error numbers (Errno) or grant statuses (GrantStatus).

  /** Makes a port of domain 0 that another domain may bind to. */
  allocateUnbound(remoteDomid: number): number {
    return channels.allocateUnbound(this, this.controlDomain, remoteDomid);
  }

  /** Makes a port of a domain that domain 0 may bind to. */
  allocateUnboundFor(domid: number): number {
    return channels.allocateUnbound(this, this.domain(domid), 0);
  }

  /** Connects a new port of domain 0 to a port that another domain made for it. */
  bindInterdomain(remoteDomid: number, remotePort: number): number {
    return channels.bindInterdomain(this, this.controlDomain, remoteDomid, remotePort);
  }

  /** Sends an event through a port of domain 0. */
  send(port: number): number {
    return channels.send(this, this.controlDomain, port);
  }

  close(port: number): number {
    return channels.close(this, this.controlDomain, port);
  }

  /** Takes all events that wait for domain 0: calls `each` with their ports. */
  pendingPorts(each: (port: number) => void): void {
    takePending(this, this.controlDomain, each);
  }

  /** Maps a grant for domain 0's services; gives a handle. */
  mapGrant(domid: number, reference: number, writable: boolean): number {
    const flags = MapFlag.hostMap | (writable ? 0 : MapFlag.readOnly);
    return mapGrant(this, this.controlDomain, domid, reference, flags, NOT_MAPPED);
  }

  /** The machine address of the page that a handle of domain 0's names; 0 if it names none. */
  mappedFrame(handle: number): number {
    return mappedFrame(this, this.controlDomain, handle);
  }

  unmapGrant(handle: number): void {
    const status = unmapGrant(this, this.controlDomain, handle, NOT_MAPPED);
    if (status !== GrantStatus.okay) throw new Error(`there is no grant mapping ${handle} to unmap (${status})`);
  }
}
