import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '../../fuzz/engine.ts';
import { findTargets } from '../../fuzz/targets.ts';

/** Every fuzz target, with a few hundred inputs: enough to see that it still works and that nothing obvious broke. */

const RUNS = 300;
/** A slow target tries fewer inputs. */
const MILLISECONDS = 1500;

const found = await findTargets();

test('there are targets', () => {
  assert.deepEqual(
    ['device-tree', 'hypercalls', 'images/deb', 'images/kernel-image'].filter(
      (name) => !found.some(({ target }) => target.name === name),
    ),
    [],
  );
});

for (const { target } of found) {
  test(`${target.name} withstands damaged inputs`, () => {
    const { runs, finding } = fuzz(target, { seed: 1, runs: RUNS, milliseconds: MILLISECONDS });
    assert.equal(finding, null, JSON.stringify(finding));
    assert.ok(runs > target.seeds.length, `only ${runs} inputs were tried`);
  });
}
