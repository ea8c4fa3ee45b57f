import type { EngineRuntime } from '../cpu/architecture.ts';
import { CodeCache } from '../cpu/code-cache.ts';
import type { Environment } from '../cpu/environment.ts';
import { MachineMemory } from '../cpu/machine-memory.ts';
import { QuietPoint } from '../cpu/quiet-point.ts';
import { arm64Processor } from '../hypervisor/arm64-processor.ts';
import type { Services } from '../hypervisor/core.ts';
import { Devices } from '../hypervisor/devices.ts';
import { CLOCK } from '../hypervisor/domain.ts';
import { Hypervisor } from '../hypervisor/hypervisor.ts';
import { frameMap } from '../hypervisor/physmap.ts';
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

export interface Machine<R extends EngineRuntime = EngineRuntime> {
  readonly memory: MachineMemory;
  readonly heap: Heap;
  readonly frames: Frames;
  readonly hypervisor: Hypervisor;
  readonly devices: Devices;
  /** What routines of the architecture work with: the engine on a thread that runs guests. */
  readonly runtime: R;
}

/** What an engine gets of its thread's. */
export interface EngineParts {
  readonly memory: MachineMemory;
  readonly environment: Environment;
  readonly layout: MachineLayout;
  readonly quietPoint: QuietPoint;
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

const open = <R extends EngineRuntime>(
  shared: SharedMachine,
  clock: Clock,
  maySleep: boolean,
  makeRuntime: (parts: EngineParts) => R,
): Machine<R> => {
  const { layout } = shared;
  const memory = new MachineMemory(shared.memory);
  const quietPoint = new QuietPoint(memory, layout.quietPoint, maySleep);
  const services = makeServices(memory, clock);
  const counter = (state: number): number =>
    counterAt(services.systemTime(domainOf(memory, vcpuOfState(memory, state))));
  const environment: Environment = {
    frameMap,
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
  const runtime = makeRuntime({ memory, environment, layout, quietPoint });
  const heap = new Heap(memory, layout);
  const frames = new Frames(memory, layout, runtime.codeCache);
  const physicalMap = new PhysicalMap(memory, heap, frames);
  const processor = arm64Processor(runtime);
  const hypervisor = new Hypervisor({ memory, heap, frames, physicalMap, processor, services, quietPoint });
  const devices = new Devices(memory, hypervisor.vgic, services);
  return { memory, heap, frames, hypervisor, devices, runtime };
};

/** Opens the machine on a thread that only serves, and must not sleep. */
export const openMachine = (shared: SharedMachine, clock: Clock): Machine =>
  open(shared, clock, false, ({ memory, environment, layout, quietPoint }) => ({
    memory,
    environment,
    codeCache: new CodeCache(memory, layout.codeCache, quietPoint),
    quietPoint,
  }));

/** Opens the machine on a thread of its own that runs guests with an engine. */
export const openMachineWith = <E extends EngineRuntime>(
  shared: SharedMachine,
  clock: Clock,
  makeEngine: (parts: EngineParts) => E,
): Machine<E> => open(shared, clock, true, makeEngine);
