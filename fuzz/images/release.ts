import { aptSetting, parseDeb822Sources, parseSourcesList } from '../../src/images/debian/apt-sources.ts';
import { parseRelease } from '../../src/images/debian/release.ts';
import { releaseText } from '../../test/images/archive-server.ts';
import { bytesOf } from '../../test/images/builders.ts';
import type { FuzzTarget } from '../target.ts';
import { accepting } from './accepting.ts';

/** All small text files: Release, both kinds of apt sources, apt.conf. */
function parse(input: Uint8Array): void {
  const text = new TextDecoder().decode(input);
  accepting(() => parseRelease(text, 'fuzz'))(input);
  accepting(() => parseDeb822Sources(text, 'fuzz'))(input);
  parseSourcesList(text);
  aptSetting(text, 'Acquire::Check-Valid-Until');
}

export const target: FuzzTarget = {
  name: 'images/release',
  seeds: [
    releaseText(
      { suite: 'bookworm', validUntil: new Date(0) },
      new Map([['main/binary-arm64/Packages', bytesOf('x')]]),
    ),
    'Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm\nComponents: main\nSigned-By: x\n',
    'deb [arch=arm64 signed-by=x] http://mirror.invalid/debian bookworm main\n',
    'Acquire { Check-Valid-Until "no"; }; # x\n/* y */ A::B "c";\n',
  ].map(bytesOf),
  run: accepting(parse),
};
