/** Debian binary packages (deb(5)): an ar archive of a version, a control tar and a data tar. */
import { readAr } from './ar.ts';
import { decodeText } from './bytes.ts';
import { type Compression, type Decoders, decompress } from './decompress.ts';
import { formatError, ImageError } from './errors.ts';
import { TarReader, type TarVisitor } from './tar.ts';

/** One of the two tar archives within a package, still compressed. */
export interface DebPart {
  readonly compression: Compression;
  readonly data: Uint8Array;
  /** Where it starts in the package, in bytes. */
  readonly offset: number;
}

export interface Deb {
  readonly control: DebPart;
  readonly data: DebPart;
}

const CompressionOfSuffix: Readonly<Record<string, Compression>> = {
  '': 'none',
  '.gz': 'gzip',
  '.xz': 'xz',
  '.zst': 'zstd',
};

/** Debian's largest packages unpack to a few GiB. */
const MaximumUnpacked = 16 * 2 ** 30;

/**
 * Finds the parts of a package without unpacking them.
 *
 * @param file the name used in errors
 * @throws ImageError `format`, or `unsupported` for a compression or format version this program does not know
 */
export function parseDeb(bytes: Uint8Array, file: string): Deb {
  const members = readAr(bytes, file);
  const first = members.next();
  if (first.done === true || first.value.name !== 'debian-binary') {
    throw formatError(file, 8, 'not a Debian package: its first member is not debian-binary');
  }
  const version = decodeText(first.value.data.subarray(0, 16));
  if (!/^2\.[0-9]+\n/.test(version)) {
    throw new ImageError('unsupported', `${file}: a Debian package of the unknown format ${JSON.stringify(version)}`);
  }
  let control: DebPart | undefined;
  for (const { name, offset, data } of members) {
    // Members whose name starts with an underscore are for others to use and may stand anywhere.
    if (name.startsWith('_')) continue;
    const stem = control === undefined ? 'control.tar' : 'data.tar';
    if (!name.startsWith(stem)) throw formatError(file, offset, `${stem} expected, ${JSON.stringify(name)} found`);
    const compression = Object.hasOwn(CompressionOfSuffix, name.slice(stem.length))
      ? CompressionOfSuffix[name.slice(stem.length)]
      : undefined;
    if (compression === undefined) throw new ImageError('unsupported', `${file}: ${name} has an unknown compression`);
    const part = { compression, data, offset };
    if (control !== undefined) return { control, data: part };
    control = part;
  }
  throw formatError(file, bytes.length, `truncated: no ${control === undefined ? 'control.tar' : 'data.tar'}`);
}

export interface ReadDebOptions {
  readonly decoders: Decoders;
  readonly signal?: AbortSignal | undefined;
  /** Told how much of the unpacked tar has been read so far, in bytes. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Shows every entry of a part to the visitor, in order. Nothing is written anywhere.
 *
 * @param file the name used in errors; offsets in them count within the unpacked tar
 * @throws ImageError `format` or `unsupported`
 */
export async function readDebPart(
  part: DebPart,
  file: string,
  visit: TarVisitor,
  { decoders, signal, onProgress }: ReadDebOptions,
): Promise<void> {
  const reader = new TarReader(`${file} (unpacked)`, visit);
  let total = 0;
  const options = { decoders, file, offset: part.offset, limit: MaximumUnpacked, signal };
  for await (const piece of decompress(part.data, part.compression, options)) {
    reader.push(piece);
    total += piece.length;
    onProgress?.(total);
  }
  reader.finish();
}
