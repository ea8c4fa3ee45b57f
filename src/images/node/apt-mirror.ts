/** Finds the mirror that a Debian machine's own apt uses. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type AptSource,
  aptSetting,
  chooseDebianSource,
  type DebianHost,
  parseDeb822Sources,
  parseSourcesList,
} from '../debian/apt-sources.ts';
import type { Mirror } from '../debian/archive.ts';

async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined);
}

async function filesIn(folder: string, pattern: RegExp): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));
}

async function readSources(etc: string): Promise<AptSource[]> {
  const folder = join(etc, 'apt/sources.list.d');
  const paths = [
    join(etc, 'apt/sources.list'),
    ...(await filesIn(folder, /^[\w.-]+\.list$/)),
    ...(await filesIn(folder, /^[\w.-]+\.sources$/)),
  ];
  const sources: AptSource[] = [];
  for (const path of paths) {
    const text = (await readIfThere(path)) ?? '';
    try {
      sources.push(...(path.endsWith('.sources') ? parseDeb822Sources(text, path) : parseSourcesList(text)));
    } catch {
      // A file apt itself would refuse names no mirror; the others may.
    }
  }
  return sources;
}

/** What apt's own Release files say of where they come from; they are named by their address. */
async function readKnownReleases(root: string, sources: readonly AptSource[]): Promise<DebianHost['known']> {
  const known = new Map<string, { origin: string; label: string }>();
  for (const { uris, suites } of sources) {
    for (const uri of uris) {
      for (const suite of suites) {
        const stem = `${uri.replace(/^[a-z+]+:\/\//, '').replace(/\/$/, '')}/dists/${suite}`.replaceAll('/', '_');
        const text =
          (await readIfThere(join(root, 'var/lib/apt/lists', `${stem}_InRelease`))) ??
          (await readIfThere(join(root, 'var/lib/apt/lists', `${stem}_Release`)));
        if (text === undefined) continue;
        const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1].trim() ?? '';
        known.set(`${uri} ${suite}`, { origin: field('Origin'), label: field('Label') });
      }
    }
  }
  return (uri, suite) => known.get(`${uri} ${suite}`);
}

/** Apt can read the address of a mirror from a file that lists several. */
async function plainAddress(uri: string): Promise<string | undefined> {
  const listed = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(uri);
  if (listed === null) return /^(?:https?|file):/.test(uri) ? uri : undefined;
  const text = (await readIfThere(listed[1])) ?? '';
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s/, 1)[0])
    .find((line) => /^(?:https?|file):/.test(line));
}

/**
 * The mirror that apt is set up to use for Debian itself, or undefined on machines that are not Debian or name none.
 *
 * @param root the folder that holds etc and var; `/` but for tests
 */
export async function aptMirror(root = '/'): Promise<Mirror | undefined> {
  const etc = join(root, 'etc');
  const release = (await readIfThere(join(etc, 'os-release'))) ?? '';
  const setting = (name: string): string => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(release)?.[1] ?? '';
  if (setting('ID') !== 'debian') return undefined;
  const sources = await readSources(etc);
  const host = { codename: setting('VERSION_CODENAME'), known: await readKnownReleases(root, sources) };
  const chosen = chooseDebianSource(sources, host);
  const url = chosen === undefined ? undefined : await plainAddress(chosen.uri);
  if (chosen === undefined || url === undefined) return undefined;
  const configurations = [
    ...(await filesIn(join(etc, 'apt/apt.conf.d'), /^[\w-]+(?:\.conf)?$/)),
    join(etc, 'apt/apt.conf'),
  ];
  let general: string | undefined;
  for (const path of configurations) {
    general = aptSetting((await readIfThere(path)) ?? '', 'Acquire::Check-Valid-Until') ?? general;
  }
  const check = chosen.source.checkValidUntil ?? general !== 'false';
  return { url, allowExpired: !check };
}
