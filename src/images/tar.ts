/**
 * A streaming reader of tar archives: ustar and its ancestors, pax headers, and GNU's long names and binary
 * numbers (POSIX.1-2017 pax "ustar Interchange Format"; GNU tar manual, "Basic Tar Format").
 */
import { concatBytes, decodeText, untilNul } from './bytes.ts';
import { formatError } from './errors.ts';

export type TarEntryType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

export interface TarEntry {
  /** Relative: a leading `/` or `./` is removed; the root folder itself is the empty string. Never contains `..`. */
  readonly path: string;
  readonly type: TarEntryType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Bytes of content; 0 unless a file. */
  readonly size: number;
  /** Target of a symbolic link as written; of a hard link, the path of an earlier entry. */
  readonly linkTarget: string;
  /** Major and minor number of a device node. */
  readonly device: readonly [number, number];
}

/** Called once per entry; return a function to be given the entry's whole content, or nothing to skip it. */
export type TarVisitor = (entry: TarEntry) => ((content: Uint8Array) => void) | undefined;

const BlockSize = 512;
const MaximumExtension = 1 << 20;
const MaximumPath = 4096;
/** Content that a visitor asks for is held in memory whole. */
const MaximumContent = 1 << 30;

const TypeNames: Readonly<Record<string, TarEntryType>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
};

/** What pax and GNU extension headers say about the entry that follows them. */
interface Extensions {
  path?: string;
  linkTarget?: string;
  size?: number;
  mtime?: number;
  uid?: number;
  gid?: number;
}

interface Body {
  remaining: number;
  padding: number;
  /** Absent when the content is skipped. */
  parts?: Uint8Array[];
  done?: (content: Uint8Array) => void;
}

/** Push the archive in pieces of any size, then call `finish`. */
export class TarReader {
  readonly #file: string;
  readonly #visit: TarVisitor;
  readonly #block = new Uint8Array(BlockSize);
  #filled = 0;
  /** Bytes consumed so far, for error messages. */
  #offset = 0;
  #body: Body | undefined;
  #extensions: Extensions = {};
  #zeroBlocks = 0;

  /** @param file the name used in errors */
  constructor(file: string, visit: TarVisitor) {
    this.#file = file;
    this.#visit = visit;
  }

  /** @throws ImageError `format`, naming the offset; and whatever the visitor throws */
  push(chunk: Uint8Array): void {
    let at = 0;
    // What follows the end mark is padding up to the writer's record size.
    while (at < chunk.length && this.#zeroBlocks < 2) {
      const used = this.#body === undefined ? this.#fillBlock(chunk, at) : this.#consumeBody(this.#body, chunk, at);
      at += used;
      this.#offset += used;
      if (this.#body === undefined && this.#filled === BlockSize) {
        this.#filled = 0;
        this.#readHeader(this.#offset - BlockSize);
      }
    }
  }

  /** @throws ImageError `format` when the archive has not ended */
  finish(): void {
    if (this.#zeroBlocks < 2) throw formatError(this.#file, this.#offset, 'truncated: the tar archive has no end mark');
  }

  #fillBlock(chunk: Uint8Array, at: number): number {
    const used = Math.min(BlockSize - this.#filled, chunk.length - at);
    this.#block.set(chunk.subarray(at, at + used), this.#filled);
    this.#filled += used;
    return used;
  }

  #consumeBody(body: Body, chunk: Uint8Array, at: number): number {
    const used = Math.min(body.remaining, chunk.length - at);
    // The caller may reuse its chunk, so content is copied.
    if (used > 0) body.parts?.push(chunk.slice(at, at + used));
    body.remaining -= used;
    const skipped = Math.min(body.padding, chunk.length - at - used);
    if (body.remaining === 0) body.padding -= skipped;
    if (body.remaining === 0 && body.padding === 0) this.#endBody(body);
    return used + skipped;
  }

  #endBody(body: Body): void {
    this.#body = undefined;
    body.done?.(concatBytes(body.parts ?? []));
  }

  #startBody(size: number, done: ((content: Uint8Array) => void) | undefined): void {
    const body: Body = { remaining: size, padding: -size & (BlockSize - 1) };
    if (done !== undefined) Object.assign(body, { parts: [], done });
    if (size === 0) this.#endBody(body);
    else this.#body = body;
  }

  #readHeader(start: number): void {
    const block = this.#block;
    if (block.every((byte) => byte === 0)) {
      this.#zeroBlocks++;
      return;
    }
    if (this.#zeroBlocks > 0) throw formatError(this.#file, start, 'tar entries after an empty block');
    this.#checkSum(start);
    const type = String.fromCharCode(block[156]);
    const size = this.#extensions.size ?? this.#number(start, 124, 12, 'size');
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      this.#readExtension(start, type);
      return;
    }
    const known = TypeNames[type];
    if (known === undefined) {
      throw formatError(this.#file, start + 156, `a tar entry of the unknown type ${JSON.stringify(type)}`);
    }
    const entry = this.#entry(start, known, size);
    this.#extensions = {};
    const wanted = this.#visit(entry);
    if (wanted !== undefined && entry.size > MaximumContent) {
      throw formatError(this.#file, start, `${entry.path} has ${entry.size} bytes, more than this program holds`);
    }
    this.#startBody(entry.size, wanted);
  }

  #entry(start: number, named: TarEntryType, size: number): TarEntry {
    const block = this.#block;
    const extensions = this.#extensions;
    const isUstar = decodeText(block.subarray(257, 262)) === 'ustar';
    // GNU's own format marks itself with a space here and uses the prefix for other things.
    const prefix = isUstar && block[262] === 0 ? decodeText(untilNul(block.subarray(345, 500))) : '';
    const name = decodeText(untilNul(block.subarray(0, 100)));
    const rawPath = extensions.path ?? (prefix === '' ? name : `${prefix}/${name}`);
    // Archives older than ustar mark a directory by a trailing slash alone.
    const type = named === 'file' && rawPath.endsWith('/') ? 'directory' : named;
    const rawTarget = extensions.linkTarget ?? decodeText(untilNul(block.subarray(157, 257)));
    const isDevice = type === 'character' || type === 'block';
    return {
      path: this.#path(start, rawPath),
      type,
      mode: this.#number(start, 100, 8, 'mode') & 0o7777,
      uid: extensions.uid ?? this.#number(start, 108, 8, 'uid'),
      gid: extensions.gid ?? this.#number(start, 116, 8, 'gid'),
      mtime: extensions.mtime ?? this.#number(start, 136, 12, 'mtime'),
      size: type === 'file' ? size : 0,
      linkTarget: type === 'link' ? this.#path(start, rawTarget) : rawTarget,
      device: isDevice ? [this.#number(start, 329, 8, 'device'), this.#number(start, 337, 8, 'device')] : [0, 0],
    };
  }

  #checkSum(start: number): void {
    const block = this.#block;
    let sum = 8 * 0x20;
    for (let i = 0; i < BlockSize; i++) if (i < 148 || i >= 156) sum += block[i];
    if (this.#number(start, 148, 8, 'checksum') !== sum) {
      throw formatError(this.#file, start, 'not a tar header: its checksum does not match');
    }
  }

  /** An octal field, or GNU's base 256 when its first bit is set. */
  #number(start: number, at: number, length: number, name: string): number {
    const field = this.#block.subarray(at, at + length);
    if ((field[0] & 0x80) !== 0) {
      // Two's complement over the remaining bits.
      let value = (field[0] & 0x40) !== 0 ? (field[0] & 0x7f) - 0x80 : field[0] & 0x7f;
      for (let i = 1; i < length; i++) value = value * 256 + field[i];
      if (!Number.isSafeInteger(value) || (value < 0 && name !== 'mtime')) {
        throw formatError(this.#file, start + at, `a tar ${name} out of range`);
      }
      return value;
    }
    const text = decodeText(untilNul(field)).trim();
    if (!/^[0-7]*$/.test(text)) throw formatError(this.#file, start + at, `a tar ${name} that is not an octal number`);
    return text === '' ? 0 : Number.parseInt(text, 8);
  }

  #path(start: number, raw: string): string {
    if (raw.includes('\0') || raw.length > MaximumPath)
      throw formatError(this.#file, start, 'a tar path that no file can have');
    const segments = raw.split('/').filter((segment) => segment !== '' && segment !== '.');
    if (segments.includes('..')) throw formatError(this.#file, start, `the tar path ${raw} leads out of the archive`);
    return segments.join('/');
  }

  #readExtension(start: number, type: string): void {
    const size = this.#number(start, 124, 12, 'size');
    if (size > MaximumExtension) throw formatError(this.#file, start, `a tar extension header of ${size} bytes`);
    this.#startBody(size, (content) => {
      if (type === 'L') this.#extensions.path = decodeText(untilNul(content));
      else if (type === 'K') this.#extensions.linkTarget = decodeText(untilNul(content));
      else {
        const extensions = this.#parsePax(start + BlockSize, content);
        // Global records would hold for every later entry; only comments are written that way in practice.
        if (type === 'x') Object.assign(this.#extensions, extensions);
      }
    });
  }

  /** Records of the form "LENGTH KEY=VALUE\n", the length counting the whole record. */
  #parsePax(start: number, content: Uint8Array): Extensions {
    const extensions: Extensions = {};
    let at = 0;
    while (at < content.length) {
      const space = content.indexOf(0x20, at);
      const lengthText = space < 0 ? '' : decodeText(content.subarray(at, space));
      const end = at + Number(lengthText);
      if (!/^[0-9]{1,7}$/.test(lengthText) || end <= space + 1 || end > content.length || content[end - 1] !== 0x0a) {
        throw formatError(this.#file, start + at, 'a pax record whose length is wrong');
      }
      const record = decodeText(content.subarray(space + 1, end - 1));
      const equals = record.indexOf('=');
      if (equals < 0) throw formatError(this.#file, start + at, 'a pax record without a key');
      this.#applyPax(extensions, start + at, record.slice(0, equals), record.slice(equals + 1));
      at = end;
    }
    return extensions;
  }

  #applyPax(extensions: Extensions, at: number, key: string, value: string): void {
    if (key === 'path') extensions.path = value;
    else if (key === 'linkpath') extensions.linkTarget = value;
    else if (key === 'size' || key === 'uid' || key === 'gid' || key === 'mtime') {
      const number = Math.floor(Number(value));
      if (value === '' || !Number.isSafeInteger(number) || (number < 0 && key !== 'mtime')) {
        throw formatError(this.#file, at, `a pax ${key} out of range`);
      }
      extensions[key] = number;
    } else if (key.startsWith('GNU.sparse.')) {
      throw formatError(this.#file, at, 'a sparse file, which this program does not read');
    }
  }
}
