/**
 * Linux kernel modules (.ko): relocatable ELF files whose `.modinfo` section states name, dependencies and aliases
 * as NUL-separated "key=value" texts (Linux include/linux/moduleparam.h; System V ABI, "ELF Object File Format").
 */
import { decodeText, startsWith, untilNul, viewOf } from './bytes.ts';
import { formatError } from './errors.ts';

export interface KernelModuleInfo {
  /** Names of modules that must be loaded before. */
  readonly depends: readonly string[];
  /** Patterns of device or service names the module serves. */
  readonly aliases: readonly string[];
}

const ElfMagic = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1);
const ElfHeaderLength = 64;
const SectionHeaderLength = 64;

/** File names use `-` and `_` alike; the kernel knows modules by the latter. */
export function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

interface Section {
  readonly name: number;
  readonly offset: number;
  readonly size: number;
}

function readSections(bytes: Uint8Array, file: string): { sections: Section[]; names: Section } {
  if (!startsWith(bytes, ElfMagic) || bytes.length < ElfHeaderLength) {
    throw formatError(file, 0, 'not a kernel module: no 64-bit little-endian ELF file');
  }
  const view = viewOf(bytes);
  const number64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  const table = number64(0x28);
  const entryLength = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  const namesIndex = view.getUint16(0x3e, true);
  if (
    entryLength !== SectionHeaderLength ||
    namesIndex >= count ||
    table + count * SectionHeaderLength > bytes.length
  ) {
    throw formatError(file, 0x28, 'the ELF section table is damaged or truncated');
  }
  const sections: Section[] = [];
  for (let i = 0; i < count; i++) {
    const at = table + i * SectionHeaderLength;
    sections.push({ name: view.getUint32(at, true), offset: number64(at + 0x18), size: number64(at + 0x20) });
  }
  return { sections, names: sections[namesIndex] };
}

function contentOf(bytes: Uint8Array, { offset, size }: Section, file: string): Uint8Array {
  if (offset + size > bytes.length)
    throw formatError(file, bytes.length, `truncated: an ELF section ends at ${offset + size}`);
  return bytes.subarray(offset, offset + size);
}

/**
 * @param file the name used in errors
 * @throws ImageError `format`, naming the offset
 */
export function parseKernelModule(bytes: Uint8Array, file: string): KernelModuleInfo {
  const { sections, names } = readSections(bytes, file);
  const nameTable = contentOf(bytes, names, file);
  const modinfo = sections.find(({ name }) => decodeText(untilNul(nameTable.subarray(name, name + 16))) === '.modinfo');
  if (modinfo === undefined) throw formatError(file, 0, 'not a kernel module: it has no .modinfo section');
  const depends: string[] = [];
  const aliases: string[] = [];
  for (const record of decodeText(contentOf(bytes, modinfo, file)).split('\0')) {
    const equals = record.indexOf('=');
    const key = record.slice(0, Math.max(0, equals));
    const value = record.slice(equals + 1);
    if (key === 'depends') depends.push(...value.split(',').filter((name) => name !== ''));
    else if (key === 'alias') aliases.push(value);
  }
  return { depends: depends.map(moduleName), aliases };
}
