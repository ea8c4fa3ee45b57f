import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareVersions, type VersionOperator, versionSatisfies } from '../../../src/images/debian/version.ts';

/** Each list goes from older to newer; the cases are those that Debian Policy 5.6.12 argues with. */
const ascending = [
  ['1.0~~', '1.0~~a', '1.0~', '1.0~rc1', '1.0', '1.0-1', '1.0-1+b1', '1.0a', '1.0+dfsg', '1.0.1'],
  ['9', '10', '010.1', '11a', '11+'],
  ['0:99', '1:0', '1:0-1', '2:0~'],
  ['6.1.0-9', '6.1.0-50', '6.1.176-1', '6.12.107+deb13', '7.2.13+deb14'],
  ['1-1', '1-1-1', '1-2-1', '1-10-1'],
  ['4.17~', '4.17', '4.17.0'],
  ['1.99999999999999999998', '1.99999999999999999999', '1.100000000000000000000'],
];

test('the order of versions', () => {
  for (const list of ascending) {
    for (let i = 0; i < list.length; i++) {
      for (let j = 0; j < list.length; j++) {
        assert.equal(Math.sign(compareVersions(list[i], list[j])), Math.sign(i - j), `${list[i]} against ${list[j]}`);
      }
    }
  }
});

test('versions that are written differently but mean the same', () => {
  for (const [a, b] of [
    ['0:1.0', '1.0'],
    ['1.0-0', '1.0'],
    ['1.01', '1.1'],
    ['1.0', '1.'],
  ]) {
    assert.equal(compareVersions(a, b), 0, `${a} and ${b}`);
  }
});

const version = fc.stringMatching(/^([0-9]:)?[0-9][a-z0-9.+~-]{0,8}$/);

test('it is an order', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a)), 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
      assert.equal(compareVersions(a, a), 0);
    }),
  );
});

test('the relations of a version to another', () => {
  const holds: Record<VersionOperator, boolean[]> = {
    '<<': [true, false, false],
    '<=': [true, true, false],
    '=': [false, true, false],
    '>=': [false, true, true],
    '>>': [false, false, true],
  };
  for (const [operator, expected] of Object.entries(holds)) {
    const actual = ['1.9', '2.0', '2.0+b1'].map((found) => versionSatisfies(found, operator as VersionOperator, '2.0'));
    assert.deepEqual(actual, expected, operator);
  }
});
