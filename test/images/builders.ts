/** Builds the files that the parsers read, byte by byte and apart from the code under test. */
import { createHash } from 'node:crypto';
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib';

const text = new TextEncoder();

export function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? text.encode(content) : content;
}

export function join(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map(bytesOf)));
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

export interface TarItem {
  readonly name: string;
  readonly content?: string | Uint8Array;
  readonly type?: string;
  readonly mode?: number;
  readonly mtime?: number;
  readonly link?: string;
  readonly prefix?: string;
  /** Replaces the size field's text. */
  readonly size?: Uint8Array;
}

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`;
}

/** One header block (ustar), with a right checksum. */
export function tarHeader(item: TarItem): Uint8Array {
  const block = new Uint8Array(512);
  const put = (at: number, value: string | Uint8Array): void => block.set(bytesOf(value), at);
  put(0, item.name);
  put(100, octal(item.mode ?? 0o644, 8));
  put(108, octal(0, 8));
  put(116, octal(0, 8));
  put(124, item.size ?? octal(bytesOf(item.content ?? '').length, 12));
  put(136, octal(item.mtime ?? 0, 12));
  put(148, '        ');
  put(156, item.type ?? '0');
  put(157, item.link ?? '');
  put(257, 'ustar\x0000');
  put(345, item.prefix ?? '');
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

export function tarItem(item: TarItem): Uint8Array {
  const content = bytesOf(item.content ?? '');
  return join(tarHeader(item), content, new Uint8Array(-content.length & 511));
}

export function tar(items: readonly TarItem[]): Uint8Array {
  return join(...items.map(tarItem), new Uint8Array(1024));
}

/** The content of a pax header: each record states its own length. */
export function paxRecords(records: Readonly<Record<string, string>>): string {
  return Object.entries(records)
    .map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`);
      let length = rest + String(rest).length;
      if (rest + String(length).length !== length) length = rest + String(length).length;
      return `${length} ${key}=${value}\n`;
    })
    .join('');
}

export function arMember(name: string, content: string | Uint8Array): Uint8Array {
  const data = bytesOf(content);
  const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`;
  return join(`${header}${String(data.length).padEnd(10)}\`\n`, data, data.length % 2 === 1 ? '\n' : '');
}

export function ar(members: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  return join('!<arch>\n', ...Object.entries(members).map(([name, content]) => arMember(name, content)));
}

/** A number in xz's variable-length form. */
function xzNumber(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function crc(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, crc32(content), true);
  return bytes;
}

/** An .xz stream whose one block stores the content as it is (LZMA2's uncompressed chunks), with CRC-32 checks. */
export function xz(content: string | Uint8Array): Uint8Array {
  const data = bytesOf(content);
  const flags = Uint8Array.of(0, 1);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += 0x10000) {
    const chunk = data.subarray(at, at + 0x10000);
    const size = chunk.length - 1;
    chunks.push(Uint8Array.of(at === 0 ? 1 : 2, size >> 8, size & 0xff), chunk);
  }
  const packed = join(...chunks, Uint8Array.of(0));
  // Header of 12 bytes: one filter, LZMA2, with a dictionary of 64 KiB.
  const blockHeader = Uint8Array.of(2, 0, 0x21, 1, 8, 0, 0, 0);
  const unpadded = blockHeader.length + 4 + packed.length + 4;
  const blockPadding = new Uint8Array(-packed.length & 3);
  const block = join(blockHeader, crc(blockHeader), packed, blockPadding, crc(data));
  const indexBody = join(Uint8Array.of(0, 1), xzNumber(unpadded), xzNumber(data.length));
  const index = join(indexBody, new Uint8Array(-indexBody.length & 3));
  const footer = new Uint8Array(6);
  new DataView(footer.buffer).setUint32(0, (index.length + 4) / 4 - 1, true);
  footer.set(flags, 4);
  return join(Uint8Array.of(0xfd), '7zXZ\0', flags, crc(flags), block, index, crc(index), crc(footer), footer, 'YZ');
}

export const Compress = {
  '': (content: Uint8Array): Uint8Array => content,
  '.gz': (content: Uint8Array): Uint8Array => new Uint8Array(gzipSync(content)),
  '.xz': xz,
  '.zst': (content: Uint8Array): Uint8Array => new Uint8Array(zstdCompressSync(content)),
} as const;

export interface DebInput {
  readonly control?: string;
  readonly data: readonly TarItem[];
  readonly suffix?: keyof typeof Compress;
}

export function deb({ control = 'Package: example\n', data, suffix = '.xz' }: DebInput): Uint8Array {
  return ar({
    'debian-binary': '2.0\n',
    [`control.tar${suffix}`]: Compress[suffix](tar([{ name: './control', content: control }])),
    [`data.tar${suffix}`]: Compress[suffix](tar(data)),
  });
}

export interface ImageInput {
  readonly textOffset?: number;
  readonly imageSize?: number;
  readonly flags?: number;
  readonly length?: number;
  /** Adds an EFI header whose one section ends here. */
  readonly sectionEnd?: number;
  readonly machine?: number;
}

/** A raw arm64 Image, or its beginning. */
export function kernelImage(input: ImageInput = {}): Uint8Array {
  const { textOffset = 0, imageSize = 0x20000, flags = 0b1010, length = 0x10000, sectionEnd, machine = 0xaa64 } = input;
  const image = new Uint8Array(length);
  const view = new DataView(image.buffer);
  image.set(bytesOf('MZ'));
  view.setUint32(8, textOffset, true);
  view.setUint32(16, imageSize, true);
  view.setUint32(24, flags, true);
  image.set(bytesOf('ARM\x64'), 56);
  if (sectionEnd !== undefined) {
    view.setUint32(60, 64, true);
    image.set(bytesOf('PE\0\0'), 64);
    view.setUint16(68, machine, true);
    view.setUint16(70, 1, true);
    view.setUint16(84, 0x70, true);
    const section = 64 + 24 + 0x70;
    view.setUint32(section + 16, sectionEnd - 0x1000, true);
    view.setUint32(section + 20, 0x1000, true);
  }
  return image;
}

/** An EFI zboot container around a payload. */
export function zboot(compression: string, payload: Uint8Array, machine = 0xaa64): Uint8Array {
  const head = new Uint8Array(0x100);
  const view = new DataView(head.buffer);
  head.set(bytesOf('MZ\0\0zimg'));
  view.setUint32(8, head.length, true);
  view.setUint32(12, payload.length, true);
  head.set(bytesOf(compression), 24);
  view.setUint32(60, 64, true);
  head.set(bytesOf('PE\0\0'), 64);
  view.setUint16(68, machine, true);
  return join(head, payload, new Uint8Array(4));
}

/** A relocatable ELF file with nothing but the sections a module's description needs. */
export function kernelModule(info: readonly string[]): Uint8Array {
  const names = bytesOf('\0.modinfo\0.shstrtab\0');
  const modinfo = bytesOf(info.map((record) => `${record}\0`).join(''));
  const table = (64 + names.length + modinfo.length + 7) & ~7;
  const file = new Uint8Array(table + 3 * 64);
  const view = new DataView(file.buffer);
  file.set(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1));
  view.setUint16(16, 1, true);
  view.setUint16(18, 183, true);
  view.setUint32(0x28, table, true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, 3, true);
  view.setUint16(0x3e, 2, true);
  file.set(modinfo, 64);
  file.set(names, 64 + modinfo.length);
  const section = (index: number, name: number, offset: number, size: number): void => {
    view.setUint32(table + index * 64, name, true);
    view.setUint32(table + index * 64 + 0x18, offset, true);
    view.setUint32(table + index * 64 + 0x20, size, true);
  };
  section(1, 1, 64, modinfo.length);
  section(2, 10, 64 + modinfo.length, names.length);
  return file;
}

export const Applets = [
  '[',
  '[[',
  ...Array.from({ length: 60 }, (_, i) => `applet${String(i).padStart(2, '0')}`),
  'base64',
  'busybox',
  'cat',
  'mount',
  'poweroff',
  'sh',
];

/** Something that holds busybox's table of applets. */
export function busybox(applets: readonly string[] = Applets): Uint8Array {
  return join('\x7fELF decoy [\0[[\0', Uint8Array.of(0xff, 0xae, 0x20), `${applets.join('\0')}\0\0/bin/sh\0`);
}
