import { availableParallelism, freemem, totalmem } from 'node:os';
import { ExitStatus } from './exit-status.ts';
import { describeOptions, type OptionTable, parseOptions } from './options.ts';
import { version } from './version.ts';

/** `hostrock doctor`: what this machine can and cannot do. */

const options = {
  json: { type: 'boolean', help: 'print the findings as JSON' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** Without it hostrock cannot run at all. */
  readonly required: boolean;
  readonly detail: string;
}

const GIB = 2 ** 30;
const PAGES_4_GIB = 65_536;
const OLDEST_NODE = 24;

/** A module with a v128 constant and a tail call: (func (result v128) v128.const 0 ...) (func (result i32) return_call 0). */
const SIMD_MODULE = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  10,
  1,
  8,
  0,
  65,
  0,
  253,
  15,
  253,
  98,
  11,
);

const sharedMemory = (pages: number): boolean => {
  try {
    new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    return true;
  } catch {
    return false;
  }
};

const findings = (): Finding[] => {
  const node = Number(process.versions.node.split('.')[0]);
  const processors = availableParallelism();
  const whole = sharedMemory(PAGES_4_GIB);
  return [
    {
      name: 'node',
      ok: node >= OLDEST_NODE,
      required: true,
      detail: `${process.version} (V8 ${process.versions.v8}); ${OLDEST_NODE} or newer is needed`,
    },
    {
      name: 'simd',
      ok: WebAssembly.validate(SIMD_MODULE),
      required: true,
      detail: 'WebAssembly SIMD, for floating point and vectors',
    },
    {
      name: 'shared memory',
      ok: sharedMemory(1024),
      required: true,
      detail: 'shared WebAssembly memory, for several processors',
    },
    {
      name: 'address space',
      ok: whole,
      required: false,
      detail: whole ? 'a host can have 4 GiB of machine memory' : 'less than 4 GiB of machine memory can be reserved',
    },
    {
      name: 'processors',
      ok: processors > 1,
      required: false,
      detail: `${processors}: guests with several vCPUs gain from more than one`,
    },
    {
      name: 'memory',
      ok: freemem() > GIB / 2,
      required: false,
      detail: `${(freemem() / GIB).toFixed(1)} of ${(totalmem() / GIB).toFixed(1)} GiB free; the default guest takes about 0.4`,
    },
    {
      name: 'terminal',
      ok: process.stdin.isTTY === true,
      required: false,
      detail:
        process.stdin.isTTY === true
          ? 'interactive consoles work'
          : 'standard input is no terminal: consoles are piped',
    },
  ];
};

export const doctor = async (args: string[]): Promise<number> => {
  const given = parseOptions(args, options);
  if (given.help === true) {
    process.stdout.write(
      `usage: hostrock doctor [OPTION...]\n\nTells what this machine can and cannot do.\n\n${describeOptions(options)}\n`,
    );
    return ExitStatus.success;
  }
  const found = findings();
  const able = found.every(({ ok, required }) => ok || !required);
  if (given.json === true) {
    process.stdout.write(`${JSON.stringify({ version: version(), able, findings: found })}\n`);
  } else {
    const width = Math.max(...found.map(({ name }) => name.length));
    for (const { name, ok, required, detail } of found) {
      const mark = ok ? 'yes' : required ? 'NO' : 'no';
      process.stdout.write(`${mark.padEnd(4)}${name.padEnd(width + 2)}${detail}\n`);
    }
    process.stdout.write(able ? 'hostrock can run here\n' : 'hostrock cannot run here\n');
  }
  return able ? ExitStatus.success : ExitStatus.failure;
};
