/** Decompression of the formats Debian's archive and Linux's build use, through one interface a host fills in. */
import { concatBytes, startsWith } from './bytes.ts';
import { formatError, ImageError } from './errors.ts';

export type Compression = 'none' | 'gzip' | 'xz' | 'zstd';

/** One compression's decoder: the whole compressed content in, the content out in pieces; throws on bad input. */
export type Decoder = (compressed: Uint8Array) => AsyncIterable<Uint8Array>;

/** A host's decoders; what is absent the host cannot do. */
export type Decoders = Readonly<Partial<Record<Exclude<Compression, 'none'>, Decoder>>>;

const Signatures: readonly (readonly [Compression, Uint8Array])[] = [
  ['gzip', Uint8Array.of(0x1f, 0x8b, 8)],
  ['xz', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)],
  ['zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)],
];

/** The compression that the first bytes show, `none` when they show none of ours. */
export function compressionOf(bytes: Uint8Array): Compression {
  return Signatures.find(([, signature]) => startsWith(bytes, signature))?.[0] ?? 'none';
}

export interface DecompressOptions {
  readonly decoders: Decoders;
  /** The name used in errors. */
  readonly file: string;
  /** Where in that file the compressed content starts, in bytes. */
  readonly offset?: number;
  /** More output than this many bytes is an error. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The content in pieces, each valid until the next is asked for. Only one xz stream is decoded at a time: to start
 * another while one is unfinished waits for ever.
 *
 * @throws ImageError `format` for corrupt or oversized content, `unsupported` when the host has no such decoder
 */
export async function* decompress(
  compressed: Uint8Array,
  compression: Compression,
  options: DecompressOptions,
): AsyncGenerator<Uint8Array> {
  const { decoders, file, offset = 0, limit, signal } = options;
  if (compression === 'none') {
    yield compressed;
    return;
  }
  const decoder = decoders[compression];
  if (decoder === undefined) {
    throw new ImageError('unsupported', `${file}: compressed with ${compression}, which this host cannot decompress`);
  }
  let total = 0;
  const pieces = decoder(compressed)[Symbol.asyncIterator]();
  try {
    while (true) {
      signal?.throwIfAborted();
      const { done, value } = await pieces.next().catch((cause: unknown) => {
        throw formatError(file, offset, `the ${compression} data is corrupt or truncated`, { cause });
      });
      if (done === true) return;
      total += value.length;
      if (total > limit) throw formatError(file, offset, `the ${compression} data expands to more than ${limit} bytes`);
      yield value;
    }
  } finally {
    await pieces.return?.();
  }
}

/** Like `decompress`, in one piece. */
export async function decompressAll(
  compressed: Uint8Array,
  compression: Compression,
  options: DecompressOptions,
): Promise<Uint8Array> {
  if (compression === 'none') return compressed;
  const parts: Uint8Array[] = [];
  for await (const piece of decompress(compressed, compression, options)) parts.push(piece.slice());
  return concatBytes(parts);
}
