import { type ChildProcess, spawn } from 'node:child_process';
import { complaints } from '../kernel-log.ts';

/** A machine that runs the soak's ramdisk: what its jobs printed, and what went wrong. */

/** A job that has ended. */
export interface Job {
  readonly name: string;
  readonly status: number;
  /** MD5 of what it printed. */
  readonly sum: string;
}

export interface MachineEvents {
  onJob(job: Job): void;
  /** A line of the console that says nothing of a job. */
  onLine(line: string): void;
}

export interface MachineEnd {
  /** What went wrong; undefined if the work is done. */
  readonly trouble: string | undefined;
  /** What it wrote to standard error, the end of it. */
  readonly messages: string;
}

const JOB = /^@job (\S+) (\d+) ([0-9a-f]{32})$/;
/** Text of standard error kept to explain an end. */
const TAIL = 8000;

/** Starts a machine, gives it its line of work, and waits for the end; `limit` is in seconds without any job's end. */
export const runMachine = async (
  command: string,
  args: readonly string[],
  work: string,
  limit: number,
  { onJob, onLine }: MachineEvents,
): Promise<MachineEnd> => {
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let finished = false;
  let trouble: string | undefined;
  let messages = '';
  let rest = '';
  const fail = (what: string): void => {
    trouble ??= what;
    child.kill('SIGKILL');
  };
  const silent = (): void => fail(`no job has ended for ${limit} s`);
  let timer = setTimeout(silent, limit * 1000);
  const take = (line: string): void => {
    const job = JOB.exec(line);
    if (job !== null) {
      clearTimeout(timer);
      timer = setTimeout(silent, limit * 1000);
      onJob({ name: job[1] as string, status: Number(job[2]), sum: job[3] as string });
    } else if (line === '@ready') child.stdin?.write(`${work}\n`);
    else if (line === '@end') finished = true;
    else if (line !== '') {
      onLine(line);
      const [complaint] = complaints(line);
      // What follows tells more.
      if (complaint !== undefined) setTimeout(() => fail(`the kernel complains: ${complaint}`), 2000);
    }
  };
  child.stdin?.on('error', () => {});
  child.stderr?.on('data', (chunk: Buffer) => {
    messages = (messages + chunk.toString()).slice(-TAIL);
  });
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) take(line.replace(/\r$/, ''));
  });
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  process.on('exit', stop);
  const how = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`cannot be started: ${error.message}`));
    child.on('close', (code, signal) => resolve(signal ?? `status ${code}`));
  });
  process.off('exit', stop);
  clearTimeout(timer);
  if (!finished) trouble ??= `it ended too early, with ${how}: ${messages.trimEnd()}`;
  return { trouble, messages };
};
