import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CommandError, ExitStatus } from '../src/cli/exit-status.ts';

/** The programs that boot the same kernel and ramdisk. */

export interface Machine {
  /** Paths; the kernel is a raw Image, so that nobody has to unpack it. */
  readonly kernel: string;
  readonly ramdisk: string | undefined;
  /** MiB. */
  readonly memory: number;
  readonly vcpus: number;
  /** Further words of the kernel command line. */
  readonly append?: string;
}

export interface Contender {
  readonly name: string;
  readonly command: string;
  arguments(machine: Machine): string[];
}

const QEMU = 'qemu-system-aarch64';
/** The Debian package that has it. */
const QEMU_PACKAGE = 'qemu-system-arm';

/** Node runs the command line itself: bin/hostrock would be one more process to measure. */
export const hostrock: Contender = {
  name: 'hostrock',
  command: process.execPath,
  arguments: ({ kernel, ramdisk, memory, vcpus, append }) => [
    fileURLToPath(new URL('../src/cli/main.ts', import.meta.url)),
    'run',
    ...['--kernel', kernel],
    ...(ramdisk === undefined ? [] : ['--ramdisk', ramdisk]),
    ...['--memory', `${memory}M`, '--vcpus', String(vcpus)],
    ...(append === undefined ? [] : ['--append', append]),
  ],
};

const qemu = (cpu: string): Contender => ({
  name: `qemu -cpu ${cpu}`,
  command: QEMU,
  arguments: ({ kernel, ramdisk, memory, vcpus, append = '' }) => [
    ...['-M', 'virt,gic-version=3', '-cpu', cpu, '-accel', 'tcg', '-m', `${memory}M`, '-smp', String(vcpus)],
    ...['-nodefaults', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
    ...['-kernel', kernel, '-append', `console=ttyAMA0 panic=-1 ${append}`.trimEnd()],
    ...(ramdisk === undefined ? [] : ['-initrd', ramdisk]),
  ],
});

/** QEMU at its fastest: authentication of pointers and SVE are costly to emulate. */
export const fastestQemu = qemu('max,pauth=off,sve=off');

/** hostrock first; then QEMU as it comes, and QEMU at its fastest. */
export const contenders: readonly [Contender, ...Contender[]] = [hostrock, qemu('cortex-a57'), fastestQemu];

/** QEMU's version. @throws CommandError if it cannot be started */
export const qemuVersion = (): string => {
  const { error, stdout } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  if (error !== undefined) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(
      code === 'ENOENT'
        ? `${QEMU} is not installed; on Debian it is in the package ${QEMU_PACKAGE}`
        : `${QEMU} cannot be started: ${error.message}`,
      ExitStatus.failure,
    );
  }
  return stdout.split('\n')[0] as string;
};
