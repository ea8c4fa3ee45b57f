import { Handler } from './code-page.ts';
import {
  alwaysValid,
  extractFields,
  type Fields,
  type Instruction,
  type Parts,
  shapeFields,
  shapeOf,
} from './instruction.ts';

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

/** Entries are looked for in buckets by a word's high bits, made of coarser ones when first needed. */
const BUCKET_SHIFT = 21;
const COARSE_SHIFT = 25;

const fixedBits = (entry: Instruction): number => {
  let count = 0;
  for (let mask = entry.mask; mask !== 0; mask &= mask - 1) count++;
  return count;
};

/**
 * Finds instructions in an architecture's table and numbers the cold tier's handlers. Entries with more fixed bits come first, so
 * a special case precedes the general one.
 */
export class Decoder {
  /** Every handler by its number; those below Handler.first are absent. */
  readonly handlers: readonly (HandlerDescription | undefined)[];
  /** Handlers with smaller numbers belong into the cold tier's main loop. */
  readonly firstOutOfLine: number;

  /** The handlers that also have a form with the epilogue: the first form's number is handlers.length, and so on. */
  readonly withEpilogue: readonly number[];

  readonly #table: readonly Instruction[];
  readonly #masks: Int32Array;
  readonly #matches: Int32Array;
  readonly #buckets: (Uint16Array | undefined)[] = new Array(1 << (32 - BUCKET_SHIFT));
  readonly #coarse: (Uint16Array | undefined)[] = new Array(1 << (32 - COARSE_SHIFT));
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
    this.#masks = Int32Array.from(sorted, ({ mask }) => mask | 0);
    this.#matches = Int32Array.from(sorted, ({ match }) => match | 0);
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

  /** The entries that a word with such high bits may be, in the table's order. */
  #bucket(word: number): Uint16Array {
    const key = word >>> BUCKET_SHIFT;
    this.#buckets[key] ??= this.#narrow(this.#coarseBucket(word), word, BUCKET_SHIFT);
    return this.#buckets[key];
  }

  #coarseBucket(word: number): Uint16Array {
    const key = word >>> COARSE_SHIFT;
    this.#coarse[key] ??= this.#narrow(Uint16Array.from(this.#masks.keys()), word, COARSE_SHIFT);
    return this.#coarse[key];
  }

  /** Those of some entries that a word with these bits from `shift` on may be. */
  #narrow(entries: Uint16Array, word: number, shift: number): Uint16Array {
    return entries.filter(
      (index) => ((word ^ (this.#matches[index] as number)) & (this.#masks[index] as number)) >>> shift === 0,
    );
  }

  /** The position in the table of a word's entry, that of the undefined instruction if nothing matches. */
  indexOf(word: number): number {
    const bucket = this.#bucket(word);
    for (let i = 0; i < bucket.length; i++) {
      const index = bucket[i] as number;
      if (((word ^ (this.#matches[index] as number)) & (this.#masks[index] as number)) !== 0) continue;
      const entry = this.#table[index] as Instruction;
      if (entry.shape.length > 0 && this.handlerAt(index, word) === 0) continue;
      if (entry.valid !== alwaysValid && !entry.valid(extractFields(word, entry))) continue;
      return index;
    }
    return this.#undefinedIndex;
  }

  /** Decodes an instruction word; an undefined one decodes to the undefined instruction. */
  decode(word: number): Decoded {
    const index = this.indexOf(word);
    const entry = this.#table[index] as Instruction;
    return { entry, fields: extractFields(word, entry), index };
  }

  /** Whether the word is an instruction at all. */
  isDefined(word: number): boolean {
    return this.indexOf(word) !== this.#undefinedIndex;
  }

  /** The handler number of a word's instruction, without the epilogue. */
  handlerOf(word: number): number {
    return this.handlerAt(this.indexOf(word), word);
  }

  /** The same of a word of the entry at a position in the table. */
  handlerAt(index: number, word: number): number {
    return (this.#handlerOf[index] as Uint16Array)[shapeOf(word, this.entryAt(index))] as number;
  }

  /** The number of a handler's form with the epilogue. */
  epilogueForm(handler: number): number {
    return this.#epilogueForms[handler] as number;
  }

  /** How many entries the table has, with the undefined instruction. */
  get entries(): number {
    return this.#table.length;
  }

  entryAt(index: number): Instruction {
    return this.#table[index] as Instruction;
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
