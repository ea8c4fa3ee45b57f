import { availableParallelism } from 'node:os';
import { Host } from '../host/host.ts';
import { nodePlatform } from '../host/node/node-platform.ts';
import { selftestImage } from '../selftest/image.ts';
import { describe, isComplete, readReport, type SubjectResult } from '../selftest/report.ts';
import { subjects } from '../selftest/subjects/subjects.ts';
import { createDomain, type DomainEnd } from '../toolstack/domain-builder.ts';
import { ExitStatus } from './exit-status.ts';
import { describeOptions, type OptionTable, parseCount, parseOptions } from './options.ts';
import { version } from './version.ts';

/** `hostrock selftest`: the built-in guest on one and on two vCPUs, interpreted and translated. */

const options = {
  json: { type: 'boolean', help: 'print the results as JSON' },
  timeout: { type: 'string', value: 'SECONDS', help: 'end a run that takes longer (default 120)' },
  help: { type: 'boolean', short: 'h', help: 'print this' },
} as const satisfies OptionTable;

const help = (): string =>
  [
    'usage: hostrock selftest [OPTION...]',
    '',
    'Runs the built-in guest, which needs no download, and says what works on this machine.',
    'Exit status: 0 all works, 1 something does not, 2 wrong arguments.',
    '',
    describeOptions(options),
    '',
  ].join('\n');

interface Variant {
  readonly vcpus: number;
  readonly tier: 'interpreted' | 'translated';
}

const variants: readonly Variant[] = [1, 2].flatMap((vcpus) =>
  (['interpreted', 'translated'] as const).map((tier) => ({ vcpus, tier })),
);

/** Branches to code before it is translated: never, or as soon as possible. */
const HOT_THRESHOLD = { interpreted: 0, translated: 1 } as const;
const MIB = 2 ** 20;
const GUEST_MEMORY = 8;
/** Memory for grant, console and store pages beside the guest's own. */
const SERVICE_MEMORY = 16;
const DEFAULT_TIMEOUT = '120';
const LONGEST_TIMEOUT = 86_400;

type RunEnd = DomainEnd | { readonly kind: 'timeout' } | { readonly kind: 'failure'; readonly reason: string };

interface Run extends Variant {
  readonly ok: boolean;
  readonly seconds: number;
  readonly end: RunEnd;
  readonly results: readonly SubjectResult[];
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const failure = (error: unknown): RunEnd => ({ kind: 'failure', reason: reasonOf(error) });

/** Lets the guest run on a host of its own; gives how it ended and adds to `console` what it wrote. */
const runGuest = async (variant: Variant, timeout: number, onConsole: (bytes: Uint8Array) => void): Promise<RunEnd> => {
  const host = new Host({
    platform: nodePlatform(),
    physicalCpus: Math.min(variant.vcpus, availableParallelism()),
    hotThreshold: HOT_THRESHOLD[variant.tier],
    domainMemory: (GUEST_MEMORY + SERVICE_MEMORY) * MIB,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<RunEnd>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'timeout' }), timeout * 1000);
  });
  const broken = host.failure.then(() => failure('the host stopped'), failure);
  try {
    const domain = await createDomain(host, {
      kernel: selftestImage(),
      kernelName: 'the self-test guest',
      commandLine: '',
      memory: GUEST_MEMORY,
      vcpus: variant.vcpus,
      gicVersion: 3,
      vuart: false,
      onConsole,
    });
    const end = await Promise.race([domain.ended, late, broken]);
    if (end.kind !== 'failure') await domain.destroy();
    return end;
  } finally {
    clearTimeout(timer);
    await host.stop().catch(() => {});
  }
};

const runVariant = async (variant: Variant, timeout: number): Promise<Run> => {
  const decoder = new TextDecoder();
  let text = '';
  const start = performance.now();
  const onConsole = (bytes: Uint8Array): void => {
    text += decoder.decode(bytes, { stream: true });
  };
  const end = await runGuest(variant, timeout, onConsole).catch(failure);
  const results = readReport(text);
  const ok = end.kind === 'poweroff' && isComplete(text) && results.every((result) => result.ok);
  return { ...variant, ok, seconds: Math.round(performance.now() - start) / 1000, end, results };
};

const describeVariant = ({ vcpus, tier }: Variant): string => `${vcpus} vCPU${vcpus === 1 ? '' : 's'}, ${tier}`;

const describeEnd = (end: RunEnd): string =>
  'reason' in end ? `${end.kind}: ${end.reason}` : end.kind === 'timeout' ? 'the time limit passed' : end.kind;

/** The lines about one subject in all runs. */
const describeSubject = (name: string, runs: readonly Run[]): string[] => {
  const results = runs.map((run) => ({ run, result: run.results.find((result) => result.name === name) }));
  const failed = results.filter(({ result }) => result?.ok !== true);
  const title = describe({ name, ok: failed.length === 0, detail: '' });
  return [
    title,
    ...failed.map(({ run, result }) => `    with ${describeVariant(run)}: ${result?.detail ?? 'no result'}`),
  ];
};

const printPlain = (runs: readonly Run[]): void => {
  const lines = subjects.flatMap(({ name }) => describeSubject(name, runs));
  lines.push('');
  for (const run of runs) {
    const working = run.results.filter(({ ok }) => ok).length;
    const outcome = run.end.kind === 'poweroff' ? '' : `; it did not power off (${describeEnd(run.end)})`;
    lines.push(
      `${describeVariant(run)}: ${working} of ${run.results.length} work${outcome}, ${run.seconds.toFixed(1)} s`,
    );
  }
  lines.push(runs.every(({ ok }) => ok) ? 'everything works on this machine' : 'NOT everything works on this machine');
  process.stdout.write(`${lines.join('\n')}\n`);
};

export const selftest = async (args: string[]): Promise<number> => {
  const given = parseOptions(args, options);
  if (given.help === true) {
    process.stdout.write(help());
    return ExitStatus.success;
  }
  const timeout = parseCount('timeout', given.timeout ?? DEFAULT_TIMEOUT, 1, LONGEST_TIMEOUT);
  const runs: Run[] = [];
  // One after the other: each may use all processors.
  for (const variant of variants) runs.push(await runVariant(variant, timeout));
  const ok = runs.every((run) => run.ok);
  if (given.json === true) process.stdout.write(`${JSON.stringify({ version: version(), ok, runs })}\n`);
  else printPlain(runs);
  return ok ? ExitStatus.success : ExitStatus.failure;
};
