import { PackagesParser } from '../../src/images/debian/packages.ts';
import { parseRelations } from '../../src/images/debian/relation.ts';
import { resolvePackages } from '../../src/images/debian/resolve.ts';
import { bytesOf } from '../../test/images/builders.ts';
import type { FuzzTarget } from '../target.ts';
import { accepting } from './accepting.ts';

/** The first byte chooses the size of the pieces the index comes in. */
function parse(input: Uint8Array): void {
  const parser = new PackagesParser('fuzz');
  const piece = 1 + (input[0] ?? 0);
  for (let at = 1; at < input.length; at += piece) parser.push(input.subarray(at, at + piece));
  const index = parser.finish();
  for (const name of index.names()) {
    accepting(() => index.versions(name))(input);
    accepting(() => resolvePackages(index, [[{ name }]], { where: 'fuzz' }))(input);
  }
  parseRelations(new TextDecoder().decode(input));
}

const place = `Filename: pool/a.deb\nSize: 1\nSHA256: ${'0'.repeat(64)}\n`;

export const target: FuzzTarget = {
  name: 'images/packages',
  seeds: [
    `zPackage: a\nVersion: 1:2~3-4\nDepends: b (>= 2) | c:any, d [arm64] <!x>\n${place}\nPackage: b\nVersion: 2\n${place}`,
    `zPackage: a\nVersion: 1\nProvides: v (= 1)\nPre-Depends: v (<< 2)\nDescription: x\n more\n${place}`,
  ].map(bytesOf),
  run: accepting(parse),
};
