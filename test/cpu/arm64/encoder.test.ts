import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encode, encodeEntry, signedField } from '../../../src/cpu/arm64/encoder.ts';
import { undefinedInstruction } from '../../../src/cpu/arm64/instructions/system.ts';
import { a64Instructions } from '../../../src/cpu/arm64/instructions/table.ts';
import { Decoder } from '../../../src/cpu/decoder.ts';
import { extractFields, type Instruction, shapeFields, shapeOf } from '../../../src/cpu/instruction.ts';

const decoder = new Decoder(a64Instructions, undefinedInstruction);

const isValid = (entry: Instruction, word: number): boolean =>
  entry.allowed(shapeFields(shapeOf(word, entry), entry)) && entry.valid(extractFields(word, entry));

test('every entry is encoded to a word with its bits and fields that decodes to it or to a special case of it', () => {
  fc.assert(
    fc.property(fc.constantFrom(...a64Instructions), fc.integer(), (entry, random) => {
      const wanted = ((random & ~entry.mask) | entry.match) >>> 0;
      const fields = extractFields(wanted, entry);
      if (!isValid(entry, wanted)) {
        assert.throws(() => encodeEntry(entry, fields), RangeError);
        return;
      }
      const word = encodeEntry(entry, fields);
      assert.equal(word, wanted);
      const decoded = decoder.decode(word).entry;
      assert.equal((word & decoded.mask) >>> 0, decoded.match);
      assert.equal((entry.mask & ~decoded.mask) | 0, 0, `${decoded.name} is decoded where ${entry.name} is meant`);
    }),
    { numRuns: 20000 },
  );
});

test('no two entries have the same name', () => {
  const names = a64Instructions.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

test('an encoding is found by its name', () => {
  assert.equal(encode('ADD (immediate)', { sf: 1, sh: 0, imm12: 16, Rn: 31, Rd: 0 }), 0x910043e0);
  assert.equal(encode('RET', { Rn: 30 }), 0xd65f03c0);
  assert.equal(encode('CRC32CX', { Rm: 2, Rn: 1, Rd: 0 }), 0x9ac25c20);
});

describe('errors say what is wrong', () => {
  const add = { sf: 1, sh: 0, imm12: 16, Rn: 31, Rd: 0 };
  test('an unknown name', () => {
    assert.throws(() => encode('ADD', {}), { name: 'RangeError', message: "0 instructions are named 'ADD'" });
  });
  test('a value that is too large, negative or no integer', () => {
    for (const imm12 of [4096, -1, 0.5]) {
      assert.throws(() => encode('ADD (immediate)', { ...add, imm12 }), {
        message: `ADD (immediate): imm12=${imm12} does not fit 12 bits`,
      });
    }
  });
  test('a field that is missing, or one too many', () => {
    assert.throws(() => encode('RET', {}), { message: 'RET: field Rn is missing' });
    assert.throws(() => encode('RET', { Rn: 1, Rm: 2 }), { message: 'RET has no field Rm' });
  });
  test('a reserved encoding', () => {
    assert.throws(() => encode('MOVZ', { sf: 0, hw: 2, imm16: 0, Rd: 0 }), /MOVZ: sf=0 hw=2 .* is a reserved encoding/);
    assert.throws(
      () => encode('ADD (shifted register)', { sf: 1, shift: 3, Rm: 0, imm6: 0, Rn: 0, Rd: 0 }),
      /is a reserved encoding/,
    );
  });
});

test('signed fields are scaled and checked', () => {
  assert.equal(signedField('b', -4, 26, 4), 2 ** 26 - 1);
  assert.equal(signedField('b', 255, 9), 255);
  assert.equal(signedField('b', -256, 9), 256);
  for (const value of [256, -257]) assert.throws(() => signedField('b', value, 9), /b: .*256|257 is out of reach/);
  assert.throws(() => signedField('b', 6, 19, 4), RangeError);
});
