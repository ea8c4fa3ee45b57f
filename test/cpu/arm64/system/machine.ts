import type { EngineRuntime } from '../../../../src/cpu/architecture.ts';
import { arm64Architecture } from '../../../../src/cpu/arm64/architecture.ts';
import { identifyProcessor, resetProcessor } from '../../../../src/cpu/arm64/reset.ts';
import { VCPU_SIZE } from '../../../../src/cpu/arm64/system-state.ts';
import { CodeCache, type CodeCacheLayout } from '../../../../src/cpu/code-cache.ts';
import { Engine } from '../../../../src/cpu/engine.ts';
import { type Environment, NOT_MEMORY } from '../../../../src/cpu/environment.ts';
import { HEAT_BYTES } from '../../../../src/cpu/heat-table.ts';
import { MachineMemory } from '../../../../src/cpu/machine-memory.ts';
import { QuietPoint } from '../../../../src/cpu/quiet-point.ts';
import type { RegionCompiler } from '../../../../src/cpu/region-compiler.ts';
import { PC, SCRATCH } from '../../../../src/cpu/state.ts';

/** A machine around the arm64 system side: some RAM, a device that remembers, processors, and if wanted an engine. */

/** Guest-physical address and size of RAM. */
export const RAM = 0x4000_0000;
export const RAM_SIZE = 0x20_0000;
/** Guest-physical address of a page of a device: reads give the address, writes are noted. */
export const DEVICE = 0x0900_0000;
/** A frame that the domain may only read. */
export const READ_ONLY_FRAME = (RAM + RAM_SIZE) / 4096 - 1;

const PAGES = 192;
const CONTROL = 0x1000;
const QUIET_POINT = 0x2000;
const HEAT = 0x10000;
const FRAME_TABLE = HEAT + HEAT_BYTES;
const PROCESSORS = 0x4_0000;
const PROCESSOR_STRIDE = 0x30_0000;
const ARENA = 0x64_0000;
/** Machine address of RAM. */
export const RAM_MACHINE = 0x90_0000;

const layout: CodeCacheLayout = {
  frameTable: FRAME_TABLE,
  frames: (PAGES * 65536) / 4096,
  arena: ARENA,
  arenaEnd: RAM_MACHINE,
  control: CONTROL,
};

export interface DeviceWrite {
  readonly address: number;
  readonly size: number;
  readonly value: bigint;
}

export class Machine {
  readonly memory: MachineMemory;
  readonly environment: Environment;
  readonly runtime: EngineRuntime;
  /** The records of the two processors. */
  readonly first = PROCESSORS;
  readonly second = PROCESSORS + PROCESSOR_STRIDE;
  readonly deviceWrites: DeviceWrite[] = [];
  /** What the counters show, and how often a timer was changed. */
  counter = 0;
  timerChanges = 0;
  /** The interrupt controller's registers by key; a key without a value does not exist. */
  readonly interruptRegisters = new Map<number, bigint>();
  events = 0;
  /** Called within `translate`: for what happens meanwhile. */
  onTranslate: ((frame: number) => void) | null = null;
  /** Called at every store to the device. */
  onDeviceWrite: (() => void) | null = null;
  /** The engine's clock: it looks before and after it makes a region. */
  now: () => number = () => 0;

  /** A new machine, or with `shared` this thread's hold on another thread's. */
  constructor(shared: WebAssembly.Memory | null = null) {
    this.memory = new MachineMemory(shared ?? new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true }));
    this.environment = this.#makeEnvironment();
    const quietPoint = new QuietPoint(this.memory, QUIET_POINT, true);
    this.runtime = {
      memory: this.memory,
      environment: this.environment,
      codeCache: new CodeCache(this.memory, layout, quietPoint),
      quietPoint,
    };
    if (shared !== null) return;
    if (VCPU_SIZE > PROCESSOR_STRIDE) throw new Error('the processors overlap');
    for (const [index, state] of [this.first, this.second].entries()) {
      identifyProcessor(this.memory, state, { affinity: index, interruptRegisters: true });
      resetProcessor(this.runtime, state, { pc: RAM, x0: 0 });
    }
  }

  #makeEnvironment(): Environment {
    const cell = (state: number): number => (state + SCRATCH) >>> 3;
    const values = new BigUint64Array(this.memory.memory.buffer);
    return {
      translate: (_state, frame) => {
        this.onTranslate?.(frame);
        const offset = frame - RAM / 4096;
        if (offset < 0 || offset >= RAM_SIZE / 4096) return NOT_MEMORY;
        return RAM_MACHINE + offset * 4096 + (frame === READ_ONLY_FRAME ? 0 : 1);
      },
      deviceRead: (state, address) => {
        if (address < DEVICE || address >= DEVICE + 4096) return false;
        values[cell(state)] = BigInt(address);
        return true;
      },
      deviceWrite: (state, address, size) => {
        if (address < DEVICE || address >= DEVICE + 4096) return false;
        this.onDeviceWrite?.();
        this.deviceWrites.push({ address, size, value: BigInt.asUintN(size * 8, values[cell(state)] as bigint) });
        return true;
      },
      virtualCounter: () => this.counter,
      physicalCounter: () => this.counter + 1000,
      timerChanged: () => {
        this.timerChanges++;
      },
      interruptRegisterRead: (state, key) => {
        const value = this.interruptRegisters.get(key);
        if (value === undefined) return false;
        values[cell(state)] = value;
        return true;
      },
      interruptRegisterWrite: (state, key) => {
        if (!this.interruptRegisters.has(key)) return false;
        this.interruptRegisters.set(key, values[cell(state)] as bigint);
        return true;
      },
      forEachOther: (state, each) => each(state === this.first ? this.second : this.first),
      sendEvent: () => {
        this.events++;
      },
    };
  }

  /** An engine on this memory, in one tier; it translates itself if nobody else does. */
  engine(tier: 'cold' | 'hot', architecture = arm64Architecture, compiler?: RegionCompiler): Engine {
    return new Engine({
      ...(compiler === undefined ? {} : { compiler }),
      architecture,
      memory: this.memory,
      environment: this.environment,
      codeCache: layout,
      quietPoint: this.runtime.quietPoint,
      heatTable: HEAT,
      hotThreshold: tier === 'hot' ? 2 : 0,
      now: () => this.now(),
    });
  }

  /** Machine address of a guest-physical one. */
  machineAddress(physical: number): number {
    return physical - RAM + RAM_MACHINE;
  }

  /** Reads a 64-bit field of a record. */
  get(state: number, field: number): bigint {
    return this.memory.view.getBigUint64(state + field, true);
  }

  set(state: number, field: number, value: bigint | number): void {
    this.memory.view.setBigUint64(state + field, BigInt.asUintN(64, BigInt(value)), true);
  }

  /** Reads a 32-bit field, unsigned. */
  get32(state: number, field: number): number {
    return this.memory.view.getUint32(state + field, true);
  }

  set32(state: number, field: number, value: number): void {
    this.memory.view.setUint32(state + field, value, true);
  }

  get pc(): bigint {
    return this.get(this.first, PC);
  }

  set pc(value: bigint | number) {
    this.set(this.first, PC, value);
  }

  /** Guest memory by guest-physical address, 64 bits. */
  readPhysical(physical: number): bigint {
    return this.memory.view.getBigUint64(this.machineAddress(physical), true);
  }

  writePhysical(physical: number, value: bigint): void {
    this.memory.view.setBigUint64(this.machineAddress(physical), BigInt.asUintN(64, value), true);
  }

  /** Writes instruction words or bytes from a guest-physical address on. */
  writeBytes(physical: number, bytes: Uint8Array): void {
    this.memory.u8.set(bytes, this.machineAddress(physical));
  }
}

export const lowHalf = (value: bigint): number => Number(BigInt.asIntN(32, value));
export const highHalf = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));
