import type { Parts } from '../instruction.ts';

/**
 * The immediates of the logical instructions: a run of ones, rotated inside an element of 2 to 64 bits that is repeated over
 * the register (Arm ARM, DecodeBitMasks).
 */

export interface BitmaskFields {
  readonly N: number;
  readonly immr: number;
  readonly imms: number;
}

/** The lowest `count` bits of a word, 0 to 32. */
const ones = (count: number): number => (count >= 32 ? -1 : (1 << count) - 1);

const rotateRight64 = (lo: number, hi: number, count: number): Parts => {
  if (count >= 32) return rotateRight64(hi, lo, count - 32);
  if (count === 0) return { lo, hi };
  return { lo: (lo >>> count) | (hi << (32 - count)), hi: (hi >>> count) | (lo << (32 - count)) };
};

/** The immediate of a 64-bit operation (a 32-bit one uses its low half), or null for reserved encodings. */
export const decodeBitmask = ({ N, immr, imms }: BitmaskFields): Parts | null => {
  const log2Size = 31 - Math.clz32((N << 6) | (~imms & 63));
  if (log2Size < 1) return null;
  const size = 1 << log2Size;
  const count = (imms & (size - 1)) + 1;
  const rotation = immr & (size - 1);
  if (count === size) return null;
  if (size === 64) return rotateRight64(ones(count), ones(Math.max(count - 32, 0)), rotation);
  let word = ((ones(count) >>> rotation) | (ones(count) << (size - rotation))) & ones(size);
  for (let width = size; width < 32; width *= 2) word |= word << width;
  return { lo: word, hi: word };
};

let encodings: Map<string, BitmaskFields> | null = null;
const keyOf = ({ lo, hi }: Parts): string => `${hi >>> 0}:${lo >>> 0}`;

/** How a 64-bit value is encoded (for a 32-bit operation give the word in both halves), or null if it cannot be. */
export const encodeBitmask = (value: Parts): BitmaskFields | null => {
  if (encodings === null) {
    encodings = new Map();
    for (let number = 0; number < 1 << 13; number++) {
      const fields = { N: number >> 12, immr: (number >> 6) & 63, imms: number & 63 };
      const decoded = decodeBitmask(fields);
      // Bits of immr above the element's size are ignored: the first, with them clear, is the one assemblers choose.
      if (decoded !== null && !encodings.has(keyOf(decoded))) encodings.set(keyOf(decoded), fields);
    }
  }
  return encodings.get(keyOf(value)) ?? null;
};
