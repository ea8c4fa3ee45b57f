/**
 * cpio archives in the "new ASCII" format, the one Linux unpacks as its initial ramdisk
 * (Linux Documentation/driver-api/early-userspace/buffer-format.rst).
 */
import { concatBytes, decodeText, encodeText, startsWith } from './bytes.ts';
import { formatError, ImageError } from './errors.ts';

/** File type bits of a mode (S_IFMT in sys/stat.h). */
export const FileType = {
  Mask: 0o170000,
  Fifo: 0o010000,
  Character: 0o020000,
  Directory: 0o040000,
  Block: 0o060000,
  Regular: 0o100000,
  SymbolicLink: 0o120000,
} as const;

export interface CpioEntry {
  /** Relative, without a leading slash. */
  readonly path: string;
  /** File type and permission bits. */
  readonly mode: number;
  /** A regular file's content, or a symbolic link's target. */
  readonly data?: Uint8Array;
  /** Major and minor number of a device node. */
  readonly device?: readonly [number, number];
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since 1970; 0 unless given, so that equal inputs give equal archives. */
  readonly mtime?: number;
}

const HeaderLength = 110;
const Magic = encodeText('070701');
const MagicWithSum = encodeText('070702');
const Trailer = 'TRAILER!!!';
/** PATH_MAX: Linux ignores entries with longer names. */
const MaximumPath = 4096;
const MaximumSize = 0xffff_ffff;

function padding(length: number): number {
  return -length & 3;
}

function header(fields: readonly number[]): Uint8Array {
  return encodeText(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
}

function checkPath(path: string): void {
  if (path === '' || path.startsWith('/') || path.includes('\0') || path === Trailer) {
    throw new ImageError('format', `cpio: ${JSON.stringify(path)} cannot be an entry's path`);
  }
}

/**
 * One archive with the entries in the order given; Linux needs a directory before what is in it.
 * Equal entries give equal bytes. The length is a multiple of 4, so archives can be concatenated.
 *
 * @throws ImageError `format` for a path that is empty, absolute or given twice, or content over 4 GiB
 */
export function writeCpio(entries: Iterable<CpioEntry>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const seen = new Set<string>();
  const add = (inode: number, path: string, links: number, entry: CpioEntry): void => {
    const name = encodeText(`${path}\0`);
    const data = entry.data ?? new Uint8Array(0);
    if (name.length > MaximumPath) throw new ImageError('format', `cpio: the path ${path} is too long`);
    if (data.length > MaximumSize) throw new ImageError('format', `cpio: ${path} is larger than 4 GiB`);
    const [major, minor] = entry.device ?? [0, 0];
    const { mode, uid = 0, gid = 0, mtime = 0 } = entry;
    parts.push(
      header([inode, mode, uid, gid, links, mtime, data.length, 0, 0, major, minor, name.length, 0]),
      name,
      new Uint8Array(padding(HeaderLength + name.length)),
      data,
      new Uint8Array(padding(data.length)),
    );
  };
  let inode = 1;
  for (const entry of entries) {
    checkPath(entry.path);
    if (seen.has(entry.path)) throw new ImageError('format', `cpio: ${entry.path} is given twice`);
    seen.add(entry.path);
    add(inode++, entry.path, (entry.mode & FileType.Mask) === FileType.Directory ? 2 : 1, entry);
  }
  add(0, Trailer, 1, { path: Trailer, mode: 0 });
  return concatBytes(parts);
}

function hexField(bytes: Uint8Array, at: number, file: string): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) {
    const digit = Number.parseInt(String.fromCharCode(bytes[i]), 16);
    if (Number.isNaN(digit)) throw formatError(file, i, 'a cpio header field is not a hexadecimal number');
    value = value * 16 + digit;
  }
  return value;
}

function sum(data: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < data.length; i++) total = (total + data[i]) >>> 0;
  return total;
}

/**
 * The entries of one or several concatenated uncompressed archives, as Linux would read them. Content is a
 * view into `bytes`.
 *
 * @param file the name used in errors
 * @throws ImageError `format`, naming the offset
 */
export function* readCpio(bytes: Uint8Array, file: string): Generator<CpioEntry> {
  let at = 0;
  let ended = false;
  while (at < bytes.length) {
    if (bytes[at] === 0 && ended) {
      at++;
      continue;
    }
    const start = at;
    if (bytes.length - at < HeaderLength) throw formatError(file, at, 'truncated within a cpio header');
    const summed = startsWith(bytes, MagicWithSum, at);
    if (!summed && !startsWith(bytes, Magic, at)) throw formatError(file, at, 'no cpio header (newc) here');
    const field = (index: number): number => hexField(bytes, start + 6 + index * 8, file);
    const size = field(6);
    const nameLength = field(11);
    if (nameLength < 1 || nameLength > MaximumPath) {
      throw formatError(file, start, `a cpio entry's path of ${nameLength} bytes`);
    }
    at += HeaderLength;
    if (bytes.length - at < nameLength) throw formatError(file, at, 'truncated within a cpio path');
    const nameBytes = bytes.subarray(at, at + nameLength);
    if (nameBytes.indexOf(0) !== nameLength - 1)
      throw formatError(file, at, 'a cpio path that does not end where its length says');
    const path = decodeText(nameBytes.subarray(0, -1));
    at += nameLength;
    at += padding(at - start);
    if (path === Trailer) {
      ended = true;
      continue;
    }
    ended = false;
    if (bytes.length - at < size) {
      throw formatError(file, at, `truncated: ${path} needs ${size} bytes, ${Math.max(0, bytes.length - at)} are left`);
    }
    const data = bytes.subarray(at, at + size);
    if (summed && sum(data) !== field(12)) throw formatError(file, at, `${path} does not match its checksum`);
    at += size + padding(size);
    const mode = field(1);
    const entry = { path, mode, uid: field(2), gid: field(3), mtime: field(5), data };
    const type = mode & FileType.Mask;
    const isDevice = type === FileType.Character || type === FileType.Block;
    yield isDevice ? { ...entry, device: [field(9), field(10)] } : entry;
  }
  if (!ended) throw formatError(file, bytes.length, 'truncated: no cpio trailer');
}

/** Archives one after another, as Linux unpacks them: a later file replaces an earlier one of its path. */
export function concatenateCpio(archives: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concatBytes(archives.flatMap((archive) => [archive, new Uint8Array(padding(archive.length))]));
}
