import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { CommandError, ExitStatus } from '../src/cli/exit-status.ts';
import { describeOptions, type OptionTable, parseCount, parseOptions } from '../src/cli/options.ts';
import { showProgress } from '../src/cli/progress.ts';
import { alignColumns } from '../src/cli/table.ts';
import { resolveBootImage } from '../src/images/node/boot-image.ts';
import { readKernelFile } from '../src/images/node/named-files.ts';
import { choosePlaces, type TranslationCost, Translator } from './translation.ts';

/**
 * `npm run bench -- translate`: what the hot tier's translation costs, without a guest. One process measures a young translator, of
 * which V8 has not optimised anything, only once: run it several times.
 */

const options = {
  regions: { type: 'string', value: 'N', help: 'regions to translate (default 2300)' },
  kernel: { type: 'string', value: 'FILE', help: 'take code from this kernel (default: the one hostrock run boots)' },
  code: { type: 'string', value: 'FILE', help: 'and from this file: a program, or a ramdisk that is not compressed' },
  json: { type: 'boolean', help: 'print the figures as JSON' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

/** The first regions of a process, and those behind which it counts as warm. */
const YOUNG = 300;
const WARM = 800;

const readCode = async (kernel: string | undefined, code: string | undefined): Promise<Uint8Array[]> => {
  if (kernel !== undefined) {
    return [await readKernelFile(kernel), ...(code === undefined ? [] : [await readFile(code)])];
  }
  const progress = showProgress();
  try {
    const image = await resolveBootImage({ onProgress: progress.update });
    return [image.kernel, code === undefined ? image.ramdisk : await readFile(code)];
  } finally {
    progress.done();
  }
};

const rows = (phases: ReadonlyMap<string, TranslationCost>): string[][] => {
  const head = ['', 'regions', 'instructions', 'find', 'encode', 'Module', 'Instance', 'thread', 'process', 'bytes'];
  const body = [...phases].map(([name, cost]) => {
    const { find, encode, module, instance, thread, process, bytes } = cost;
    const each = [find, encode, module, instance, thread, process].map((time) => (time / cost.instructions).toFixed(2));
    const size = (bytes / cost.instructions).toFixed(1);
    return [name, String(cost.regions), String(cost.instructions), ...each, size];
  });
  return [head, ...body];
};

export const benchTranslate = async (args: string[]): Promise<number> => {
  const given = parseOptions(args, options);
  if (given.help === true) {
    process.stdout.write(`usage: npm run bench -- translate [OPTION...]\n\n${describeOptions(options)}\n`);
    return ExitStatus.success;
  }
  const count = parseCount('regions', given.regions ?? '2300', WARM + 1, 100_000);
  const load = loadavg()[0] as number;
  const places = choosePlaces(await readCode(given.kernel, given.code), count);
  if (places.length <= WARM) throw new CommandError(`the code has only ${places.length} functions`);
  const translator = new Translator();
  const phases = new Map([
    ['young', translator.measure(places.slice(0, YOUNG))],
    ['growing', translator.measure(places.slice(YOUNG, WARM))],
    ['warm', translator.measure(places.slice(WARM))],
  ]);
  if (given.json === true) {
    process.stdout.write(`${JSON.stringify({ load, ...Object.fromEntries(phases) }, null, 2)}\n`);
  } else {
    process.stdout.write(
      `${alignColumns(rows(phases))}\n\n` +
        'Microseconds for each guest instruction, and bytes of WebAssembly. The parts are time that passed; "thread" is processor\n' +
        `time of the translating thread, "process" that of all threads. Load ${load.toFixed(1)} at the start.\n`,
    );
  }
  return ExitStatus.success;
};
