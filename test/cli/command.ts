import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Runs `bin/hostrock` as a user does, and waits for what it says. */

export const PROGRAM = fileURLToPath(new URL('../../bin/hostrock', import.meta.url));

export interface Outcome {
  /** The exit status; null if a signal ended the program. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** What standard input gives before it ends; it stays open if null. */
  readonly input?: string | null;
  readonly folder?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Program and arguments before the command's own, instead of bin/hostrock alone. */
  readonly program?: readonly [string, ...string[]];
  /** Milliseconds until the program counts as hanging. */
  readonly limit?: number;
}

const LIMIT = 60_000;
/** Milliseconds that a hanging program has to end by itself. */
const GRACE = 2000;

/** A command that runs. */
export class Command {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  stdout = '';
  stderr = '';
  #look: () => void = () => {};

  constructor(args: readonly string[], options: CommandOptions = {}) {
    const { input = '', folder, environment = process.env, program = [PROGRAM], limit = LIMIT } = options;
    const [file, ...before] = program;
    this.child = spawn(file, [...before, ...args], {
      env: environment,
      ...(folder === undefined ? {} : { cwd: folder }),
      stdio: 'pipe',
    });
    const { stdin, stdout, stderr } = this.child;
    stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#look();
    });
    // The program may end without reading all.
    stdin?.on('error', () => {});
    if (input !== null) stdin?.end(input);
    this.ended = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#giveUp();
        reject(new Error(`'${args.join(' ')}' hangs after ${limit} ms; it said:\n${this.stdout}${this.stderr}`));
      }, limit);
      this.child.once('close', (status) => {
        clearTimeout(timer);
        resolve({ status, stdout: this.stdout, stderr: this.stderr });
        this.#look();
      });
    });
    // Whoever awaits `ended` hears of it; a test that failed before does not.
    this.ended.catch(() => {});
  }

  /** Resolves as soon as the standard output so far satisfies a condition; rejects if the program ends before. */
  async until(condition: (stdout: string) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#look = () => {
      if (condition(this.stdout)) resolve();
    };
    this.#look();
    const ended = this.ended.then(({ status }) => {
      if (!condition(this.stdout)) throw new Error(`ended early with ${status}:\n${this.stdout}${this.stderr}`);
    });
    await Promise.race([promise, ended]);
  }

  /** Ends the program and whatever it has started, which hears of signals that can be passed on only. */
  #giveUp(): void {
    this.child.kill('SIGTERM');
    setTimeout(() => this.child.kill('SIGKILL'), GRACE).unref();
    for (const stream of this.child.stdio) stream?.destroy();
  }

  /** Types at the console. */
  write(text: string): void {
    this.child.stdin?.write(text);
  }
}

/** Runs a command to its end. */
export const hostrock = async (args: readonly string[], options: CommandOptions = {}): Promise<Outcome> =>
  await new Command(args, options).ended;

/** A folder that lasts as long as the test file. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'hostrock-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};
