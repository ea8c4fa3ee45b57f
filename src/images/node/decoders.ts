/** The decoders Node has of its own beside those of the web. */
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Decoder, Decoders } from '../decompress.ts';
import { WebDecoders } from '../web-decoders.ts';

type ZlibStream = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>;

function decoderOf(create: () => ZlibStream): Decoder {
  return async function* decode(compressed) {
    const stream = create();
    try {
      stream.end(compressed);
      for await (const piece of stream) yield piece as Uint8Array;
    } finally {
      stream.destroy();
    }
  };
}

const chunkSize = 1 << 18;

export const NodeDecoders: Decoders = {
  ...WebDecoders,
  gzip: decoderOf(() => createGunzip({ chunkSize })),
  zstd: decoderOf(() => createZstdDecompress({ chunkSize })),
};
