import { Decoder, highHalf, lowHalf } from '../decoder.ts';
import { type Fields, type Instruction, instruction, type RegisterOperand } from '../instruction.ts';
import { assemblySyntax, type Names, number } from './assembly-syntax.ts';
import { conditionNames } from './conditions.ts';
import { a64Instructions } from './instructions/table.ts';
import { SP, V, vectorOffset } from './state.ts';

/**
 * Instruction words as text, for logs. Operands are read off the instruction table; assembly-syntax.ts has the instructions
 * that would look odd that way.
 */

/** How a field that names a register is written: what its 31 is, or that it is a vector register. */
type RegisterKind = 'zero' | 'stack' | 'vector';

interface RegisterField {
  readonly field: string;
  readonly kind: RegisterKind;
}

const registerFieldNames = ['Rd', 'Rt', 'Rt2', 'Rs', 'Rn', 'Rm', 'Ra'];

/** The field that a register operand comes from, found by trying; null for fixed registers. */
const registerField = (entry: Instruction, operand: RegisterOperand): RegisterField | null => {
  const fields = Object.fromEntries(entry.fields.map((field) => [field.name, 0]));
  for (const name of registerFieldNames) {
    if (!(name in fields)) continue;
    const offset = operand.get({ ...fields, [name]: 31 });
    if (offset === operand.get(fields)) continue;
    const isVector = offset >= V && offset <= vectorOffset(31);
    return { field: name, kind: isVector ? 'vector' : offset === SP ? 'stack' : 'zero' };
  }
  return null;
};

const registerFields = new Map<Instruction, readonly RegisterField[]>();

/** The fields that name registers, in the order of the operands, each once. */
const registerFieldsOf = (entry: Instruction): readonly RegisterField[] => {
  let found = registerFields.get(entry);
  if (found === undefined) {
    const all = entry.operands.flatMap(([, operand]) =>
      operand.kind === 'register' ? (registerField(entry, operand) ?? []) : [],
    );
    found = all.filter((one, index) => all.findIndex((other) => other.field === one.field) === index);
    registerFields.set(entry, found);
  }
  return found;
};

const registerName = (fieldValue: number, kind: RegisterKind, letter: string): string => {
  if (kind === 'vector') return `${letter}${fieldValue}`;
  if (fieldValue < 31) return `${letter}${fieldValue}`;
  if (kind === 'zero') return `${letter}zr`;
  return letter === 'w' ? 'wsp' : 'sp';
};

/** The letter of transferred or computed registers: from the width that ends the table's name, sf, or a size. */
const generalLetter = (entry: Instruction, fields: Fields, isMemory: boolean): string => {
  const inName = /\b([WX])\)$/.exec(entry.name)?.[1];
  if (inName !== undefined) return inName.toLowerCase();
  if (isMemory) return (fields.size ?? (fields.sz === 0 ? 2 : 3)) < 3 ? 'w' : 'x';
  return fields.sf === 0 ? 'w' : 'x';
};

const vectorLetter = (entry: Instruction): string => /\b([BHSDQ])\)$/.exec(entry.name)?.[1]?.toLowerCase() ?? 'v';

const arrangements = [
  ['8b', '16b'],
  ['4h', '8h'],
  ['2s', '4s'],
  ['1d', '2d'],
];

const isMemoryName = (name: string): boolean => /^(LD|ST|CAS|SWP)/.test(name);

/** The mnemonic: of several that one entry covers, the last is the one with ordering. */
const mnemonicOf = (entry: Instruction, fields: Fields): string => {
  const names = entry.name.replace(/ \(.*/, '').toLowerCase().split(', ');
  let mnemonic = names[(fields.ordered ?? fields.o0 ?? 0) === 1 ? names.length - 1 : 0] as string;
  if (/^(ld|swp)/.test(mnemonic) && fields.A !== undefined) {
    mnemonic += (fields.A === 1 ? 'a' : '') + (fields.R === 1 ? 'l' : '');
  } else if (mnemonic.startsWith('cas')) mnemonic += (fields.L === 1 ? 'a' : '') + (fields.o0 === 1 ? 'l' : '');
  if (!isMemoryName(entry.name)) return mnemonic + arrangementOf(fields);
  return mnemonic + (fields.Q === undefined ? (['b', 'h'][fields.size ?? 2] ?? '') : arrangementOf(fields));
};

/** As a suffix of the mnemonic, since not all operands need have it. */
const arrangementOf = ({ Q, size = 0 }: Fields): string => (Q === undefined ? '' : `.${arrangements[size]?.[Q]}`);

/** Fields of the shape that the rest of the text tells. */
const toldFields = ['sf', 'size', 'sz', 'Q', 'cond', 'ordered'];

const immediateText = (entry: Instruction, fields: Fields, address: bigint | null): string | null => {
  for (const [, operand] of entry.operands) {
    if (operand.kind === 'immediate32') return number(operand.get(fields));
    if (operand.kind === 'target') return placeText(operand.get(fields), address);
    if (operand.kind === 'immediate64') {
      const value = operand.get(fields);
      if (typeof value === 'number') return number(value);
      return number((BigInt(highHalf(value) >>> 0) << 32n) | BigInt(lowHalf(value) >>> 0));
    }
  }
  return null;
};

/** A place relative to the instruction: absolute if it is known where that is. */
const placeText = (distance: number, address: bigint | null): string => {
  if (address === null) return `.${distance < 0 ? '-' : '+'}0x${Math.abs(distance).toString(16)}`;
  return `0x${BigInt.asUintN(64, address + BigInt(distance)).toString(16)}`;
};

const memoryText = (entry: Instruction, names: string[], immediate: string | null): string => {
  const base = names.findIndex((name) => name.startsWith('[')) as number;
  const inside = names.splice(base, names.length).map((name) => name.replace('[', ''));
  const { name } = entry;
  if (name.includes('post-index')) return [...names, `[${inside[0]}]`, immediate ?? inside[1]].join(', ');
  if (immediate !== null && immediate !== '#0') inside.push(immediate);
  return [...names, `[${inside.join(', ')}]${name.includes('pre-index') ? '!' : ''}`].join(', ');
};

const generic = (entry: Instruction, fields: Fields, address: bigint | null): string => {
  const isMemory = isMemoryName(entry.name);
  const letter = generalLetter(entry, fields, isMemory);
  const names = registerFieldsOf(entry).map(({ field, kind }) => {
    const isAddress = isMemory && (field === 'Rn' || field === 'Rm');
    const text = registerName(fields[field] as number, kind, kind === 'vector' ? vectorLetter(entry) : isAddress ? 'x' : letter);
    return isMemory && field === 'Rn' ? `[${text}` : text;
  });
  const immediate = immediateText(entry, fields, address);
  const operands: string[] = [];
  if (isMemory && 'Rn' in fields) operands.push(memoryText(entry, names, immediate));
  else operands.push(...names, ...(immediate === null ? [] : [immediate]));
  if (fields.cond !== undefined) operands.push(conditionNames[fields.cond] as string);
  const rest = entry.shape.filter(({ name }) => !toldFields.includes(name)).map(({ name }) => `${name}=${fields[name]}`);
  const text = `${mnemonicOf(entry, fields)} ${operands.join(', ')}`.trimEnd();
  return rest.length > 0 ? `${text} {${rest.join(' ')}}` : text;
};

const unknown = instruction({ name: 'unknown', bits: 'word:32', operands: {}, describe: () => {} });
let decoder: Decoder | null = null;

/**
 * The text of an instruction word. With the address it lies at, branches show where they go; otherwise how far. A word that
 * is no instruction becomes '.inst 0x...'.
 */
export const disassemble = (word: number, address: bigint | null = null): string => {
  decoder ??= new Decoder(a64Instructions, unknown);
  const { entry, fields } = decoder.decode(word);
  if (entry === unknown) return `.inst 0x${(word >>> 0).toString(16).padStart(8, '0')}`;
  const place = (distance: number): string => placeText(distance, address);
  const syntax = assemblySyntax.get(entry.name);
  return syntax === undefined ? generic(entry, fields, address) : syntax(fields, { place } satisfies Names);
};
