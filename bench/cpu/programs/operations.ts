import { registers } from '../../../src/cpu/arm64/assembler.ts';
import { LinuxProgram } from '../operations/linux-program.ts';
import type { Program } from '../program.ts';

/** What a kernel does all day: programs that do one thing so many times and nothing else. */

const { x0, x9, x10, x20, x21, x22, x23, x24, w21, w22, w23, w24 } = registers;

const BINARY_FOLDER = '/bench/bin';
const BYTE = 1;

const operation = (
  name: string,
  what: string,
  operations: number,
  binary: Uint8Array,
  others: Readonly<Record<string, Uint8Array>> = {},
): Program => ({
  name,
  kind: 'operation',
  what,
  packages: [],
  script: `${BINARY_FOLDER}/${name}; echo done`,
  binaries: { [name]: binary, ...others },
  operations,
});

const systemCalls = (count: number): Uint8Array => {
  const program = new LinuxProgram();
  program.repeat(count, () => program.call('getppid'));
  return program.finish();
};

const BASE_PAGE = 4096;
const AREA_PAGES = 4096;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MADV_NOHUGEPAGE = 15;

/** Maps an area, writes to each of its pages, unmaps it. */
const pageFaults = (areas: number): Uint8Array => {
  const program = new LinuxProgram();
  const { assembler } = program;
  const area = AREA_PAGES * BASE_PAGE;
  program.repeat(areas, () => {
    program.call('mmap', 0, area, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    program.check();
    assembler.mov(x20, x0);
    program.call('madvise', x20, area, MADV_NOHUGEPAGE);
    program.check();
    assembler.mov(x9, x20);
    assembler.mov(x10, AREA_PAGES);
    const touch = program.label('touch');
    assembler.label(touch);
    assembler.str(x10, [x9]);
    assembler.add(x9, x9, BASE_PAGE);
    assembler.sub(x10, x10, 1);
    assembler.cbnz(x10, touch);
    program.call('munmap', x20, area);
    program.check();
  });
  return program.finish();
};

const MAP_SHARED_ANONYMOUS = 0x21;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;

/** Two processes on one processor hand a turn to each other: the number in a page they share says whose it is. */
const contextSwitches = (count: number): Uint8Array => {
  const program = new LinuxProgram();
  const { assembler } = program;
  const giveTo = (whose: number): void => {
    assembler.mov(w21, whose);
    assembler.stlr(w21, x20);
    program.call('futex', x20, FUTEX_WAKE, 1, 0);
  };
  const waitWhile = (whose: number): void => {
    const look = program.label('look');
    const mine = program.label('mine');
    assembler.label(look);
    assembler.ldar(w21, x20);
    assembler.cmp(w21, whose);
    assembler.b(mine, 'ne');
    program.call('futex', x20, FUTEX_WAIT, whose, 0);
    assembler.b(look);
    assembler.label(mine);
  };
  program.stayOnFirstProcessor();
  program.call('mmap', 0, BASE_PAGE, PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0);
  program.check();
  assembler.mov(x20, x0);
  program.fork(() => {
    program.repeat(count / 2, () => {
      waitWhile(0);
      giveTo(0);
    });
  });
  program.repeat(count / 2, () => {
    giveTo(1);
    waitWhile(1);
  });
  program.wait();
  return program.finish();
};

/** A byte to another process on the same processor and back. */
const pipeRoundTrips = (count: number): Uint8Array => {
  const program = new LinuxProgram();
  const { assembler } = program;
  program.stayOnFirstProcessor();
  // Two 32-bit descriptors each, to read and to write.
  program.call('pipe2', 'spare', 0);
  program.check();
  assembler.adr(x9, 'spare');
  assembler.ldr(w21, [x9]);
  assembler.ldr(w22, [x9, 4]);
  program.call('pipe2', 'spare', 0);
  program.check();
  assembler.adr(x9, 'spare');
  assembler.ldr(w23, [x9]);
  assembler.ldr(w24, [x9, 4]);
  program.fork(() => {
    program.repeat(count, () => {
      program.call('read', x21, 'spare', BYTE);
      program.call('write', x24, 'spare', BYTE);
    });
  });
  program.repeat(count, () => {
    program.call('write', x22, 'spare', BYTE);
    program.call('read', x23, 'spare', BYTE);
  });
  program.check();
  program.wait();
  return program.finish();
};

const forks = (count: number): Uint8Array => {
  const program = new LinuxProgram();
  program.repeat(count, () => {
    program.fork(() => {});
    program.wait();
  });
  return program.finish();
};

const NOTHING = 'nothing';

/** A process that becomes another program, which ends at once. */
const executions = (count: number): Uint8Array => {
  const program = new LinuxProgram();
  program.repeat(count, () => {
    program.fork(() => {
      program.call('execve', 'path', 'arguments', 0);
      program.call('exit_group', 1);
    });
    program.wait();
  });
  return program.finish((assembler) => {
    assembler.label('path');
    assembler.asciz(`${BINARY_FOLDER}/${NOTHING}`);
    assembler.align(8);
    assembler.label('arguments');
    assembler.quad('path', 0);
  });
};

const SYSTEM_CALLS = 1_500_000;
const FAULT_AREAS = 30;
const CONTEXT_SWITCHES = 100_000;
const ROUND_TRIPS = 60_000;
const FORKS = 3000;
const EXECUTIONS = 1500;

export const operationPrograms: readonly Program[] = [
  operation('system-call', 'getppid', SYSTEM_CALLS, systemCalls(SYSTEM_CALLS)),
  operation(
    'page-fault',
    'the first write to a page, with mapping and unmapping 16 MiB at a time',
    FAULT_AREAS * AREA_PAGES,
    pageFaults(FAULT_AREAS),
  ),
  operation(
    'context-switch',
    'a turn handed to another process on the same processor, by futex',
    CONTEXT_SWITCHES,
    contextSwitches(CONTEXT_SWITCHES),
  ),
  operation(
    'pipe-round-trip',
    'a byte to another process on the same processor and back',
    ROUND_TRIPS,
    pipeRoundTrips(ROUND_TRIPS),
  ),
  operation('fork-wait', 'a process that ends at once', FORKS, forks(FORKS)),
  operation(
    'fork-exec-wait',
    'a process that runs another program without libraries',
    EXECUTIONS,
    executions(EXECUTIONS),
    {
      [NOTHING]: new LinuxProgram().finish(),
    },
  ),
];
