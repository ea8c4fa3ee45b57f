import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { aptSetting, parseDeb822Sources, parseSourcesList } from '../../../src/images/debian/apt-sources.ts';
import { aptMirror } from '../../../src/images/node/apt-mirror.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hostrock-test-'));
});
afterEach(() => rm(root, { recursive: true }));

const debian = 'ID=debian\nVERSION_CODENAME=bookworm\n';

async function machine(files: Readonly<Record<string, string>>, release = debian): Promise<string | undefined> {
  for (const [path, text] of Object.entries({ ...files, 'etc/os-release': release })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const found = await aptMirror(root);
  return found === undefined ? undefined : `${found.url}${found.allowExpired ? ' expired' : ''}`;
}

const deb822 = `Types: deb
# a comment
URIs: http://mirror.invalid/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;
const security = deb822
  .replace('/debian/', '/debian-security')
  .replace('bookworm bookworm-updates', 'bookworm-security');

test('both forms of sources', async () => {
  assert.equal(
    await machine({ 'etc/apt/sources.list.d/debian.sources': `${security}\n${deb822}` }),
    'http://mirror.invalid/debian/',
  );
  await rm(join(root, 'etc/apt'), { recursive: true });
  const lines = [
    '# deb http://commented.invalid/debian bookworm main',
    'deb-src http://source.invalid/debian bookworm main',
    'deb http://mirror.invalid/debian-security bookworm-security main',
    'deb [arch=arm64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.invalid/debian bookworm main # why',
  ];
  assert.equal(await machine({ 'etc/apt/sources.list': lines.join('\n') }), 'http://mirror.invalid/debian');
});

test('third parties are not Debian, whatever their suites are called', async () => {
  const others = {
    'etc/apt/sources.list.d/a.list': 'deb http://vendor.invalid/linux/debian bookworm stable\n',
    'etc/apt/sources.list.d/b.list':
      'deb [signed-by=/etc/apt/keyrings/vendor.gpg] http://vendor.invalid/debian stable main\n',
    'etc/apt/sources.list.d/c.sources':
      'Types: deb\nURIs: http://tool.invalid/apt\nSuites: nodistro\nComponents: main\n',
    'etc/apt/sources.list.d/d.list': 'deb http://vendor.invalid/apt stable main\n',
    'etc/apt/sources.list.d/e.sources': `Enabled: no\n${deb822.replace('mirror.invalid', 'disabled.invalid')}`,
    'etc/apt/sources.list.d/f.sources': 'this is no sources file\n',
  };
  assert.equal(await machine(others), undefined);
  assert.equal(
    await machine({ ...others, 'etc/apt/sources.list.d/z.sources': deb822 }),
    'http://mirror.invalid/debian/',
  );
});

test('what apt has fetched decides', async () => {
  const files = {
    'etc/apt/sources.list':
      'deb http://vendor.invalid/debian bookworm main\ndeb http://cache.invalid:3142/mirror bookworm main\n',
    'var/lib/apt/lists/vendor.invalid_debian_dists_bookworm_InRelease': 'Origin: Vendor\nLabel: Vendor\n',
    'var/lib/apt/lists/cache.invalid:3142_mirror_dists_bookworm_InRelease': 'Origin: Debian\nLabel: Debian\n',
  };
  assert.equal(await machine(files), 'http://cache.invalid:3142/mirror');
});

test('a list of mirrors in a file', async () => {
  const list = join(root, 'mirrors.list');
  await writeFile(list, '# mirrors\nhttps://listed.invalid/debian/ priority:1\nhttps://second.invalid/debian/\n');
  const files = { 'etc/apt/sources.list.d/debian.sources': deb822.replace(/http:\S+/, `mirror+file://${list}`) };
  assert.equal(await machine(files), 'https://listed.invalid/debian/');
});

test('whether expired releases are acceptable is apt’s to say', async () => {
  const sources = { 'etc/apt/sources.list.d/debian.sources': deb822 };
  const setting = { 'etc/apt/apt.conf.d/99local': 'Acquire::Check-Valid-Until "false";\n' };
  assert.equal(await machine({ ...sources, ...setting }), 'http://mirror.invalid/debian/ expired');
  assert.equal(
    await machine({ 'etc/apt/apt.conf': 'Acquire { Check-Valid-Until "true"; };' }),
    'http://mirror.invalid/debian/',
  );
  const own = { 'etc/apt/sources.list.d/debian.sources': `${deb822}Check-Valid-Until: no\n` };
  assert.equal(await machine(own), 'http://mirror.invalid/debian/ expired');
});

test('machines that are not Debian have no Debian mirror', async () => {
  const sources = { 'etc/apt/sources.list.d/debian.sources': deb822 };
  assert.equal(await machine(sources, 'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=bookworm\n'), undefined);
  assert.equal(await machine({}), 'http://mirror.invalid/debian/');
  await rm(join(root, 'etc'), { recursive: true });
  assert.equal(await aptMirror(root), undefined);
});

test('settings of apt.conf in both forms, the last one ruling', () => {
  const text = `
    // Acquire::Check "no";
    APT::Periodic "1"; # more
    /* Acquire { Check "no"; }; */
    Acquire::http { Proxy "http://proxy.invalid/;x"; Timeout 10; };
    Acquire { Check "first"; Nested { Check "inner"; }; };
    Acquire::Check second;
    List { "a"; "b"; };
  `;
  assert.equal(aptSetting(text, 'Acquire::Check'), 'second');
  assert.equal(aptSetting(text, 'acquire::http::proxy'), 'http://proxy.invalid/;x');
  assert.equal(aptSetting(text, 'Acquire::Nested::Check'), 'inner');
  assert.equal(aptSetting(text, 'Acquire'), undefined);
});

test('entries as apt means them', () => {
  assert.deepEqual(parseSourcesList('deb [ trusted=yes  check-valid-until=no ] file:/srv/a/ ./\nnonsense\n'), [
    { type: 'deb', uris: ['file:/srv/a/'], suites: ['./'], components: [], checkValidUntil: false },
  ]);
  const [entry, source] = parseDeb822Sources('Types: deb deb-src\nURIs: a b\nSuites: x\n y\nComponents: main\n', 'x');
  assert.deepEqual([entry.uris, entry.suites, source.type], [['a', 'b'], ['x', 'y'], 'deb-src']);
});
