import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * The layering check: imports point downward only, and core folders import nothing of Node's. Exports the violations; run by
 * tools/check.ts and by a test.
 */

/** Layers from the top; folders of one line may import each other's public files only downward, never sideways. */
const layers: readonly (readonly string[])[] = [
  ['cli', 'web'],
  ['api'],
  ['toolstack'],
  ['host'],
  ['xenstore', 'backends', 'images', 'selftest'],
  ['hypervisor'],
  ['memory'],
  ['cpu'],
  ['wasm'],
];

/** Folders that must run in a browser as they are. */
const core = [
  'wasm',
  'cpu',
  'memory',
  'hypervisor',
  'xenstore',
  'backends',
  'toolstack',
  'images',
  'host',
  'selftest',
  'api',
];
/** Where adapters for one runtime live. */
const adapter = /\/node\//;

const rank = (folder: string): number => layers.findIndex((names) => names.includes(folder));
const folderOf = (file: string): string => file.split('/')[1] as string;

const imports = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export)\b[^;]*?from\s+'([^']+)'/gm), ...text.matchAll(/\bimport\('([^']+)'\)/g)].map(
    (match) => match[1] as string,
  );

const checkImport = (file: string, specifier: string): string | null => {
  const from = folderOf(file);
  if (specifier.startsWith('node:')) {
    return core.includes(from) && !adapter.test(file)
      ? `${file} imports ${specifier}, but ${from}/ must run anywhere`
      : null;
  }
  if (!specifier.startsWith('.')) return null;
  const target = relative('.', join(dirname(file), specifier));
  if (!target.startsWith('src/')) return `${file} imports ${target}, which is outside src/`;
  const to = folderOf(target);
  if (to === from) return null;
  if (rank(to) < 0) return `${file} imports ${to}/, which is in no layer`;
  if (rank(to) <= rank(from)) return `${file} (${from}) imports ${target}: imports point downward only`;
  if (adapter.test(target) && core.includes(from) && !adapter.test(file)) {
    return `${file} imports the adapter ${target}, but ${from}/ must run anywhere`;
  }
  return null;
};

/** Every violation under src/, one line each. */
export const layeringViolations = (): string[] =>
  globSync('src/**/*.ts').flatMap((file) => {
    const folder = folderOf(file);
    if (rank(folder) < 0) return [`${file}: ${folder}/ is in no layer`];
    return imports(readFileSync(file, 'utf8'))
      .map((specifier) => checkImport(file, specifier))
      .filter((violation) => violation !== null);
  });
