import { readOffset } from '../../src/cpu/arm64/state.ts';
import { CodeCache } from '../../src/cpu/code-cache.ts';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import { QuietPoint } from '../../src/cpu/quiet-point.ts';
import { STATE_SIZE } from '../../src/cpu/state.ts';
import type { Services } from '../../src/hypervisor/core.ts';
import type { DomainOptions } from '../../src/hypervisor/domain-lifecycle.ts';
import { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import type { Processor } from '../../src/hypervisor/processor.ts';
import { stateOf } from '../../src/hypervisor/vcpu.ts';
import { Frames } from '../../src/memory/frames.ts';
import { Heap } from '../../src/memory/heap.ts';
import { FRAME_SIZE, layOut } from '../../src/memory/layout.ts';
import { PhysicalMap } from '../../src/memory/p2m.ts';

const MIB = 2 ** 20;
/** Where a test domain's RAM begins. */
export const RAM = 0x4000_0000;

/**
 * A host without processors: guest virtual addresses are guest-physical ones, registers are set by hand, and what the
 * hypervisor asks of the layers above is noted down.
 */
export class TestHost {
  readonly memory: MachineMemory;
  readonly heap: Heap;
  readonly frames: Frames;
  readonly quietPoint: QuietPoint;
  readonly hypervisor: Hypervisor;
  /** vCPU records that were woken, and domains that were stopped, in order. */
  readonly woken: number[] = [];
  readonly stopped: number[] = [];
  /** (CPU record, frame) pairs that were dropped; frame 0 for all. */
  readonly dropped: { state: number; frame: number }[] = [];
  doorbells = 0;
  /** System time in nanoseconds. */
  now = 1_000_000;

  /** With `shared`, another thread's host is used from this one. */
  constructor(domainMemory = 8 * MIB, heap = 4 * MIB, shared?: WebAssembly.Memory) {
    const layout = layOut({ domainMemory, codeCache: MIB, heap });
    const pages = layout.size / 65536;
    const memory = shared ?? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.memory = new MachineMemory(memory);
    this.heap = new Heap(this.memory, layout);
    this.quietPoint = new QuietPoint(this.memory, layout.quietPoint, true);
    this.frames = new Frames(this.memory, layout, new CodeCache(this.memory, layout.codeCache, this.quietPoint));
    const physicalMap = new PhysicalMap(this.memory, this.heap, this.frames);
    const services: Services = {
      wake: (vcpu) => void this.woken.push(vcpu),
      doorbell: () => void this.doorbells++,
      stopped: (domain) => void this.stopped.push(domain),
      systemTime: () => this.now,
      wallClock: () => 1_700_000_000.5,
    };
    const processor: Processor = {
      recordSize: STATE_SIZE,
      translate: (state, lo, hi, write) => this.#translate(state, lo >>> 0, hi >>> 0, write),
      dropFrame: (state, frame) => void this.dropped.push({ state, frame }),
      dropTranslations: (state) => void this.dropped.push({ state, frame: 0 }),
    };
    const { heap: records, frames, quietPoint } = this;
    this.hypervisor = new Hypervisor({
      memory: this.memory,
      heap: records,
      frames,
      physicalMap,
      processor,
      services,
      quietPoint,
    });
  }

  #translate(state: number, lo: number, hi: number, write: boolean): number {
    const frame = hi * 2 ** 20 + Math.floor(lo / FRAME_SIZE);
    const machine = this.hypervisor.translate(state, frame, write);
    if (machine < 0 || (write && (machine & 1) === 0)) return -1;
    return machine - (machine & 1) + (lo % FRAME_SIZE);
  }

  createDomain(options: Partial<DomainOptions> = {}): number {
    const domid = this.hypervisor.createDomain({ vcpus: 2, memory: 1, gicVersion: 3, ...options });
    this.hypervisor.unpause(domid);
    this.woken.length = 0;
    return domid;
  }

  /** The CPU record of a vCPU. */
  state(domid: number, vcpu = 0): number {
    return stateOf(this.memory, this.hypervisor.vcpu(domid, vcpu));
  }

  /** The machine address of a guest-physical address. */
  machine(domid: number, address: number): number {
    const frame = this.hypervisor.translate(this.state(domid), Math.floor(address / FRAME_SIZE), true);
    if (frame < 0) throw new Error(`no RAM at 0x${address.toString(16)}`);
    return frame - (frame & 1) + (address % FRAME_SIZE);
  }

  read32(domid: number, address: number): number {
    return this.memory.view.getUint32(this.machine(domid, address), true);
  }

  write32(domid: number, address: number, ...values: readonly number[]): void {
    for (const [i, value] of values.entries()) {
      this.memory.view.setUint32(this.machine(domid, address + i * 4), value, true);
    }
  }

  read16(domid: number, address: number): number {
    return this.memory.view.getUint16(this.machine(domid, address), true);
  }

  write16(domid: number, address: number, ...values: readonly number[]): void {
    for (const [i, value] of values.entries()) {
      this.memory.view.setUint16(this.machine(domid, address + i * 2), value, true);
    }
  }

  setRegister(state: number, register: number, value: number): void {
    const at = state + readOffset(register);
    this.memory.view.setBigInt64(at, BigInt(value), true);
  }

  register(state: number, register: number): number {
    return Number(this.memory.view.getBigInt64(state + readOffset(register), true));
  }

  /** Makes a hypercall, going on with it as often as it asks; gives what it leaves in x0. */
  call(domid: number, number: number, args: readonly number[], vcpu = 0): number {
    const state = this.state(domid, vcpu);
    this.setRegister(state, 16, number);
    for (let i = 0; i < 5; i++) this.setRegister(state, i, args[i] ?? 0);
    const { view } = this.memory;
    for (let rounds = 0; rounds < 10_000; rounds++) {
      view.setBigUint64(state, 0x8000n, true);
      this.hypervisor.hypercalls.dispatch(state);
      if (view.getBigUint64(state, true) === 0x8000n) return this.register(state, 0);
    }
    throw new Error('the hypercall does not come to an end');
  }
}
