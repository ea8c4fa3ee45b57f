/**
 * Flattened device trees (Devicetree Specification 0.4, chapter 5): a writer and a strict reader. Cells are big-endian; strings
 * end in a zero byte.
 */

const MAGIC = 0xd00dfeed;
const VERSION = 17;
const LAST_COMPATIBLE = 16;
const HEADER_BYTES = 40;
const TOKEN_BEGIN_NODE = 1;
const TOKEN_END_NODE = 2;
const TOKEN_PROPERTY = 3;
const TOKEN_NOP = 4;
const TOKEN_END = 9;
/** Deeper trees than this are refused by the reader. */
const MAX_DEPTH = 64;

/** A property's value: 32-bit cells, a string, a list of strings, raw bytes, or nothing. */
export type PropertyValue = readonly number[] | string | readonly string[] | Uint8Array | true;

export interface DeviceTreeNode {
  readonly name: string;
  readonly properties: Readonly<Record<string, PropertyValue>>;
  readonly children: readonly DeviceTreeNode[];
}

export const node = (
  name: string,
  properties: Readonly<Record<string, PropertyValue>>,
  children: readonly DeviceTreeNode[] = [],
): DeviceTreeNode => ({ name, properties, children });

/** A 64-bit number as two cells. */
export const cells64 = (value: number): [number, number] => [Math.floor(value / 4294967296), value >>> 0];

const text = new TextEncoder();

const isStrings = (value: PropertyValue): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && typeof value[0] === 'string';

const encodeValue = (value: PropertyValue): Uint8Array => {
  if (value === true) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return text.encode(`${value}\0`);
  if (isStrings(value)) return text.encode(value.map((item) => `${item}\0`).join(''));
  const cells = value as readonly number[];
  const bytes = new Uint8Array(cells.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < cells.length; i++) view.setUint32(i * 4, (cells[i] as number) >>> 0);
  return bytes;
};

/** Collects the structure block and the strings block. */
class Writer {
  readonly #structure: number[] = [];
  readonly #strings: number[] = [];
  readonly #stringOffsets = new Map<string, number>();

  #cell(value: number): void {
    this.#structure.push(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
  }

  #bytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.#structure.push(byte);
    while (this.#structure.length % 4 !== 0) this.#structure.push(0);
  }

  #stringOffset(name: string): number {
    const known = this.#stringOffsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#strings.length;
    this.#strings.push(...text.encode(`${name}\0`));
    this.#stringOffsets.set(name, offset);
    return offset;
  }

  write({ name, properties, children }: DeviceTreeNode): void {
    this.#cell(TOKEN_BEGIN_NODE);
    this.#bytes(text.encode(`${name}\0`));
    for (const [property, value] of Object.entries(properties)) {
      const bytes = encodeValue(value);
      this.#cell(TOKEN_PROPERTY);
      this.#cell(bytes.length);
      this.#cell(this.#stringOffset(property));
      this.#bytes(bytes);
    }
    for (const child of children) this.write(child);
    this.#cell(TOKEN_END_NODE);
  }

  finish(): Uint8Array {
    this.#cell(TOKEN_END);
    const reservationsAt = HEADER_BYTES;
    const structureAt = reservationsAt + 16;
    const stringsAt = structureAt + this.#structure.length;
    const total = stringsAt + this.#strings.length;
    const blob = new Uint8Array(total);
    const view = new DataView(blob.buffer);
    const header = [
      MAGIC,
      total,
      structureAt,
      stringsAt,
      reservationsAt,
      VERSION,
      LAST_COMPATIBLE,
      0,
      this.#strings.length,
      this.#structure.length,
    ];
    header.forEach((value, i) => {
      view.setUint32(i * 4, value);
    });
    blob.set(this.#structure, structureAt);
    blob.set(this.#strings, stringsAt);
    return blob;
  }
}

/** Encodes a tree; the root's name is ''. */
export const encodeDeviceTree = (root: DeviceTreeNode): Uint8Array => {
  const writer = new Writer();
  writer.write(root);
  return writer.finish();
};

/** A device tree blob that breaks its format; says where. */
export class DeviceTreeError extends Error {
  override readonly name = 'DeviceTreeError';
}

/** A property read back, whose type only its user knows. */
export interface ReadNode {
  readonly name: string;
  readonly properties: ReadonlyMap<string, Uint8Array>;
  readonly children: readonly ReadNode[];
}

interface MutableNode extends ReadNode {
  readonly properties: Map<string, Uint8Array>;
  readonly children: MutableNode[];
}

class Reader {
  readonly #blob: Uint8Array;
  readonly #view: DataView;
  #at: number;
  readonly #end: number;
  readonly #strings: number;
  readonly #stringsEnd: number;

  constructor(blob: Uint8Array) {
    if (blob.length < HEADER_BYTES)
      throw new DeviceTreeError(`device tree of ${blob.length} bytes is shorter than its header`);
    this.#blob = blob;
    this.#view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    const magic = this.#view.getUint32(0);
    if (magic !== MAGIC) throw new DeviceTreeError(`not a device tree: it begins with 0x${magic.toString(16)}`);
    const total = this.#view.getUint32(4);
    if (total > blob.length) throw new DeviceTreeError(`device tree says ${total} bytes but has ${blob.length}`);
    const compatible = this.#view.getUint32(24);
    if (compatible > VERSION) throw new DeviceTreeError(`device tree version ${compatible} is newer than ${VERSION}`);
    this.#at = this.#view.getUint32(8);
    this.#end = this.#at + this.#view.getUint32(36);
    this.#strings = this.#view.getUint32(12);
    this.#stringsEnd = this.#strings + this.#view.getUint32(32);
    if (this.#end > total || this.#stringsEnd > total || this.#at % 4 !== 0) {
      throw new DeviceTreeError('device tree blocks lie outside the tree');
    }
  }

  #cell(): number {
    if (this.#at + 4 > this.#end) throw new DeviceTreeError(`device tree ends within a token at offset ${this.#at}`);
    const value = this.#view.getUint32(this.#at);
    this.#at += 4;
    return value;
  }

  #string(from: number, end: number): string {
    const zero = this.#blob.subarray(from, end).indexOf(0);
    if (from > end || zero < 0) throw new DeviceTreeError(`unterminated string at offset ${from} of the device tree`);
    return new TextDecoder().decode(this.#blob.subarray(from, from + zero));
  }

  #property(into: MutableNode): void {
    const length = this.#cell();
    const name = this.#string(this.#strings + this.#cell(), this.#stringsEnd);
    if (length > this.#end - this.#at) {
      throw new DeviceTreeError(`property ${name} at offset ${this.#at} runs past the device tree's end`);
    }
    into.properties.set(name, this.#blob.subarray(this.#at, this.#at + length));
    this.#at += (length + 3) & ~3;
  }

  #begin(): MutableNode {
    const name = this.#string(this.#at, this.#end);
    this.#at += (text.encode(name).length + 4) & ~3;
    return { name, properties: new Map(), children: [] };
  }

  read(): ReadNode {
    const open: MutableNode[] = [];
    for (;;) {
      const offset = this.#at;
      const token = this.#cell();
      const current = open.at(-1);
      if (token === TOKEN_NOP) continue;
      if (token === TOKEN_BEGIN_NODE) {
        if (open.length >= MAX_DEPTH)
          throw new DeviceTreeError(`device tree deeper than ${MAX_DEPTH} at offset ${offset}`);
        const child = this.#begin();
        current?.children.push(child);
        open.push(child);
      } else if (token === TOKEN_PROPERTY && current !== undefined) {
        this.#property(current);
      } else if (token === TOKEN_END_NODE && current !== undefined) {
        open.pop();
        if (open.length === 0) return current;
      } else {
        throw new DeviceTreeError(`unexpected token ${token} at offset ${offset} of the device tree`);
      }
    }
  }
}

/** Reads a device tree; throws DeviceTreeError. */
export const readDeviceTree = (blob: Uint8Array): ReadNode => new Reader(blob).read();
