import { RegionRequests } from '../cpu/region-requests.ts';
import type { TranslationStatistics } from '../cpu/region-translator.ts';
import type { Symbols } from '../cpu/symbols.ts';
import { DomainStatus, statusOf, vcpuAt, vcpuCount } from '../hypervisor/domain.ts';
import {
  assign,
  assignedCount,
  PHYSICAL_CPU_SIZE,
  RUNNING,
  ring,
  STOP,
  unassign,
} from '../hypervisor/scheduler/record.ts';
import { ControlWord, layOut, type MachineSizes } from '../memory/layout.ts';
import type { Clock } from './clock.ts';
import { type Machine, openMachine, type SharedMachine } from './machine.ts';
import type { ThreadStatistics } from './thread-statistics.ts';
import type { TraceOptions } from './tracing.ts';
import { wantsTranslator } from './translator-choice.ts';

/**
 * The running machine on its control thread: starts the physical CPUs, and serves domain 0's event channels.
 */

/** A thread: a physical CPU's, or the translator's. */
export interface HostThread<S> {
  /** Resolves when the thread has ended, with what it counted; rejects if it failed. */
  readonly ended: Promise<S>;
}

/** The threads of a host. */
export interface HostThreads {
  readonly physicalCpus: readonly HostThread<ThreadStatistics>[];
  readonly translator: HostThread<TranslationStatistics> | null;
}

/** What the threads counted. */
export interface HostStatistics {
  readonly physicalCpus: readonly ThreadStatistics[];
  /** Null if the physical CPUs translated for themselves. */
  readonly translator: TranslationStatistics | null;
}

/** What a platform brings. */
export interface Platform {
  readonly clock: Clock;
  /** Starts the threads that run the physical CPUs whose records are at `records`, and if wanted one that translates for them. */
  start(shared: SharedMachine, records: readonly number[], options: ThreadOptions): HostThreads;
}

export interface PhysicalCpuOptions {
  /** Branches to an instruction before the code there is translated, 0 for never. */
  readonly hotThreshold: number;
  /** What to follow as it happens, if anything. */
  readonly trace?: TraceOptions | undefined;
  /** Names translated code for profilers. */
  readonly symbols?: Symbols | undefined;
  /** Seed of random disturbances of the engine, for soak tests (cpu/disturbance.ts); each physical CPU has one of its own. */
  readonly disturbance?: number | undefined;
}

export interface ThreadOptions extends PhysicalCpuOptions {
  /** Whether code is translated by a thread of its own: not before it is hot, so that it needs a threshold of 2 or more. */
  readonly translator: boolean;
}

export interface HostOptions extends MachineSizes, PhysicalCpuOptions {
  readonly platform: Platform;
  /** As in ThreadOptions; by default as the threshold asks for it. */
  readonly translator?: boolean;
  /** Threads that run guests. */
  readonly physicalCpus: number;
}

const WASM_PAGE = 65536;
/** Milliseconds between looks at a vCPU that is to stop. */
const STOP_POLL = 1;
/** Rounds of service without a rest before the thread's other work gets a turn. */
const ROUNDS_AT_ONCE = 16;

export class Host {
  readonly machine: Machine;
  readonly #physicalCpus: readonly number[];
  readonly #threads: HostThreads;
  readonly #regionRequests: RegionRequests;
  readonly #ports = new Map<number, () => void>();
  /** Called at every doorbell. */
  readonly #watchers = new Set<() => void>();
  readonly #serving: Promise<void>;
  #stopping = false;

  constructor({
    platform,
    physicalCpus,
    translator,
    hotThreshold,
    trace,
    symbols,
    disturbance,
    ...sizes
  }: HostOptions) {
    const layout = layOut(sizes);
    const pages = layout.size / WASM_PAGE;
    const shared: SharedMachine = {
      memory: new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }),
      layout,
    };
    this.machine = openMachine(shared, platform.clock);
    const { heap } = this.machine;
    this.#physicalCpus = Array.from({ length: physicalCpus }, () => heap.allocate(PHYSICAL_CPU_SIZE));
    this.#regionRequests = new RegionRequests(this.machine.memory, layout.regionRequests);
    this.#threads = platform.start(shared, this.#physicalCpus, {
      hotThreshold,
      trace,
      symbols,
      disturbance,
      translator: translator ?? wantsTranslator(hotThreshold),
    });
    this.#serving = this.#serve();
    // Whoever asks for `failure` hears of it; nobody has to.
    this.#serving.catch(() => {});
  }

  /** Rejects when a thread or a service fails, which takes the host down; never resolves before `stop`. */
  get failure(): Promise<unknown> {
    return Promise.all([this.#serving, this.#ended()]);
  }

  async #ended(): Promise<HostStatistics> {
    const { physicalCpus, translator } = this.#threads;
    const [translated, ...counted] = await Promise.all([
      translator?.ended ?? null,
      ...physicalCpus.map(({ ended }) => ended),
    ]);
    return { physicalCpus: counted, translator: translated };
  }

  /** Serves domain 0's events until the host stops. */
  async #serve(): Promise<void> {
    const { i32 } = this.machine.memory;
    const word = ControlWord.doorbell >>> 2;
    for (let rounds = 1; !this.#stopping; rounds++) {
      const seen = Atomics.load(i32, word);
      this.machine.hypervisor.pendingPorts((port) => this.#ports.get(port)?.());
      for (const watcher of [...this.#watchers]) watcher();
      const waiting = Atomics.waitAsync(i32, word, seen);
      if (waiting.async) await waiting.value;
      else if (rounds % ROUNDS_AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve));
    }
  }

  /** Calls a handler at every event on a port of domain 0's. */
  onEvent(port: number, handler: () => void): void {
    this.#ports.set(port, handler);
  }

  /** Takes a port's handler back. */
  offEvent(port: number): void {
    this.#ports.delete(port);
  }

  /** Calls a watcher whenever something may have changed that has no event channel; returns what ends that. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Gives a domain's vCPUs to the physical CPUs that have the fewest, and lets the domain run. */
  startDomain(domid: number): void {
    const { memory, hypervisor } = this.machine;
    const domain = hypervisor.domain(domid);
    for (let index = 0; index < vcpuCount(memory, domain); index++) {
      const load = (record: number): number => assignedCount(memory, record);
      const least = this.#physicalCpus.reduce((best, record) => (load(record) < load(best) ? record : best));
      if (!assign(memory, least, vcpuAt(memory, domain, index))) throw new Error('the host runs too many vCPUs');
    }
    hypervisor.unpause(domid);
  }

  /** Stops a domain's vCPUs and takes it apart. */
  async destroyDomain(domid: number): Promise<void> {
    const { memory, hypervisor } = this.machine;
    const domain = hypervisor.domain(domid);
    hypervisor.pause(domid);
    for (let index = 0; index < vcpuCount(memory, domain); index++) {
      const vcpu = vcpuAt(memory, domain, index);
      unassign(memory, vcpu);
      while (Atomics.load(memory.i32, (vcpu + RUNNING) >>> 2) !== 0) {
        await new Promise((resolve) => setTimeout(resolve, STOP_POLL));
      }
    }
    hypervisor.destroyDomain(domid);
  }

  /** Whether a domain has shut down or crashed. */
  hasEnded(domid: number): boolean {
    const { memory, hypervisor } = this.machine;
    return (statusOf(memory, hypervisor.domain(domid)) & DomainStatus.shutdown) !== 0;
  }

  /** Ends all threads; gives what they counted. */
  async stop(): Promise<HostStatistics> {
    const { memory } = this.machine;
    this.#stopping = true;
    Atomics.add(memory.i32, ControlWord.doorbell >>> 2, 1);
    Atomics.notify(memory.i32, ControlWord.doorbell >>> 2);
    for (const record of this.#physicalCpus) {
      Atomics.store(memory.i32, (record + STOP) >>> 2, 1);
      ring(memory, record);
    }
    this.#regionRequests.stop();
    return await this.#ended();
  }
}
