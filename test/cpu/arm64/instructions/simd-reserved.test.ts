import assert from 'node:assert/strict';
import { it } from 'node:test';
import { a64Instructions } from '../../../../src/cpu/arm64/instructions/table.ts';
import { Decoder } from '../../../../src/cpu/decoder.ts';
import { instruction } from '../../../../src/cpu/instruction.ts';

/** Reserved encodings and later extensions among the integer vector instructions are undefined; their neighbours are not. */

const decoder = new Decoder(
  a64Instructions,
  instruction({ name: 'undefined', bits: 'any:32', operands: {}, describe: () => {} }),
);

const reserved: readonly (readonly [what: string, word: number])[] = [
  ['ADD .1D', 0x0ee28420],
  ['MUL .2D', 0x4ee29c20],
  ['PMUL .8H', 0x6e629c20],
  ['PMULL of halfwords', 0x0e62e020],
  ['SQDMULH .16B', 0x4e22b420],
  ['SQDMULL of bytes', 0x0e22d020],
  ['SHADD (scalar)', 0x5e620420],
  ['ADD (scalar) S', 0x5ea28420],
  ['ADDV of .2S', 0x0eb1b820],
  ['REV32 .4S', 0x6ea00820],
  ['CNT .8H', 0x4e605820],
  ['SSHR of .1D', 0x0f400420],
  ['DUP .1D', 0x0e080420],
  ['EXT .8B beyond the register', 0x2e024020],
  ['ZIP1 .1D', 0x0ec23820],
  ['FMOV .1D', 0x2f00f400],
  ['SMOV of a word to W', 0x0e042c20],
  ['UMOV of a word to X', 0x4e043c20],
  // Armv8.1 to Armv8.6
  ['SQRDMLAH', 0x6e428420],
  ['SDOT', 0x4e829420],
  ['FCMLA', 0x6e42c420],
  ['EOR3', 0xce020c20],
  ['SHA512H', 0xce628020],
  ['SM3PARTW1', 0xce62c020],
  ['SMMLA', 0x4e82a420],
];

const neighbours: readonly (readonly [what: string, word: number, name: string])[] = [
  ['ADD .2D', 0x4ee28420, 'ADD (vector)'],
  ['MUL .4S', 0x4ea29c20, 'MUL (vector)'],
  ['PMULL of doublewords', 0x0ee2e020, 'PMULL, PMULL2 (doublewords)'],
  ['ADD (scalar) D', 0x5ee28420, 'ADD (scalar)'],
  ['ADDV of .4S', 0x4eb1b820, 'ADDV'],
  ['SSHR of .2D', 0x4f400420, 'SSHR (vector, doublewords)'],
  ['DUP .2D', 0x4e080420, 'DUP (element, vector, doublewords)'],
  ['EXT .8B', 0x2e023820, 'EXT (8 bytes)'],
  ['FMOV .2D', 0x6f00f400, 'FMOV (vector, immediate, double)'],
];

it('reserved encodings and later extensions are undefined', () => {
  for (const [what, word] of reserved) assert.equal(decoder.decode(word).entry.name, 'undefined', what);
});

it('the instructions next to them are not', () => {
  for (const [what, word, name] of neighbours) assert.equal(decoder.decode(word).entry.name, name, what);
});
