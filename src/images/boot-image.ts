/** The images a machine boots: a kernel of Debian's and a ramdisk made for it, from an archive or from the cache. */
import { encodeText, sha256Hex } from './bytes.ts';
import { checkSuite, DebianArchive, keyringId, type Mirror } from './debian/archive.ts';
import type { DebianPackage, PackagesIndex } from './debian/packages.ts';
import { resolvePackages } from './debian/resolve.ts';
import type { Keyring } from './debian/signature.ts';
import type { Decoders } from './decompress.ts';
import type { DownloadContext } from './download.ts';
import { ImageError } from './errors.ts';
import { InitScript, PowerScripts } from './init-script.ts';
import { buildInitramfs } from './initramfs.ts';
import { type PackageFile, readBusyboxPackage, readKernelPackages } from './kernel-package.ts';

export interface BootImage {
  /** The raw arm64 Image, not compressed. */
  readonly kernel: Uint8Array;
  /** An uncompressed cpio archive. */
  readonly ramdisk: Uint8Array;
  /** For people: what it is and which version. */
  readonly description: string;
  /** As `uname -r` prints it. */
  readonly kernelVersion: string;
  /** Whether it was ready in the cache. */
  readonly isCached: boolean;
}

/** What a host brings: how to fetch, where to keep, what time it is. */
export interface BootImageContext extends DownloadContext {
  readonly decoders: Decoders;
  readonly keyring: Keyring;
  readonly keyringName: string;
  readonly mirror: () => Promise<Mirror>;
  readonly now: () => Date;
}

export interface BootImageChoice {
  /** A suite's name or codename. */
  readonly suite: string;
  /** A kernel package or one that depends on the current one. */
  readonly kernelPackage: string;
  /** Nothing is fetched: what is not in the cache is an error. */
  readonly offline: boolean;
  /** Look for newer packages; without it, what was resolved once stays. */
  readonly refresh: boolean;
}

const Architecture = 'arm64';
const BusyboxPackage = 'busybox-static';

/** Drivers of Xen's paravirtual devices, loaded as the machine starts. */
const DriverModules = ['xen-blkfront', 'xen-fbfront', 'xen-kbdfront', 'xen-netfront'] as const;
/** Loaded on demand: shared folders, the file systems of disks, and what a backend in a guest needs. */
const FurtherModules = [
  '9p',
  '9pnet_xen',
  'crc32c_generic',
  'ext4',
  'loop',
  'overlay',
  'squashfs',
  'xen-evtchn',
  'xen-gntdev',
  'xenfs',
] as const;
/** What these depend on in the kernels known so far; others are found, too, at the price of a second reading. */
const KnownDependencies = ['9pnet', 'crc16', 'fscache', 'jbd2', 'mbcache', 'netfs', 'xen-privcmd'] as const;

/** Raised when equal packages would give another image for a reason not in `imageKey`. */
const BuilderVersion = 1;

interface ImageRecord {
  readonly kernel: string;
  readonly ramdisk: string;
  readonly kernelVersion: string;
  readonly description: string;
}

function parseRecord(text: string | undefined): ImageRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const { kernel, ramdisk, kernelVersion, description } = JSON.parse(text) as Partial<Record<string, unknown>>;
    if (typeof kernel !== 'string' || typeof ramdisk !== 'string') return undefined;
    if (typeof kernelVersion !== 'string' || typeof description !== 'string') return undefined;
    return { kernel, ramdisk, kernelVersion, description };
  } catch {
    // A damaged record is as good as none.
    return undefined;
  }
}

/** Names what the image depends on beside the packages themselves. */
async function imageKey({ suite, kernelPackage }: BootImageChoice, keyring: Keyring): Promise<string> {
  const modules = [DriverModules, FurtherModules];
  const inputs = [
    BuilderVersion,
    Architecture,
    BusyboxPackage,
    modules,
    InitScript,
    PowerScripts,
    await keyringId(keyring),
  ];
  const digest = await sha256Hex(encodeText(JSON.stringify(inputs)));
  return `image-${suite}-${kernelPackage}-${digest.slice(0, 16)}`;
}

async function cachedImage(context: BootImageContext, key: string): Promise<BootImage | undefined> {
  const record = parseRecord(await context.store.readRecord(key));
  if (record === undefined) return undefined;
  const [kernel, ramdisk] = await Promise.all([context.store.get(record.kernel), context.store.get(record.ramdisk)]);
  if (kernel === undefined || ramdisk === undefined) return undefined;
  const { kernelVersion, description } = record;
  return { kernel, ramdisk, kernelVersion, description, isCached: true };
}

interface Chosen {
  readonly kernel: DebianPackage;
  /** All packages of the kernel's build. */
  readonly parts: readonly DebianPackage[];
  readonly busybox: DebianPackage;
}

function choosePackages(index: PackagesIndex, { suite, kernelPackage }: BootImageChoice): Chosen {
  const where = `Debian ${suite} for ${Architecture}`;
  // The parts of one kernel build, and they alone, are tied to each other by their exact version.
  const parts = resolvePackages(index, [[{ name: kernelPackage }]], {
    where,
    follow: (_, group) => group.length === 1 && group[0].operator === '=',
  });
  const [busybox] = resolvePackages(index, [[{ name: BusyboxPackage }]], { where, follow: () => false });
  return { kernel: parts[parts.length - 1], parts, busybox };
}

/** Chooses by what is in the cache if that suffices, by what the archive has now otherwise. */
async function chooseFrom(archive: DebianArchive, choice: BootImageChoice): Promise<Chosen> {
  if (choice.refresh) await archive.refresh();
  try {
    const chosen = choosePackages(await archive.packages(), choice);
    const cached = await Promise.all([...chosen.parts, chosen.busybox].map((wanted) => archive.has(wanted)));
    if (archive.isFresh || choice.offline || cached.every((isCached) => isCached)) return chosen;
  } catch (error) {
    const isStale = error instanceof ImageError && (error.code === 'dependency' || error.code === 'not-found');
    if (!isStale || archive.isFresh || choice.offline) throw error;
  }
  // The mirror may have dropped what an older index names.
  await archive.refresh();
  return choosePackages(await archive.packages(), choice);
}

async function buildImage(context: BootImageContext, choice: BootImageChoice): Promise<BootImage> {
  const { decoders, onProgress, signal } = context;
  const archive = new DebianArchive({ ...context, ...choice, architecture: Architecture });
  const { kernel, parts, busybox } = await chooseFrom(archive, choice);
  const fetched = async (wanted: DebianPackage): Promise<PackageFile> => ({
    file: wanted.filename.slice(wanted.filename.lastIndexOf('/') + 1),
    content: await archive.fetch(wanted),
  });
  const files: PackageFile[] = [];
  for (const part of parts) files.push(await fetched(part));
  const busyboxFile = await fetched(busybox);
  const unpack = { decoders, onProgress, signal };
  const modules = [...DriverModules, ...FurtherModules, ...KnownDependencies];
  const { version, image, modules: found } = await readKernelPackages(files, modules, unpack);
  onProgress?.({ step: 'build', what: `the ramdisk for Linux ${version}`, done: 0 });
  const ramdisk = buildInitramfs({
    busybox: await readBusyboxPackage(busyboxFile, unpack),
    kernelVersion: version,
    modules: found,
    load: DriverModules,
  });
  const description = `Debian ${choice.suite}, ${kernel.name} ${kernel.version}, ${busybox.name} ${busybox.version}`;
  return { kernel: image, ramdisk, kernelVersion: version, description, isCached: false };
}

/**
 * The kernel and ramdisk for a choice. What is ready in the cache is returned without network or signature work, its
 * hashes checked; what is damaged there is made again.
 *
 * @throws ImageError of any code
 * @throws the signal's reason when aborted
 */
export async function provideBootImage(context: BootImageContext, choice: BootImageChoice): Promise<BootImage> {
  checkSuite(choice.suite);
  if (!/^[a-z0-9][a-z0-9+.-]+$/.test(choice.kernelPackage)) {
    throw new ImageError(
      'dependency',
      `${JSON.stringify(choice.kernelPackage)} cannot be the name of a Debian package`,
    );
  }
  const key = await imageKey(choice, context.keyring);
  if (!choice.refresh) {
    const ready = await cachedImage(context, key);
    if (ready !== undefined) return ready;
  }
  const image = await buildImage(context, choice);
  const { store } = context;
  const { kernelVersion, description } = image;
  const record: ImageRecord = {
    kernel: await store.put(image.kernel),
    ramdisk: await store.put(image.ramdisk),
    kernelVersion,
    description,
  };
  await store.writeRecord(key, JSON.stringify(record));
  return image;
}
