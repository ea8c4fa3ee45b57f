/**
 * The Packages index of an archive: tens of thousands of paragraphs, read as a stream. Only the fields that choosing
 * and fetching need are kept, as bytes; a package is parsed when it is asked for.
 */
import { concatBytes, decodeText, encodeText } from '../bytes.ts';
import { formatError } from '../errors.ts';
import { parseControl } from './control.ts';
import { parseRelations, type Relation, type RelationGroup } from './relation.ts';
import { compareVersions } from './version.ts';

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** Depends and Pre-Depends together. */
  readonly depends: readonly RelationGroup[];
  readonly provides: readonly Relation[];
  readonly priority: string;
  readonly essential: boolean;
  /** Path below the archive's root. */
  readonly filename: string;
  /** Bytes of the .deb. */
  readonly size: number;
  /** Of the .deb, in lower-case hexadecimal. */
  readonly sha256: string;
}

const KeptFields = [
  'Package',
  'Version',
  'Depends',
  'Pre-Depends',
  'Provides',
  'Priority',
  'Essential',
  'Filename',
  'Size',
  'SHA256',
] as const;

const Newline = 0x0a;
const Colon = 0x3a;
/** No field of Debian's comes near; the bound keeps a hostile index from filling memory with one line. */
const MaximumLine = 1 << 20;

/** For each first letter, the fields to keep. */
const KeptByInitial = new Map<number, Uint8Array[]>();
for (const field of KeptFields) {
  const initial = field.charCodeAt(0);
  KeptByInitial.set(initial, [...(KeptByInitial.get(initial) ?? []), encodeText(`${field}:`)]);
}
const PackagePrefix = encodeText('Package:');
const ProvidesPrefix = encodeText('Provides:');

function lineStartsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

/** Push the uncompressed index in pieces of any size, then call `finish`. */
export class PackagesParser {
  readonly #file: string;
  #store = new Uint8Array(1 << 20);
  #length = 0;
  /** Start of the current paragraph in the store. */
  #paragraph = 0;
  #name = '';
  /** Whether the field that a continuation line would continue is kept. */
  #keeping = false;
  #carry: Uint8Array[] = [];
  #carried = 0;
  #offset = 0;
  readonly #spans = new Map<string, number[]>();
  readonly #providers = new Map<string, string[]>();

  /** @param file the name used in errors */
  constructor(file: string) {
    this.#file = file;
  }

  /** @throws ImageError `format`, naming the offset */
  push(chunk: Uint8Array): void {
    let at = 0;
    if (this.#carried > 0) {
      const newline = chunk.indexOf(Newline);
      const end = newline < 0 ? chunk.length : newline;
      this.#keepForNext(chunk.subarray(0, end));
      if (newline < 0) return;
      const line = concatBytes(this.#carry);
      this.#carry = [];
      this.#carried = 0;
      this.#line(line, 0, line.length);
      at = end + 1;
    }
    for (let end = chunk.indexOf(Newline, at); end >= 0; end = chunk.indexOf(Newline, at)) {
      this.#line(chunk, at, end);
      at = end + 1;
    }
    if (at < chunk.length) this.#keepForNext(chunk.subarray(at));
  }

  /** @throws ImageError `format` */
  finish(): PackagesIndex {
    const last = concatBytes(this.#carry);
    if (last.length > 0) this.#line(last, 0, last.length);
    this.#endParagraph();
    return new PackagesIndex(this.#file, this.#store.slice(0, this.#length), this.#spans, this.#providers);
  }

  #keepForNext(part: Uint8Array): void {
    this.#carried += part.length;
    if (this.#carried > MaximumLine)
      throw formatError(this.#file, this.#offset, `a line of more than ${MaximumLine} bytes`);
    this.#carry.push(part.slice());
  }

  #line(bytes: Uint8Array, start: number, end: number): void {
    const offset = this.#offset;
    this.#offset += end - start + 1;
    if (end === start) {
      this.#endParagraph();
      return;
    }
    const first = bytes[start];
    if (first === 0x20 || first === 0x09) {
      if (this.#keeping) this.#append(bytes, start, end);
      return;
    }
    const kept = KeptByInitial.get(first)?.some((prefix) => lineStartsWith(bytes, start, end, prefix)) ?? false;
    this.#keeping = kept;
    if (!kept) {
      if (bytes.indexOf(Colon, start) < 0) throw formatError(this.#file, offset, 'a line that is not a field');
      return;
    }
    if (lineStartsWith(bytes, start, end, PackagePrefix)) {
      if (this.#name !== '') throw formatError(this.#file, offset, 'a paragraph with two Package fields');
      this.#name = decodeText(bytes.subarray(start + PackagePrefix.length, end)).trim();
      if (this.#name === '') throw formatError(this.#file, offset, 'a package without a name');
    } else if (lineStartsWith(bytes, start, end, ProvidesPrefix)) {
      this.#noteProvides(decodeText(bytes.subarray(start + ProvidesPrefix.length, end)), offset);
    }
    this.#append(bytes, start, end);
  }

  #noteProvides(field: string, offset: number): void {
    if (this.#name === '') throw formatError(this.#file, offset, 'a paragraph that does not start with Package');
    for (const part of field.split(',')) {
      const name = part.trim().split(/[\s(:]/, 1)[0];
      const known = this.#providers.get(name);
      if (known === undefined) this.#providers.set(name, [this.#name]);
      else if (known.at(-1) !== this.#name) known.push(this.#name);
    }
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#length + (end - start) + 1;
    if (needed > this.#store.length) {
      const larger = new Uint8Array(Math.max(needed, this.#store.length * 2));
      larger.set(this.#store.subarray(0, this.#length));
      this.#store = larger;
    }
    this.#store.set(bytes.subarray(start, end), this.#length);
    this.#store[needed - 1] = Newline;
    this.#length = needed;
  }

  #endParagraph(): void {
    if (this.#length > this.#paragraph) {
      if (this.#name === '') throw formatError(this.#file, this.#offset, 'a paragraph without a Package field');
      const spans = this.#spans.get(this.#name);
      if (spans === undefined) this.#spans.set(this.#name, [this.#paragraph, this.#length]);
      else spans.push(this.#paragraph, this.#length);
    }
    this.#paragraph = this.#length;
    this.#name = '';
    this.#keeping = false;
  }
}

export class PackagesIndex {
  readonly #file: string;
  readonly #store: Uint8Array;
  /** Start and end in the store of each paragraph with that name. */
  readonly #spans: ReadonlyMap<string, readonly number[]>;
  readonly #providers: ReadonlyMap<string, readonly string[]>;
  readonly #parsed = new Map<string, readonly DebianPackage[]>();

  constructor(
    file: string,
    store: Uint8Array,
    spans: ReadonlyMap<string, readonly number[]>,
    providers: ReadonlyMap<string, readonly string[]>,
  ) {
    this.#file = file;
    this.#store = store;
    this.#spans = spans;
    this.#providers = providers;
  }

  /** How many package names it knows. */
  get size(): number {
    return this.#spans.size;
  }

  names(): Iterable<string> {
    return this.#spans.keys();
  }

  /**
   * All versions of the package of this name, newest first; empty when there is none.
   *
   * @throws ImageError `format` when its paragraph is malformed
   */
  versions(name: string): readonly DebianPackage[] {
    const known = this.#parsed.get(name);
    if (known !== undefined) return known;
    const spans = this.#spans.get(name) ?? [];
    const packages: DebianPackage[] = [];
    for (let i = 0; i < spans.length; i += 2) packages.push(this.#parse(name, spans[i], spans[i + 1]));
    packages.sort((a, b) => compareVersions(b.version, a.version));
    this.#parsed.set(name, packages);
    return packages;
  }

  /** Names of the packages that some version of provides this name. */
  providers(name: string): readonly string[] {
    return this.#providers.get(name) ?? [];
  }

  #parse(name: string, start: number, end: number): DebianPackage {
    const where = `${this.#file}: package ${name}`;
    const [fields] = parseControl(decodeText(this.#store.subarray(start, end)), where);
    const need = (field: string, pattern: RegExp): string => {
      const value = fields?.get(field);
      if (value === undefined || !pattern.test(value))
        throw formatError(where, 0, `its ${field} is missing or malformed`);
      return value;
    };
    return {
      name,
      version: need('version', /^\S+$/),
      depends: ['pre-depends', 'depends'].flatMap((field) => parseRelations(fields.get(field) ?? '')),
      provides: parseRelations(fields.get('provides') ?? '').flat(),
      priority: fields.get('priority') ?? 'optional',
      essential: fields.get('essential') === 'yes',
      filename: need('filename', /^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[\x21-\x7e]+$/),
      size: Number(need('size', /^[0-9]{1,12}$/)),
      sha256: need('sha256', /^[0-9a-f]{64}$/),
    };
  }
}
