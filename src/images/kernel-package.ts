/** Takes the kernel and some of its modules out of Debian's kernel packages. */

import { parseDeb, readDebPart } from './deb.ts';
import { type Compression, type Decoders, decompressAll } from './decompress.ts';
import { ImageError } from './errors.ts';
import { moduleNameOfPath, type RamdiskModule } from './initramfs.ts';
import { decodeKernel } from './kernel-image.ts';
import { moduleName, parseKernelModule } from './kernel-module.ts';
import type { ProgressListener } from './progress.ts';
import type { TarEntry } from './tar.ts';

/** A .deb in memory; `file` is its name for messages. */
export interface PackageFile {
  readonly file: string;
  readonly content: Uint8Array;
}

export interface KernelFiles {
  /** As `uname -r` prints it. */
  readonly version: string;
  /** The raw Image. */
  readonly image: Uint8Array;
  /** Those asked for that the kernel has as modules, and what they depend on. */
  readonly modules: readonly RamdiskModule[];
}

export interface UnpackContext {
  readonly decoders: Decoders;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The largest module of Debian's kernels has some 20 MB. */
const MaximumModule = 256 * 2 ** 20;

const ModulePath = /^(?:usr\/)?lib\/modules\/([^/]+)\/(.+)$/;
const BootPath = /^boot\/vmlinuz-([^/]+)$/;
const ModuleFile = /^(kernel\/.+\.ko)(\.gz|\.xz|\.zst)?$/;
const ModuleCompressions: Readonly<Record<string, Compression>> = { '.gz': 'gzip', '.xz': 'xz', '.zst': 'zstd' };

/** Shows every entry of a package's data to the visitor. */
export async function visitPackage(
  { file, content }: PackageFile,
  { decoders, onProgress, signal }: UnpackContext,
  visit: (entry: TarEntry) => ((content: Uint8Array) => void) | undefined,
): Promise<void> {
  const report = (done: number): void => onProgress?.({ step: 'unpack', what: file, done });
  await readDebPart(parseDeb(content, file).data, file, visit, { decoders, signal, onProgress: report });
}

interface StoredModule {
  readonly path: string;
  readonly compression: Compression;
  readonly content: Uint8Array;
}

class KernelReader {
  readonly #packages: readonly PackageFile[];
  readonly #context: UnpackContext;
  readonly #versions = new Set<string>();
  #image: { file: string; content: Uint8Array } | undefined;
  /** The package that has each module. */
  readonly #homes = new Map<string, PackageFile>();
  readonly #stored = new Map<string, StoredModule>();
  readonly #modules = new Map<string, RamdiskModule>();

  constructor(packages: readonly PackageFile[], context: UnpackContext) {
    this.#packages = packages;
    this.#context = context;
  }

  async read(wanted: ReadonlySet<string>): Promise<KernelFiles> {
    await this.#pass(this.#packages, wanted);
    // What a module depends on is known only from its content: go through the packages again for what is missing.
    for (let missing = this.#missing(); missing.size > 0; missing = this.#missing()) {
      const homes = new Set([...missing].flatMap((name) => this.#homes.get(name) ?? []));
      await this.#pass([...homes], missing);
    }
    const names = this.#packages.map(({ file }) => file).join(', ');
    const [version, ...others] = this.#versions;
    if (this.#image === undefined || version === undefined)
      throw new ImageError('format', `${names}: no kernel inside`);
    if (others.length > 0)
      throw new ImageError('format', `${names}: files of several kernels (${version}, ${others[0]})`);
    const image = await decodeKernel(this.#image.content, this.#image.file, this.#context.decoders);
    return { version, image, modules: [...this.#modules.values()] };
  }

  async #pass(packages: readonly PackageFile[], wanted: ReadonlySet<string>): Promise<void> {
    for (const home of packages) await visitPackage(home, this.#context, (entry) => this.#visit(home, entry, wanted));
    const { decoders } = this.#context;
    for (const [name, { path, compression, content }] of this.#stored) {
      const bytes = await decompressAll(content, compression, { decoders, file: path, limit: MaximumModule });
      this.#modules.set(name, { path, content: bytes, ...parseKernelModule(bytes, path) });
    }
    this.#stored.clear();
  }

  #visit(
    home: PackageFile,
    { path, type }: TarEntry,
    wanted: ReadonlySet<string>,
  ): ((content: Uint8Array) => void) | undefined {
    if (type !== 'file') return undefined;
    const [, version, inner] = ModulePath.exec(path) ?? [undefined, BootPath.exec(path)?.[1], 'vmlinuz'];
    if (version === undefined) return undefined;
    this.#versions.add(version);
    if (inner === 'vmlinuz') {
      if (this.#image !== undefined) return undefined;
      return (content) => {
        this.#image = { file: `${home.file}: ${path}`, content };
      };
    }
    const [, plainPath, suffix] = ModuleFile.exec(inner) ?? [];
    if (plainPath === undefined) return undefined;
    const name = moduleNameOfPath(plainPath);
    this.#homes.set(name, home);
    if (!wanted.has(name)) return undefined;
    const compression = suffix === undefined ? 'none' : ModuleCompressions[suffix];
    return (content) => this.#stored.set(name, { path: plainPath, compression, content });
  }

  /** What the modules at hand need and a package has; the rest is built into the kernel. */
  #missing(): Set<string> {
    const needed = [...this.#modules.values()].flatMap(({ depends }) => depends);
    return new Set(needed.filter((name) => !this.#modules.has(name) && this.#homes.has(name)));
  }
}

/**
 * The kernel and the wanted modules from the packages of one kernel build. Modules that the kernel does not have, or
 * has built in, are passed over.
 *
 * @param wanted names of modules; to name their dependencies too saves reading the packages twice
 * @throws ImageError `format` or `unsupported`
 */
export async function readKernelPackages(
  packages: readonly PackageFile[],
  wanted: readonly string[],
  context: UnpackContext,
): Promise<KernelFiles> {
  return await new KernelReader(packages, context).read(new Set(wanted.map(moduleName)));
}

/** The busybox program in a package. */
export async function readBusyboxPackage(source: PackageFile, context: UnpackContext): Promise<Uint8Array> {
  let found: Uint8Array | undefined;
  await visitPackage(source, context, ({ path, type }) => {
    if (type !== 'file' || !/^(?:usr\/)?bin\/busybox$/.test(path)) return undefined;
    return (content) => {
      found = content;
    };
  });
  if (found === undefined) throw new ImageError('format', `${source.file}: no busybox inside`);
  return found;
}
