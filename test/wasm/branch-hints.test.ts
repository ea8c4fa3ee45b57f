import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { ModuleBuilder } from '../../src/wasm/module-builder.ts';
import { Op, ValueType } from '../../src/wasm/opcodes.ts';
import { disassemble } from './disassembly.ts';

const { i32, i64 } = ValueType;
const SectionName = 'metadata.code.branch_hint';

function hintSection(bytes: Uint8Array<ArrayBuffer>): number[] {
  const sections = WebAssembly.Module.customSections(new WebAssembly.Module(bytes), SectionName);
  assert.equal(sections.length, 1);
  return [...new Uint8Array(sections[0])];
}

test('hints name the function, the offset from the declaration of locals, and the direction', () => {
  const module = new ModuleBuilder();
  const type = module.type([i32], []);
  module.importFunction('host', 'function', type);
  module.function(type, new FunctionBuilder([i32]));

  const hinted = new FunctionBuilder([i32]);
  hinted.local(i64);
  hinted.local(i32); // Declaration of locals: 02 01 7e 01 7f, so the code begins at 5.
  const block = hinted.block(); // 5
  hinted.localGet(0); // 7
  hinted.branchHint(false);
  hinted.brIf(block); // 9
  hinted.localGet(0); // 11
  hinted.brIf(block); // 13, no hint
  hinted.branchHint(true); // Holds until the next br_if or if.
  hinted.localGet(0); // 15
  hinted.if(); // 17
  hinted.end(); // 19
  for (let i = 0; i < 100; i++) hinted.op(Op.nop); // 20
  hinted.localGet(0); // 120
  hinted.localGet(0); // 122
  hinted.op(Op.i32Xor); // 124
  hinted.branchHint(true);
  hinted.brIf(block); // 125
  hinted.localGet(0); // 127
  hinted.branchHint(true);
  hinted.branchHint(false); // The last word holds.
  hinted.brIf(block); // 129
  hinted.end();
  module.function(type, hinted);
  module.function(type, new FunctionBuilder([i32]));

  const last = new FunctionBuilder([i32]); // No locals: 00, so the code begins at 1.
  last.localGet(0);
  last.branchHint(true);
  last.if();
  last.end();
  module.function(type, last);

  assert.deepEqual(hintSection(module.encode()), [
    ...[2], // functions
    ...[2, 4], // function 2, four hints: offset, size 1, direction
    ...[9, 1, 0],
    ...[17, 1, 1],
    ...[125, 1, 1],
    ...[0x81, 0x01, 1, 0],
    ...[4, 1], // function 4, one hint
    ...[3, 1, 1],
  ]);
});

/** A function `f(x) = x ? call(x) : 3 * x`, its one branch hinted or not; the second form branches by br_if. */
function hintedModule(likely: boolean | undefined, byIf: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const type = module.type([i32], [i32]);
  const imported = module.importFunction('host', 'function', type);
  const body = new FunctionBuilder([i32]);
  body.local(i64);
  const block = byIf ? 0 : body.block(i32);
  body.i32Const(5);
  body.localGet(0);
  if (likely !== undefined) body.branchHint(likely);
  if (byIf) {
    body.if(i32);
    body.localGet(0);
    body.call(imported);
    body.else();
    body.localGet(0);
    body.i32Const(3);
    body.op(Op.i32Mul);
    body.end();
    body.op(Op.i32Sub);
  } else {
    body.brIf(block);
    body.localGet(0);
    body.call(imported);
    body.op(Op.i32Sub);
    body.end();
  }
  module.exportFunction('run', module.function(type, body));
  return module.encode();
}

test('wabt reads the hints at the branches they were given for', () => {
  for (const byIf of [true, false]) {
    for (const likely of [true, false]) {
      const text = disassemble(hintedModule(likely, byIf));
      const annotation = `\\(@${SectionName} "\\\\0${likely ? 1 : 0}"\\s*\\)\\s+${byIf ? 'if' : 'br_if'} `;
      assert.match(text, new RegExp(annotation));
    }
  }
});

test('a module without hints has no section for them', () => {
  const compiled = new WebAssembly.Module(hintedModule(undefined, true));
  assert.deepEqual(WebAssembly.Module.customSections(compiled, SectionName), []);
});

/** What a process of its own does with the module in its argument: V8 keeps what it compiled of the same bytes. */
const COMPILE = `
  const module = new WebAssembly.Module(Buffer.from(process.argv[1], 'base64'));
  new WebAssembly.Instance(module, { host: { function: () => 0 } }).exports.run(0);`;

/** The optimising compiler's machine code for the module's functions, from what V8 writes for the profiler perf. */
function machineCode(bytes: Uint8Array<ArrayBuffer>): Buffer[] {
  const folder = mkdtempSync(join(tmpdir(), 'hostrock-hints-'));
  try {
    const flags = ['--experimental-wasm-branch-hinting', '--no-liftoff', '--perf-prof', `--perf-prof-path=${folder}`];
    const argument = Buffer.from(bytes).toString('base64');
    const { status, stderr } = spawnSync(process.execPath, [...flags, '-e', COMPILE, argument], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const dump = readdirSync(folder).find((name) => name.endsWith('.dump'));
    return wasmCode(readFileSync(join(folder, dump as string)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Code with 64-bit constants that look like addresses of a process cleared: those differ each time. */
function withoutAddresses(code: Buffer): Buffer {
  const cleared = Buffer.from(code);
  for (let at = 0; at + 8 <= code.length; at++) {
    if (code.readUInt32LE(at + 4) >>> 12 === 0x7) cleared.fill(0, at, at + 8);
  }
  return cleared;
}

/** The code of wasm functions in a jitdump (Linux, tools/perf/Documentation/jitdump-specification.txt). */
function wasmCode(dump: Buffer): Buffer[] {
  const code: Buffer[] = [];
  for (let at = dump.readUInt32LE(8); at < dump.length; at += dump.readUInt32LE(at + 4)) {
    if (dump.readUInt32LE(at) !== 0) continue;
    const size = Number(dump.readBigUInt64LE(at + 40));
    const nameEnd = dump.indexOf(0, at + 56);
    if (!dump.toString('latin1', at + 56, nameEnd).includes('wasm-function')) continue;
    code.push(withoutAddresses(dump.subarray(nameEnd + 1, nameEnd + 1 + size)));
  }
  assert.ok(code.length > 0);
  return code;
}

/** The same module with its one hint moved to the next byte, where no branch is. */
function misplaced(bytes: Uint8Array<ArrayBuffer>, likely: boolean): Uint8Array<ArrayBuffer> {
  const copy = Buffer.from(bytes);
  const name = copy.indexOf(SectionName);
  const offset = copy.indexOf(Uint8Array.of(1, likely ? 1 : 0), name + SectionName.length + 4) - 1;
  copy[offset]++;
  return new Uint8Array(copy);
}

test('V8 compiles a branch by its hint, and only by one at its very offset', () => {
  for (const byIf of [true, false]) {
    const likely = hintedModule(true, byIf);
    const unlikely = hintedModule(false, byIf);
    assert.notDeepEqual(machineCode(likely), machineCode(unlikely));
    assert.deepEqual(machineCode(misplaced(likely, true)), machineCode(misplaced(unlikely, false)));
  }
});
