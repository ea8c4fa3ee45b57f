import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type DebPart, parseDeb } from '../../src/images/deb.ts';
import { TarReader } from '../../src/images/tar.ts';
import { deb } from '../../test/images/builders.ts';
import type { FuzzTarget } from '../target.ts';
import { accepting } from './accepting.ts';

const maxOutputLength = 1 << 22;

/** As `readDebPart` does, but at once; xz, whose decoder works asynchronously only, is left out. */
function unpacked({ compression, data }: DebPart): Uint8Array | undefined {
  if (compression === 'none') return data;
  if (compression === 'xz') return undefined;
  try {
    return compression === 'gzip'
      ? gunzipSync(data, { maxOutputLength })
      : zstdDecompressSync(data, { maxOutputLength });
  } catch {
    // Node's decoders are not what is tested here.
    return undefined;
  }
}

function parse(input: Uint8Array): void {
  const { control, data } = parseDeb(input, 'fuzz');
  for (const part of [control, data]) {
    const archive = unpacked(part);
    if (archive === undefined) continue;
    const reader = new TarReader('fuzz', () => () => undefined);
    reader.push(archive);
    reader.finish();
  }
}

export const target: FuzzTarget = {
  name: 'images/deb',
  seeds: (['', '.gz', '.xz', '.zst'] as const).map((suffix) =>
    deb({ data: [{ name: './a', content: 'hello' }], suffix }),
  ),
  run: accepting(parse),
};
