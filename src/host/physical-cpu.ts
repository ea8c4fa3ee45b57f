import { Engine } from '../cpu/engine.ts';
import { Exit } from '../cpu/exits.ts';
import type { MachineMemory } from '../cpu/machine-memory.ts';
import type { RegionBatch } from '../cpu/region-compiler.ts';
import { PhysicalCpu, STOPPED } from '../hypervisor/scheduler/physical-cpu.ts';
import { DOORBELL } from '../hypervisor/scheduler/record.ts';
import { Arm64Runner } from '../hypervisor/vcpu-runner.ts';
import type { Clock } from './clock.ts';
import type { PhysicalCpuOptions } from './host.ts';
import { openMachineWith, type SharedMachine } from './machine.ts';
import type { ThreadStatistics } from './thread-statistics.ts';
import { architectureFor, type TraceSink, TraceWriter } from './tracing.ts';
import { remoteCompiler } from './translator.ts';

/**
 * A physical CPU's thread: runs vCPUs and sleeps when there is none to run, until the host stops it. `take` gives the next batch
 * of regions that the translator has delivered; null if there is no translator.
 */
export const runPhysicalCpu = (
  shared: SharedMachine,
  record: number,
  clock: Clock,
  { hotThreshold, trace: followed, symbols, disturbance }: PhysicalCpuOptions,
  take: (() => RegionBatch | null) | null,
  openSink: (file: string | null) => TraceSink,
): ThreadStatistics => {
  const makeTrace = (memory: MachineMemory): TraceWriter | undefined =>
    followed === undefined ? undefined : new TraceWriter(followed, memory, () => clock.now(), openSink(followed.file));
  let trace: TraceWriter | undefined;
  const {
    runtime: engine,
    hypervisor,
    memory,
  } = openMachineWith(shared, clock, ({ layout, environment, ...parts }) => {
    trace = makeTrace(parts.memory);
    return new Engine({
      ...parts,
      environment: trace?.followDevices(environment) ?? environment,
      architecture: architectureFor(followed),
      codeCache: layout.codeCache,
      heatTable: layout.heatTable,
      hotThreshold,
      ...(take === null ? {} : { compiler: remoteCompiler(shared, parts.memory, take) }),
      trace,
      symbols,
      disturbance,
      now: () => clock.now() / 1e6,
    });
  });
  if (trace !== undefined) hypervisor.hypercalls.trace = trace.hypercall;
  const runner = new Arm64Runner(hypervisor, engine);
  const physicalCpu = new PhysicalCpu(hypervisor, record, runner, () => clock.now());
  const doorbell = (record + DOORBELL) >>> 2;
  for (;;) {
    const seen = Atomics.load(memory.i32, doorbell);
    const wait = physicalCpu.run();
    if (wait !== 0) trace?.flush();
    if (wait === STOPPED) break;
    if (wait > 0) Atomics.wait(memory.i32, doorbell, seen, wait);
  }
  const exits = Object.fromEntries(Object.entries(Exit).map(([name, exit]) => [name, engine.exits[exit]]));
  return { ...engine.statistics, instructions: runner.instructions, exits };
};
