import { spawn } from 'node:child_process';
import { CommandError, ExitStatus } from '../src/cli/exit-status.ts';
import { peakMemory, processorTime } from './process-time.ts';

/** One boot in a process of its own, watched from outside. */

/** What was seen of one boot. Times are seconds from the start of the process. */
export interface Boot {
  /** Until the kernel said that it starts the first program. */
  readonly init: number;
  /** Until the shell's prompt. */
  readonly shell: number;
  /** Processor time of all threads until then, in seconds. */
  readonly cpu: number;
  /** Peak resident memory until then, in MiB. */
  readonly memory: number;
}

export interface BootExpectation {
  /** What the console shows when the shell is ready. */
  readonly prompt: string;
  /** Seconds. */
  readonly timeout: number;
}

const INIT = ' as init process';
/** Console text kept to explain a boot that failed. */
const TAIL = 1500;

/**
 * Starts a program and kills it when its console shows the prompt.
 *
 * @throws CommandError if it ends or the time runs out before that
 */
export const watchBoot = async (command: string, args: readonly string[], expected: BootExpectation): Promise<Boot> =>
  await new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const elapsed = (): number => (performance.now() - start) / 1000;
    let text = '';
    let messages = '';
    let init = 0;
    let settled = false;
    const finish = (settle: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      child.kill('SIGKILL');
      settle();
    };
    const fail = (what: string): void =>
      finish(() => {
        const shown = (text.slice(-TAIL) + messages.slice(-TAIL)).trimEnd();
        reject(new CommandError(`${command} ${what}; it had shown:\n${shown}`, ExitStatus.failure));
      });
    const timer = setTimeout(
      () => fail(`showed no ${JSON.stringify(init === 0 ? INIT : expected.prompt)} in ${expected.timeout} s`),
      expected.timeout * 1000,
    );
    child.on('error', (error) => fail(`cannot be started: ${error.message}`));
    child.on('exit', (code, signal) => fail(`ended with ${signal ?? `status ${code}`} before there was a shell`));
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk: Buffer) => {
      messages += chunk.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (init === 0 && text.includes(INIT)) init = elapsed();
      if (init === 0 || !text.includes(expected.prompt) || settled) return;
      const shell = elapsed();
      const pid = child.pid as number;
      const cpu = processorTime(pid);
      const memory = peakMemory(pid);
      finish(() => resolve({ init, shell, cpu, memory }));
    });
  });
