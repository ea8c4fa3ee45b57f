import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FuzzTarget } from './target.ts';

/** Finds the targets: every module in this folder that exports `target`. */

const folder = import.meta.dirname;

export interface FoundTarget {
  readonly file: string;
  readonly target: FuzzTarget;
}

export const findTargets = async (): Promise<FoundTarget[]> => {
  const files = globSync('**/*.ts', { cwd: folder })
    .map((file) => join(folder, file))
    .filter((file) => /^export const target\b/m.test(readFileSync(file, 'utf8')))
    .sort();
  return await Promise.all(
    files.map(async (file) => ({ file, target: ((await import(file)) as { target: FuzzTarget }).target })),
  );
};
