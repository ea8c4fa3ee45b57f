import type { Fields, Instruction } from '../instruction.ts';
import { a64Instructions } from './instructions/table.ts';

/** The instruction table read backwards: names and fields to instruction words. */

const table = Map.groupBy(a64Instructions, ({ name }) => name);

const showFields = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/**
 * The instruction word (unsigned) of an entry of the table. All of its fields must be given, as they stand in the encoding:
 * unsigned and scaled. Throws a RangeError for fields that are missing, unknown or too large, and for reserved encodings.
 */
export const encodeEntry = (entry: Instruction, fields: Fields): number => {
  const { name } = entry;
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

/**
 * The instruction word of an instruction by its name in the table, such as 'ADD (immediate)'; otherwise as encodeEntry. Throws
 * a RangeError also if no instruction, or more than one, has that name.
 */
export const encode = (name: string, fields: Fields): number => {
  const entries = table.get(name) ?? [];
  if (entries.length !== 1) throw new RangeError(`${entries.length} instructions are named '${name}'`);
  return encodeEntry(entries[0] as Instruction, fields);
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
