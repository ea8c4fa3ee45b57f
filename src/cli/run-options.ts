import { type TraceEvent, TraceEvents } from '../cpu/trace.ts';
import type { TraceOptions } from '../host/tracing.ts';
import { CommandError } from './exit-status.ts';
import { describeOptions, type OptionTable, parseCount, parseOptions, parseSeconds, parseSize } from './options.ts';

/** The options of `hostrock run`. */

const options = {
  kernel: {
    type: 'string',
    value: 'FILE',
    help: 'boot this kernel (raw Image, gzip, or EFI zboot) instead of Debian’s',
  },
  ramdisk: { type: 'string', value: 'FILE', help: 'with this initial ramdisk' },
  append: { type: 'string', value: 'TEXT', help: 'add to the kernel command line' },
  memory: { type: 'string', short: 'm', value: 'SIZE', help: 'memory of the guest, as 256M or 1G (default 256M)' },
  vcpus: { type: 'string', short: 'c', value: 'N', help: 'processors of the guest, 1 to 8 (default 1)' },
  pcpus: { type: 'string', value: 'N', help: 'threads that run the guest (default: one a vCPU, at most the host’s)' },
  timeout: { type: 'string', value: 'SECONDS', help: 'end the guest after this time, with exit status 124' },
  json: { type: 'boolean', help: 'one JSON object a line on stdout: console output, then how it ended' },
  stats: { type: 'boolean', help: 'print what the engine counted when the guest has ended' },
  suite: { type: 'string', value: 'NAME', help: 'Debian suite of the default kernel (default bookworm)' },
  'kernel-package': { type: 'string', value: 'NAME', help: 'its package (default linux-image-cloud-arm64)' },
  mirror: { type: 'string', value: 'URL', help: 'Debian mirror (default: HOSTROCK_MIRROR, the settings, or apt’s)' },
  keyring: { type: 'string', value: 'FILE', help: 'OpenPGP keys to trust instead of Debian’s' },
  'allow-expired': {
    type: 'boolean',
    help: 'accept an archive whose signed index is past its date or older than before',
  },
  cache: {
    type: 'string',
    value: 'DIRECTORY',
    help: 'where images are kept (default: HOSTROCK_CACHE or the user’s cache)',
  },
  offline: { type: 'boolean', help: 'fetch nothing: use only what is in the cache' },
  refresh: { type: 'boolean', help: 'look for newer packages' },
  gic: { type: 'string', value: '2|3', help: 'version of the interrupt controller (default 3)' },
  vuart: {
    type: 'boolean',
    help: 'make the console an emulated UART (PL011, ttyAMA0), for guests without Xen drivers',
  },
  'hot-threshold': { type: 'string', value: 'N', help: 'branches to code before it is translated; 0 never (tuning)' },
  'code-cache': { type: 'string', value: 'SIZE', help: 'memory that translated code may take (default 128M)' },
  trace: { type: 'string', value: 'EVENTS[:FILE]', help: 'write a line for each of these events; help lists them' },
  'perf-names': { type: 'boolean', help: 'name translated code for Node’s profilers, by address' },
  symbols: { type: 'string', value: 'FILE', help: 'and by function: a symbol table as /proc/kallsyms in the guest' },
  disturb: { type: 'string', value: 'SEED', help: 'disturb the engine at random, for soak tests', hidden: true },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

export const runHelp = (): string =>
  [
    'usage: hostrock run [OPTION...]',
    '',
    'Boots a kernel as a Xen guest with its console on this terminal; without options, a Debian kernel with a shell.',
    'Ctrl-] leaves. Exit status: 0 the guest powered off, 1 it crashed, 2 wrong arguments, 124 time limit.',
    '',
    describeOptions(options),
    '',
  ].join('\n');

export interface RunSettings {
  readonly kernel: string | undefined;
  readonly ramdisk: string | undefined;
  readonly append: string;
  /** MiB. */
  readonly memory: number;
  readonly vcpus: number;
  readonly physicalCpus: number;
  /** Seconds. */
  readonly timeout: number | undefined;
  readonly json: boolean;
  readonly stats: boolean;
  readonly suite: string | undefined;
  readonly kernelPackage: string | undefined;
  readonly mirror: string | undefined;
  readonly keyring: string | undefined;
  readonly allowExpired: boolean;
  readonly cache: string | undefined;
  readonly offline: boolean;
  readonly refresh: boolean;
  readonly gicVersion: 2 | 3;
  readonly vuart: boolean;
  readonly hotThreshold: number;
  /** Bytes. */
  readonly codeCache: number;
  readonly trace: TraceOptions | undefined;
  readonly perfNames: boolean;
  readonly symbols: string | undefined;
  /** Seed of random disturbances of the engine, for soak tests. */
  readonly disturbance: number | undefined;
}

const MIB = 2 ** 20;
const DEFAULT_MEMORY = '256M';
/** RAM bank 0 of a Xen guest on Arm, as far as one host can give it. */
const MAXIMUM_MEMORY = 3072;
const MAXIMUM_VCPUS = 8;
/** Measured: docs/translation.md. */
const DEFAULT_HOT_THRESHOLD = '16000';
const MAXIMUM_HOT_THRESHOLD = 65_535;
const DEFAULT_CODE_CACHE = '128M';
const MINIMUM_CODE_CACHE = MIB;

const parseMemory = (text: string): number => {
  const mebibytes = Math.floor(parseSize('memory', text) / MIB);
  if (mebibytes < 1 || mebibytes > MAXIMUM_MEMORY) {
    throw new CommandError(`--memory '${text}' is not from 1M to ${MAXIMUM_MEMORY}M`);
  }
  return mebibytes;
};

const parseGic = (text: string): 2 | 3 => {
  if (text === '2') return 2;
  if (text === '3') return 3;
  throw new CommandError(`--gic '${text}' is neither 2 nor 3`);
};

/** One instruction at a time, as a debugger in the guest wants it, needs a threshold that one branch does not reach. */
const parseThreshold = (text: string): number => {
  const threshold = parseCount('hot-threshold', text, 0, MAXIMUM_HOT_THRESHOLD);
  if (threshold === 1) throw new CommandError("--hot-threshold '1' is too small: give 0 or a number from 2 on");
  return threshold;
};

const parseCodeCache = (text: string): number => {
  const bytes = parseSize('code-cache', text);
  if (bytes < MINIMUM_CODE_CACHE) throw new CommandError(`--code-cache '${text}' is less than 1M`);
  return bytes;
};

const isTraceEvent = (name: string): name is TraceEvent => Object.hasOwn(TraceEvents, name);

/** 'a,b' or 'a,b:FILE'. */
const parseTrace = (text: string): TraceOptions => {
  const colon = text.indexOf(':');
  const names = (colon < 0 ? text : text.slice(0, colon)).split(',');
  const file = colon < 0 ? null : text.slice(colon + 1);
  if (file === '') throw new CommandError(`--trace '${text}' names no file after its colon`);
  const events = names.map((name) => {
    if (isTraceEvent(name)) return name;
    throw new CommandError(`--trace: no event '${name}': there are ${Object.keys(TraceEvents).join(', ')}`);
  });
  return { events, file };
};

const traceHelp = (): string => {
  const width = Math.max(...Object.keys(TraceEvents).map((name) => name.length));
  return Object.entries(TraceEvents)
    .map(([name, what]) => `${name.padEnd(width)}  ${what}\n`)
    .join('');
};

/** Parses the command's arguments; the text to print instead if help was asked for. */
export const parseRun = (args: string[], hostProcessors: number): RunSettings | string => {
  const given = parseOptions(args, options);
  if (given.help === true) return runHelp();
  if (given.trace === 'help') return traceHelp();
  const vcpus = parseCount('vcpus', given.vcpus ?? '1', 1, MAXIMUM_VCPUS);
  const threads = String(Math.min(vcpus, Math.max(hostProcessors, 1)));
  if (given.ramdisk !== undefined && given.kernel === undefined) {
    throw new CommandError('--ramdisk goes with --kernel: the default kernel has a ramdisk of its own');
  }
  return {
    kernel: given.kernel,
    ramdisk: given.ramdisk,
    append: given.append ?? '',
    memory: parseMemory(given.memory ?? DEFAULT_MEMORY),
    vcpus,
    physicalCpus: parseCount('pcpus', given.pcpus ?? threads, 1, 64),
    timeout: given.timeout === undefined ? undefined : parseSeconds('timeout', given.timeout),
    json: given.json === true,
    stats: given.stats === true,
    suite: given.suite,
    kernelPackage: given['kernel-package'],
    mirror: given.mirror,
    keyring: given.keyring,
    allowExpired: given['allow-expired'] === true,
    cache: given.cache,
    offline: given.offline === true,
    refresh: given.refresh === true,
    gicVersion: parseGic(given.gic ?? '3'),
    vuart: given.vuart === true,
    hotThreshold: parseThreshold(given['hot-threshold'] ?? DEFAULT_HOT_THRESHOLD),
    codeCache: parseCodeCache(given['code-cache'] ?? DEFAULT_CODE_CACHE),
    trace: given.trace === undefined ? undefined : parseTrace(given.trace),
    perfNames: given['perf-names'] === true || given.symbols !== undefined,
    symbols: given.symbols,
    disturbance: given.disturb === undefined ? undefined : parseCount('disturb', given.disturb, 1, 2 ** 31 - 1),
  };
};
