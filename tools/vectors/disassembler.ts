import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disassembler } from '../../test/cpu/arm64/cases/report.ts';

/** Disassembly by binutils, where it is installed. */
export const disassemble: Disassembler = (words, address) => {
  const folder = mkdtempSync(join(tmpdir(), 'hostrock-disassembly-'));
  try {
    const file = join(folder, 'words');
    writeFileSync(file, Uint32Array.from(words));
    const { status, stdout } = spawnSync(
      'aarch64-linux-gnu-objdump',
      ['-D', '-b', 'binary', '-m', 'aarch64', `--adjust-vma=${address}`, file],
      { encoding: 'utf8' },
    );
    if (status !== 0) return null;
    const lines = stdout.split('\n').filter((line) => /^\s*[0-9a-f]+:\t/.test(line));
    return lines.map((line) => (line.split('\t').slice(2) as string[]).join(' ').trim());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
