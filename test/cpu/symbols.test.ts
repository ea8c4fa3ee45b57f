import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOf, noSymbols, parseSymbols } from '../../src/cpu/symbols.ts';

const KALLSYMS = `ffff800008010000 T _stext
ffff800008081200 t schedule
ffff800008081300 d data
ffff800008081400 T vfs_read
ffff800008081404 t $x
ffff800001200000 t open\t[virtio]
                 U undefined
`;

test('addresses have the names of the functions that they are in', () => {
  const symbols = parseSymbols(KALLSYMS);
  assert.equal(nameOf(symbols, 0xffff800008081200n), 'schedule');
  assert.equal(nameOf(symbols, 0xffff80000808121cn), 'schedule+0x1c');
  assert.equal(nameOf(symbols, 0xffff800008081310n), 'schedule+0x110');
  assert.equal(nameOf(symbols, 0xffff800008081408n), 'vfs_read+0x8');
  assert.equal(nameOf(symbols, 0xffff800001200004n), 'open+0x4');
});

test('addresses of no function are named by themselves', () => {
  const symbols = parseSymbols(KALLSYMS);
  assert.equal(nameOf(symbols, 0x4268a0n), 'guest 0x4268a0');
  assert.equal(nameOf(symbols, 0xffffffffffff0000n), 'guest 0xffffffffffff0000');
  assert.equal(nameOf(noSymbols, 0xffff800008081234n), 'guest 0xffff800008081234');
});

test('what is no symbol table is refused', () => {
  assert.throws(() => parseSymbols('hello\n'), /no line/);
  assert.throws(() => parseSymbols('0000000000000000 T _stext\n0000000000000000 t schedule\n'), /not root/);
});
