import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostKeepsOrder } from '../../src/cpu/ir/host-order.ts';

test('an x86 host is known by its arithmetic to keep memory accesses in order', () => {
  assert.equal(hostKeepsOrder(), process.arch === 'x64' || process.arch === 'ia32');
});
