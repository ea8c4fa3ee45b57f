import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type PackagesIndex, PackagesParser } from '../../../src/images/debian/packages.ts';
import { parseRelations } from '../../../src/images/debian/relation.ts';
import { type ResolveOptions, resolvePackages } from '../../../src/images/debian/resolve.ts';
import { bytesOf } from '../builders.ts';
import { imageError } from '../expect.ts';

/** From lines such as "a 1.0; Depends: b; Provides: c". */
function index(...lines: string[]): PackagesIndex {
  const parser = new PackagesParser('Packages');
  for (const line of lines) {
    const [head, ...fields] = line.split(';').map((part) => part.trim());
    const [name, version = '1'] = head.split(' ');
    const place = `Filename: pool/${name}\nSize: 1\nSHA256: ${'0'.repeat(64)}`;
    parser.push(bytesOf(`${[`Package: ${name}`, `Version: ${version}`, ...fields, place].join('\n')}\n\n`));
  }
  return parser.finish();
}

function resolve(packages: PackagesIndex, wanted: string, follow?: ResolveOptions['follow']): string[] {
  const options = follow === undefined ? { where: 'the suite' } : { where: 'the suite', follow };
  return resolvePackages(packages, parseRelations(wanted), options).map(({ name, version }) => `${name} ${version}`);
}

test('dependencies come before what needs them', () => {
  const packages = index('a; Depends: b, c', 'b; Pre-Depends: d', 'c; Depends: d', 'd', 'unrelated');
  assert.deepEqual(resolve(packages, 'a'), ['d 1', 'b 1', 'c 1', 'a 1']);
});

test('cycles end', () => {
  assert.deepEqual(resolve(index('a; Depends: b', 'b; Depends: c', 'c; Depends: a'), 'a'), ['c 1', 'b 1', 'a 1']);
  assert.deepEqual(resolve(index('a; Depends: a'), 'a'), ['a 1']);
});

test('the newest version that satisfies is taken', () => {
  const packages = index('a; Depends: b (<< 3)', 'b 1', 'b 2', 'b 3');
  assert.deepEqual(resolve(packages, 'a'), ['b 2', 'a 1']);
  assert.deepEqual(resolve(packages, 'b'), ['b 3']);
  assert.deepEqual(resolve(packages, 'b (= 1)'), ['b 1']);
});

test('the first alternative that exists, unless another is needed anyway', () => {
  assert.deepEqual(resolve(index('a; Depends: x | b | c', 'b', 'c'), 'a'), ['b 1', 'a 1']);
  assert.deepEqual(resolve(index('a; Depends: b | c, d', 'b', 'c', 'd; Depends: c'), 'a'), ['c 1', 'd 1', 'a 1']);
  assert.deepEqual(resolve(index('a; Depends: b (>= 2) | c', 'b 1', 'c'), 'a'), ['c 1', 'a 1']);
});

test('virtual packages: real ones first, then by priority, then by name', () => {
  const mail = [
    'postfix; Provides: mta; Priority: extra',
    'exim; Provides: mta; Priority: optional',
    'dma; Provides: mta; Priority: optional',
  ];
  assert.deepEqual(resolve(index('a; Depends: mta', ...mail), 'a'), ['dma 1', 'a 1']);
  assert.deepEqual(resolve(index('a; Depends: mta', 'mta', ...mail), 'a'), ['mta 1', 'a 1']);
  assert.deepEqual(resolve(index('a; Depends: mta, postfix', ...mail), 'a'), ['postfix 1', 'a 1']);
});

test('a versioned relation needs a provider that states a version', () => {
  const unversioned = index('a; Depends: v (>= 2)', 'b; Provides: v');
  assert.throws(() => resolve(unversioned, 'a'), imageError('dependency', /a needs v \(>= 2\)/));
  const packages = index('a; Depends: v (>= 2)', 'b; Provides: v (= 1)', 'c; Provides: v (= 2)');
  assert.deepEqual(resolve(packages, 'a'), ['c 1', 'a 1']);
});

test('only the relations to be followed are', () => {
  const packages = index('a; Depends: b (= 1), c', 'b');
  assert.deepEqual(
    resolve(packages, 'a', (_, [{ operator }]) => operator === '='),
    ['b 1', 'a 1'],
  );
});

test('what is missing is named with the way that led there', () => {
  const packages = index('a; Depends: b', 'b; Depends: c (>= 2) | d', 'c 1');
  assert.throws(
    () => resolve(packages, 'a'),
    imageError('dependency', /^a needs b needs c \(>= 2\) \| d, which the suite does not have \(it has c 1\)$/),
  );
  assert.throws(() => resolve(packages, 'z'), imageError('dependency', /^the suite has no package z$/));
  const clash = index('a; Depends: b (= 1), c', 'c; Depends: b (= 2)', 'b 1', 'b 2');
  assert.throws(() => resolve(clash, 'a'), imageError('dependency', /a needs c needs b \(= 2\)/));
});

test('every result is closed and in order', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const graph = fc.array(fc.uniqueArray(fc.constantFrom(...names), { maxLength: 3 }), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(graph, (edges) => {
      const packages = index(...names.map((name, i) => `${name}; Depends: ${edges[i].join(', ')}`));
      const found = resolvePackages(packages, parseRelations('a'), { where: 'test' });
      const order = found.map(({ name }) => name);
      assert.equal(new Set(order).size, order.length);
      assert.ok(order.includes('a'));
      const reachable = new Set<string>();
      const reach = (name: string): void => {
        if (reachable.has(name)) return;
        reachable.add(name);
        for (const next of edges[names.indexOf(name)]) reach(next);
      };
      reach('a');
      assert.deepEqual(new Set(order), reachable);
    }),
  );
});
