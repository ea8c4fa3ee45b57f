import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { Op } from '../../src/wasm/opcodes.ts';
import { disassemble } from './disassembly.ts';
import { instructionModule } from './instruction-module.ts';
import { controlInstructions, instructions } from './instructions.ts';

/** `i32.atomic.rmw8.add_u` to `i32AtomicRmw8AddU`. */
function camelCase(mnemonic: string): string {
  return mnemonic.replaceAll(/[._](.)/g, (_, first: string) => first.toUpperCase());
}

/** What V8 says of a function, without parameters or results, that is only this (incomplete or ill-typed) code. */
function complaint(code: readonly number[]): string {
  const body = [0, ...code];
  const module = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, body.length + 2, 1];
  try {
    new WebAssembly.Module(Uint8Array.from([...module, body.length, ...body]));
    return '';
  } catch (error) {
    return String(error);
  }
}

test('the tests know every instruction of the table once', () => {
  const tested = [...instructions.map(({ name }) => name), ...controlInstructions];
  assert.deepEqual(tested.toSorted(), Object.keys(Op).toSorted());
});

test('no two instructions share an opcode', () => {
  assert.equal(new Set(Object.values(Op)).size, Object.keys(Op).length);
});

test('V8 accepts every instruction', () => {
  const refused = instructions.filter((one) => !WebAssembly.validate(instructionModule([one])));
  assert.deepEqual(
    refused.map(({ name }) => name),
    [],
  );
});

test('wabt reads every instruction as the one that its name says', () => {
  const text = disassemble(instructionModule(instructions));
  const functions = text.split(/\n {2}(?=\()/).filter((part) => part.startsWith('(func'));
  assert.equal(functions.length, instructions.length);
  const wrong = instructions.flatMap(({ name }, i) => {
    const last = functions[i].trimEnd().replace(/\)$/, '').split('\n').at(-1) ?? '';
    const read = camelCase(last.trim().split(' ')[0]);
    const expected = name === 'selectTyped' ? 'select' : name;
    return read === expected ? [] : [`${name} read as ${read}`];
  });
  assert.deepEqual(wrong, []);
});

test('the table has all that V8 knows, but for exceptions, typed function references and garbage collection', () => {
  const known = new Set<number>(Object.values(Op));
  const elsewhere = new Set([
    ...[0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f], // exceptions
    ...[0x14, 0x15, 0xd3, 0xd4, 0xd5, 0xd6], // typed function references, garbage collection
    ...[0xfa, 0xfb, 0xfc, 0xfd, 0xfe], // prefixes
  ]);
  const missing: string[] = [];
  for (const prefix of [0, 0xfc, 0xfd, 0xfe]) {
    for (let opcode = 0; opcode < (prefix === 0xfd ? 0x180 : 0x100); opcode++) {
      const number = prefix === 0 ? opcode : (prefix << 12) | opcode;
      if (known.has(number) || (prefix === 0 && elsewhere.has(opcode))) continue;
      const body = new FunctionBuilder();
      body.op(number);
      const said = complaint([...body.code.bytes()]);
      if (!/invalid.*opcode/i.test(said)) missing.push(`0x${number.toString(16)}: ${said}`);
    }
  }
  assert.deepEqual(missing, []);
});
