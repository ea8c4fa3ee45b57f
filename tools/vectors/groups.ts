import { readdirSync } from 'node:fs';
import type { Instruction } from '../../src/cpu/instruction.ts';

/** The instruction table's groups: every exported array of the files that describe instructions. */
export interface Group {
  /** The export's name. */
  readonly name: string;
  /** The file's name without its ending. */
  readonly file: string;
  readonly entries: readonly Instruction[];
}

const folder = new URL('../../src/cpu/arm64/instructions/', import.meta.url);

const isInstruction = (value: unknown): value is Instruction =>
  typeof value === 'object' && value !== null && 'describe' in value && 'match' in value;

export const loadGroups = async (): Promise<Group[]> => {
  const groups: Group[] = [];
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.ts') || file === 'table.ts') continue;
    const module = (await import(new URL(file, folder).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) {
      if (!Array.isArray(value) || value.length === 0 || !value.every(isInstruction)) continue;
      groups.push({ name, file: file.replace(/\.ts$/, ''), entries: value });
    }
  }
  return groups;
};

/** The entries that a word of the command line means: a group or file of that name, or whatever has it in a name, case aside. */
export const selectEntries = (
  groups: readonly Group[],
  table: readonly Instruction[],
  wanted: string,
): Instruction[] => {
  const entriesOf = (chosen: readonly Group[]): Set<Instruction> => new Set(chosen.flatMap((group) => group.entries));
  const exact = entriesOf(groups.filter(({ name, file }) => name === wanted || file === wanted));
  if (exact.size > 0) return table.filter((entry) => exact.has(entry));
  const has = (name: string): boolean => name.toLowerCase().includes(wanted.toLowerCase());
  const grouped = entriesOf(groups.filter(({ name, file }) => has(name) || has(file)));
  return table.filter((entry) => grouped.has(entry) || has(entry.name));
};
