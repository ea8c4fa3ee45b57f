import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootImageContext } from '../../src/images/boot-image.ts';
import { type CpioEntry, concatenateCpio } from '../../src/images/cpio.ts';
import { resolveBootImage } from '../../src/images/node/boot-image.ts';
import { type Contender, fastestQemu, hostrock } from '../contenders.ts';
import { debianTree, SUITE } from './debian-tree.ts';
import { guestAdditions, nativeAdditions, unpack } from './image.ts';
import type { Program } from './program.ts';
import type { SubjectOptions } from './subject.ts';

/** Makes what runs the programs: the two emulators on the same kernel and ramdisk, and a folder with the programs of this machine. */

/** What the driver needs. */
const DRIVER_PACKAGES = ['bash', 'busybox-static', 'coreutils', 'dash'];

/** The packages that some programs need. */
export const packagesOf = (programs: readonly Program[]): string[] =>
  [...new Set([...DRIVER_PACKAGES, ...programs.flatMap(({ packages }) => packages)])].sort();

export interface SuiteSettings {
  readonly context: BootImageContext;
  /** All there are: the images are the same whichever of them are run. */
  readonly programs: readonly Program[];
  /** What the images hold beside Debian's packages (suiteFiles). */
  readonly files: readonly CpioEntry[];
  readonly folder: string;
  readonly memory: number;
  readonly vcpus: number;
  readonly refresh: boolean;
  /** Seconds a program may take. */
  readonly limit: number;
}

export interface Emulators {
  readonly hostrock: SubjectOptions;
  readonly qemu: SubjectOptions;
  /** The kernel, for people. */
  readonly description: string;
}

export const prepareEmulators = async (settings: SuiteSettings): Promise<Emulators> => {
  const { context, programs, files, folder, memory, vcpus, refresh, limit } = settings;
  const { kernel, description } = await resolveBootImage({ suite: SUITE, onProgress: context.onProgress, refresh });
  const tree = await debianTree(context, 'arm64', packagesOf(programs), refresh);
  const machine = {
    kernel: join(folder, 'Image'),
    ramdisk: join(folder, 'ramdisk'),
    memory,
    vcpus,
    append: 'quiet loglevel=1',
  };
  await writeFile(machine.kernel, kernel);
  await writeFile(machine.ramdisk, concatenateCpio([tree, guestAdditions(files)]));
  const options = (contender: Contender): SubjectOptions => ({
    name: contender.name,
    command: contender.command,
    arguments: contender.arguments(machine),
    isEmulator: true,
    limit,
  });
  return { hostrock: options(hostrock), qemu: options(fastestQemu), description };
};

/** Shell commands for a mount namespace of its own: /dev is this machine's, and files are in memory as the guests' are. */
const ENTER = 'mount --rbind /dev "$0/dev" && mount -t tmpfs tmpfs "$0/tmp" && exec chroot "$0" /usr/bin/bash /init';

/** The programs of this machine's own architecture; undefined with the reason where they cannot run. */
export const prepareNative = async (settings: SuiteSettings): Promise<SubjectOptions | string> => {
  const { context, programs, files, folder, refresh, limit } = settings;
  if (process.arch !== 'x64') return `this machine is ${process.arch}, not x86-64`;
  const enter = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
  const { status, stderr, error } = spawnSync('unshare', [...enter, 'true'], { encoding: 'utf8' });
  if (status !== 0) return `no mount namespace for a chroot: ${error?.message ?? stderr.trim()}`;
  const root = join(folder, 'native');
  await mkdir(root);
  await unpack(await debianTree(context, 'amd64', packagesOf(programs), refresh), root);
  await unpack(nativeAdditions(files), root);
  return {
    name: 'native',
    command: 'unshare',
    arguments: [...enter, 'sh', '-c', ENTER, root],
    isEmulator: false,
    limit,
  };
};
