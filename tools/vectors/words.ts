import type { Decoder } from '../../src/cpu/decoder.ts';
import { type BitField, extractFields, type Fields, type Instruction, shapeFields } from '../../src/cpu/instruction.ts';
import type { Random } from '../../test/cpu/arm64/cases/random.ts';
import { isUnpredictable, isUnsafe } from './exclusions.ts';

/** Random instruction words, from the instruction table and from anywhere. */

/** Tries to satisfy a table entry's conditions before giving it up. */
const ATTEMPTS = 4000;

const isRegister = (field: BitField): boolean => field.width === 5 && /^R[a-z]\d?$/.test(field.name);

/** Few registers, so that operands coincide now and then, and number 31 more often than its share. */
const registerNumber = (random: Random): number => {
  if (random.oneIn(8)) return 31;
  return random.oneIn(4) ? random.below(4) : random.below(32);
};

const fieldValue = (random: Random, width: number): number => {
  const mask = 2 ** width - 1;
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return mask;
    case 2:
      return Math.min(mask, random.below(8));
    case 3:
      return 2 ** random.below(width);
    default:
      return (random.next() & mask) >>> 0;
  }
};

const place = (value: number, field: BitField): number => (value * 2 ** field.shift) >>> 0;

/** The shape numbers that an entry allows. */
export const allowedShapes = (entry: Instruction): number[] => {
  const shapes: number[] = [];
  for (let shape = 0; shape < entry.shapes; shape++) if (entry.allowed(shapeFields(shape, entry))) shapes.push(shape);
  return shapes;
};

/** Whether a word can be compared at all. */
export const isComparable = (word: number): boolean => !isUnsafe(word) && !isUnpredictable(word);

/** A word of an entry with the given shape; null if there is none to be compared. */
export const randomWord = (random: Random, decoder: Decoder, entry: Instruction, shape: number): number | null => {
  const shapes = shapeFields(shape, entry);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    let word = entry.match;
    for (const field of entry.fields) {
      const fixed = shapes[field.name];
      const value = fixed ?? (isRegister(field) ? registerNumber(random) : fieldValue(random, field.width));
      word |= place(value, field);
    }
    word >>>= 0;
    if (isComparable(word) && decoder.decode(word).entry === entry) return word;
  }
  return null;
};

/** A word with one or two bits turned: next to valid instructions lie those that must be undefined. */
export const mutate = (random: Random, word: number): number => {
  const once = word ^ (1 << random.below(32));
  return (random.oneIn(2) ? once : once ^ (1 << random.below(32))) >>> 0;
};

/** The register fields of a word: names and numbers. */
export const registerFields = (word: number, entry: Instruction): readonly (readonly [string, number])[] => {
  const values = extractFields(word, entry);
  return entry.fields.filter(isRegister).map((field) => [field.name, values[field.name] as number] as const);
};

/** A branch's distance in bytes; null if the word is no direct branch. */
export const branchDistance = (word: number, entry: Instruction): number | null => {
  for (const [, operand] of entry.operands) {
    if (operand.kind === 'target') return operand.get(extractFields(word, entry));
  }
  return null;
};

/** The word with its branch going `distance` bytes; null if it cannot. */
export const withDistance = (word: number, entry: Instruction, distance: number): number | null => {
  const target = entry.operands.map(([, operand]) => operand).find((operand) => operand.kind === 'target');
  if (target === undefined) return null;
  const fields: Fields = extractFields(word, entry);
  for (const field of entry.fields) {
    if (isRegister(field) || field.width < 8) continue;
    const value = ((distance / 4) & (2 ** field.width - 1)) >>> 0;
    if (target.get({ ...fields, [field.name]: value }) !== distance) continue;
    const mask = place(2 ** field.width - 1, field);
    return ((word & ~mask) | place(value, field)) >>> 0;
  }
  return null;
};
