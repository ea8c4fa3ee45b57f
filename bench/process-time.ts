import { readFileSync } from 'node:fs';

/** What the kernel counts of a process. */

/** The kernel interface's unit of time, in ticks a second (proc(5); the same on all of Linux's 64-bit architectures). */
const USER_HZ = 100;

/** Fields of /proc/PID/stat after the program's name. */
const StatField = { utime: 11, stime: 12 } as const;

/** Seconds of processor time that all threads of a process have used, those that ended among them. */
export const processorTime = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[StatField.utime]) + Number(fields[StatField.stime])) / USER_HZ;
};

/** The most memory it has held, in MiB. */
export const peakMemory = (pid: number): number => {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) / 1024;
};
