import { Handler, RECORD_HANDLER, RECORD_IMMEDIATE, RECORD_REGISTERS } from './code-page.ts';
import { extractFields, type Fields, type Instruction, type Parts, shapeFields, shapeOf } from './instruction.ts';
import type { MachineMemory } from './machine-memory.ts';

/** One cold handler: an instruction at one combination of its shape's fields. */
export interface HandlerDescription {
  readonly entry: Instruction;
  readonly shape: Fields;
}

/** An instruction word's place in the table and its fields. */
export interface Decoded {
  readonly entry: Instruction;
  readonly fields: Record<string, number>;
  /** Position of the entry in the table. */
  readonly index: number;
}

const BUCKET_SHIFT = 21;
const BUCKETS = 1 << (32 - BUCKET_SHIFT);

const fixedBits = (entry: Instruction): number => {
  let count = 0;
  for (let mask = entry.mask; mask !== 0; mask &= mask - 1) count++;
  return count;
};

/**
 * Finds instructions in an architecture's table, numbers the cold tier's handlers, and writes pre-decoded records. Entries
 * with more fixed bits come first, so a special case precedes the general one.
 */
export class Decoder {
  /** Every handler by its number; those below Handler.first are absent. */
  readonly handlers: readonly (HandlerDescription | undefined)[];
  /** Handlers with smaller numbers belong into the cold tier's main loop. */
  readonly firstOutOfLine: number;

  /** The handlers that also have a form with the epilogue: the first form's number is handlers.length, and so on. */
  readonly withEpilogue: readonly number[];

  readonly #table: readonly Instruction[];
  readonly #buckets: (Uint16Array | undefined)[] = new Array(BUCKETS);
  /** For each entry the handler number of each of its shapes; 0 where the shape is not allowed. */
  readonly #handlerOf: Uint16Array[];
  /** For each handler the number of its form with the epilogue, or 0. */
  readonly #epilogueForms: Uint16Array;
  readonly #undefinedIndex: number;

  constructor(table: readonly Instruction[], undefinedInstruction: Instruction) {
    const sorted = table
      .map((entry, order) => ({ entry, order, bits: fixedBits(entry) }))
      .sort((a, b) => b.bits - a.bits || a.order - b.order)
      .map(({ entry }) => entry);
    this.#table = [...sorted, undefinedInstruction];
    this.#undefinedIndex = sorted.length;
    this.#handlerOf = this.#table.map((entry) => new Uint16Array(entry.shapes));
    const handlers: (HandlerDescription | undefined)[] = [undefined, undefined, undefined];
    for (const common of [true, false]) {
      if (!common) this.firstOutOfLine = handlers.length;
      this.#number(handlers, common);
    }
    this.firstOutOfLine ??= handlers.length;
    this.handlers = handlers;
    this.withEpilogue = [...handlers.keys()].filter((handler) => handlers[handler]?.entry.epilogue);
    this.#epilogueForms = new Uint16Array(handlers.length);
    for (const [form, handler] of this.withEpilogue.entries()) this.#epilogueForms[handler] = handlers.length + form;
    const count = handlers.length + this.withEpilogue.length;
    if (count > 0xffff) throw new Error(`${count} handlers do not fit a record's 16 bits`);
  }

  #number(handlers: (HandlerDescription | undefined)[], common: boolean): void {
    for (let index = 0; index < this.#table.length; index++) {
      const entry = this.#table[index] as Instruction;
      if (entry.common !== common) continue;
      for (let shape = 0; shape < entry.shapes; shape++) {
        const fields = shapeFields(shape, entry);
        if (!entry.allowed(fields)) continue;
        (this.#handlerOf[index] as Uint16Array)[shape] = handlers.length;
        handlers.push({ entry, shape: fields });
      }
    }
  }

  #bucket(word: number): Uint16Array {
    const key = word >>> BUCKET_SHIFT;
    const present = this.#buckets[key];
    if (present !== undefined) return present;
    const high = (key << BUCKET_SHIFT) >>> 0;
    const highMask = (-1 << BUCKET_SHIFT) >>> 0;
    const found: number[] = [];
    for (let index = 0; index < this.#undefinedIndex; index++) {
      const entry = this.#table[index] as Instruction;
      if (((high ^ entry.match) & entry.mask & highMask) === 0) found.push(index);
    }
    const bucket = Uint16Array.from(found);
    this.#buckets[key] = bucket;
    return bucket;
  }

  /** The table index of an instruction word, that of the undefined instruction if nothing matches. */
  #find(word: number): number {
    const bucket = this.#bucket(word);
    for (let i = 0; i < bucket.length; i++) {
      const index = bucket[i] as number;
      const entry = this.#table[index] as Instruction;
      if (((word ^ entry.match) & entry.mask) !== 0) continue;
      if (entry.shape.length > 0 && (this.#handlerOf[index] as Uint16Array)[shapeOf(word, entry)] === 0) continue;
      if (!entry.valid(extractFields(word, entry))) continue;
      return index;
    }
    return this.#undefinedIndex;
  }

  /** Decodes an instruction word; an undefined one decodes to the undefined instruction. */
  decode(word: number): Decoded {
    const index = this.#find(word);
    const entry = this.#table[index] as Instruction;
    return { entry, fields: extractFields(word, entry), index };
  }

  /** Whether the word is an instruction at all. */
  isDefined(word: number): boolean {
    return this.#find(word) !== this.#undefinedIndex;
  }

  /** Writes the record at machine address `record` for an instruction word; the handler number last. */
  writeRecord(memory: MachineMemory, record: number, word: number): void {
    const { entry, fields, index } = this.decode(word);
    let registers = 0;
    for (const [, operand] of entry.operands) {
      switch (operand.kind) {
        case 'register':
          memory.u16[(record + (RECORD_REGISTERS[registers++] as number)) >>> 1] = operand.get(fields);
          break;
        case 'immediate64': {
          const value = operand.get(fields);
          const at = (record + RECORD_IMMEDIATE) >>> 2;
          memory.i32[at] = lowHalf(value);
          memory.i32[at + 1] = highHalf(value);
          break;
        }
        default:
          memory.i32[(record + RECORD_IMMEDIATE) >>> 2] = operand.get(fields);
      }
    }
    const handler = (this.#handlerOf[index] as Uint16Array)[
      entry.shape.length > 0 ? shapeOf(word, entry) : 0
    ] as number;
    const number = entry.epilogue?.(fields) ? (this.#epilogueForms[handler] as number) : handler;
    Atomics.store(memory.u16, (record + RECORD_HANDLER) >>> 1, number);
  }

  /** The handler number of a word's instruction, without the epilogue. */
  handlerOf(word: number): number {
    const { entry, index } = this.decode(word);
    return (this.#handlerOf[index] as Uint16Array)[entry.shape.length > 0 ? shapeOf(word, entry) : 0] as number;
  }

  static isSpecial(handler: number): boolean {
    return handler < Handler.first;
  }
}

/** The low 32 bits of a 64-bit immediate. */
export const lowHalf = (value: number | Parts): number => (typeof value === 'number' ? value | 0 : value.lo | 0);

/** The high 32 bits of a 64-bit immediate. */
export const highHalf = (value: number | Parts): number =>
  typeof value === 'number' ? Math.floor(value / 4294967296) | 0 : value.hi | 0;
