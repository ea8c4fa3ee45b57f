/**
 * What address an A64 load or store uses, from its word alone (Arm ARM C4.1, "Loads and stores"): the generator aims accesses at
 * mapped memory, without asking the table under test.
 */

export interface MemoryOperand {
  /** The base register, 31 being SP; or null for a literal, relative to the instruction. */
  readonly base: number | null;
  /** Bytes added to the base before the access. */
  readonly offset: number;
  readonly index: IndexRegister | null;
  /** Bytes accessed, about: alignment and edges are chosen by it. */
  readonly bytes: number;
}

export interface IndexRegister {
  readonly register: number;
  /** Only the low 32 bits count. */
  readonly word: boolean;
  readonly signed: boolean;
  readonly shift: number;
}

const signed = (value: number, width: number): number => (value << (32 - width)) >> (32 - width);
const bits = (word: number, shift: number, width: number): number => (word >>> shift) & ((1 << width) - 1);

const direct = (base: number, bytes: number, offset = 0): MemoryOperand => ({ base, offset, index: null, bytes });

const pair = (word: number, base: number): MemoryOperand => {
  const opc = bits(word, 30, 2);
  const vector = bits(word, 26, 1) === 1;
  const scale = vector ? 2 + opc : opc === 2 ? 3 : 2;
  const post = bits(word, 23, 2) === 1;
  return direct(base, 2 << scale, post ? 0 : signed(bits(word, 15, 7), 7) * 2 ** scale);
};

const single = (word: number, base: number): MemoryOperand => {
  const vector = bits(word, 26, 1) === 1;
  const scale = vector && bits(word, 23, 1) === 1 ? 4 : bits(word, 30, 2);
  if (bits(word, 24, 1) === 1) return direct(base, 1 << scale, bits(word, 10, 12) * 2 ** scale);
  const mode = bits(word, 10, 2);
  if (bits(word, 21, 1) === 0) return direct(base, 1 << scale, mode === 1 ? 0 : signed(bits(word, 12, 9), 9));
  if (mode !== 2) return direct(base, 1 << scale);
  const option = bits(word, 13, 3);
  const index: IndexRegister = {
    register: bits(word, 16, 5),
    word: (option & 1) === 0,
    signed: (option & 4) !== 0,
    shift: bits(word, 12, 1) === 1 ? scale : 0,
  };
  return { base, offset: 0, index, bytes: 1 << scale };
};

/** The memory operand of an instruction word; null if it accesses no memory. */
export const memoryOperand = (word: number): MemoryOperand | null => {
  const base = bits(word, 5, 5);
  // DC ZVA
  if ((word & 0xffffffe0) >>> 0 === 0xd50b7420) return direct(bits(word, 0, 5), 64);
  if ((word & 0x0a000000) >>> 0 !== 0x08000000) return null;
  switch (bits(word, 28, 2)) {
    case 0:
      if (bits(word, 26, 1) === 1) return direct(base, 16);
      // Pairs of exclusives, and CASP: bit 31 is not part of their size.
      if (bits(word, 21, 1) === 1 && bits(word, 23, 1) === 0) return direct(base, 8 << bits(word, 30, 1));
      return direct(base, 1 << bits(word, 30, 2));
    case 1:
      return { base: null, offset: signed(bits(word, 5, 19), 19) * 4, index: null, bytes: 4 };
    case 2:
      return pair(word, base);
    default:
      return single(word, base);
  }
};
