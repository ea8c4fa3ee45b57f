import { FPCR_BITS, FPSR_BITS } from './compare.ts';
import { Field, Image, Outcome, REGISTERS, registerBytes, registerOffset } from './image.ts';
import { fillState, type Override } from './initial-state.ts';
import { PROGRAM_WORDS, programAddress, SLOTS, WINDOW } from './layout.ts';
import type { Input, Program } from './program.ts';

/**
 * The committed vectors: programs, the seeds of their initial states, and what the reference changed in them. A file is the
 * magic number, the number of programs (u32), and the programs; all little-endian.
 *
 *     program: slot u8, words u8, each u32, cases u8, cases
 *     case: seed u32, overrides u8, each (register u8, 8 or 16 bytes), outcome u8 (bit 7: PC follows as u64; otherwise the
 *           program ran to its end), for a fault its address u64, changed registers u8, each as an override,
 *           a mask u8 and u32 for each bit of it (NZCV, FPCR, FPSR, stray writes), changed spans of the window u8, each
 *           (offset u8, length - 1 u8, bytes)
 */

/** 'HRV1' */
const MAGIC = 0x31565248;
const PC_FOLLOWS = 0x80;
const words32 = [Field.nzcv, Field.fpcr, Field.fpsr, Field.stray] as const;
const masks32 = [-1, FPCR_BITS, FPSR_BITS, -1] as const;

/** A case with the image it must end in. */
export interface VectorCase {
  readonly input: Input;
  readonly expected: Image;
}

export interface Vector {
  readonly program: Program;
  readonly cases: readonly VectorCase[];
}

const hasFaultAddress = (outcome: number): boolean => outcome === Outcome.fault || outcome === Outcome.alignment;

const endOf = ({ slot, words }: Program): bigint => BigInt(programAddress(slot) + words.length * 4);

class Writer {
  readonly #parts: Uint8Array[] = [];

  number(value: number, bytes: 1 | 4): void {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, value, true);
    this.#parts.push(part.subarray(0, bytes));
  }

  long(value: bigint): void {
    const part = new Uint8Array(8);
    new DataView(part.buffer).setBigUint64(0, value, true);
    this.#parts.push(part);
  }

  bytes(part: Uint8Array): void {
    this.#parts.push(part);
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** Spans of the window that differ; gaps of less than three bytes are bridged. */
const changedSpans = (before: Image, after: Image): (readonly [start: number, end: number])[] => {
  const spans: (readonly [number, number])[] = [];
  for (let i = 0; i < WINDOW; i++) {
    if (before.bytes[Field.window + i] === after.bytes[Field.window + i]) continue;
    const last = spans.at(-1);
    if (last !== undefined && i - last[1] < 3) spans[spans.length - 1] = [last[0], i + 1];
    else spans.push([i, i + 1]);
  }
  return spans;
};

const writeRegisters = (out: Writer, overrides: readonly Override[]): void => {
  out.number(overrides.length, 1);
  for (const { register, bytes } of overrides) {
    out.number(register, 1);
    out.bytes(bytes.subarray(0, registerBytes(register)));
  }
};

const writeCase = (out: Writer, program: Program, { input, expected }: VectorCase, initial: Image): void => {
  fillState(initial, input.seed, input.overrides);
  out.number(input.seed, 4);
  writeRegisters(out, input.overrides);
  const outcome = expected.get32(Field.outcome);
  const pc = expected.get64(Field.pc);
  const atEnd = pc === endOf(program);
  out.number(outcome | (atEnd ? 0 : PC_FOLLOWS), 1);
  if (!atEnd) out.long(pc);
  if (hasFaultAddress(outcome)) out.long(expected.get64(Field.faultAddress));
  const changed: Override[] = [];
  for (let register = 0; register < REGISTERS; register++) {
    const [from, to] = [registerOffset(register), registerOffset(register) + registerBytes(register)];
    const bytes = expected.bytes.subarray(from, to);
    if (Buffer.compare(bytes, initial.bytes.subarray(from, to)) !== 0) changed.push({ register, bytes });
  }
  writeRegisters(out, changed);
  const differs = words32.map(
    (field, i) => ((initial.get32(field) ^ expected.get32(field)) & (masks32[i] as number)) !== 0,
  );
  out.number(
    differs.reduce((mask, differing, i) => mask | (differing ? 1 << i : 0), 0),
    1,
  );
  words32.forEach((field, i) => {
    if (differs[i]) out.number(expected.get32(field) & (masks32[i] as number), 4);
  });
  const spans = changedSpans(initial, expected);
  out.number(spans.length, 1);
  for (const [start, end] of spans) {
    out.number(start, 1);
    out.number(end - start - 1, 1);
    out.bytes(expected.bytes.subarray(Field.window + start, Field.window + end));
  }
};

export const encodeVectors = (vectors: readonly Vector[]): Uint8Array => {
  const out = new Writer();
  const initial = new Image();
  out.number(MAGIC, 4);
  out.number(vectors.length, 4);
  for (const { program, cases } of vectors) {
    out.number(program.slot, 1);
    out.number(program.words.length, 1);
    for (const word of program.words) out.number(word, 4);
    out.number(cases.length, 1);
    for (const one of cases) writeCase(out, program, one, initial);
  }
  return out.finish();
};

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  bytes(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('the vector file ends early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  number(bytes: 1 | 4): number {
    const at = this.#at;
    this.bytes(bytes);
    return bytes === 1 ? this.#view.getUint8(at) : this.#view.getUint32(at, true);
  }

  long(): bigint {
    const at = this.#at;
    this.bytes(8);
    return this.#view.getBigUint64(at, true);
  }
}

const readRegisters = (input: Reader): Override[] => {
  const list: Override[] = [];
  for (let left = input.number(1); left > 0; left--) {
    const register = input.number(1);
    if (register >= REGISTERS) throw new RangeError(`the vector file names register ${register}`);
    list.push({ register, bytes: input.bytes(registerBytes(register)) });
  }
  return list;
};

const readCase = (input: Reader, program: Program): VectorCase => {
  const seed = input.number(4);
  const overrides = readRegisters(input);
  const expected = new Image();
  fillState(expected, seed, overrides);
  const outcome = input.number(1);
  expected.set32(Field.outcome, outcome & ~PC_FOLLOWS);
  expected.set64(Field.pc, (outcome & PC_FOLLOWS) !== 0 ? input.long() : endOf(program));
  if (hasFaultAddress(outcome & ~PC_FOLLOWS)) expected.set64(Field.faultAddress, input.long());
  for (const { register, bytes } of readRegisters(input)) expected.bytes.set(bytes, registerOffset(register));
  const mask = input.number(1);
  words32.forEach((field, i) => {
    if ((mask & (1 << i)) !== 0) expected.set32(field, input.number(4));
  });
  for (let spans = input.number(1); spans > 0; spans--) {
    const start = input.number(1);
    const length = input.number(1) + 1;
    if (start + length > WINDOW) throw new RangeError('the vector file writes outside the window');
    expected.bytes.set(input.bytes(length), Field.window + start);
  }
  return { input: { seed, overrides }, expected };
};

/** Reads a file; throws a RangeError if it is none. */
export const decodeVectors = (bytes: Uint8Array): Vector[] => {
  const input = new Reader(bytes);
  if (input.number(4) !== MAGIC) throw new RangeError('this is no vector file');
  return Array.from({ length: input.number(4) }, () => {
    const slot = input.number(1);
    const length = input.number(1);
    if (slot >= SLOTS || length > PROGRAM_WORDS)
      throw new RangeError('the vector file has a program that fits no slot');
    const program = { slot, words: Array.from({ length }, () => input.number(4)) };
    return { program, cases: Array.from({ length: input.number(1) }, () => readCase(input, program)) };
  });
};
