/** Apt's lists of sources in both their forms (sources.list(5)), and what of apt.conf(5) concerns us. */
import { parseControl } from './control.ts';

/** One kind of thing from one archive. */
export interface AptSource {
  readonly type: string;
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** A keyring file, or a key itself; absent when apt's general keys apply. */
  readonly signedBy?: string;
  /** False when releases past their Valid-Until date are acceptable; absent when apt's general setting applies. */
  readonly checkValidUntil?: boolean;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function isNo(text: string): boolean {
  return ['no', 'false', 'without', 'off', 'disable', '0'].includes(text.trim().toLowerCase());
}

function optional(signedBy: string | undefined, check: string | undefined): Partial<AptSource> {
  return {
    ...(signedBy === undefined ? {} : { signedBy }),
    ...(check === undefined ? {} : { checkValidUntil: !isNo(check) }),
  };
}

/**
 * The enabled entries of a .sources file.
 *
 * @param file the name used in errors
 * @throws ImageError `format`
 */
export function parseDeb822Sources(text: string, file: string): AptSource[] {
  return parseControl(text, file)
    .filter((fields) => !isNo(fields.get('enabled') ?? 'yes'))
    .flatMap((fields) =>
      words(fields.get('types')).map((type) => ({
        type,
        uris: words(fields.get('uris')),
        suites: words(fields.get('suites')),
        components: words(fields.get('components')),
        ...optional(fields.get('signed-by')?.trim(), fields.get('check-valid-until')),
      })),
    );
}

/** The entries of a one-line-style file; lines that are no entries are passed over, as what they mean is apt's matter. */
export function parseSourcesList(text: string): AptSource[] {
  return text.split('\n').flatMap((rawLine) => {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(rawLine);
    if (match === null) return [];
    const [, type, optionText = '', uri, suite, components] = match;
    const options = new Map(
      words(optionText).map((word) => [word.split('=', 1)[0], word.slice(word.indexOf('=') + 1)]),
    );
    const found = optional(options.get('signed-by'), options.get('check-valid-until'));
    return [{ type, uris: [uri], suites: [suite], components: words(components), ...found }];
  });
}

/**
 * The value of a setting in an apt.conf file, the last one given; undefined when it is not set there. Both forms
 * count: `A::B "value";` and `A { B "value"; };`.
 */
export function aptSetting(text: string, name: string): string | undefined {
  const wanted = name.toLowerCase();
  const scopes: string[] = [];
  let pending: string[] = [];
  let found: string | undefined;
  const token = /\/\*[\s\S]*?\*\/|(?:\/\/|#)[^\n]*|"([^"\n]*)"|[{};]|[^\s{};"]+/g;
  for (const [whole, quoted] of text.matchAll(token)) {
    if (/^(?:\/\*|\/\/|#)/.test(whole)) continue;
    if (whole === '{') {
      scopes.push(pending[0] ?? '');
      pending = [];
    } else if (whole === '}' || whole === ';') {
      const path = [...scopes, pending[0]].join('::').toLowerCase();
      if (pending.length === 2 && path === wanted) found = pending[1];
      pending = [];
      if (whole === '}') scopes.pop();
    } else pending.push(quoted ?? whole);
  }
  return found;
}

/** What the machine knows of itself, to tell Debian's own archive from others. */
export interface DebianHost {
  /** Such as bookworm. */
  readonly codename: string;
  /** The Origin and Label of the Release file apt has fetched for an address and suite, if it has. */
  readonly known: (uri: string, suite: string) => { readonly origin: string; readonly label: string } | undefined;
}

const GeneralSuites = ['stable', 'oldstable', 'oldoldstable', 'testing', 'unstable', 'sid'];

/** How surely a source is Debian's main archive: undefined when it is not, more when more speaks for it. */
function debianScore(source: AptSource, uri: string, host: DebianHost): number | undefined {
  const { type, suites, components, signedBy } = source;
  if (type !== 'deb' || !components.includes('main')) return undefined;
  // Security updates, point releases and backports have suites of their own, whose archive may be another.
  const main = suites.filter((suite) => suite === host.codename || GeneralSuites.includes(suite));
  if (main.length === 0) return undefined;
  if (signedBy !== undefined && !signedBy.includes('debian-archive')) return undefined;
  const seen = main.map((suite) => host.known(uri, suite)).find((release) => release !== undefined);
  if (seen !== undefined) return seen.origin === 'Debian' && seen.label === 'Debian' ? 3 : undefined;
  // Others serve suites of Debian's names, too, but sign with keys of their own, which the entry then names.
  if (signedBy !== undefined) return 2;
  return /\/debian\/?$/.test(uri) ? 1 : undefined;
}

/** The address of Debian's own archive among the sources, with the entry that names it. */
export function chooseDebianSource(
  sources: readonly AptSource[],
  host: DebianHost,
): { readonly uri: string; readonly source: AptSource } | undefined {
  return sources
    .flatMap((source) => source.uris.map((uri) => ({ uri, source, score: debianScore(source, uri, host) })))
    .filter(
      (candidate): candidate is { uri: string; source: AptSource; score: number } => candidate.score !== undefined,
    )
    .sort((a, b) => b.score - a.score)[0];
}
