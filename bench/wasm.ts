import { ExitStatus } from '../src/cli/exit-status.ts';
import { describeOptions, type OptionTable, parseOptions, parseSeconds } from '../src/cli/options.ts';
import { measureWasmEncoder } from './wasm-encoder.ts';

/** `npm run bench -- wasm`: the encoder alone. */

const options = {
  seconds: { type: 'string', value: 'SECONDS', help: 'how long to measure (default 1)' },
  json: { type: 'boolean', help: 'print the figures as JSON' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

export const benchWasm = async (args: string[]): Promise<number> => {
  const given = parseOptions(args, options);
  if (given.help === true) {
    process.stdout.write(`usage: npm run bench -- wasm [OPTION...]\n\n${describeOptions(options)}\n`);
    return ExitStatus.success;
  }
  const speed = measureWasmEncoder(1000 * parseSeconds('seconds', given.seconds ?? '1'));
  if (given.json === true) {
    process.stdout.write(`${JSON.stringify(speed)}\n`);
  } else {
    const { megabytesPerSecond, functionsPerSecond, bytesPerFunction } = speed;
    process.stdout.write(
      `${megabytesPerSecond.toFixed(0)} MB/s, ${functionsPerSecond.toFixed(0)} functions/s of ${bytesPerFunction.toFixed(0)} bytes\n`,
    );
  }
  return ExitStatus.success;
};
