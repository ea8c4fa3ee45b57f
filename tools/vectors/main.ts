import { parseArgs } from 'node:util';
import { overrideHostFusion } from '../../src/cpu/arm64/floating-point/host-fusion.ts';
import { a64Instructions } from '../../src/cpu/arm64/instructions/table.ts';
import type { Instruction } from '../../src/cpu/instruction.ts';
import type { Tier } from '../../test/cpu/arm64/harness.ts';
import { generateVectors } from './generate.ts';
import { loadGroups, selectEntries } from './groups.ts';
import { type Kind, runDifferential } from './run.ts';
import { allowedShapes } from './words.ts';

const USAGE = `usage: node tools/vectors/main.ts list
       node tools/vectors/main.ts run [--group NAME]... [--cases N] [--seed N] [--kind single|sequence|stray]...
                                  [--tier cold|hot|both] [--inputs N] [--failures N] [--unfused]
       node tools/vectors/main.ts generate [--seed N]
See tools/vectors/README.md.`;

class UsageError extends Error {}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const number = (text: string | undefined, fallback: number, name: string): number => {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new UsageError(`--${name} wants a whole number, not '${text}'`);
  return value;
};

const kindsOf = (wanted: readonly string[] | undefined, whole: boolean): readonly Kind[] => {
  if (wanted !== undefined) {
    for (const kind of wanted) {
      if (!['single', 'sequence', 'stray'].includes(kind)) throw new UsageError(`there is no kind '${kind}'`);
    }
    return wanted as Kind[];
  }
  return whole ? ['single', 'single', 'single', 'sequence', 'stray'] : ['single', 'single', 'single', 'sequence'];
};

const tiersOf = (wanted: string | undefined): readonly Tier[] => {
  if (wanted === undefined || wanted === 'both') return ['cold', 'hot'];
  if (wanted !== 'cold' && wanted !== 'hot') throw new UsageError(`there is no tier '${wanted}'`);
  return [wanted];
};

const entriesOf = async (wanted: readonly string[] | undefined): Promise<readonly Instruction[]> => {
  if (wanted === undefined) return a64Instructions;
  const groups = await loadGroups();
  const chosen = new Set<Instruction>();
  for (const name of wanted) {
    const entries = selectEntries(groups, a64Instructions, name);
    if (entries.length === 0) throw new UsageError(`no instruction or group in the table is called '${name}'`);
    for (const entry of entries) chosen.add(entry);
  }
  return [...chosen];
};

const list = async (): Promise<void> => {
  const inTable = new Set(a64Instructions);
  let forms = 0;
  for (const { file, name, entries } of await loadGroups()) {
    const count = entries.reduce((sum, entry) => sum + allowedShapes(entry).length, 0);
    forms += count;
    const missing = entries.filter((entry) => !inTable.has(entry)).length;
    const note = missing === 0 ? '' : `, ${missing} not in the table`;
    print(`${file}: ${name}: ${entries.length} instructions, ${count} forms${note}`);
  }
  print(`${forms} forms in all`);
};

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      group: { type: 'string', multiple: true },
      cases: { type: 'string' },
      seed: { type: 'string' },
      kind: { type: 'string', multiple: true },
      tier: { type: 'string' },
      inputs: { type: 'string' },
      failures: { type: 'string' },
      unfused: { type: 'boolean' },
    },
  });
  if (positionals.length !== 1) throw new UsageError('say what to do');
  switch (positionals[0]) {
    case 'list':
      await list();
      return 0;
    case 'run': {
      if (values.unfused === true) overrideHostFusion(false);
      const agree = await runDifferential({
        table: a64Instructions,
        entries: await entriesOf(values.group),
        kinds: kindsOf(values.kind, values.group === undefined),
        tiers: tiersOf(values.tier),
        cases: number(values.cases, 20000, 'cases'),
        seed: number(values.seed, 1, 'seed'),
        inputs: Math.min(1024, Math.max(1, number(values.inputs, 8, 'inputs'))),
        failures: number(values.failures, 5, 'failures'),
        print,
      });
      return agree ? 0 : 1;
    }
    case 'generate':
      await generateVectors(await loadGroups(), a64Instructions, number(values.seed, 1, 'seed'), print);
      return 0;
    default:
      throw new UsageError(`there is no '${positionals[0]}'`);
  }
};

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof TypeError && 'code' in error)) throw error;
  process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
  process.exitCode = 2;
}
