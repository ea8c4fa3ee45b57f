import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { undefinedInstruction } from '../../src/cpu/arm64/instructions/system.ts';
import { a64Instructions } from '../../src/cpu/arm64/instructions/table.ts';
import { Handler } from '../../src/cpu/code-page.ts';
import { Decoder, highHalf, lowHalf } from '../../src/cpu/decoder.ts';
import { extractFields, type Instruction, instruction, shapeFields, shapeOf } from '../../src/cpu/instruction.ts';

const isValid = (entry: Instruction, word: number): boolean =>
  ((word ^ entry.match) & entry.mask) === 0 &&
  entry.allowed(shapeFields(shapeOf(word, entry), entry)) &&
  entry.valid(extractFields(word, entry));

const fixedBits = ({ mask }: Instruction): number => mask.toString(2).replaceAll('0', '').length;

const common = { operands: {}, describe: () => {} };

describe('the entry with the most fixed bits wins', () => {
  const general = instruction({ ...common, name: 'general', bits: '1010 rest:28' });
  const special = instruction({ ...common, name: 'special', bits: '1010 0000 rest:24' });
  const shaped = instruction({
    ...common,
    name: 'shaped',
    bits: '1010 0000 1111 kind:2 rest:18',
    shape: ['kind'],
    allowed: ({ kind }) => kind !== 3,
    valid: ({ rest }) => rest !== 5,
  });

  for (const table of [
    [general, special, shaped],
    [shaped, special, general],
  ]) {
    test(`in the order ${table.map(({ name }) => name)}`, () => {
      const decoder = new Decoder(table, undefinedInstruction);
      const name = (word: number): string => decoder.decode(word).entry.name;
      assert.equal(name(0xa100_0000), 'general');
      assert.equal(name(0xa000_0001), 'special');
      assert.equal(name(0xa0f0_0001), 'shaped');
      assert.equal(name(0xa0fc_0001), 'special', 'a shape that is not allowed');
      assert.equal(name(0xa0f0_0005), 'special', 'fields that are not valid');
      assert.equal(name(0xb000_0000), undefinedInstruction.name);
      assert.equal(name(0), undefinedInstruction.name);
      assert.ok(decoder.isDefined(0xafff_ffff));
      assert.ok(!decoder.isDefined(0x2000_0000));
    });
  }

  test('each shape that is allowed has a handler of its own, the undefined instruction too', () => {
    const decoder = new Decoder([general, shaped, special], undefinedInstruction);
    const words = [0xa100_0000, 0xa000_0000, 0xa0f0_0000, 0xa0f4_0000, 0xa0f8_0000, 0];
    const handlers = words.map((word) => decoder.handlerOf(word));
    assert.equal(new Set(handlers).size, words.length);
    assert.ok(handlers.every((handler) => handler >= Handler.first));
    assert.equal(decoder.handlers.length, Handler.first + words.length);
    assert.deepEqual(decoder.handlers[handlers[3]]?.shape, { kind: 1 });
    assert.equal(decoder.handlerOf(0xa0fc_0000), handlers[1]);
  });

  test('fields are those of the entry', () => {
    const decoder = new Decoder([shaped], undefinedInstruction);
    assert.deepEqual(decoder.decode(0xa0f6_1234).fields, { kind: 1, rest: 0x2_1234 });
  });
});

test('any word decodes to the most specific entry that takes it, in whatever order words come', () => {
  const decoder = new Decoder(a64Instructions, undefinedInstruction);
  const anything = fc.integer();
  const instructions = fc
    .tuple(fc.constantFrom(...a64Instructions), fc.integer())
    .map(([entry, random]) => (random & ~entry.mask) | entry.match);
  fc.assert(
    fc.property(fc.oneof(anything, instructions), (word) => {
      const takers = a64Instructions.filter((entry) => isValid(entry, word));
      const most = Math.max(0, ...takers.map(fixedBits));
      const { entry, fields } = decoder.decode(word);
      if (takers.length === 0) {
        assert.equal(entry, undefinedInstruction);
        assert.ok(!decoder.isDefined(word));
        return;
      }
      assert.ok(takers.includes(entry));
      assert.equal(fixedBits(entry), most);
      assert.deepEqual(fields, extractFields(word, entry));
      const handler = decoder.handlers[decoder.handlerOf(word)];
      assert.equal(handler?.entry, entry);
      assert.deepEqual(handler?.shape, shapeFields(shapeOf(word, entry), entry));
    }),
    { numRuns: 4000 },
  );
});

test('words that Arm defines to be undefined', () => {
  const decoder = new Decoder(a64Instructions, undefinedInstruction);
  for (const word of [0, 0xffff, 0xffff_ffff]) assert.ok(!decoder.isDefined(word), word.toString(16));
});

/** Words that both of two overlapping entries match: all of them if they are few, else some. */
const sharedWords = function* (a: Instruction, b: Instruction): Generator<number> {
  const free = ~(a.mask | b.mask);
  const fixed = a.match | b.match;
  const bits = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => ((free >>> bit) & 1) !== 0);
  const spread = (number: number): number => bits.reduce((word, bit, i) => word | (((number >>> i) & 1) << bit), fixed);
  if (bits.length <= 12) for (let number = 0; number < 2 ** bits.length; number++) yield spread(number);
  else for (let i = 0; i < 4096; i++) yield spread(Math.imul(i, 0x9e37_79b1) ^ (i << 7));
};

test('no word fits two A64 entries with equally many fixed bits', () => {
  const ties: string[] = [];
  for (const [index, a] of a64Instructions.entries()) {
    for (const b of a64Instructions.slice(index + 1)) {
      if (((a.match ^ b.match) & a.mask & b.mask) !== 0 || fixedBits(a) !== fixedBits(b)) continue;
      for (const word of sharedWords(a, b)) {
        if (!isValid(a, word) || !isValid(b, word)) continue;
        ties.push(`${a.name} and ${b.name}: 0x${(word >>> 0).toString(16)}`);
        break;
      }
    }
  }
  assert.deepEqual(ties, []);
});

test('the halves of 64-bit immediates', () => {
  for (const value of [0, 1, -1, -4, 0xffff_ffff, -(2 ** 31), 2 ** 32, -(2 ** 40) - 5, Number.MAX_SAFE_INTEGER]) {
    const joined = (BigInt(highHalf(value)) << 32n) | BigInt(lowHalf(value) >>> 0);
    assert.equal(BigInt.asIntN(64, joined), BigInt(value));
  }
  assert.equal(lowHalf({ lo: 0xffff_ffff, hi: 1 }), -1);
  assert.equal(highHalf({ lo: 0, hi: 0x8000_0000 }), -(2 ** 31));
});
