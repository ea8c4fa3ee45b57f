import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianTree } from '../../bench/cpu/debian-tree.ts';
import { guestAdditions, suiteFiles } from '../../bench/cpu/image.ts';
import type { Program } from '../../bench/cpu/program.ts';
import { programs } from '../../bench/cpu/programs.ts';
import { packagesOf } from '../../bench/cpu/subjects.ts';
import type { BootImageContext } from '../../src/images/boot-image.ts';
import { encodeText } from '../../src/images/bytes.ts';
import { type CpioEntry, concatenateCpio, FileType, writeCpio } from '../../src/images/cpio.ts';

/**
 * The ramdisk of the soak: the processor benchmark's programs and data, programs that live with signals, and an /init that does
 * what the console says (guest/soak.pl).
 */

const kind = 'integer';
const packages = ['perl-base', 'python3-minimal', 'bash'];

const signalPrograms: readonly Program[] = [
  { name: 'signals-perl', kind, what: 'perl: timers', packages, script: 'exec perl /bench/guest/signals.pl 400000' },
  {
    name: 'signals-python',
    kind,
    what: 'python: timers',
    packages,
    script: 'exec python3 -S /bench/guest/signals.py 400000',
  },
  { name: 'signals-bash', kind, what: 'bash: traps', packages, script: 'exec bash /bench/guest/signals.sh 60000' },
];

/** Keys are made anew for each ramdisk, which so is never the same twice. */
const KEY = 'bench/data/key.pem';
const UNSTEADY = new Set(['openssl-rsa']);

/** What the guest is to run. */
export const jobs: readonly Program[] = [
  ...programs.filter(({ name, kind }) => kind !== 'operation' && !UNSTEADY.has(name)),
  ...signalPrograms,
];

const INIT = `#!/usr/bin/bash
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox mount -t tmpfs -o size=70% tmpfs /tmp
stty -echo -onlcr
export PATH=/usr/sbin:/usr/bin LC_ALL=C HOME=/tmp PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 PERL_HASH_SEED=0
echo @ready
read -r line
perl /bench/guest/soak.pl $line
busybox poweroff -f
`;

const GUEST_SOURCES = fileURLToPath(new URL('guest/', import.meta.url));

const additions = (): CpioEntry[] => [
  ...suiteFiles(jobs).filter(({ path }) => path !== KEY),
  ...readdirSync(GUEST_SOURCES).map((name) => ({
    path: `bench/guest/${name}`,
    mode: FileType.Regular | 0o644,
    data: readFileSync(join(GUEST_SOURCES, name)),
  })),
];

const init: CpioEntry = { path: 'init', mode: FileType.Regular | 0o755, data: encodeText(INIT) };

/** @throws ImageError of any code */
export const soakRamdisk = async (context: BootImageContext): Promise<Uint8Array> =>
  concatenateCpio([
    await debianTree(context, 'arm64', packagesOf(programs), false),
    guestAdditions(additions()),
    writeCpio([init]),
  ]);
