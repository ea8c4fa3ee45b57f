import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz, toHex } from '../../fuzz/engine.ts';
import { Mutator } from '../../fuzz/mutator.ts';

const seeds = [Buffer.from('length=12;name=abc'), Buffer.from('key: value\0\0\0\x10')].map((seed) =>
  Uint8Array.from(seed),
);
const limits = { runs: 20_000, milliseconds: 20_000 };

test('the same seed gives the same inputs, another one others', () => {
  const inputs = (seed: number): string[] => {
    const mutator = new Mutator(seeds, seed);
    return Array.from({ length: 200 }, () => toHex(mutator.next()));
  };
  assert.deepEqual(inputs(7), inputs(7));
  assert.notDeepEqual(inputs(7), inputs(8));
  assert.ok(new Set(inputs(7)).size > 150);
});

test('seeds are left as they were, even by a target that writes to its input', () => {
  const before = seeds.map(toHex);
  fuzz({ name: 'writes', seeds, run: (input) => void input.fill(0) }, { ...limits, seed: 1, runs: 500 });
  assert.deepEqual(seeds.map(toHex), before);
});

const planted: Readonly<Record<string, (input: Uint8Array) => boolean>> = {
  'a truncated input': (input) => input.length === 3,
  'a large number': (input) => Buffer.from(input).includes(Buffer.of(0xff, 0xff, 0xff, 0xff)),
  'a repeated word': (input) => Buffer.from(input).toString('latin1').split('name').length > 2,
  'pieces of two seeds': (input) => {
    const text = Buffer.from(input).toString('latin1');
    return text.includes('length') && text.includes('value');
  },
};

for (const [what, isBad] of Object.entries(planted)) {
  test(`finds a target's failure at ${what}, and the input that is reported shows it`, () => {
    const run = (input: Uint8Array): void => {
      if (isBad(input)) throw new Error('planted');
    };
    const { finding } = fuzz({ name: 'planted', seeds, run }, { ...limits, seed: 3 });
    assert.match(finding?.error ?? '', /planted/);
    assert.throws(() => run(Buffer.from(finding?.input ?? '', 'hex')), /planted/);
  });
}

test('no further input is tried when the time is over', () => {
  const { runs, finding } = fuzz({ name: 'slow', seeds, run: () => {} }, { seed: 1, runs: 10, milliseconds: 0 });
  assert.deepEqual({ runs, finding }, { runs: 0, finding: null });
});
