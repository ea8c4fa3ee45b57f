import { Decoder, highHalf, lowHalf } from '../decoder.ts';
import { type Fields, type Instruction, instruction, type RegisterOperand } from '../instruction.ts';
import { aliasOf, formOf, immediate, type Place } from './assembly-syntax.ts';
import { conditionNames } from './conditions.ts';
import { a64Instructions } from './instructions/table.ts';
import { SP, V, vectorOffset } from './state.ts';

/**
 * Instruction words as text, for logs. What an instruction's operands are is read off the instruction table; assembly-syntax.ts
 * has what that cannot tell. Of vector instructions the arrangement is written once, after the mnemonic, and what else there is
 * in braces as it stands in the encoding.
 */

/** A field that names a register: one of which 31 is the zero register or the stack pointer, or a vector register. */
interface RegisterField {
  readonly name: string;
  readonly kind: 'zero' | 'stack' | 'vector';
}

const registerOrder = ['Rd', 'Rs', 'Rt', 'Rt2', 'Rn', 'Rm', 'Ra'];

/** The field that a register operand comes from, found by trying; null for fixed registers. */
const registerField = (entry: Instruction, operand: RegisterOperand): RegisterField | null => {
  const fields = Object.fromEntries(entry.fields.map(({ name }) => [name, 0]));
  for (const { name, width } of entry.fields) {
    if (!registerOrder.includes(name)) continue;
    const offset = operand.get({ ...fields, [name]: 2 ** width - 1 });
    if (offset === operand.get(fields)) continue;
    if (offset >= V && offset <= vectorOffset(31)) return { name, kind: 'vector' };
    return { name, kind: offset === SP ? 'stack' : 'zero' };
  }
  return null;
};

const registerFieldsByEntry = new Map<Instruction, readonly RegisterField[]>();

/** The fields that name registers, in the order they are written in. */
const registerFields = (entry: Instruction): readonly RegisterField[] => {
  const known = registerFieldsByEntry.get(entry);
  if (known !== undefined) return known;
  const found = new Map<string, RegisterField>();
  for (const [, operand] of entry.operands) {
    const field = operand.kind === 'register' ? registerField(entry, operand) : null;
    if (field !== null) found.set(field.name, field);
  }
  const fields = registerOrder.flatMap((name) => found.get(name) ?? []);
  registerFieldsByEntry.set(entry, fields);
  return fields;
};

const isMemoryAccess = (entry: Instruction): boolean => /^(LD|ST|CAS|SWP)/.test(entry.name);

/** The word of those listed that the table's name has in its brackets. */
const variantOf = (entry: Instruction, words: readonly string[]): string | undefined =>
  /\((.*)\)/
    .exec(entry.name)?.[1]
    ?.split(', ')
    .find((word) => words.includes(word));

const vectorLetters = ['B', 'H', 'S', 'D', 'Q'];

/** The letter of a register: from the width that the table's name tells, from sf, or from the size of a memory access. */
const letterOf = (entry: Instruction, fields: Fields, { name, kind }: RegisterField): string => {
  if (kind === 'vector') return variantOf(entry, vectorLetters)?.toLowerCase() ?? 'v';
  if (isMemoryAccess(entry)) {
    if (name === 'Rn' || name === 'Rm') return entry.name.includes('XTW') && name === 'Rm' ? 'w' : 'x';
    if (entry.name.startsWith('ST') && name === 'Rs') return 'w';
  }
  const width = variantOf(entry, ['W', 'X'])?.toLowerCase();
  if (width !== undefined) return width;
  if (isMemoryAccess(entry)) return (fields.size ?? (fields.sz === 0 ? 2 : 3)) < 3 ? 'w' : 'x';
  return fields.sf === 0 || entry.name.includes('32-bit') ? 'w' : 'x';
};

const registerName = (number: number, kind: RegisterField['kind'], letter: string): string => {
  if (number < 31 || kind === 'vector') return `${letter}${number}`;
  if (kind === 'zero') return `${letter}zr`;
  return letter === 'w' ? 'wsp' : 'sp';
};

const arrangements = [
  ['8b', '16b'],
  ['4h', '8h'],
  ['2s', '4s'],
  ['1d', '2d'],
] as const;

const elementNames = ['bytes', 'halfwords', 'words', 'doublewords'];

/** The arrangement of the vectors an instruction works on, as a suffix, and the fields that tell it; null if Q and a size do not. */
const arrangementOf = (entry: Instruction, fields: Fields): { suffix: string; fields: readonly string[] } | null => {
  const { Q, size, sz } = fields;
  if (Q === undefined || !entry.shape.some(({ name }) => name === 'Q')) return null;
  const element = variantOf(entry, elementNames);
  const told = element !== undefined ? [] : size !== undefined ? ['size'] : ['sz'];
  const log2Size = element !== undefined ? elementNames.indexOf(element) : (size ?? (sz === undefined ? -1 : 2 + sz));
  const suffix = arrangements[log2Size]?.[Q];
  return suffix === undefined ? null : { suffix: `.${suffix}`, fields: ['Q', ...told] };
};

/** The mnemonic with what the fields add to it: ordering and size of accesses, and the arrangement of vectors. */
const mnemonicOf = (entry: Instruction, fields: Fields): string => {
  const names = entry.name.replace(/ \(.*/, '').toLowerCase().split(', ');
  const { A, R, L, o0, Q, ordered = o0 ?? Q, size, cond } = fields;
  const mnemonic = names[ordered === 1 ? names.length - 1 : 0] as string;
  if (mnemonic === 'b.cond') return `b.${conditionNames[cond as number]}`;
  if (entry.vector) return mnemonic + (arrangementOf(entry, fields)?.suffix ?? '');
  if (!isMemoryAccess(entry)) return mnemonic;
  const isCompare = mnemonic.startsWith('cas');
  const acquire = (isCompare ? L : A) === 1 ? 'a' : '';
  const release = (isCompare ? o0 : R) === 1 ? 'l' : '';
  return mnemonic + acquire + release + (size === 0 ? 'b' : size === 1 ? 'h' : '');
};

/** Whether the operand is what is written: vector instructions see most of their counts and indexes altered. */
const isPlain = (entry: Instruction, kind: string): boolean =>
  !entry.vector || isMemoryAccess(entry) || (kind === 'immediate64' && /^(MOVI|MVNI)|immediate/.test(entry.name));

/** The immediate that the table knows, or where a branch goes. */
const immediateOf = (entry: Instruction, fields: Fields, place: Place): readonly string[] => {
  for (const [, operand] of entry.operands) {
    if (operand.kind === 'target') return [place(operand.get(fields))];
    if (operand.kind === 'register' || !isPlain(entry, operand.kind)) continue;
    if (operand.kind === 'immediate32') return [immediate(operand.get(fields))];
    const value = operand.get(fields);
    if (typeof value === 'number') return [entry.name.includes('(literal') ? place(value) : immediate(value)];
    const high = fields.sf === 0 ? 0 : highHalf(value) >>> 0;
    return [immediate((BigInt(high) << 32n) | BigInt(lowHalf(value) >>> 0))];
  }
  return [];
};

/** How the index of an address is extended and shifted. */
const indexTail = (extension: string, fields: Fields, amount: string): readonly string[] => {
  const name = extension === 'LSL' && fields.signed === 1 ? 'sxtx' : extension.toLowerCase();
  if (fields.S === 1) return [`${name} ${amount}`];
  return name === 'lsl' ? [] : [name];
};

/** The address of an access: the base, then an index or nothing, then the immediate or nothing. */
const addressOperands = ({ name }: Instruction, base: string, rest: readonly string[]): string[] => {
  if (name.includes('post-index')) return [`[${base}]`, ...(rest.length === 0 ? ['size'] : rest)];
  if (name.includes('pre-index')) return [`[${[base, ...rest].join(', ')}]!`];
  return [`[${[base, ...rest.filter((text) => text !== '#0')].join(', ')}]`];
};

/** The operands of an access: what is transferred, and the address in brackets. */
const memoryOperands = (
  entry: Instruction,
  names: readonly string[],
  base: number,
  tail: readonly string[],
): string[] => {
  // The immediate of a single structure is the number of its element.
  const isElement = entry.name.includes('single structure');
  const element = isElement && tail.length > 0 ? `[${(tail[0] as string).slice(1)}]` : '';
  const transferred = names.slice(0, base).map((name) => name + element);
  const rest = [...names.slice(base + 1), ...(isElement ? [] : tail)];
  return [...transferred, ...addressOperands(entry, names[base] as string, rest)];
};

/** Fields that only vector instructions leave to be told as they stand. */
const fieldsLeft = (entry: Instruction, fields: Fields, immediateShown: boolean): string => {
  if (!entry.vector) return '';
  const told = arrangementOf(entry, fields)?.fields ?? [];
  const left = (immediateShown ? entry.shape : entry.fields).filter(
    ({ name }) => !registerOrder.includes(name) && !told.includes(name),
  );
  return left.length === 0 ? '' : ` {${left.map(({ name }) => `${name}=${fields[name]}`).join(' ')}}`;
};

const textOf = (entry: Instruction, fields: Fields, place: Place): string => {
  const form = formOf(entry.name);
  const letters = form?.letters?.(fields) ?? {};
  const registers = registerFields(entry);
  const names = registers.map((field) =>
    registerName(fields[field.name] as number, field.kind, letters[field.name] ?? letterOf(entry, fields, field)),
  );
  const known = form?.tail?.(fields, place) ?? immediateOf(entry, fields, place);
  const extension = /\(register, (\w+),/.exec(entry.name)?.[1];
  const tail = extension === undefined ? known : indexTail(extension, fields, known[0] as string);
  const base = isMemoryAccess(entry) ? registers.findIndex(({ name }) => name === 'Rn') : -1;
  const operands = base >= 0 ? memoryOperands(entry, names, base, tail) : [...names, ...tail];
  const named = aliasOf({ mnemonic: mnemonicOf(entry, fields), operands }, fields);
  return `${named.mnemonic} ${named.operands.join(', ')}`.trimEnd() + fieldsLeft(entry, fields, known.length > 0);
};

const unknown = instruction({ name: 'unknown', bits: 'word:32', operands: {}, describe: () => {} });
let decoder: Decoder | null = null;

/**
 * The text of an instruction word. Given the address it lies at, branches show where they go, else how far. A word that is no
 * instruction gives '.inst 0x...'.
 */
export const disassemble = (word: number, address: bigint | null = null): string => {
  decoder ??= new Decoder(a64Instructions, unknown);
  const { entry, fields } = decoder.decode(word);
  if (entry === unknown) return `.inst 0x${(word >>> 0).toString(16).padStart(8, '0')}`;
  return textOf(entry, fields, (distance, ofPage = false) => {
    if (address === null) return `.${distance < 0 ? '-' : '+'}0x${Math.abs(distance).toString(16)}`;
    const start = ofPage ? address & -4096n : address;
    return `0x${BigInt.asUintN(64, start + BigInt(distance)).toString(16)}`;
  });
};
