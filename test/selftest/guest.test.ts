import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selftestImage } from '../../src/selftest/image.ts';
import { isComplete, readReport } from '../../src/selftest/report.ts';
import { type RunOptions, runGuest } from './run.ts';

/** The built-in guest on the real machine: every subject must work. */

const LIMIT = 120_000;

/** Bytes for a few modules: all regions are dropped when there are more. */
const LITTLE_ROOM = 128 * 1024;

const runs: readonly (RunOptions & { readonly name: string })[] = [
  { name: 'one vCPU, interpreted', vcpus: 1 },
  { name: 'one vCPU, translated', vcpus: 1, hotThreshold: 1 },
  { name: 'two vCPUs, interpreted', vcpus: 2 },
  { name: 'two vCPUs, translated', vcpus: 2, hotThreshold: 1 },
  { name: 'one vCPU, translated by another thread', vcpus: 1, hotThreshold: 2, translator: true },
  { name: 'two vCPUs, translated by another thread', vcpus: 2, hotThreshold: 2, translator: true },
  { name: 'two vCPUs, translated in little room', vcpus: 2, hotThreshold: 1, regionBytes: LITTLE_ROOM },
  {
    name: 'two vCPUs, translated in little room by another thread',
    vcpus: 2,
    hotThreshold: 2,
    translator: true,
    regionBytes: LITTLE_ROOM,
  },
  { name: 'two vCPUs that share a physical CPU', vcpus: 2, physicalCpus: 1, hotThreshold: 1 },
  { name: 'two vCPUs, the engine disturbed', vcpus: 2, hotThreshold: 20, disturbance: 1 },
  {
    name: 'two vCPUs, the engine disturbed, translated by another thread',
    vcpus: 2,
    hotThreshold: 20,
    translator: true,
    disturbance: 2,
  },
];

/** Instructions run in regions that another thread has made. On a busy host one short run may end before the first is ready. */
let byTranslator = 0;

for (const { name, ...options } of runs) {
  test(name, { timeout: LIMIT }, async () => {
    const { end, console, log, statistics } = await runGuest(selftestImage(), options);
    assert.deepEqual(
      readReport(console).filter(({ ok }) => !ok),
      [],
    );
    assert.ok(isComplete(console), console);
    assert.deepEqual(end, { kind: 'poweroff' });
    assert.equal(log, '');
    const { physicalCpus, translator } = statistics;
    const translations = translator === null ? physicalCpus : [translator];
    const evictions = translations.reduce((sum, counted) => sum + counted.evictions, 0);
    assert.equal(evictions > 0, options.regionBytes !== undefined, `${evictions} evictions`);
    if (translator !== null) {
      assert.ok(translator.regions > 0);
      assert.ok(physicalCpus.every(({ regions }) => regions === 0));
      byTranslator += physicalCpus.reduce((sum, { hotInstructions }) => sum + hotInstructions, 0);
    }
    assert.equal(
      readReport(console).find(({ name: subject }) => subject === 'vcpus')?.detail,
      `vCPUs: ${options.vcpus}`,
    );
  });
}

test('regions that another thread has made were run', () => assert.ok(byTranslator > 0));
