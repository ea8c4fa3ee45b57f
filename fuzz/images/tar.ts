import { TarReader } from '../../src/images/tar.ts';
import { paxRecords, tar } from '../../test/images/builders.ts';
import type { FuzzTarget } from '../target.ts';
import { accepting } from './accepting.ts';

/** The first byte chooses the size of the pieces the archive comes in. */
function parse(input: Uint8Array): void {
  const reader = new TarReader('fuzz', () => () => undefined);
  const piece = 1 + (input[0] ?? 0) * 8;
  for (let at = 1; at < input.length; at += piece) reader.push(input.subarray(at, at + piece));
  reader.finish();
}

const archives = [
  tar([{ name: './' }, { name: './a/b', content: 'hello' }, { name: 'link', type: '2', link: 'a/b' }]),
  tar([
    { name: 'pax', type: 'x', content: paxRecords({ path: 'long', size: '3', mtime: '1.5' }) },
    { name: 's', content: 'abc' },
  ]),
  tar([
    { name: '././@LongLink', type: 'L', content: 'long name\0' },
    { name: 's', type: '1', link: 'a' },
    { name: 'd', type: '3' },
  ]),
];

export const target: FuzzTarget = {
  name: 'images/tar',
  seeds: archives.map((archive) => Uint8Array.of(255, ...archive)),
  run: accepting(parse),
};
