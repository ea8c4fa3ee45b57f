import type { BootImageContext } from '../../src/images/boot-image.ts';
import { encodeText, sha256Hex } from '../../src/images/bytes.ts';
import { type CpioEntry, FileType, writeCpio } from '../../src/images/cpio.ts';
import { DebianArchive, keyringId } from '../../src/images/debian/archive.ts';
import type { DebianPackage } from '../../src/images/debian/packages.ts';
import { resolvePackages } from '../../src/images/debian/resolve.ts';
import { ImageError } from '../../src/images/errors.ts';
import { visitPackage } from '../../src/images/kernel-package.ts';
import type { TarEntry } from '../../src/images/tar.ts';

/**
 * The programs of some Debian packages and the libraries they need, as one tree of files that a machine or a chroot(2) can have
 * as its root. No maintainer script runs, so nothing is there that only these make, such as /etc/alternatives.
 */

export type Architecture = 'arm64' | 'amd64';

export const SUITE = 'bookworm';

/** Raised when equal packages would give another tree. */
const TREE_VERSION = 1;

/** Needed by maintainer scripts alone. */
const SKIPPED_PACKAGES = new Set([
  'debconf',
  'debconf-2.0',
  'dpkg',
  'install-info',
  'media-types',
  'perl:any',
  'sensible-utils',
  'ucf',
]);

/** Folders of the root that are links into /usr since Debian 12. */
const MERGED = ['bin', 'lib', 'lib64', 'sbin'] as const;

/** Programs, libraries and what these read; no documentation, translation or character set. */
const KEPT = /^usr\/(?:bin|sbin|lib|lib64|libexec)\//;
const DROPPED = /^usr\/lib\/(?:[^/]+\/(?:gconv|audit)|udev|systemd|debug|valgrind)\//;

interface TreeFile {
  readonly mode: number;
  readonly data: Uint8Array;
}

const merged = (path: string): string =>
  (MERGED as readonly string[]).includes(path.split('/', 1)[0] as string) ? `usr/${path}` : path;

class Tree {
  readonly #files = new Map<string, TreeFile>();

  /** What a package's tar visitor does. */
  readonly visit = ({ path: raw, type, mode, linkTarget }: TarEntry): ((content: Uint8Array) => void) | undefined => {
    const path = merged(raw);
    if (!KEPT.test(path) || DROPPED.test(path)) return undefined;
    if (type === 'file') {
      return (data) => {
        this.#files.set(path, { mode: FileType.Regular | (mode & 0o777), data });
      };
    }
    if (type === 'symlink') {
      this.#files.set(path, { mode: FileType.SymbolicLink | 0o777, data: encodeText(linkTarget) });
    } else if (type === 'link') {
      const target = this.#files.get(merged(linkTarget));
      if (target !== undefined) this.#files.set(path, target);
    }
    return undefined;
  };

  entries(): CpioEntry[] {
    const folders = new Set(MERGED.map((name) => `usr/${name}`));
    for (const path of this.#files.keys()) {
      for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) folders.add(path.slice(0, at));
    }
    const all: CpioEntry[] = [
      ...[...folders].map((path) => ({ path, mode: FileType.Directory | 0o755 })),
      ...[...this.#files].map(([path, file]) => ({ path, ...file })),
    ];
    return [
      { path: 'usr', mode: FileType.Directory | 0o755 },
      ...all.filter(({ path }) => path !== 'usr').sort((a, b) => (a.path < b.path ? -1 : 1)),
      ...MERGED.map((name) => ({ path: name, mode: FileType.SymbolicLink | 0o777, data: encodeText(`usr/${name}`) })),
    ];
  }
}

const choose = async (archive: DebianArchive, architecture: Architecture, names: readonly string[]) =>
  resolvePackages(
    await archive.packages(),
    names.map((name) => [{ name }]),
    {
      where: `Debian ${SUITE} for ${architecture}`,
      follow: (_, group) => !group.some(({ name }) => SKIPPED_PACKAGES.has(name)),
    },
  );

/** Fetches the packages, or takes them from the cache, and unpacks them. */
const build = async (
  context: BootImageContext,
  archive: DebianArchive,
  packages: readonly DebianPackage[],
): Promise<Uint8Array> => {
  const tree = new Tree();
  for (const item of packages) {
    const file = item.filename.slice(item.filename.lastIndexOf('/') + 1);
    await visitPackage({ file, content: await archive.fetch(item) }, context, tree.visit);
  }
  return writeCpio(tree.entries());
};

/**
 * A cpio archive of the tree for the named packages; from the cache if it was built before.
 *
 * @throws ImageError of any code
 */
export const debianTree = async (
  context: BootImageContext,
  architecture: Architecture,
  names: readonly string[],
  refresh: boolean,
): Promise<Uint8Array> => {
  const { store, keyring } = context;
  const inputs = [TREE_VERSION, names, String(KEPT), String(DROPPED), [...SKIPPED_PACKAGES], await keyringId(keyring)];
  const digest = await sha256Hex(encodeText(JSON.stringify(inputs)));
  const key = `bench-${SUITE}-${architecture}-${digest.slice(0, 16)}`;
  const known = refresh ? undefined : await store.readRecord(key);
  const cached = known === undefined ? undefined : await store.get(known);
  if (cached !== undefined) return cached;
  const archive = new DebianArchive({ ...context, suite: SUITE, architecture, offline: false });
  if (refresh) await archive.refresh();
  let tree: Uint8Array;
  try {
    tree = await build(context, archive, await choose(archive, architecture, names));
  } catch (error) {
    // The mirror may have dropped what an older index names.
    if (archive.isFresh || !(error instanceof ImageError) || error.code !== 'not-found') throw error;
    await archive.refresh();
    tree = await build(context, archive, await choose(archive, architecture, names));
  }
  await store.writeRecord(key, await store.put(tree));
  return tree;
};
