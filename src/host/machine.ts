import type { EngineRuntime } from '../cpu/architecture.ts';
import { arm64Architecture } from '../cpu/arm64/architecture.ts';
import { CodeCache } from '../cpu/code-cache.ts';
import { Engine } from '../cpu/engine.ts';
import type { Environment } from '../cpu/environment.ts';
import { MachineMemory } from '../cpu/machine-memory.ts';
import { QuietPoint } from '../cpu/quiet-point.ts';
import { arm64Processor } from '../hypervisor/arm64-processor.ts';
import type { Services } from '../hypervisor/core.ts';
import { Devices } from '../hypervisor/devices.ts';
import { CLOCK } from '../hypervisor/domain.ts';
import { Hypervisor } from '../hypervisor/hypervisor.ts';
import { wakeVcpu } from '../hypervisor/scheduler/record.ts';
import { domainOf, vcpuOfState } from '../hypervisor/vcpu.ts';
import { counterAt, updateTimers } from '../hypervisor/vtimer.ts';
import { Frames } from '../memory/frames.ts';
import { Heap } from '../memory/heap.ts';
import { ControlWord, type MachineLayout } from '../memory/layout.ts';
import { PhysicalMap } from '../memory/p2m.ts';
import type { Clock } from './clock.ts';

/**
 * One thread's hold on the machine: the same machine memory for all, with this thread's objects over it.
 */

/** What all threads of a host share; can be posted to a worker. */
export interface SharedMachine {
  readonly memory: WebAssembly.Memory;
  readonly layout: MachineLayout;
}

export interface Machine {
  readonly memory: MachineMemory;
  readonly heap: Heap;
  readonly frames: Frames;
  readonly hypervisor: Hypervisor;
  readonly devices: Devices;
  /** What routines of the architecture work with. */
  readonly runtime: EngineRuntime;
  /** Runs guest code; threads that only serve have none. */
  readonly engine: Engine | null;
}

export interface MachineOptions {
  readonly clock: Clock;
  /** For threads that run guests: branches to an instruction before the code there is translated, 0 for never. */
  readonly hotThreshold?: number;
}

const makeServices = (memory: MachineMemory, clock: Clock): Services => {
  const doorbell = (): void => {
    Atomics.add(memory.i32, ControlWord.doorbell >>> 2, 1);
    Atomics.notify(memory.i32, ControlWord.doorbell >>> 2);
  };
  const systemTime = (domain: number): number => clock.now() - memory.f64[(domain + CLOCK) >>> 3];
  return {
    wake: (vcpu) => wakeVcpu(memory, vcpu),
    doorbell,
    stopped: doorbell,
    systemTime,
    wallClock: (domain) => clock.wallClock() - systemTime(domain) / 1e9,
  };
};

/** Opens the machine on this thread. */
export const openMachine = (shared: SharedMachine, { clock, hotThreshold }: MachineOptions): Machine => {
  const { layout } = shared;
  const memory = new MachineMemory(shared.memory);
  // Only threads of their own may sleep.
  const quietPoint = new QuietPoint(memory, layout.quietPoint, hotThreshold !== undefined);
  const services = makeServices(memory, clock);
  const counter = (state: number): number =>
    counterAt(services.systemTime(domainOf(memory, vcpuOfState(memory, state))));
  const environment: Environment = {
    translate: (state, frame, write) => hypervisor.translate(state, frame, write),
    deviceRead: (state, address, size) => devices.read(state, address, size),
    deviceWrite: (state, address, size) => devices.write(state, address, size),
    virtualCounter: counter,
    physicalCounter: counter,
    timerChanged: (state) => updateTimers(hypervisor, vcpuOfState(memory, state)),
    interruptRegisterRead: (state, key) => devices.readInterruptRegister(state, key),
    interruptRegisterWrite: (state, key) => devices.writeInterruptRegister(state, key),
    forEachOther: (state, each) => hypervisor.forEachOther(state, each),
    // Waiting for an event only yields here, so there is nobody to tell.
    sendEvent: () => {},
  };
  const engine =
    hotThreshold === undefined
      ? null
      : new Engine({
          architecture: arm64Architecture,
          memory,
          environment,
          codeCache: layout.codeCache,
          quietPoint,
          heatTable: layout.heatTable,
          hotThreshold,
          now: () => clock.now() / 1e6,
        });
  const runtime: EngineRuntime = engine ?? {
    memory,
    environment,
    codeCache: new CodeCache(memory, layout.codeCache, quietPoint),
    quietPoint,
  };
  const heap = new Heap(memory, layout);
  const frames = new Frames(memory, layout, runtime.codeCache);
  const physicalMap = new PhysicalMap(memory, heap, frames);
  const processor = arm64Processor(runtime);
  const hypervisor = new Hypervisor({ memory, heap, frames, physicalMap, processor, services, quietPoint });
  const devices = new Devices(memory, hypervisor.vgic, services);
  return { memory, heap, frames, hypervisor, devices, runtime, engine };
};
