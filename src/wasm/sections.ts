import { ByteWriter, u32Size } from './byte-writer.ts';
import { Constant, type ConstantExpression } from './constant-expression.ts';
import type { ReferenceType, ValueType } from './opcodes.ts';

/** Section identifiers (core specification, "Binary format: Modules"). */
export const SectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const;

/** What an import or export is. */
export const ExternalKind = { function: 0, table: 1, memory: 2, global: 3 } as const;
export type ExternalKind = (typeof ExternalKind)[keyof typeof ExternalKind];

export const NameSubsection = { module: 0, function: 1, local: 2 } as const;

/** Sizes in pages of 64 KiB. */
export interface MemoryLimits {
  readonly initial: number;
  readonly maximum?: number;
  /** A shared memory must have a maximum. */
  readonly shared?: boolean;
}

/** Sizes in elements. */
export interface TableLimits {
  readonly element: ReferenceType;
  readonly initial: number;
  readonly maximum?: number;
}

/** A section whose content is a vector: entries are counted as they are written. */
export class VectorSection {
  readonly id: number;
  readonly entries = new ByteWriter(0);
  count = 0;

  constructor(id: number) {
    this.id = id;
  }

  /** Counts one more entry, which the caller then writes. */
  add(): ByteWriter {
    this.count++;
    return this.entries;
  }

  /** Begins with the entries of another. */
  copy(from: VectorSection): void {
    this.entries.append(from.entries);
    this.count = from.count;
  }

  encode(out: ByteWriter): void {
    if (this.count === 0) return;
    out.u8(this.id);
    out.u32(u32Size(this.count) + this.entries.length);
    out.u32(this.count);
    out.append(this.entries);
  }
}

export function writeCustomSection(out: ByteWriter, name: string, content: Uint8Array): void {
  const header = new ByteWriter(name.length + 5);
  header.name(name);
  out.u8(SectionId.custom);
  out.u32(header.length + content.length);
  out.append(header);
  out.raw(content);
}

function writeLimits(out: ByteWriter, initial: number, maximum: number | undefined, shared: boolean): void {
  out.u8((maximum === undefined ? 0 : 1) | (shared ? 2 : 0));
  out.u32(initial);
  if (maximum !== undefined) out.u32(maximum);
}

export function checkMemory(limits: MemoryLimits): void {
  if (limits.shared && limits.maximum === undefined) throw new Error('a shared memory needs a maximum');
}

export function writeMemory(out: ByteWriter, limits: MemoryLimits): void {
  writeLimits(out, limits.initial, limits.maximum, limits.shared ?? false);
}

export function writeTable(out: ByteWriter, limits: TableLimits): void {
  out.u8(limits.element);
  writeLimits(out, limits.initial, limits.maximum, false);
}

export function writeTypes(out: ByteWriter, types: readonly ValueType[]): void {
  out.u32(types.length);
  for (const type of types) out.u8(type);
}

export function writeIndices(out: ByteWriter, indices: ArrayLike<number>): void {
  out.u32(indices.length);
  for (let i = 0; i < indices.length; i++) out.u32(indices[i]);
}

/** Names by index, in the increasing order that the format asks for. */
export function writeNameMap(out: ByteWriter, names: ReadonlyMap<number, string>): void {
  out.u32(names.size);
  for (const [index, name] of [...names].sort((a, b) => a[0] - b[0])) {
    out.u32(index);
    out.name(name);
  }
}

export function writeOffset(out: ByteWriter, offset: number | ConstantExpression): void {
  out.raw(typeof offset === 'number' ? Constant.i32(offset) : offset);
}
