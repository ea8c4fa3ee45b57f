/** The entry point for the command line: boot images by name. */
import { type BootImage, type BootImageContext, provideBootImage } from '../boot-image.ts';
import type { Mirror } from '../debian/archive.ts';
import { ImageError } from '../errors.ts';
import { DebianArchiveKeys } from '../keys/debian-archive.ts';
import type { ProgressListener } from '../progress.ts';
import type { Transport } from '../transport.ts';
import { aptMirror } from './apt-mirror.ts';
import { type Configuration, cachePath, configurationPath, readConfiguration } from './configuration.ts';
import { NodeDecoders } from './decoders.ts';
import { FileStore } from './file-store.ts';
import { readNamedFile } from './named-files.ts';

export interface ResolveBootImageOptions {
  /** A Debian suite or codename; bookworm unless given. */
  readonly suite?: string | undefined;
  /** Linux-image-cloud-arm64 unless given. */
  readonly kernelPackage?: string | undefined;
  /** Address of the folder that holds `dists` and `pool`: http, https or file. */
  readonly mirror?: string | undefined;
  readonly cacheDirectory?: string | undefined;
  /** Nothing is fetched: what is not in the cache is an error. */
  readonly offline?: boolean | undefined;
  /** Look for newer packages; without it, what was resolved once stays. */
  readonly refresh?: boolean | undefined;
  /** Accept Release files past their Valid-Until date, or older than one already seen. */
  readonly allowExpired?: boolean | undefined;
  /** Path of an OpenPGP keyring to trust instead of Debian's keys. */
  readonly keyring?: string | undefined;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The process's unless given: HOSTROCK_MIRROR, HOSTROCK_CACHE, XDG_CACHE_HOME, XDG_CONFIG_HOME, HTTP_PROXY, ... */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/** The option, HOSTROCK_MIRROR, the settings file, or what this machine's apt uses. */
async function findMirror(
  { mirror, allowExpired = false, environment = process.env }: ResolveBootImageOptions,
  configuration: Configuration,
): Promise<Mirror> {
  const given = [mirror, environment.HOSTROCK_MIRROR, configuration.mirror].find(
    (url) => url !== undefined && url !== '',
  );
  if (given !== undefined) return { url: given, allowExpired };
  const found = await aptMirror();
  if (found !== undefined) return { url: found.url, allowExpired: found.allowExpired || allowExpired };
  throw new ImageError(
    'no-mirror',
    'No Debian mirror is known. Name one with --mirror URL, in the environment variable HOSTROCK_MIRROR, or as ' +
      `"mirror" in ${configurationPath(environment)}: the address of the folder that holds "dists" and "pool".`,
  );
}

/** Loads Node's HTTP when something is fetched: it takes longer than reading what is in the cache. */
function httpTransport(environment: NodeJS.ProcessEnv): Transport {
  let loaded: Promise<Transport> | undefined;
  const load = async (): Promise<Transport> => {
    const { HttpTransport } = await import('./http-transport.ts');
    return new HttpTransport({ environment });
  };
  return {
    open: async (...request) => {
      loaded ??= load();
      return await (await loaded).open(...request);
    },
  };
}

/**
 * What this host brings to fetch, check and keep packages of Debian's.
 *
 * @throws ImageError `format`, `permission`, `io` for the settings file or a keyring
 */
export async function imageContext(options: ResolveBootImageOptions = {}): Promise<BootImageContext> {
  const { environment = process.env, onProgress, signal } = options;
  const configuration = await readConfiguration(environment);
  const keyringPath = options.keyring ?? configuration.keyring;
  return {
    transport: httpTransport(environment),
    store: new FileStore(options.cacheDirectory ?? cachePath(configuration, environment)),
    decoders: NodeDecoders,
    keyring: keyringPath === undefined ? DebianArchiveKeys : [await readNamedFile(keyringPath)],
    keyringName: keyringPath ?? "Debian's archive",
    mirror: () => findMirror(options, configuration),
    now: () => new Date(),
    onProgress,
    signal,
  };
}

/**
 * The kernel and ramdisk to boot: from the cache, or fetched from a Debian mirror, verified and built.
 *
 * @throws ImageError of any code
 * @throws the signal's reason when aborted
 */
export async function resolveBootImage(options: ResolveBootImageOptions = {}): Promise<BootImage> {
  const { suite = 'bookworm', kernelPackage = 'linux-image-cloud-arm64', offline = false, refresh = false } = options;
  return await provideBootImage(await imageContext(options), { suite, kernelPackage, offline, refresh });
}
