import { type ChildProcess, spawn } from 'node:child_process';
import { CommandError, ExitStatus } from '../../src/cli/exit-status.ts';
import { processorTime } from '../process-time.ts';

/** Something that runs the programs on command: an emulator whose guest's driver listens on the console, or a chroot. */

export interface Run {
  /** Processor seconds: of the whole emulator, or of the program itself when it runs natively. */
  readonly cpu: number;
  /** Seconds from the command to the answer, seen from the host. */
  readonly wall: number;
  /** User and system time of the program by the clock of the machine it ran in. */
  readonly inside: number;
  /** MD5 of what the program printed. */
  readonly sum: string;
}

/** Text kept to explain a failure. */
const TAIL = 1500;
/** Seconds. */
const BOOT_LIMIT = 300;
const ANSWER_LIMIT = 60;

interface Waiting {
  readonly pattern: RegExp;
  readonly resolve: (match: RegExpExecArray) => void;
  readonly reject: (error: Error) => void;
}

export interface SubjectOptions {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** Whether the process's own time is the figure: it is for an emulator. */
  readonly isEmulator: boolean;
  /** Seconds a program may take. */
  readonly limit: number;
}

export class Subject {
  readonly name: string;
  readonly #isEmulator: boolean;
  readonly #limit: number;
  readonly #child: ChildProcess;
  #text = '';
  /** Where the text not yet looked at begins. */
  #seen = 0;
  #messages = '';
  #waiting: Waiting | undefined;
  #ended: string | undefined;
  /** Its processor time when a program last ended. */
  #lastEnd: number | undefined;
  #between = 0;

  /** Starts it. */
  constructor({ name, command, arguments: args, isEmulator, limit }: SubjectOptions) {
    this.name = name;
    this.#isEmulator = isEmulator;
    this.#limit = limit;
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.on('error', (error) => this.#end(`cannot be started: ${error.message}`));
    this.#child.on('exit', (code, signal) => this.#end(`ended with ${signal ?? `status ${code}`}`));
    this.#child.stdin?.on('error', () => {});
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#messages = (this.#messages + chunk.toString()).slice(-TAIL);
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#look();
    });
  }

  /** Waits until it takes commands. @throws CommandError */
  async ready(): Promise<void> {
    await this.#answer(/^@ready\r?$/m, BOOT_LIMIT, 'getting ready');
  }

  /** Processor seconds of an emulator from the end of one program to the beginning of the next, in all: not in any figure. */
  get between(): number {
    return this.#between;
  }

  /** @throws CommandError if the program fails or does not end */
  async run(program: string): Promise<Run> {
    const before = this.#processorTime();
    this.#between += before - (this.#lastEnd ?? before);
    const start = performance.now();
    const pattern = /^@end (\d+) ([\d.]+) ([\d.]+) ([\d.]+)\r?$/m;
    const [, status, , user, system] = await this.#ask(`run ${program}`, pattern, this.#limit);
    const wall = (performance.now() - start) / 1000;
    const inside = Number(user) + Number(system);
    this.#lastEnd = this.#processorTime();
    const cpu = this.#isEmulator ? Number((this.#lastEnd - before).toFixed(2)) : inside;
    if (status !== '0') {
      const from = this.#text.length;
      await this.#ask('show', /^@shown\r?$/m, ANSWER_LIMIT);
      const printed = this.#text.slice(from).replace('@shown', '').trim();
      throw new CommandError(
        `${program} ended with status ${status} in ${this.name}; it printed:\n${printed}`,
        ExitStatus.failure,
      );
    }
    const [, sum] = await this.#ask('sum', /^@sum ([0-9a-f]{32})\r?$/m, ANSWER_LIMIT);
    return { cpu, wall, inside, sum: sum as string };
  }

  #processorTime(): number {
    return this.#isEmulator ? processorTime(this.#child.pid as number) : 0;
  }

  stop(): void {
    this.#ended ??= 'was stopped';
    this.#child.kill('SIGKILL');
  }

  async #ask(command: string, pattern: RegExp, limit: number): Promise<RegExpExecArray> {
    this.#child.stdin?.write(`${command}\n`);
    return await this.#answer(pattern, limit, command);
  }

  async #answer(pattern: RegExp, limit: number, what: string): Promise<RegExpExecArray> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting = { pattern, resolve, reject };
        timer = setTimeout(() => reject(this.#failure(`took more than ${limit} s: ${what}`)), limit * 1000);
        if (this.#ended !== undefined) reject(this.#failure(this.#ended));
        else this.#look();
      });
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }

  #look(): void {
    const match = this.#waiting?.pattern.exec(this.#text.slice(this.#seen));
    // A line counts when it is complete.
    if (match == null || this.#text[this.#seen + match.index + match[0].length] !== '\n') return;
    this.#seen += match.index + match[0].length + 1;
    this.#waiting?.resolve(match);
  }

  #end(how: string): void {
    this.#ended ??= how;
    this.#waiting?.reject(this.#failure(how));
  }

  #failure(what: string): CommandError {
    const shown = (this.#text.slice(-TAIL) + this.#messages).trimEnd();
    return new CommandError(`${this.name} ${what}\n${shown}`, ExitStatus.failure);
  }
}
