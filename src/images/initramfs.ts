/** Builds the initial ramdisk: busybox with a link for each of its commands, kernel modules, and our /init. */
import { busyboxApplets } from './busybox.ts';
import { encodeText } from './bytes.ts';
import { type CpioEntry, FileType, writeCpio } from './cpio.ts';
import { ImageError } from './errors.ts';
import { InitScript, PowerScripts } from './init-script.ts';
import { moduleName } from './kernel-module.ts';

/** A module ready to be loaded, with all that it depends on beside it or built into the kernel. */
export interface RamdiskModule {
  /** Below /lib/modules/VERSION, such as kernel/drivers/block/xen-blkfront.ko; not compressed. */
  readonly path: string;
  readonly content: Uint8Array;
  /** Names of modules it needs. */
  readonly depends: readonly string[];
  readonly aliases: readonly string[];
}

export interface InitramfsInput {
  /** A statically linked arm64 busybox. */
  readonly busybox: Uint8Array;
  /** As `uname -r` prints it in the guest. */
  readonly kernelVersion: string;
  readonly modules?: readonly RamdiskModule[];
  /** Names of modules that /init loads at once; the others wait for modprobe. */
  readonly load?: readonly string[];
}

const Directory = FileType.Directory | 0o755;
const Link = FileType.SymbolicLink | 0o777;
const Executable = FileType.Regular | 0o755;
const File = FileType.Regular | 0o644;

const Folders = ['bin', 'dev', 'etc', 'lib', 'lib/modules', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'usr'] as const;
/** One folder for all programs, under each of its customary names. */
const FolderLinks = { sbin: 'bin', 'usr/bin': '../bin', 'usr/lib': '../lib', 'usr/sbin': '../bin' } as const;
const SystemFiles = {
  'etc/group': 'root:x:0:\ntty:x:5:\n',
  'etc/hosts': '127.0.0.1\tlocalhost\n',
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
} as const;

/** The name the kernel knows a module by, from its file's path. */
export function moduleNameOfPath(path: string): string {
  return moduleName(path.slice(path.lastIndexOf('/') + 1).replace(/\.ko(?:\.[a-z]+)?$/, ''));
}

class ModuleSet {
  readonly #byName = new Map<string, RamdiskModule>();

  constructor(modules: readonly RamdiskModule[]) {
    const sorted = [...modules].sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const module of sorted) this.#byName.set(moduleNameOfPath(module.path), module);
  }

  /** The module and all it needs, in an order they can be loaded in; what is built in needs no loading. */
  closure(name: string, found: Set<RamdiskModule> = new Set(), entered: Set<string> = new Set()): Set<RamdiskModule> {
    const module = this.#byName.get(name);
    if (module === undefined || entered.has(name)) return found;
    entered.add(name);
    for (const needed of module.depends) this.closure(needed, found, entered);
    return found.add(module);
  }

  /** Both indexes as modprobe reads them (modules.dep(5)): dependencies are loaded from the last to the first. */
  indexes(): { dep: string; alias: string } {
    let dep = '';
    let alias = '';
    for (const [name, module] of this.#byName) {
      const needed = [...this.closure(name)].slice(0, -1).reverse();
      dep += `${[`${module.path}:`, ...needed.map(({ path }) => path)].join(' ')}\n`;
      for (const pattern of module.aliases) alias += `alias ${pattern} ${name}\n`;
    }
    return { dep, alias };
  }

  entries(kernelVersion: string, load: readonly string[]): CpioEntry[] {
    if (this.#byName.size === 0) return [];
    const root = `lib/modules/${kernelVersion}`;
    const folders = new Set([root]);
    const files: CpioEntry[] = [];
    for (const { path, content } of this.#byName.values()) {
      const parts = path.split('/').slice(0, -1);
      for (let i = 1; i <= parts.length; i++) folders.add(`${root}/${parts.slice(0, i).join('/')}`);
      files.push({ path: `${root}/${path}`, mode: File, data: content });
    }
    const order = new Set<RamdiskModule>();
    for (const name of load) for (const module of this.closure(moduleName(name))) order.add(module);
    const { dep, alias } = this.indexes();
    const texts = {
      'hostrock.load': [...order].map(({ path }) => `${path}\n`).join(''),
      'modules.alias': alias,
      'modules.dep': dep,
    };
    return [
      ...[...folders].map((path) => ({ path, mode: Directory })),
      ...files,
      ...Object.entries(texts).map(([name, text]) => ({ path: `${root}/${name}`, mode: File, data: encodeText(text) })),
    ];
  }
}

/**
 * An uncompressed cpio archive, which an emulated machine unpacks fastest. Equal inputs give equal bytes.
 *
 * @throws ImageError `format` when busybox is not what it should be or the kernel version cannot name a folder
 */
export function buildInitramfs(input: InitramfsInput): Uint8Array<ArrayBuffer> {
  const { busybox, kernelVersion, modules = [], load = [] } = input;
  if (!/^[0-9A-Za-z][0-9A-Za-z.+~_-]*$/.test(kernelVersion)) {
    throw new ImageError('format', `${JSON.stringify(kernelVersion)} is not a kernel version`);
  }
  const applets = busyboxApplets(busybox, 'busybox');
  return writeCpio([
    ...Folders.map((path) => ({ path, mode: Directory })),
    ...Object.entries(FolderLinks).map(([path, target]) => ({ path, mode: Link, data: encodeText(target) })),
    // The kernel opens this before /init has mounted anything.
    { path: 'dev/console', mode: FileType.Character | 0o600, device: [5, 1] },
    { path: 'init', mode: Executable, data: encodeText(InitScript) },
    ...Object.entries(SystemFiles).map(([path, text]) => ({ path, mode: File, data: encodeText(text) })),
    { path: 'bin/busybox', mode: Executable, data: busybox },
    ...Object.entries(PowerScripts).map(([name, text]) => ({
      path: `bin/${name}`,
      mode: Executable,
      data: encodeText(text),
    })),
    ...applets
      .filter((name) => name !== 'busybox' && PowerScripts[name] === undefined)
      .map((name) => ({ path: `bin/${name}`, mode: Link, data: encodeText('busybox') })),
    ...new ModuleSet(modules).entries(kernelVersion, load),
  ]);
}
