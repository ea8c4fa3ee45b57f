import type { Fields, Instruction } from '../instruction.ts';
import { a64Instructions } from './instructions/table.ts';

/** The instruction table read backwards: names and fields to instruction words. */

const table = new Map<string, Instruction>();
for (const entry of a64Instructions) {
  if (table.has(entry.name)) throw new Error(`two instructions are named ${entry.name}`);
  table.set(entry.name, entry);
}

/** The table's entry of that name; throws a RangeError if there is none. */
export const instructionNamed = (name: string): Instruction => {
  const entry = table.get(name);
  if (entry === undefined) throw new RangeError(`no instruction is named '${name}'`);
  return entry;
};

const showFields = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/**
 * The instruction word (unsigned) of an instruction by its name in the table, such as 'ADD (immediate)'. All of its fields
 * must be given, as they stand in the encoding: unsigned and scaled. Throws a RangeError for unknown names, for fields that
 * are missing, unknown or too large, and for reserved encodings.
 */
export const encode = (name: string, fields: Fields): number => {
  const entry = instructionNamed(name);
  const shape: Record<string, number> = {};
  let word = entry.match;
  for (const field of entry.fields) {
    const value = fields[field.name];
    if (value === undefined) throw new RangeError(`${name}: field ${field.name} is missing`);
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** field.width) {
      throw new RangeError(`${name}: ${field.name}=${value} does not fit ${field.width} bits`);
    }
    word |= value << field.shift;
    if (entry.shape.includes(field)) shape[field.name] = value;
  }
  for (const given of Object.keys(fields)) {
    if (!entry.fields.some((field) => field.name === given)) throw new RangeError(`${name} has no field ${given}`);
  }
  if (!entry.allowed(shape) || !entry.valid(fields)) {
    throw new RangeError(`${name}: ${showFields(fields)} is a reserved encoding`);
  }
  return word >>> 0;
};

/** A signed multiple of `scale` as the field of `width` bits that holds it. Throws a RangeError if it does not fit. */
export const signedField = (what: string, value: number, width: number, scale = 1): number => {
  const scaled = value / scale;
  const limit = 2 ** (width - 1);
  if (!Number.isInteger(scaled) || scaled < -limit || scaled >= limit) {
    throw new RangeError(`${what}: ${value} is out of reach or not a multiple of ${scale}`);
  }
  return scaled < 0 ? scaled + 2 * limit : scaled;
};
