/** The decoders every host with web streams and WebAssembly has: browsers and Node. */
import type { Decoders } from './decompress.ts';

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  // The web's types exclude shared memory; nothing here is read from it.
  return new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
}

async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let ended = false;
  try {
    while (true) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    // A consumer may stop early; the xz decoder serves one stream at a time and must learn of it.
    if (!ended) await reader.cancel().catch(() => undefined);
  }
}

export const WebDecoders: Decoders = {
  gzip: (compressed) => piecesOf(streamOf(compressed).pipeThrough(new DecompressionStream('gzip'))),
  // Loaded when it is needed: its code is large.
  xz: async function* decode(compressed) {
    const { default: xz } = await import('xz-decompress');
    yield* piecesOf(new xz.XzReadableStream(streamOf(compressed)));
  },
};
