import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { commandStatus, commandWord } from '../src/images/guest-command.ts';
import { type ResolveBootImageOptions, resolveBootImage } from '../src/images/node/boot-image.ts';
import { complaints } from './kernel-log.ts';

/**
 * Boots Debian kernels of all suites, one after another, and prints what they found: `node tools/kernels.ts [PATTERN]`. The
 * pattern is looked for in `SUITE/PACKAGE`. Exit status 1 if any of them does not boot, or complains.
 */

const kernels = [
  { suite: 'bookworm', kernelPackage: 'linux-image-cloud-arm64' },
  { suite: 'bookworm', kernelPackage: 'linux-image-arm64' },
  { suite: 'trixie', kernelPackage: 'linux-image-cloud-arm64' },
  { suite: 'trixie', kernelPackage: 'linux-image-arm64' },
  { suite: 'trixie', kernelPackage: 'linux-image-arm64-16k' },
  { suite: 'sid', kernelPackage: 'linux-image-cloud-arm64' },
  { suite: 'sid', kernelPackage: 'linux-image-arm64' },
] as const satisfies readonly ResolveBootImageOptions[];

const PROGRAM = fileURLToPath(new URL('../bin/hostrock', import.meta.url));
/** Seconds. */
const TIMEOUT = '300';
/** Tells when the shell runs, then what the kernel said. */
const SCRIPT = 'echo shell; dmesg';

interface Result {
  readonly release: string;
  readonly status: number | null;
  readonly xen: boolean;
  readonly events: string;
  /** Lines in which the kernel complains. */
  readonly found: readonly string[];
  /** Seconds from the command to the shell; undefined if it never came. */
  readonly shell: number | undefined;
}

const bootKernel = async (suite: string, kernelPackage: string): Promise<Result> => {
  const { kernelVersion } = await resolveBootImage({ suite, kernelPackage });
  const started = performance.now();
  const args = ['run', '--suite', suite, '--kernel-package', kernelPackage, '--timeout', TIMEOUT];
  const child = spawn(PROGRAM, [...args, '--append', commandWord(SCRIPT)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let shell: number | undefined;
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (shell === undefined && /^shell\r$/m.test(output)) shell = (performance.now() - started) / 1000;
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    release: kernelVersion,
    status: status === 0 ? (commandStatus(output) ?? 1) : status,
    xen: output.includes('Xen 4.17 support found'),
    events: /xen:events: Using (\S+) ABI/.exec(output)?.[1] ?? 'none',
    found: complaints(output),
    shell,
  };
};

const row = (...cells: readonly string[]): string =>
  cells
    .map((cell, i) => cell.padEnd([34, 30, 6, 12, 10, 10][i] ?? 0))
    .join(' ')
    .trimEnd();

const pattern = process.argv[2] ?? '';
const wanted = kernels.filter(({ suite, kernelPackage }) => `${suite}/${kernelPackage}`.includes(pattern));
if (wanted.length === 0) {
  console.error(`no kernel matches '${pattern}'`);
  process.exit(2);
}
console.log(row('kernel', 'release', 'Xen', 'events', 'warnings', 'shell', 'status'));
for (const { suite, kernelPackage } of wanted) {
  const { release, status, xen, events, found, shell } = await bootKernel(suite, kernelPackage);
  const time = shell === undefined ? 'never' : `${shell.toFixed(1)} s`;
  const name = `${suite}/${kernelPackage}`;
  console.log(row(name, release, xen ? '4.17' : 'no', events, String(found.length), time, String(status)));
  for (const line of found) console.log(`    ${line}`);
  if (status !== 0 || !xen || found.length > 0) process.exitCode = 1;
}
