import type { Architecture } from '../cpu/architecture.ts';
import { arm64Architecture } from '../cpu/arm64/architecture.ts';
import { ExceptionClass } from '../cpu/arm64/syndrome.ts';
import { systemOperations, systemRegisterName } from '../cpu/arm64/system-names.ts';
import { tracedArm64Architecture } from '../cpu/arm64/tracing.ts';
import type { Environment } from '../cpu/environment.ts';
import { Exit } from '../cpu/exits.ts';
import type { MachineMemory } from '../cpu/machine-memory.ts';
import { PC, SCRATCH } from '../cpu/state.ts';
import { type Trace, TracedAccess, type TraceEvent } from '../cpu/trace.ts';
import { DOMID } from '../hypervisor/domain.ts';
import type { HypercallTrace } from '../hypervisor/hypercalls/dispatch.ts';
import { domainOf, indexOf, vcpuOfState } from '../hypervisor/vcpu.ts';

/** Makes lines of what a thread's vCPUs do. */

/** What to follow; can be posted to a worker. */
export interface TraceOptions {
  readonly events: readonly TraceEvent[];
  /** Path of the file to append to; null for standard error. */
  readonly file: string | null;
}

/** System calls and exception returns must leave translated code to be seen. */
export const architectureFor = (trace: TraceOptions | undefined): Architecture =>
  trace !== undefined && (trace.events.includes('exceptions') || trace.events.includes('returns'))
    ? tracedArm64Architecture
    : arm64Architecture;

/** Where the lines go. */
export interface TraceSink {
  write(text: string): void;
}

/** Text that is kept until it is written, in characters. */
const CHUNK = 1 << 15;
const NANOSECONDS = 1e9;

const hexadecimal = (value: number): string => `0x${value.toString(16)}`;
const wideHexadecimal = (lo: number, hi: number): string =>
  hi === 0 ? hexadecimal(lo >>> 0) : `0x${(hi >>> 0).toString(16)}${(lo >>> 0).toString(16).padStart(8, '0')}`;

/** The name of a value in a table of constants. */
const nameIn = (table: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(table).find((name) => table[name] === value) ?? hexadecimal(value);

const CLASS_SHIFT = 26;
const SPECIFIC = 0x1ff_ffff;

/** Classes for exceptions from the same level come one after those from a lower one. */
const className = (exceptionClass: number): string => {
  const name = nameIn(ExceptionClass, exceptionClass);
  return name.startsWith('0x') ? nameIn(ExceptionClass, exceptionClass - 1) : name;
};

const operationName = (encoding: number): string => systemOperations.nameOf(encoding) ?? hexadecimal(encoding);

type Describe = (...values: number[]) => string;

/** The text of each event, from the values of its notes. */
const describe: Readonly<Record<TraceEvent, Describe>> = {
  exceptions: (syndrome, lo, hi) => {
    const text = `${className(syndrome >>> CLASS_SHIFT)} ${hexadecimal(syndrome & SPECIFIC)}`;
    return lo === undefined ? text : `${text} at ${wideHexadecimal(lo, hi)}`;
  },
  interrupts: (fiq) => (fiq === 1 ? 'FIQ' : 'IRQ'),
  returns: (level) => `to EL${level}`,
  hypercalls: (number, result) => `smccc ${hexadecimal(number >>> 0)} = ${result}`,
  mmio: (write, size, address, lo, hi) =>
    `${write === 1 ? 'write' : 'read'} ${size} at ${hexadecimal(address)}: ${wideHexadecimal(lo, hi)}`,
  sysregs: (encoding, write, lo, hi) =>
    `${write === 1 ? 'write' : 'read'} ${systemRegisterName(encoding)}: ${wideHexadecimal(lo, hi)}`,
  operations: (encoding, lo, hi) => `${operationName(encoding)} ${wideHexadecimal(lo, hi)}`,
  tlb: (kind, lo, hi, size) => `${nameIn(TracedAccess, kind)} ${size} at ${wideHexadecimal(lo, hi)}`,
  regions: (there) => (there === 1 ? 'put in place' : 'asked for'),
  exits: (exit) => nameIn(Exit, exit),
};

/** A line: seconds of the host's clock, domain and vCPU, PC as the vCPU's record has it, event, text. */
export class TraceWriter implements Trace {
  readonly #events: ReadonlySet<TraceEvent>;
  readonly #memory: MachineMemory;
  readonly #now: () => number;
  readonly #sink: TraceSink;
  #text = '';

  /** `now` is in nanoseconds. */
  constructor({ events }: TraceOptions, memory: MachineMemory, now: () => number, sink: TraceSink) {
    this.#events = new Set(events);
    this.#memory = memory;
    this.#now = now;
    this.#sink = sink;
  }

  wants(event: TraceEvent): boolean {
    return this.#events.has(event);
  }

  note(state: number, event: TraceEvent, ...values: number[]): void {
    if (this.#events.has(event)) this.#line(state, event, describe[event](...values));
  }

  #line(state: number, event: TraceEvent, text: string): void {
    const { u32 } = this.#memory;
    const vcpu = vcpuOfState(this.#memory, state);
    const domid = u32[(domainOf(this.#memory, vcpu) + DOMID) >>> 2] as number;
    const pc = (state + PC) >>> 2;
    const where = `d${domid}v${indexOf(this.#memory, vcpu)} ${wideHexadecimal(u32[pc] as number, u32[pc + 1] as number)}`;
    this.#text += `${(this.#now() / NANOSECONDS).toFixed(6)} ${where} ${event}: ${text}\n`;
    if (this.#text.length >= CHUNK) this.flush();
  }

  /** Writes what waits to be written. */
  flush(): void {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#sink.write(text);
  }

  /** For the hypercalls' dispatcher. */
  readonly hypercall: HypercallTrace = (row, call, result) => {
    const count = row?.arguments ?? 1;
    const values = Array.from({ length: count }, (_, i) => wideHexadecimal(call.low(i), call.high(i)));
    const selected = row?.operations !== undefined && row.selector !== undefined ? call.low(row.selector) : undefined;
    const operation = selected === undefined ? '' : `.${nameIn(row?.operations ?? {}, selected)}`;
    const name = row === undefined ? 'unknown' : `${row.name}${operation}`;
    const outcome = call.again ? 'to be continued' : String(result);
    if (this.wants('hypercalls')) this.#line(call.state, 'hypercalls', `${name}(${values.join(', ')}) = ${outcome}`);
  };

  /** The environment with accesses to devices followed. */
  followDevices(environment: Environment): Environment {
    if (!this.wants('mmio')) return environment;
    const value = (state: number): [number, number] => {
      const cell = (state + SCRATCH) >>> 2;
      return [this.#memory.i32[cell] as number, this.#memory.i32[cell + 1] as number];
    };
    return {
      ...environment,
      deviceRead: (state, address, size) => {
        const answered = environment.deviceRead(state, address, size);
        this.note(state, 'mmio', 0, size, address, ...value(state));
        return answered;
      },
      deviceWrite: (state, address, size) => {
        this.note(state, 'mmio', 1, size, address, ...value(state));
        return environment.deviceWrite(state, address, size);
      },
    };
  }
}
