import { CommandError, ExitStatus } from '../src/cli/exit-status.ts';
import { describeOptions, type OptionTable, parseCount, parseOptions, parseSeconds } from '../src/cli/options.ts';
import { describeError, type Finding } from './engine.ts';
import { type FoundTarget, findTargets } from './targets.ts';
import { fuzzWatched } from './watched.ts';

/** `npm run fuzz -- [TARGET...] [OPTION...]`: feeds parsers and hypercalls with damaged input. Exit status 1 if one fails. */

const options = {
  runs: { type: 'string', value: 'N', help: 'inputs for each target (default: as many as the time allows)' },
  seconds: { type: 'string', value: 'SECONDS', help: 'time for each target (default 3, or no limit with --runs)' },
  seed: {
    type: 'string',
    value: 'N',
    help: 'the same seed gives the same inputs (default: a random one, which is told)',
  },
  input: { type: 'string', value: 'HEX', help: 'run this input alone, with one target' },
  list: { type: 'boolean', help: 'list the targets' },
  json: { type: 'boolean', help: 'print the outcome as JSON' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

const DEFAULT_SECONDS = '3';
const SEEDS = 2 ** 31;
/** More than can ever be run. */
const ENDLESS = Number.MAX_SAFE_INTEGER;

const choose = (found: readonly FoundTarget[], names: readonly string[]): readonly FoundTarget[] => {
  if (names.length === 0) return found;
  return names.map((name) => {
    const chosen = found.find(({ target }) => target.name === name);
    if (chosen === undefined) {
      const all = found.map(({ target }) => target.name).join(', ');
      throw new CommandError(`no target '${name}': there are ${all}`);
    }
    return chosen;
  });
};

/** Runs one given input in this thread; what the target throws ends the program with all that is known of it. */
const replay = (chosen: readonly FoundTarget[], hex: string): number => {
  const [found] = chosen;
  if (found === undefined || chosen.length !== 1) throw new CommandError('--input goes with one target');
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new CommandError('--input is not hexadecimal');
  try {
    found.target.run(Uint8Array.from(Buffer.from(hex, 'hex')));
  } catch (error) {
    process.stdout.write(`${found.target.name}: ${describeError(error)}\n`);
    return ExitStatus.failure;
  }
  process.stdout.write(`${found.target.name}: nothing found\n`);
  return ExitStatus.success;
};

const describeFinding = ({ target, seed, run, error, input }: Finding): string =>
  [
    `${target}: FAILED at input ${run} of seed ${seed}`,
    error,
    `again: npm run fuzz -- ${target} --input ${input}`,
  ].join('\n');

const main = async (args: readonly string[]): Promise<number> => {
  const optionsAt = args.findIndex((arg) => arg.startsWith('-'));
  const names = optionsAt < 0 ? args : args.slice(0, optionsAt);
  const given = parseOptions(optionsAt < 0 ? [] : args.slice(optionsAt), options);
  if (given.help === true) {
    process.stdout.write(`usage: npm run fuzz -- [TARGET...] [OPTION...]\n\n${describeOptions(options)}\n`);
    return ExitStatus.success;
  }
  const chosen = choose(await findTargets(), names);
  if (given.list === true) {
    for (const { target } of chosen) process.stdout.write(`${target.name}\n`);
    return ExitStatus.success;
  }
  if (given.input !== undefined) return replay(chosen, given.input);

  const runs = given.runs === undefined ? ENDLESS : parseCount('runs', given.runs, 1, ENDLESS);
  const seconds = given.seconds ?? (given.runs === undefined ? DEFAULT_SECONDS : undefined);
  const milliseconds = seconds === undefined ? Number.POSITIVE_INFINITY : 1000 * parseSeconds('seconds', seconds);
  const seed = given.seed === undefined ? Math.floor(Math.random() * SEEDS) : parseCount('seed', given.seed, 0, SEEDS);

  const outcomes: { target: string; runs: number; finding: Finding | null }[] = [];
  for (const found of chosen) {
    const { name } = found.target;
    const outcome = await fuzzWatched(found, { seed, runs, milliseconds }, (count) => {
      process.stderr.write(`fuzz: ${name}: ${count} inputs\n`);
    });
    outcomes.push({ target: name, ...outcome });
    if (given.json !== true) {
      const { finding } = outcome;
      process.stdout.write(
        `${finding === null ? `${name}: ${outcome.runs} inputs, nothing found` : describeFinding(finding)}\n`,
      );
    }
  }
  const failed = outcomes.some(({ finding }) => finding !== null);
  if (given.json === true) process.stdout.write(`${JSON.stringify({ seed, failed, targets: outcomes })}\n`);
  else process.stdout.write(`seed ${seed}\n`);
  return failed ? ExitStatus.failure : ExitStatus.success;
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`fuzz: ${error.message}\n`);
  process.exitCode = error instanceof CommandError ? error.status : ExitStatus.failure;
}
