import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BitmaskFields, decodeBitmask, encodeBitmask } from '../../../src/cpu/arm64/bitmask-immediate.ts';
import type { Parts } from '../../../src/cpu/instruction.ts';

const allFields = Array.from({ length: 1 << 13 }, (_, number) => ({
  N: number >> 12,
  immr: (number >> 6) & 63,
  imms: number & 63,
}));

const bitsOf = ({ lo, hi }: Parts): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
const partsOf = (bits: bigint): Parts => ({ lo: Number(bits & 0xffffffffn), hi: Number(bits >> 32n) });
const decode = (N: number, immr: number, imms: number): bigint | null => {
  const parts = decodeBitmask({ N, immr, imms });
  return parts === null ? null : bitsOf(parts);
};

/** Every value that is a rotated run of ones in an element of a power of two, repeated: told without the encoding. */
const expectedValues = (): Set<bigint> => {
  const values = new Set<bigint>();
  for (let size = 2; size <= 64; size *= 2) {
    for (let count = 1; count < size; count++) {
      for (let rotation = 0; rotation < size; rotation++) {
        const element = (bit: number): boolean => (bit + rotation) % size < count;
        let value = 0n;
        for (let bit = 0; bit < 64; bit++) if (element(bit % size)) value |= 1n << BigInt(bit);
        values.add(value);
      }
    }
  }
  return values;
};

test('the encodings give exactly the rotated, repeated runs of ones', () => {
  const decoded = allFields.map(decodeBitmask).filter((parts) => parts !== null);
  const values = new Set(decoded.map(bitsOf));
  assert.equal(values.size, 5334);
  assert.deepEqual([...values].sort(), [...expectedValues()].sort());
});

test('known encodings', () => {
  assert.equal(decode(1, 0, 0), 1n);
  assert.equal(decode(1, 0, 7), 0xffn);
  assert.equal(decode(1, 1, 0), 0x8000000000000000n);
  assert.equal(decode(1, 60, 59), 0xfffffffffffffff0n);
  assert.equal(decode(0, 0, 0b111100), 0x5555555555555555n);
  assert.equal(decode(0, 1, 0b111100), 0xaaaaaaaaaaaaaaaan);
  assert.equal(decode(0, 31, 0), 0x0000000200000002n);
  assert.equal(decode(0, 4, 0b100111), 0xf00ff00ff00ff00fn);
});

test('reserved encodings: a run that fills its element, and no element', () => {
  assert.equal(decode(1, 0, 63), null);
  assert.equal(decode(0, 0, 31), null);
  assert.equal(decode(0, 0, 0b111101), null);
  assert.equal(decode(0, 0, 0b111110), null);
  assert.equal(decode(0, 5, 63), null);
});

test('what can be encoded comes back, in the shortest rotation', () => {
  for (const fields of allFields) {
    const parts = decodeBitmask(fields);
    if (parts === null) continue;
    const found = encodeBitmask(parts) as BitmaskFields;
    assert.deepEqual(decodeBitmask(found), parts);
    assert.ok(found.immr <= fields.immr);
  }
});

test('what cannot be encoded is told', () => {
  const values = expectedValues();
  const bits = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(0n, 2n ** 64n - 1n, 5n, 0x00ff00ff00ff00f0n));
  fc.assert(fc.property(bits, (value) => (encodeBitmask(partsOf(value)) !== null) === values.has(value)));
});
