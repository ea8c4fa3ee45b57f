import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import type { ConsoleBackend } from '../backends/console/console.ts';
import { noSymbols, parseSymbols, type Symbols } from '../cpu/symbols.ts';
import { Host, type Platform } from '../host/host.ts';
import { createDomain, type RunningDomain } from '../toolstack/domain-builder.ts';
import { PlacementError } from '../toolstack/placement.ts';
import { CommandError, ExitStatus } from './exit-status.ts';
import { Interruptions } from './interruptions.ts';
import { type Output, onDrained, openOutput, type RunEnd } from './output.ts';
import { PanicWatch } from './panic-watch.ts';
import { showProgress } from './progress.ts';
import type { RunSettings } from './run-options.ts';
import { attachTerminal } from './terminal.ts';

/** One guest with its console on this terminal, from its files to the exit status. */

interface BootFiles {
  readonly kernel: Uint8Array;
  readonly kernelName: string;
  readonly ramdisk: Uint8Array | undefined;
  readonly commandLine: string;
}

const MIB = 2 ** 20;
/** Memory for grant, console and store pages beside the guest's own. */
const SERVICE_MEMORY = 16 * MIB;
/** A panicked kernel that neither reboots nor stops is given this long to print the rest (milliseconds). */
const PANIC_GRACE = 2000;

/** What the guest's kernel is told about its console; a panic ends the guest at once. */
const consoleArguments = ({ vuart }: RunSettings): string => `console=${vuart ? 'ttyAMA0' : 'hvc0'} panic=-1`;

/** What the default ramdisk's /init is told about who sits at the console. */
const sessionArguments = (): string[] => {
  const { columns, rows } = process.stdout;
  const size = process.stdout.isTTY ? [`hostrock.size=${rows}x${columns}`, `TERM=${process.env.TERM ?? 'vt100'}`] : [];
  return process.stdin.isTTY ? size : [...size, 'hostrock.input=pipe'];
};

const bootFiles = async (settings: RunSettings): Promise<BootFiles> => {
  if (settings.kernel !== undefined) {
    const { readKernelFile, readNamedFile } = await import('../images/node/named-files.ts');
    const kernel = await readKernelFile(settings.kernel);
    const ramdisk = settings.ramdisk === undefined ? undefined : await readNamedFile(settings.ramdisk);
    return {
      kernel,
      kernelName: settings.kernel,
      ramdisk,
      commandLine: `${consoleArguments(settings)} ${settings.append}`.trim(),
    };
  }
  const { resolveBootImage } = await import('../images/node/boot-image.ts');
  const progress = showProgress();
  try {
    const { kernel, ramdisk, description } = await resolveBootImage({
      suite: settings.suite,
      kernelPackage: settings.kernelPackage,
      mirror: settings.mirror,
      keyring: settings.keyring,
      allowExpired: settings.allowExpired,
      cacheDirectory: settings.cache,
      offline: settings.offline,
      refresh: settings.refresh,
      onProgress: progress.update,
    });
    const commandLine = [consoleArguments(settings), 'quiet', ...sessionArguments(), settings.append].join(' ').trim();
    return { kernel, kernelName: description, ramdisk, commandLine };
  } finally {
    progress.done();
  }
};

const exitStatus = (end: RunEnd): number => {
  switch (end.kind) {
    case 'poweroff':
    case 'left':
      return ExitStatus.success;
    case 'timeout':
      return ExitStatus.timeout;
    case 'signal':
      return 128 + constants.signals[end.signal];
    default:
      return ExitStatus.failure;
  }
};

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

const startDomain = async (host: Host, files: BootFiles, settings: RunSettings, show: (bytes: Uint8Array) => void) => {
  try {
    return await createDomain(host, {
      ...files,
      memory: settings.memory,
      vcpus: settings.vcpus,
      gicVersion: settings.gicVersion,
      vuart: settings.vuart,
      rngSeed: randomBytes(64),
      uuid: randomBytes(16),
      // Linux writes its messages to the PV console as well, if there is one: they are shown once.
      onConsole: settings.vuart ? () => {} : show,
      onVuart: show,
      onLog: show,
    });
  } catch (error) {
    if (error instanceof PlacementError) throw new CommandError(`${error.message} (--memory)`, ExitStatus.failure);
    throw error;
  }
};

/** The console that takes the user's input. */
const inputOf = (domain: RunningDomain): ConsoleBackend => domain.vuart ?? domain.console;

/** Stops taking a guest's output while standard output is behind. */
const hold = (domain: RunningDomain | null): void => {
  domain?.console.hold();
  domain?.vuart?.hold();
};

const release = (domain: RunningDomain | null): void => {
  domain?.console.release();
  domain?.vuart?.release();
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
  const terminal = attachTerminal({
    onInput: (bytes) => {
      if (current === null) return true;
      inputOf(current).write(Uint8Array.from(bytes));
      return !inputOf(current).blocked;
    },
    onLeave: () => interruptions.leave(),
    // The default ramdisk's shell ends the guest then; who knows what others do at the end of their input.
    staysAtEnd: settings.kernel === undefined,
  });
  const stopDraining = onDrained(() => release(current));
  try {
    for (;;) {
      const watch = new PanicWatch();
      const finished = new AbortController();
      const domain = await startDomain(host, files, settings, (bytes) => {
        watch.feed(bytes);
        if (!output.console(bytes)) hold(current);
      });
      current = domain;
      inputOf(domain).onInputTaken = () => terminal.resume();
      // The one before may have ended while input waited for it.
      terminal.resume();
      const end = await Promise.race([
        domain.ended,
        interruptions.happened,
        panicked(watch, finished.signal),
        host.failure.then((): RunEnd => ({ kind: 'crash', reason: 'the host stopped' })),
      ]);
      finished.abort();
      release(domain);
      await domain.destroy();
      if (watch.reason !== null && (end.kind === 'reboot' || end.kind === 'crash')) {
        return { kind: 'crash', reason: `kernel panic: ${watch.reason}` };
      }
      if (end.kind !== 'reboot') return end;
    }
  } finally {
    stopDraining();
    terminal.detach();
  }
};

/** The names for profilers, if any are asked for. */
const readSymbols = async ({ perfNames, symbols }: RunSettings): Promise<Symbols | undefined> => {
  if (!perfNames) return undefined;
  if (symbols === undefined) return noSymbols;
  const { readNamedFile } = await import('../images/node/named-files.ts');
  const text = new TextDecoder().decode(await readNamedFile(symbols));
  try {
    return parseSymbols(text);
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(`${symbols} is no symbol table: ${error.message}`);
    throw error;
  }
};

/** Boots and runs what the settings name. */
export const runSettings = async (settings: RunSettings, platform: Platform): Promise<number> => {
  // Before the files are read: the threads make their engines meanwhile.
  const host = new Host({
    platform,
    physicalCpus: settings.physicalCpus,
    hotThreshold: settings.hotThreshold,
    trace: settings.trace,
    symbols: await readSymbols(settings),
    disturbance: settings.disturbance,
    domainMemory: settings.memory * MIB + SERVICE_MEMORY,
    regionBytes: settings.codeCache,
  });
  let interruptions: Interruptions | undefined;
  const output = openOutput(settings.json);
  try {
    const files = await bootFiles(settings);
    interruptions = new Interruptions(settings.timeout);
    const end = await runGuest(host, files, settings, output, interruptions);
    const status = exitStatus(end);
    output.ended(end, status);
    return status;
  } finally {
    interruptions?.clear();
    const statistics = await host.stop();
    if (settings.stats) output.statistics(statistics);
  }
};
