import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subjects } from '../../src/selftest/subjects/subjects.ts';
import { Command } from '../cli/command.ts';

/** `hostrock selftest` as people and programs use it. */

interface Run {
  readonly vcpus: number;
  readonly tier: string;
  readonly ok: boolean;
  readonly end: { readonly kind: string };
  readonly results: readonly { readonly name: string; readonly ok: boolean }[];
}

test('results for programs', { timeout: 120_000 }, async () => {
  const { status, stdout } = await new Command(['selftest', '--json']).ended;
  const { ok, runs } = JSON.parse(stdout) as { ok: boolean; runs: Run[] };
  assert.deepEqual(
    runs.map(({ vcpus, tier, end }) => [vcpus, tier, end.kind]),
    [
      [1, 'interpreted', 'poweroff'],
      [1, 'translated', 'poweroff'],
      [2, 'interpreted', 'poweroff'],
      [2, 'translated', 'poweroff'],
    ],
  );
  for (const { results } of runs) {
    assert.deepEqual(
      results.map(({ name }) => name),
      subjects.map(({ name }) => name),
    );
  }
  assert.equal(ok, true);
  assert.equal(status, 0);
});

test('wrong arguments', async () => {
  const { status, stderr } = await new Command(['selftest', '--timeout', 'soon']).ended;
  assert.equal(status, 2);
  assert.match(stderr, /--timeout 'soon'/);
});
