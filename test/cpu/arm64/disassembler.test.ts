import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { disassemble } from '../../../src/cpu/arm64/disassembler.ts';
import { a64Instructions } from '../../../src/cpu/arm64/instructions/table.ts';
import { extractFields, shapeFields, shapeOf } from '../../../src/cpu/instruction.ts';
import { assemblyCases } from './assembly-cases.ts';

describe('words are shown as GNU as reads them', () => {
  for (const [word, text] of assemblyCases) {
    test(text, () => assert.equal(disassemble(word), text));
  }
});

const shown: readonly (readonly [word: number, text: string])[] = [
  [0x54000041, 'b.ne 0xffff800008000008'],
  [0x17ffffff, 'b 0xffff800007fffffc'],
  [0xb7ffffe3, 'tbnz x3, #63, 0xffff800007fffffc'],
  [0x10000100, 'adr x0, 0xffff800008000020'],
  [0xb0000001, 'adrp x1, 0xffff800008001000'],
  [0x58000083, 'ldr x3, 0xffff800008000010'],
];

test('places are absolute where the address is known', () => {
  for (const [word, text] of shown) assert.equal(disassemble(word, 0xffff_8000_0800_0000n), text);
});

test('places are relative where it is not', () => {
  assert.equal(disassemble(0x54000041), 'b.ne .+0x8');
  assert.equal(disassemble(0x17ffffff), 'b .-0x4');
});

test('what is no instruction is shown as a word', () => {
  assert.equal(disassemble(0), '.inst 0x00000000');
  assert.equal(disassemble(0xffffffff | 0), '.inst 0xffffffff');
  // A logical immediate of all ones, and an extended register shifted by five.
  assert.equal(disassemble(0x9240fc00), '.inst 0x9240fc00');
  assert.equal(disassemble(0x8b2177ff), '.inst 0x8b2177ff');
});

test('vector instructions tell their arrangement and, in braces, what else they have', () => {
  assert.equal(disassemble(0x4ea28420), 'add.4s v0, v1, v2');
  assert.equal(disassemble(0x4e21d400), 'fadd.4s v0, v0, v1');
  assert.equal(disassemble(0x0e212820), 'xtn.8b v0, v1');
  assert.equal(disassemble(0x4f0005e0), 'movi.4s v0, #0xf0000000f');
  assert.equal(disassemble(0x4f3b0420), 'sshr.4s v0, v1 {count=27}');
  assert.equal(disassemble(0x1e622820), 'fadd v0, v1, v2 {type=1}');
  assert.equal(disassemble(0x9e660020), 'fmov x0, v1');
  assert.equal(disassemble(0x1e260020), 'fmov w0, v1');
  assert.equal(disassemble(0x4d401c20), 'ld1 b0[0xf], [x1]');
  assert.equal(disassemble(0x4cdf7020), 'ld1.16b v0, [x1], size');
});

test('every entry of the table has a text that begins with its mnemonic or an alias', () => {
  for (const entry of a64Instructions) {
    const allowed = Array.from({ length: entry.shapes }, (_, shape) => shape).filter((shape) =>
      entry.allowed(shapeFields(shape, entry)),
    );
    assert.ok(allowed.length > 0, entry.name);
    let word = entry.match;
    const fields = shapeFields(allowed[0] as number, entry);
    for (const field of entry.shape) word |= (fields[field.name] as number) << field.shift;
    assert.equal(shapeOf(word, entry), allowed[0]);
    if (!entry.valid(extractFields(word, entry))) continue;
    assert.match(disassemble(word), /^[a-z][a-z0-9.]*( |$)/, entry.name);
  }
});
