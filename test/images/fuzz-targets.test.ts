import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { target as ar } from '../../fuzz/images/ar.ts';
import { target as cpio } from '../../fuzz/images/cpio.ts';
import { target as deb } from '../../fuzz/images/deb.ts';
import { target as kernelImage } from '../../fuzz/images/kernel-image.ts';
import { target as kernelModule } from '../../fuzz/images/kernel-module.ts';
import { target as packages } from '../../fuzz/images/packages.ts';
import { target as release } from '../../fuzz/images/release.ts';
import { target as tar } from '../../fuzz/images/tar.ts';

/** Puts, cuts and repeats pieces of the seeds and of arbitrary bytes. */
const mutation = fc.record({
  seed: fc.nat(),
  at: fc.nat(2000),
  removed: fc.nat(40),
  inserted: fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.constantFrom(...['\0', '\n', '-', '9999999999', '..', '=']).map(Buffer.from),
  ),
  length: fc.option(fc.nat(2000)),
});

for (const target of [ar, cpio, deb, kernelImage, kernelModule, packages, release, tar]) {
  test(`${target.name} withstands a sample of damaged inputs`, () => {
    assert.ok(target.seeds.length > 0);
    for (const seed of target.seeds) target.run(seed);
    target.run(new Uint8Array(0));
    const inputs = fc.array(mutation, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(inputs, (mutations) => {
        let input = target.seeds[mutations[0].seed % target.seeds.length];
        for (const { at, removed, inserted, length } of mutations) {
          const place = input.length === 0 ? 0 : at % input.length;
          input = new Uint8Array([...input.subarray(0, place), ...inserted, ...input.subarray(place + removed)]);
          if (length !== null && length < input.length) input = input.subarray(0, length);
        }
        target.run(input);
      }),
      { numRuns: 300 },
    );
  });
}
