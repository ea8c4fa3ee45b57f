import { Host, type HostStatistics } from '../../src/host/host.ts';
import { nodePlatform } from '../../src/host/node/node-platform.ts';
import { createDomain, type DomainEnd } from '../../src/toolstack/domain-builder.ts';

/** Runs self-test guests for tests. */

const MIB = 2 ** 20;
const MEMORY = 8;
const SERVICE_MEMORY = 16;

export interface Outcome {
  readonly end: DomainEnd;
  /** What came by the console's ring. */
  readonly console: string;
  /** What came by console_io. */
  readonly log: string;
  readonly statistics: HostStatistics;
}

export interface RunOptions {
  readonly vcpus?: number;
  readonly physicalCpus?: number;
  /** 0: interpreted only; 1: translated as soon as possible. */
  readonly hotThreshold?: number;
  /** Whether a thread of its own translates. */
  readonly translator?: boolean;
  /** Bytes that translated code may take. */
  readonly regionBytes?: number;
  /** Seed of random disturbances of the engine. */
  readonly disturbance?: number;
}

/** Runs a guest until it ends. */
export const runGuest = async (kernel: Uint8Array, options: RunOptions = {}): Promise<Outcome> => {
  const { vcpus = 1, physicalCpus = vcpus, hotThreshold = 0, translator = false, regionBytes, disturbance } = options;
  const domainMemory = (MEMORY + SERVICE_MEMORY) * MIB;
  const host = new Host({
    platform: nodePlatform(),
    physicalCpus,
    hotThreshold,
    translator,
    disturbance,
    domainMemory,
    ...(regionBytes === undefined ? {} : { regionBytes }),
  });
  const text = { console: '', log: '' };
  const append = (channel: keyof typeof text) => {
    const decoder = new TextDecoder();
    return (bytes: Uint8Array): void => {
      text[channel] += decoder.decode(bytes, { stream: true });
    };
  };
  try {
    const domain = await createDomain(host, {
      kernel,
      kernelName: 'the self-test guest',
      commandLine: '',
      memory: MEMORY,
      vcpus,
      gicVersion: 3,
      vuart: false,
      onConsole: append('console'),
      onLog: append('log'),
    });
    const failed = host.failure.then(() => {
      throw new Error('the host stopped');
    });
    const end = await Promise.race([domain.ended, failed]);
    await domain.destroy();
    return { end, ...text, statistics: await host.stop() };
  } finally {
    await host.stop();
  }
};
