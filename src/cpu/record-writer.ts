import { Handler, RECORD_HANDLER, RECORD_IMMEDIATE, RECORD_REGISTERS, RECORD_SIZE } from './code-page.ts';
import { type Decoder, highHalf, lowHalf } from './decoder.ts';
import { type BitField, extractField, extractFields, type Instruction, type Operand } from './instruction.ts';
import type { MachineMemory } from './machine-memory.ts';

/**
 * Writes pre-decoded records. What a word's record is depends on nothing but the word, so the latest are kept: two thirds of
 * the words that a booting kernel runs for the first time were met elsewhere before.
 */

/** log2 of the words kept, in a direct-mapped table. */
const KEPT_SHIFT = 15;
const KEPT = 1 << KEPT_SHIFT;
/** 2^32 divided by the golden ratio: its products' high bits depend on all bits of a word. */
const MIX = 0x9e37_79b1;

const slotOf = (word: number): number => Math.imul(word, MIX) >>> (32 - KEPT_SHIFT);

/** A register operand that one field decides: its place in the record, and the register's offset by the field's value. */
interface TabledRegister {
  readonly place: number;
  readonly field: BitField;
  readonly offsets: Uint16Array;
}

/** An operand that is computed from all fields, and its place in the record. */
interface ComputedOperand {
  readonly place: number;
  readonly operand: Operand;
}

/** How the records of one table entry are made. */
interface Plan {
  readonly registers: readonly TabledRegister[];
  readonly computed: readonly ComputedOperand[];
  /** Holds a word's fields while its record is made; null if no operand is computed and no epilogue depends on them. */
  readonly fields: Record<string, number> | null;
}

const planOf = ({ operands, fields, epilogue }: Instruction): Plan => {
  const registers: TabledRegister[] = [];
  const computed: ComputedOperand[] = [];
  let count = 0;
  for (const [, operand] of operands) {
    const place = operand.kind === 'register' ? (RECORD_REGISTERS[count++] as number) : RECORD_IMMEDIATE;
    const choice = operand.kind === 'register' ? operand.choice : undefined;
    const field = fields.find(({ name }) => name === choice?.field);
    if (choice === undefined || field === undefined) computed.push({ place, operand });
    else registers.push({ place, field, offsets: choice.offsets });
  }
  return { registers, computed, fields: computed.length > 0 || epilogue !== null ? {} : null };
};

export class RecordWriter {
  readonly #memory: MachineMemory;
  readonly #decoder: Decoder;
  readonly #plans: (Plan | undefined)[];
  /** The words kept, and their records. */
  readonly #words = new Int32Array(KEPT);
  readonly #records16: Uint16Array;
  readonly #records32: Int32Array;
  /** 1 where a kept word ends a run. */
  readonly #ends = new Uint8Array(KEPT);

  constructor(memory: MachineMemory, decoder: Decoder) {
    this.#memory = memory;
    this.#decoder = decoder;
    this.#plans = new Array(decoder.entries);
    const records = new ArrayBuffer(KEPT * RECORD_SIZE);
    this.#records16 = new Uint16Array(records);
    this.#records32 = new Int32Array(records);
    // The empty table must not seem to have word 0.
    this.#words[slotOf(0)] = 1;
  }

  /**
   * Decodes the straight run of code that begins with the word at machine address `code`, until something is decoded already;
   * `record` is the address of its record. Gives how many records it has written.
   */
  writeRun(record: number, code: number): number {
    const { u32, u16 } = this.#memory;
    for (let count = 0; ; ) {
      const at = record + count * RECORD_SIZE;
      const ends = this.#write(at, u32[(code >>> 2) + count] as number);
      count++;
      // The page's last record is followed by one that is never to be decoded.
      if (ends || u16[(at + RECORD_SIZE + RECORD_HANDLER) >>> 1] !== Handler.decode) return count;
    }
  }

  /** Writes one record, its handler's number last; true at the end of a run. */
  #write(record: number, word: number): boolean {
    const slot = slotOf(word);
    if (this.#words[slot] !== (word | 0)) this.#keep(slot, word);
    const { i32 } = this.#memory;
    const from = slot * (RECORD_SIZE / 4);
    const to = record >>> 2;
    i32[to + 1] = this.#records32[from + 1] as number;
    i32[to + 2] = this.#records32[from + 2] as number;
    i32[to + 3] = this.#records32[from + 3] as number;
    Atomics.store(i32, to, this.#records32[from] as number);
    return this.#ends[slot] !== 0;
  }

  #keep(slot: number, word: number): void {
    const decoder = this.#decoder;
    const index = decoder.indexOf(word);
    const entry = decoder.entryAt(index);
    this.#plans[index] ??= planOf(entry);
    const { registers, computed, fields } = this.#plans[index];
    const record = slot * RECORD_SIZE;
    for (let i = 0; i < registers.length; i++) {
      const { place, field, offsets } = registers[i] as TabledRegister;
      this.#records16[(record + place) >>> 1] = offsets[extractField(word, field)] as number;
    }
    let handler = decoder.handlerAt(index, word);
    if (fields !== null) {
      extractFields(word, entry, fields);
      for (let i = 0; i < computed.length; i++) this.#putComputed(record, computed[i] as ComputedOperand, fields);
      if (entry.epilogue?.(fields)) handler = decoder.epilogueForm(handler);
    }
    this.#records16[(record + RECORD_HANDLER) >>> 1] = handler;
    this.#ends[slot] = entry.endsRun ? 1 : 0;
    this.#words[slot] = word;
  }

  #putComputed(record: number, { place, operand }: ComputedOperand, fields: Record<string, number>): void {
    const at = (record + place) >>> 2;
    if (operand.kind === 'register') {
      this.#records16[(record + place) >>> 1] = operand.get(fields);
    } else if (operand.kind === 'immediate64') {
      const value = operand.get(fields);
      this.#records32[at] = lowHalf(value);
      this.#records32[at + 1] = highHalf(value);
    } else {
      this.#records32[at] = operand.get(fields);
    }
  }
}
