import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layeringViolations } from '../../tools/layers.ts';

test('imports point downward only and core folders import no Node module', () => {
  assert.deepEqual(layeringViolations(), []);
});
