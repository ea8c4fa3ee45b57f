import { ConsoleBackend } from '../backends/console/console.ts';
import { ConsoleRing } from '../backends/console/ring.ts';
import { identifyProcessor, resetProcessor } from '../cpu/arm64/reset.ts';
import { PAIR_LOCKS } from '../cpu/state.ts';
import type { Host } from '../host/host.ts';
import { HvmParam } from '../hypervisor/abi/hvm.ts';
import { ShutdownReason } from '../hypervisor/abi/sched.ts';
import { UART } from '../hypervisor/domain.ts';
import { PL011_RECORD_SIZE, RING } from '../hypervisor/pl011/pl011.ts';
import { stateOf } from '../hypervisor/vcpu.ts';
import { parseKernelImage } from '../images/kernel-image.ts';
import { FRAME_SIZE, PAIR_LOCKS_PAGE } from '../memory/layout.ts';
import { guestDeviceTree } from './guest-device-tree.ts';
import { place } from './placement.ts';
import { connectStore, disconnectStore, storeOf } from './store-service.ts';

/** Makes domains that boot a kernel, as libxl's domain builder does, and stands for them while they run. */

export interface DomainConfig {
  /** What the store calls the domain; made from its number if not given. */
  readonly name?: string;
  /** A raw arm64 Image. */
  readonly kernel: Uint8Array;
  /** What messages call it. */
  readonly kernelName: string;
  readonly ramdisk?: Uint8Array | undefined;
  readonly commandLine: string;
  /** MiB of RAM. */
  readonly memory: number;
  readonly vcpus: number;
  readonly gicVersion: 2 | 3;
  /** An emulated UART beside the PV console. */
  readonly vuart: boolean;
  /** Random bytes for the guest's generator. */
  readonly rngSeed?: Uint8Array;
  readonly uuid?: Uint8Array;
  readonly onConsole: (bytes: Uint8Array) => void;
  /** The UART's output; the console's handler if not given. */
  readonly onVuart?: (bytes: Uint8Array) => void;
  /** What it writes with console_io, and what the hypervisor says about it; the console's handler if not given. */
  readonly onLog?: (bytes: Uint8Array) => void;
}

/** How a domain's run ended. */
export type DomainEnd =
  | { readonly kind: 'poweroff' | 'reboot' | 'suspend' | 'watchdog' }
  | { readonly kind: 'crash'; readonly reason: string };

const KIB_PER_MIB = 1024;

const describeEnd = (host: Host, domid: number): DomainEnd => {
  const { hypervisor } = host.machine;
  switch (hypervisor.shutdownReason(domid)) {
    case ShutdownReason.poweroff:
      return { kind: 'poweroff' };
    case ShutdownReason.reboot:
      return { kind: 'reboot' };
    case ShutdownReason.suspend:
      return { kind: 'suspend' };
    case ShutdownReason.watchdog:
      return { kind: 'watchdog' };
    default:
      return { kind: 'crash', reason: hypervisor.crashReason(domid) || 'the guest reported a crash' };
  }
};

/** What a domain is connected with on the host's side. */
interface Connections {
  readonly console: ConsoleBackend;
  readonly vuart: ConsoleBackend | null;
  /** Undo the connections; in any order, once. */
  readonly disconnect: readonly (() => void)[];
}

/** A domain that was started. */
export class RunningDomain {
  readonly domid: number;
  readonly console: ConsoleBackend;
  /** The emulated UART's backend, if the domain has one. */
  readonly vuart: ConsoleBackend | null;
  /** Resolves when the domain shuts down or crashes; not if it is destroyed before. */
  readonly ended: Promise<DomainEnd>;
  readonly #host: Host;
  readonly #onLog: (bytes: Uint8Array) => void;
  readonly #disconnect: readonly (() => void)[];
  /** How much of the domain's log at the hypervisor was shown. */
  #logPosition = 0;
  #stopWatching: () => void = () => {};

  constructor(host: Host, domid: number, connections: Connections, onLog: (bytes: Uint8Array) => void) {
    this.#host = host;
    this.#onLog = onLog;
    this.#disconnect = connections.disconnect;
    this.domid = domid;
    this.console = connections.console;
    this.vuart = connections.vuart;
    this.ended = new Promise((resolve) => {
      this.#stopWatching = host.watch(() => {
        this.#poll();
        if (!host.hasEnded(domid)) return;
        this.#stopWatching();
        // What it wrote last may have come after the look above.
        this.#poll();
        storeOf(host).announceShutdown();
        resolve(describeEnd(host, domid));
      });
    });
  }

  /** Takes output off everything that the domain writes to. */
  #poll(): void {
    const { bytes, next } = this.#host.machine.hypervisor.consoleLog(this.domid, this.#logPosition);
    this.#logPosition = next;
    if (bytes.length > 0) this.#onLog(bytes);
    this.console.poll();
    this.vuart?.poll();
  }

  /** Stops the domain and gives back all it has. */
  async destroy(): Promise<void> {
    this.#stopWatching();
    for (const disconnect of this.#disconnect) disconnect();
    await this.#host.destroyDomain(this.domid);
  }
}

const copyIn = (host: Host, domid: number, address: number, bytes: Uint8Array): void => {
  const { hypervisor, memory } = host.machine;
  hypervisor.eachPiece(domid, address, bytes.length, (machine, offset, length) => {
    memory.u8.set(bytes.subarray(offset, offset + length), machine);
  });
};

const load = (host: Host, domid: number, config: DomainConfig): void => {
  const header = parseKernelImage(config.kernel, config.kernelName);
  const bytes = config.memory * 2 ** 20;
  const ramdiskSize = config.ramdisk?.length ?? 0;
  const describe = (ramdiskStart: number): Uint8Array =>
    guestDeviceTree({
      vcpus: config.vcpus,
      memory: bytes,
      gicVersion: config.gicVersion,
      commandLine: config.commandLine,
      vuart: config.vuart,
      ...(config.ramdisk === undefined ? {} : { ramdisk: { start: ramdiskStart, end: ramdiskStart + ramdiskSize } }),
      ...(config.rngSeed === undefined ? {} : { rngSeed: config.rngSeed }),
    });
  const placed = place({
    memory: bytes,
    textOffset: header.textOffset,
    imageSize: header.imageSize,
    ramdiskSize,
    deviceTreeSize: describe(0).length,
  });
  copyIn(host, domid, placed.kernel, config.kernel);
  if (config.ramdisk !== undefined) copyIn(host, domid, placed.ramdisk, config.ramdisk);
  copyIn(host, domid, placed.deviceTree, describe(placed.ramdisk));
  const { hypervisor, memory, runtime } = host.machine;
  for (let index = 0; index < config.vcpus; index++) {
    const state = stateOf(memory, hypervisor.vcpu(domid, index));
    memory.u32[(state + PAIR_LOCKS) >>> 2] = PAIR_LOCKS_PAGE;
    identifyProcessor(memory, state, { affinity: index, interruptRegisters: config.gicVersion === 3 });
    resetProcessor(runtime, state, { pc: placed.kernel, x0: placed.deviceTree });
  }
};

/** Connects domain 0 with the port of a domain's that a parameter names. */
const connect = (host: Host, domid: number, parameter: number): number => {
  const { hypervisor } = host.machine;
  const port = hypervisor.bindInterdomain(domid, hypervisor.parameterOf(domid, parameter));
  if (port < 0) throw new Error(`domain ${domid}'s console cannot be connected (error ${-port})`);
  return port;
};

const connectConsole = (host: Host, domid: number, config: DomainConfig, undo: (() => void)[]): ConsoleBackend => {
  const { hypervisor, memory } = host.machine;
  const port = connect(host, domid, HvmParam.consoleEventChannel);
  const backend = new ConsoleBackend({
    ring: new ConsoleRing(memory, hypervisor.consolePage(domid)),
    notify: () => hypervisor.send(port),
    onOutput: config.onConsole,
  });
  host.onEvent(port, () => backend.poll());
  undo.push(() => {
    host.offEvent(port);
    hypervisor.close(port);
  });
  return backend;
};

const connectVuart = (host: Host, domid: number, config: DomainConfig): ConsoleBackend | null => {
  if (!config.vuart) return null;
  const { hypervisor, memory, heap, devices } = host.machine;
  const domain = hypervisor.domain(domid);
  const record = heap.allocate(PL011_RECORD_SIZE);
  const ring = heap.allocate(FRAME_SIZE);
  if (record === 0 || ring === 0) throw new Error("the host has no memory left for a domain's UART");
  memory.u32[(record + RING) >>> 2] = ring;
  memory.u32[(domain + UART) >>> 2] = record;
  return new ConsoleBackend({
    ring: new ConsoleRing(memory, ring),
    notify: () => devices.updateUart(domain),
    onOutput: config.onVuart ?? config.onConsole,
  });
};

/**
 * Makes a domain and starts it.
 *
 * @throws PlacementError, ImageError for what cannot be booted, RangeError for a configuration out of bounds
 */
export const createDomain = async (host: Host, config: DomainConfig): Promise<RunningDomain> => {
  const { hypervisor } = host.machine;
  const domid = hypervisor.createDomain({
    vcpus: config.vcpus,
    memory: config.memory,
    gicVersion: config.gicVersion,
    ...(config.uuid === undefined ? {} : { uuid: config.uuid }),
  });
  const undo: (() => void)[] = [() => disconnectStore(host, domid)];
  try {
    load(host, domid, config);
    const console = connectConsole(host, domid, config, undo);
    const vuart = connectVuart(host, domid, config);
    connectStore(host, {
      domid,
      name: config.name ?? `domain-${domid}`,
      uuid: config.uuid ?? new Uint8Array(16),
      vcpus: config.vcpus,
      memoryKiB: config.memory * KIB_PER_MIB,
    });
    const domain = new RunningDomain(
      host,
      domid,
      { console, vuart, disconnect: undo },
      config.onLog ?? config.onConsole,
    );
    host.startDomain(domid);
    return domain;
  } catch (error) {
    for (const disconnect of undo) disconnect();
    await host.destroyDomain(domid);
    throw error;
  }
};
