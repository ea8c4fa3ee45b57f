import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describe, isComplete, readReport } from '../../src/selftest/report.ts';
import { subjects } from '../../src/selftest/subjects/subjects.ts';

const names = subjects.map(({ name }) => name);
const whole = `${names.map((name) => `selftest: ${name} ok\n`).join('')}selftest: done\n`;

test('a report in which all is well', () => {
  assert.deepEqual(
    readReport(whole),
    names.map((name) => ({ name, ok: true, detail: '' })),
  );
  assert.ok(isComplete(whole));
});

test('failures and notes, among other text and with a carriage return', () => {
  const text = whole
    .replace('selftest: timer ok\n', '[    0.1] selftest: timer failed: an interrupt, expected 0x1, got 0x0\r\n')
    .replace('selftest: vcpus ok\n', 'noise\nselftest: vcpus ok: vCPUs: 2\r\n');
  const report = readReport(text);
  assert.deepEqual(
    report.filter(({ ok, detail }) => !ok || detail !== ''),
    [
      { name: 'timer', ok: false, detail: 'an interrupt, expected 0x1, got 0x0' },
      { name: 'vcpus', ok: true, detail: 'vCPUs: 2' },
    ],
  );
});

test('a report that was cut off', () => {
  const text = whole.slice(0, whole.indexOf('selftest: timer') + 'selftest: ti'.length);
  assert.equal(isComplete(text), false);
  const report = readReport(text);
  const at = names.indexOf('timer');
  assert.ok(report.slice(0, at).every(({ ok }) => ok));
  assert.ok(report.slice(at).every(({ ok }) => !ok));
  assert.match(report[at].detail, /ended during this/);
  assert.match(report[at + 1].detail, /ended before/);
});

test('every subject has one result, whatever the guest wrote', () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom(...whole.split('\n'), '\n', 'selftest: ', ' ok', ' failed: '));
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      assert.deepEqual(
        readReport(pieces.join('')).map(({ name }) => name),
        names,
      );
    }),
  );
});

test('results in words', () => {
  assert.equal(describe({ name: 'timer', ok: true, detail: '' }), 'the counters and timers, and sleeping: works');
  assert.equal(
    describe({ name: 'vcpus', ok: true, detail: 'vCPUs: 2' }),
    'a second vCPU and what both do together: works (vCPUs: 2)',
  );
  assert.equal(
    describe({ name: 'timer', ok: false, detail: 'an interrupt, expected 0x1, got 0x0' }),
    'the counters and timers, and sleeping: does NOT work (an interrupt, expected 0x1, got 0x0)',
  );
});

test('subjects have names of their own, of one word', () => {
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z][a-z-]*$/);
});
