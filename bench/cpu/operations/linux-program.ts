import { Assembler, type GeneralRegister, registers } from '../../../src/cpu/arm64/assembler.ts';
import { ENTRY, staticProgram } from './elf.ts';

/** Small programs that call Linux and nothing else. */

/** Numbers of system calls on arm64 (Linux include/uapi/asm-generic/unistd.h). */
export const SystemCall = {
  pipe2: 59,
  read: 63,
  write: 64,
  exit_group: 94,
  futex: 98,
  sched_setaffinity: 122,
  getppid: 173,
  munmap: 215,
  clone: 220,
  execve: 221,
  mmap: 222,
  madvise: 233,
  wait4: 260,
} as const;

const SIGCHLD = 17;
const SPARE = 64;

const { x0, x1, x2, x3, x4, x5, x8, x19 } = registers;
const ARGUMENTS = [x0, x1, x2, x3, x4, x5] as const;

/** A label stands for its address. */
type Argument = number | string | GeneralRegister;

export class LinuxProgram {
  readonly assembler = new Assembler(ENTRY);
  #labels = 0;

  /** A name that no other label has. */
  label(stem: string): string {
    return `${stem} ${this.#labels++}`;
  }

  /** A system call; its result is in x0. X registers from 19 on keep their values. */
  call(name: keyof typeof SystemCall, ...values: readonly Argument[]): void {
    values.forEach((value, i) => {
      const register = ARGUMENTS[i] as GeneralRegister;
      if (typeof value === 'string') this.assembler.adr(register, value);
      else this.assembler.mov(register, value);
    });
    this.assembler.mov(x8, SystemCall[name]);
    this.assembler.svc(0);
  }

  /** Ends the program with status 1 if the last call failed. */
  check(): void {
    this.assembler.tbnz(x0, 63, 'failed');
  }

  /** Runs a body so many times; x19 counts. */
  repeat(count: number, body: () => void): void {
    const next = this.label('next');
    this.assembler.mov(x19, count);
    this.assembler.label(next);
    body();
    this.assembler.sub(x19, x19, 1);
    this.assembler.cbnz(x19, next);
  }

  /** Makes a process that runs the body and ends; the first one goes on behind it. */
  fork(body: () => void): void {
    const parent = this.label('parent');
    this.call('clone', SIGCHLD, 0, 0, 0, 0);
    this.check();
    this.assembler.cbnz(x0, parent);
    body();
    this.call('exit_group', 0);
    this.assembler.label(parent);
  }

  /** Waits for a child, any. */
  wait(): void {
    this.call('wait4', -1, 0, 0, 0);
    this.check();
  }

  /** Keeps this process and its children on the first processor. */
  stayOnFirstProcessor(): void {
    this.call('sched_setaffinity', 0, 8, 'first processor');
    this.check();
  }

  /** The program, ended with status 0; `spare` is a label for 64 bytes of memory. `data` writes what has further labels. */
  finish(data: (assembler: Assembler) => void = () => {}): Uint8Array {
    const { assembler } = this;
    this.call('exit_group', 0);
    assembler.label('failed');
    this.call('exit_group', 1);
    assembler.align(8);
    assembler.label('first processor');
    assembler.quad(1);
    data(assembler);
    assembler.align(8);
    assembler.label('spare');
    return staticProgram(assembler.finish(), SPARE);
  }
}
