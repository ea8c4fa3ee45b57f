/**
 * A client of one suite of a Debian archive: signed Release file, Packages index, packages, each checked against the
 * one before. All that was fetched is kept, and what is kept is used without asking the network.
 */
import { decodeText, encodeText, sha256Hex } from '../bytes.ts';
import { type Compression, type Decoders, decompress } from '../decompress.ts';
import { type DownloadContext, fetchObject, fetchSmall } from '../download.ts';
import { ImageError } from '../errors.ts';
import { type DebianPackage, type PackagesIndex, PackagesParser } from './packages.ts';
import { checkRelease, type IndexFile, parseRelease, type Release } from './release.ts';
import { type Keyring, verifyClearSigned, verifyDetached } from './signature.ts';

/** Where an archive is reached. */
export interface Mirror {
  /** The folder that holds `dists` and `pool`. */
  readonly url: string;
  /** Releases past their Valid-Until date are acceptable, because their administrator or the user said so. */
  readonly allowExpired: boolean;
}

export interface DebianArchiveOptions extends DownloadContext {
  readonly suite: string;
  /** As Debian calls it, such as arm64. */
  readonly architecture: string;
  readonly keyring: Keyring;
  /** How messages call the keyring. */
  readonly keyringName: string;
  /** Asked only when something must be fetched. */
  readonly mirror: () => Promise<Mirror>;
  readonly decoders: Decoders;
  /** Nothing is fetched. */
  readonly offline: boolean;
  readonly now: () => Date;
}

/** The signed text as it was fetched; checked anew whenever it is used. */
interface ReleaseRecord {
  readonly text: string;
  /** Absent when the text carries its signature within (InRelease). */
  readonly signature?: string;
  /** When it was fetched and found good, in ISO format. */
  readonly fetched: string;
}

const Component = 'main';
const MaximumRelease = 16 * 2 ** 20;
/** Debian's largest index has some 70 MB. */
const MaximumIndex = 1 << 30;
interface IndexForm {
  readonly suffix: string;
  readonly compression: Compression;
}

/** Preferred first; they differ in size only. */
const IndexForms: readonly IndexForm[] = [
  { suffix: '.xz', compression: 'xz' },
  { suffix: '.gz', compression: 'gzip' },
  { suffix: '', compression: 'none' },
];

/** Suites name folders and cache records. */
export function checkSuite(suite: string): void {
  if (!/^[a-z0-9][a-z0-9.+-]*$/.test(suite)) {
    throw new ImageError('not-found', `${JSON.stringify(suite)} cannot be the name of a Debian suite`);
  }
}

/** A short name for a keyring, to keep apart what different keys vouch for. */
export async function keyringId(keyring: Keyring): Promise<string> {
  const digests: string[] = [];
  for (const part of keyring) digests.push(await sha256Hex(typeof part === 'string' ? encodeText(part) : part));
  return (await sha256Hex(encodeText(digests.join()))).slice(0, 16);
}

export class DebianArchive {
  readonly #options: DebianArchiveOptions;
  #release: Release | undefined;
  #index: { readonly sha256: string; readonly packages: PackagesIndex } | undefined;
  #isFresh = false;

  /** @throws ImageError `not-found` for an impossible suite name */
  constructor(options: DebianArchiveOptions) {
    checkSuite(options.suite);
    this.#options = options;
  }

  /** Whether the Release file in use was fetched by this object, not by an earlier run. */
  get isFresh(): boolean {
    return this.#isFresh;
  }

  /**
   * Fetches the Release file anew; the index follows when it is next asked for.
   *
   * @throws ImageError `network`, `not-found`, `no-mirror`, `offline`, `signature`, `expired`, `format`
   */
  async refresh(): Promise<Release> {
    const { suite, store, now } = this.#options;
    const known = await this.#storedRelease();
    const { record, release, mirror } = await this.#fetchRelease();
    if (known !== undefined && release.date < known.date && !mirror.allowExpired) {
      throw new ImageError(
        'expired',
        `${mirror.url}: its Release file for ${suite} is of ${release.date.toUTCString()}, older than one already ` +
          `seen (${known.date.toUTCString()}). The mirror lags behind, or someone replays old files. To use it all ` +
          'the same, give --allow-expired.',
      );
    }
    await store.writeRecord(await this.#recordName(), JSON.stringify({ ...record, fetched: now().toISOString() }));
    this.#isFresh = true;
    this.#release = release;
    return release;
  }

  /** The Release file: a kept one if there is one. Errors as for `refresh`. */
  async release(): Promise<Release> {
    this.#release ??= await this.#storedRelease();
    return this.#release ?? (await this.refresh());
  }

  /** The index of packages: a kept one if there is one. Errors as for `refresh`, and `hash`. */
  async packages(): Promise<PackagesIndex> {
    const { suite, architecture } = this.#options;
    const release = await this.release();
    const path = `${Component}/binary-${architecture}/Packages`;
    const form = IndexForms.find(({ suffix }) => release.files.has(path + suffix));
    const file = form === undefined ? undefined : release.files.get(path + form.suffix);
    if (form === undefined || file === undefined) {
      throw new ImageError(
        'not-found',
        `${suite} has no packages for ${architecture}: its Release file lists no ${path}`,
      );
    }
    if (this.#index?.sha256 !== file.sha256) {
      this.#index = { sha256: file.sha256, packages: await this.#readIndex(release, path, form, file) };
    }
    return this.#index.packages;
  }

  /** Whether a package needs no fetching. */
  async has(wanted: DebianPackage): Promise<boolean> {
    return await this.#options.store.has(wanted.sha256, wanted.size);
  }

  /**
   * The content of a .deb.
   *
   * @throws ImageError `network`, `not-found`, `no-mirror`, `offline`, `hash`
   */
  async fetch(wanted: DebianPackage): Promise<Uint8Array> {
    const { name, version, filename, sha256, size } = wanted;
    return await this.#object(`${name} ${version}`, sha256, size, [filename]);
  }

  async #object(what: string, sha256: string, size: number, paths: readonly string[]): Promise<Uint8Array> {
    const stored = await this.#options.store.get(sha256);
    if (stored !== undefined) return stored;
    const { url } = await this.#mirror(what);
    return await fetchObject(this.#options, { what, sha256, size, urls: paths.map((path) => `${url}/${path}`) });
  }

  async #mirror(what: string): Promise<Mirror> {
    const { offline, mirror } = this.#options;
    if (offline) throw new ImageError('offline', `${what} is not in the cache, and must not be fetched when offline`);
    const { url, allowExpired } = await mirror();
    return { url: url.replace(/\/+$/, ''), allowExpired };
  }

  async #recordName(): Promise<string> {
    const { suite, keyring } = this.#options;
    return `release-${suite}-${await keyringId(keyring)}`;
  }

  async #verify(record: ReleaseRecord, file: string, now: Date): Promise<Release> {
    const { keyring, keyringName } = this.#options;
    const options = { keyring, keyringName, now, file };
    if (record.signature === undefined) return parseRelease(await verifyClearSigned(record.text, options), file);
    await verifyDetached(encodeText(record.text), record.signature, options);
    return parseRelease(record.text, file);
  }

  /** Undefined when there is none, or it is damaged. */
  async #storedRelease(): Promise<Release | undefined> {
    const text = await this.#options.store.readRecord(await this.#recordName());
    if (text === undefined) return undefined;
    try {
      const record = JSON.parse(text) as ReleaseRecord;
      // Keys expire; what was good when it came stays good.
      return await this.#verify(record, 'the cached Release file', new Date(record.fetched));
    } catch {
      return undefined;
    }
  }

  async #fetchRelease(): Promise<{ record: Omit<ReleaseRecord, 'fetched'>; release: Release; mirror: Mirror }> {
    const { suite, now } = this.#options;
    const what = `the Release file of ${suite}`;
    const mirror = await this.#mirror(what);
    const folder = `${mirror.url}/dists/${suite}`;
    const get = async (name: string): Promise<string> =>
      decodeText(await fetchSmall(this.#options, `${folder}/${name}`, what, MaximumRelease));
    let record: Omit<ReleaseRecord, 'fetched'>;
    let file = `${folder}/InRelease`;
    try {
      record = { text: await get('InRelease') };
    } catch (error) {
      if (!(error instanceof ImageError) || error.code !== 'not-found') throw error;
      file = `${folder}/Release`;
      record = { text: await get('Release'), signature: await get('Release.gpg') };
    }
    const release = await this.#verify({ ...record, fetched: '' }, file, now());
    checkRelease(release, suite, now(), mirror.allowExpired, file);
    return { record, release, mirror };
  }

  async #readIndex(release: Release, path: string, form: IndexForm, file: IndexFile): Promise<PackagesIndex> {
    const { suite, decoders, onProgress, signal } = this.#options;
    const { suffix, compression } = form;
    const what = `the package index of ${suite}`;
    const folder = `dists/${suite}/`;
    const byHash = `${folder}${path.slice(0, path.lastIndexOf('/'))}/by-hash/SHA256/${file.sha256}`;
    const paths = [...(release.byHash ? [byHash] : []), folder + path + suffix];
    const content = await this.#object(what, file.sha256, file.size, paths);
    const parser = new PackagesParser(what);
    const total = release.files.get(path)?.size;
    let done = 0;
    for await (const piece of decompress(content, compression, { decoders, file: what, limit: MaximumIndex, signal })) {
      parser.push(piece);
      done += piece.length;
      onProgress?.({ step: 'unpack', what, done, ...(total === undefined ? {} : { total }) });
    }
    return parser.finish();
  }
}
