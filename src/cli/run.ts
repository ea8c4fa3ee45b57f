import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Host } from '../host/host.ts';
import { nodePlatform } from '../host/node/node-platform.ts';
import type { ThreadStatistics } from '../host/thread-statistics.ts';
import { readKernelFile, resolveBootImage } from '../images/node/boot-image.ts';
import { createDomain, type DomainEnd, type RunningDomain } from '../toolstack/domain-builder.ts';
import { PlacementError } from '../toolstack/placement.ts';
import { CommandError, ExitStatus } from './exit-status.ts';
import { PanicWatch } from './panic-watch.ts';
import { showProgress } from './progress.ts';
import { parseRun, type RunSettings, runHelp } from './run-options.ts';
import { attachTerminal } from './terminal.ts';

/** `hostrock run`: one guest, its console on this terminal. */

interface BootFiles {
  readonly kernel: Uint8Array;
  readonly kernelName: string;
  readonly ramdisk: Uint8Array | undefined;
  readonly commandLine: string;
}

/** A run's outcome beyond what the domain itself can tell. */
type RunEnd =
  | DomainEnd
  | { readonly kind: 'timeout' }
  | { readonly kind: 'left' }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals };

const MIB = 2 ** 20;
/** Memory for grant, console and store pages beside the guest's own. */
const SERVICE_MEMORY = 16 * MIB;
/** A panicked kernel that neither reboots nor stops is given this long to print the rest (milliseconds). */
const PANIC_GRACE = 2000;
const CONSOLE_ARGUMENTS = 'console=hvc0 panic=-1';

const readBootFile = async (path: string): Promise<Uint8Array> => {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(
      `cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : code}`,
      ExitStatus.failure,
    );
  }
};

const bootFiles = async (settings: RunSettings): Promise<BootFiles> => {
  if (settings.kernel !== undefined) {
    const kernel = await readKernelFile(settings.kernel);
    const ramdisk = settings.ramdisk === undefined ? undefined : await readBootFile(settings.ramdisk);
    return {
      kernel,
      kernelName: settings.kernel,
      ramdisk,
      commandLine: `${CONSOLE_ARGUMENTS} ${settings.append}`.trim(),
    };
  }
  const progress = showProgress();
  try {
    const { kernel, ramdisk, description } = await resolveBootImage({
      suite: settings.suite,
      kernelPackage: settings.kernelPackage,
      mirror: settings.mirror,
      keyring: settings.keyring,
      cacheDirectory: settings.cache,
      offline: settings.offline,
      refresh: settings.refresh,
      onProgress: progress.update,
    });
    const { columns, rows } = process.stdout;
    const size = process.stdout.isTTY ? `hostrock.size=${rows}x${columns} TERM=${process.env.TERM ?? 'vt100'}` : '';
    const commandLine = [CONSOLE_ARGUMENTS, 'quiet', size, settings.append].filter((part) => part !== '').join(' ');
    return { kernel, kernelName: description, ramdisk, commandLine };
  } finally {
    progress.done();
  }
};

/** Where console output and results go. */
interface Output {
  console(bytes: Uint8Array): void;
  ended(end: RunEnd, status: number): void;
}

const plainOutput: Output = {
  console: (bytes) => {
    process.stdout.write(bytes);
  },
  ended: (end) => {
    if (end.kind === 'crash') process.stderr.write(`hostrock: the guest crashed: ${end.reason}\n`);
    else if (end.kind === 'watchdog') process.stderr.write("hostrock: the guest's watchdog bit\n");
    else if (end.kind === 'timeout') process.stderr.write('hostrock: the time limit passed\n');
  },
};

const jsonOutput = (): Output => {
  const decoder = new TextDecoder();
  const line = (event: object): void => {
    process.stdout.write(`${JSON.stringify(event)}\n`);
  };
  return {
    console: (bytes) => line({ event: 'console', text: decoder.decode(bytes, { stream: true }) }),
    ended: (end, status) => line({ event: 'end', ...end, status }),
  };
};

const exitStatus = (end: RunEnd): number => {
  switch (end.kind) {
    case 'poweroff':
    case 'left':
      return ExitStatus.success;
    case 'timeout':
      return ExitStatus.timeout;
    case 'signal':
      return end.signal === 'SIGTERM' ? 143 : ExitStatus.interrupted;
    default:
      return ExitStatus.failure;
  }
};

/** Ends that come from outside the guest: a time limit, signals, Ctrl-]. */
class Interruptions {
  readonly happened: Promise<RunEnd>;
  leave: () => void = () => {};
  #cleanups: (() => void)[] = [];

  constructor(timeout: number | undefined) {
    this.happened = new Promise((resolve) => {
      this.leave = () => resolve({ kind: 'left' });
      if (timeout !== undefined) {
        const timer = setTimeout(() => resolve({ kind: 'timeout' }), timeout * 1000);
        this.#cleanups.push(() => clearTimeout(timer));
      }
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        const handler = (): void => resolve({ kind: 'signal', signal });
        process.on(signal, handler);
        this.#cleanups.push(() => process.off(signal, handler));
      }
    });
  }

  clear(): void {
    for (const cleanup of this.#cleanups) cleanup();
  }
}

/** Waits for a panic that the guest does not end itself. */
const panicked = async (watch: PanicWatch, signal: AbortSignal): Promise<RunEnd> =>
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      if (watch.reason === null) return;
      clearInterval(timer);
      const { reason } = watch;
      setTimeout(() => resolve({ kind: 'crash', reason: `kernel panic: ${reason}` }), PANIC_GRACE).unref();
    }, 100);
    signal.addEventListener('abort', () => clearInterval(timer));
  });

const startDomain = async (
  host: Host,
  files: BootFiles,
  settings: RunSettings,
  onConsole: (bytes: Uint8Array) => void,
) => {
  try {
    return await createDomain(host, {
      ...files,
      memory: settings.memory,
      vcpus: settings.vcpus,
      gicVersion: settings.gicVersion,
      vuart: settings.vuart,
      rngSeed: randomBytes(64),
      uuid: randomBytes(16),
      onConsole,
    });
  } catch (error) {
    if (error instanceof PlacementError) throw new CommandError(`${error.message} (--memory)`, ExitStatus.failure);
    throw error;
  }
};

/** Runs the guest, again each time it reboots; tells how it ended. */
const runGuest = async (
  host: Host,
  files: BootFiles,
  settings: RunSettings,
  output: Output,
  interruptions: Interruptions,
): Promise<RunEnd> => {
  let current: RunningDomain | null = null;
  const detach = attachTerminal({
    onInput: (bytes) => {
      current?.console.write(Uint8Array.from(bytes));
    },
    onLeave: () => interruptions.leave(),
  });
  try {
    for (;;) {
      const watch = new PanicWatch();
      const finished = new AbortController();
      const domain = await startDomain(host, files, settings, (bytes) => {
        watch.feed(bytes);
        output.console(bytes);
      });
      current = domain;
      const end = await Promise.race([
        domain.ended,
        interruptions.happened,
        panicked(watch, finished.signal),
        host.failure.then((): RunEnd => ({ kind: 'crash', reason: 'the host stopped' })),
      ]);
      finished.abort();
      await domain.destroy();
      if (watch.reason !== null && (end.kind === 'reboot' || end.kind === 'crash')) {
        return { kind: 'crash', reason: `kernel panic: ${watch.reason}` };
      }
      if (end.kind !== 'reboot') return end;
    }
  } finally {
    detach();
  }
};

const printStatistics = (threads: readonly ThreadStatistics[]): void => {
  for (const [index, thread] of threads.entries()) {
    const { exits, ...counts } = thread;
    const parts = [
      ...Object.entries(counts),
      ...Object.entries(exits).map(([name, count]) => [`exits.${name}`, count]),
    ];
    process.stderr.write(
      `hostrock: pcpu ${index}: ${parts.map(([name, count]) => `${name}=${Math.round(count as number)}`).join(' ')}\n`,
    );
  }
};

export const run = async (args: string[]): Promise<number> => {
  const settings = parseRun(args, availableParallelism());
  if (settings === null) {
    process.stdout.write(runHelp());
    return ExitStatus.success;
  }
  const files = await bootFiles(settings);
  const host = new Host({
    platform: nodePlatform(),
    physicalCpus: settings.physicalCpus,
    hotThreshold: settings.hotThreshold,
    domainMemory: settings.memory * MIB + SERVICE_MEMORY,
  });
  const interruptions = new Interruptions(settings.timeout);
  const output = settings.json ? jsonOutput() : plainOutput;
  try {
    const end = await runGuest(host, files, settings, output, interruptions);
    const status = exitStatus(end);
    output.ended(end, status);
    return status;
  } finally {
    interruptions.clear();
    const threads = await host.stop();
    if (settings.stats) printStatistics(threads);
  }
};
