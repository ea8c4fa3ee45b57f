/**
 * Compares modules with recorded ones. After an intended change, run this file with UPDATE_GOLDEN=1 in the environment to
 * record them anew, and review the difference.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { assemble, disassemble } from './disassembly.ts';
import { goldenModules } from './golden-modules.ts';

const BytesPerLine = 32;

function hexLines(bytes: Uint8Array): string[] {
  const hex = Buffer.from(bytes).toString('hex');
  return hex.match(new RegExp(`.{1,${2 * BytesPerLine}}`, 'g')) ?? [];
}

for (const [name, build] of Object.entries(goldenModules)) {
  const path = new URL(`golden/${name}.hex`, import.meta.url);

  test(`the module "${name}" is as recorded`, () => {
    const bytes = build();
    if (process.env.UPDATE_GOLDEN) writeFileSync(path, `${hexLines(bytes).join('\n')}\n`);
    const recorded = Buffer.from(readFileSync(path, 'utf8').replaceAll('\n', ''), 'hex');
    // First as text, where a difference can be read; then the bytes, which may differ where the text does not.
    assert.deepEqual(disassemble(bytes).split('\n'), disassemble(recorded).split('\n'));
    assert.deepEqual(hexLines(bytes), hexLines(recorded));
  });

  test(`the module "${name}" is valid to the platform`, () => {
    new WebAssembly.Module(new Uint8Array(build()));
  });
}

for (const name of ['instructions', 'control']) {
  test(`wabt's own encoder makes the same of the text of "${name}"`, () => {
    const bytes = goldenModules[name]();
    assert.deepEqual(hexLines(assemble(disassemble(bytes))), hexLines(bytes));
  });
}
