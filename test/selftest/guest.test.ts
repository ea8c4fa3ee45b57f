import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selftestImage } from '../../src/selftest/image.ts';
import { isComplete, readReport } from '../../src/selftest/report.ts';
import { type RunOptions, runGuest } from './run.ts';

/** The built-in guest on the real machine: every subject must work. */

const LIMIT = 120_000;

const runs: readonly (RunOptions & { readonly name: string })[] = [
  { name: 'one vCPU, interpreted', vcpus: 1 },
  { name: 'one vCPU, translated', vcpus: 1, hotThreshold: 1 },
  { name: 'two vCPUs, interpreted', vcpus: 2 },
  { name: 'two vCPUs, translated', vcpus: 2, hotThreshold: 1 },
  { name: 'two vCPUs that share a physical CPU', vcpus: 2, physicalCpus: 1, hotThreshold: 1 },
];

for (const { name, ...options } of runs) {
  test(name, { timeout: LIMIT }, async () => {
    const { end, console, log } = await runGuest(selftestImage(), options);
    assert.deepEqual(
      readReport(console).filter(({ ok }) => !ok),
      [],
    );
    assert.ok(isComplete(console), console);
    assert.deepEqual(end, { kind: 'poweroff' });
    assert.equal(log, '');
    assert.equal(
      readReport(console).find(({ name: subject }) => subject === 'vcpus')?.detail,
      `vCPUs: ${options.vcpus}`,
    );
  });
}
