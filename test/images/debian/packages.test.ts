import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseControl } from '../../../src/images/debian/control.ts';
import { type PackagesIndex, PackagesParser } from '../../../src/images/debian/packages.ts';
import { formatRelation, parseRelations } from '../../../src/images/debian/relation.ts';
import { bytesOf } from '../builders.ts';
import { imageError, survives } from '../expect.ts';

const hash = 'ab'.repeat(32);
const paragraph = (name: string, version: string, more = ''): string =>
  `Package: ${name}\nVersion: ${version}\n${more}Filename: pool/${name}_${version}.deb\nSize: 10\nSHA256: ${hash}\n`;

function index(text: string, chunk = text.length): PackagesIndex {
  const bytes = bytesOf(text);
  const parser = new PackagesParser('Packages');
  for (let at = 0; at < bytes.length; at += chunk) parser.push(bytes.slice(at, at + chunk));
  return parser.finish();
}

const text = [
  paragraph(
    'alpha',
    '1.0',
    'Description: first\n a: b\nDepends: beta (>= 2),\n gamma | delta\nPre-Depends: libc6:any\n',
  ),
  paragraph('beta', '2', 'Provides: virtual, versioned (= 3)\nPriority: required\nEssential: yes\n'),
  paragraph('beta', '10', 'Provides: virtual\n'),
  'Package: broken\nVersion: 1\n',
].join('\n');

test('packages are found by name, the newest version first', () => {
  const packages = index(text);
  assert.equal(packages.size, 3);
  assert.deepEqual([...packages.names()], ['alpha', 'beta', 'broken']);
  assert.deepEqual(
    packages.versions('beta').map(({ version }) => version),
    ['10', '2'],
  );
  assert.deepEqual(packages.versions('none'), []);
  const [alpha] = packages.versions('alpha');
  assert.deepEqual(alpha.depends.map(formatRelation), ['libc6', 'beta (>= 2)', 'gamma | delta']);
  assert.deepEqual([alpha.filename, alpha.size, alpha.sha256], ['pool/alpha_1.0.deb', 10, hash]);
  const beta = packages.versions('beta')[1];
  assert.deepEqual(
    [beta.priority, beta.essential, beta.provides.map(({ name }) => name)],
    ['required', true, ['virtual', 'versioned']],
  );
  assert.deepEqual(packages.providers('virtual'), ['beta']);
  assert.deepEqual(packages.providers('alpha'), []);
});

test('the pieces in which the index comes do not matter', () => {
  const whole = index(text);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 80 }), (chunk) => {
      const packages = index(text, chunk);
      assert.deepEqual(packages.versions('alpha'), whole.versions('alpha'));
      assert.deepEqual(packages.versions('beta'), whole.versions('beta'));
    }),
    { numRuns: 30 },
  );
});

test('a malformed package is an error only when it is asked for', () => {
  const packages = index(text);
  assert.throws(() => packages.versions('broken'), imageError('format', /package broken: .*its filename is missing/));
  const unsafe = index(paragraph('unsafe', '1').replace('pool/', '../pool/'));
  assert.throws(() => unsafe.versions('unsafe'), imageError('format', /its filename is missing or malformed/));
  for (const name of ['/etc/x', 'a/../b', 'pool/..']) {
    const bad = index(paragraph('bad', '1').replace(/pool\/\S+/, name));
    assert.throws(() => bad.versions('bad'), imageError('format', /its filename/), name);
  }
});

test('what is no index is refused', () => {
  assert.throws(() => index('hello\n'), imageError('format', /^Packages: at byte 0: a line that is not a field/));
  assert.throws(() => index('Package: a\nPackage: b\n'), imageError('format', /at byte 11: .*two Package fields/));
  assert.throws(() => index('Version: 1\n\n'), imageError('format', /without a Package field/));
  assert.throws(() => index('Package:  \n'), imageError('format', /without a name/));
  assert.throws(() => index('Provides: a\n'), imageError('format', /does not start with Package/));
  assert.throws(() => index(`Description: ${'x'.repeat(2 ** 21)}`, 60000), imageError('format', /a line of more than/));
});

test('control files', () => {
  const paragraphs = parseControl('# comment\nA: 1\nLong: first\n second\n\tthird\n\n\nB:2  \n', 'control');
  assert.deepEqual(
    paragraphs.map((fields) => [...fields]),
    [
      [
        ['a', '1'],
        ['long', 'first\nsecond\nthird'],
      ],
      [['b', '2']],
    ],
  );
  assert.throws(() => parseControl(' x\n', 'control'), imageError('format', /at byte 0: a continuation line/));
  assert.throws(
    () => parseControl('A: 1\nno field\n', 'control'),
    imageError('format', /at byte 5: a line that is neither/),
  );
  assert.throws(() => parseControl('A: 1\na: 2\n', 'control'), imageError('format', /the field a is given twice/));
});

test('relations', () => {
  const relations = parseRelations('a, b (= 1:2.0-1) | c:any (<<3) [arm64] <!nocheck>,\n d (> 1) ,');
  assert.deepEqual(relations.map(formatRelation), ['a', 'b (= 1:2.0-1) | c (<< 3)', 'd (>= 1)']);
  for (const bad of ['a b', '(= 1)', 'a (== 1)', 'a (>= )', 'a |', 'é']) {
    assert.throws(() => parseRelations(bad), imageError('format', /malformed/), bad);
  }
});

test('long blanks in a relation cost no more than they should', () => {
  const started = performance.now();
  assert.throws(() => parseRelations(`a${' '.repeat(200_000)}!`), imageError('format', /malformed/));
  assert.ok(performance.now() - started < 2000);
});

test('no input makes the parser fail otherwise', () => {
  fc.assert(
    fc.property(fc.nat(text.length), fc.string({ unit: 'binary', maxLength: 12 }), (at, inserted) => {
      survives(() => {
        const packages = index(text.slice(0, at) + inserted + text.slice(at + inserted.length));
        for (const name of packages.names()) survives(() => packages.versions(name));
      });
    }),
  );
});
