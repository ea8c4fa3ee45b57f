import { test } from 'node:test';
import fc from 'fast-check';
import { target } from '../../fuzz/xenstore.ts';

test('a hostile guest harms nobody', () => {
  for (const seed of target.seeds) target.run(seed);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (input) => target.run(input)),
    { numRuns: 500 },
  );
});
