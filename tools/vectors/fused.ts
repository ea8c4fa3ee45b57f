import { Field, type Image, V_NUMBER } from '../../test/cpu/arm64/cases/image.ts';
import type { Override } from '../../test/cpu/arm64/cases/initial-state.ts';
import type { Random } from '../../test/cpu/arm64/cases/random.ts';

/** Operands for fused multiply-add that tell it from a product and a sum rounded each: random ones seldom do. */

interface FusedOperands {
  readonly double: boolean;
  readonly n: number;
  readonly m: number;
  readonly addend: number;
}

const matches = (word: number, mask: number, value: number): boolean => ((word & mask) ^ value) >>> 0 === 0;

/** FMADD and its kin, FMLA and FMLS (vector). */
const fusedOperands = (word: number): FusedOperands | null => {
  const scalar = matches(word, 0xff000000, 0x1f000000);
  if (!scalar && !matches(word, 0xbf20fc00, 0x0e20cc00)) return null;
  return {
    double: (word & 0x00400000) !== 0,
    n: (word >>> 5) & 31,
    m: (word >>> 16) & 31,
    addend: scalar ? (word >>> 10) & 31 : word & 31,
  };
};

/** An odd whole number of exactly `bits` bits. */
const oddNumber = (random: Random, bits: number): number =>
  2 ** (bits - 1) + Math.floor((random.next() / 4294967296) * 2 ** (bits - 2)) * 2 + 1;

/** Operands of one lane, or null for those that are there. */
type Lane = readonly [n: number | null, m: number | null, addend: number];

/** The addend all but takes the product away: what is left are its last bits. */
const cancelling = (random: Random, n: number, m: number): Lane => [null, null, random.oneIn(2) ? -(n * m) : n * m];

/** The product lies halfway between two numbers, or nearly, and the addend is too small to do more than to decide. */
const deciding = (random: Random, double: boolean): Lane => {
  const bits = double ? 53 : 24;
  const first = 2 + random.below(bits - 4);
  const scale = 2 ** (random.below(20) - 10);
  const n = oddNumber(random, first) * scale * (random.oneIn(2) ? -1 : 1);
  // Of as many bits as make the product one bit too long, or two.
  const m = oddNumber(random, Math.max(2, bits + 1 - first + random.below(2)));
  const tiny = 2 ** -(random.below(double ? 200 : 60) + 10);
  return [n, m, n * m * tiny * (random.below(3) - 1)];
};

/** Overrides for an instruction word, now and then; none if it is no fused multiply-add. */
export const fusedOverrides = (random: Random, image: Image, word: number): readonly Override[] => {
  const operands = fusedOperands(word);
  if (operands === null || !random.oneIn(2)) return [];
  const { double, n, m, addend } = operands;
  if (addend === n || addend === m || n === m) return [];
  const registers = [n, m, addend];
  const contents = registers.map((register) => {
    const at = Field.v + register * 16;
    return image.bytes.slice(at, at + 16);
  });
  const views = contents.map((bytes) => new DataView(bytes.buffer));
  const size = double ? 8 : 4;
  const read = (index: number, at: number): number =>
    double ? (views[index] as DataView).getFloat64(at, true) : (views[index] as DataView).getFloat32(at, true);
  for (let at = 0; at < 16; at += size) {
    const lane = random.oneIn(2) ? cancelling(random, read(0, at), read(1, at)) : deciding(random, double);
    lane.forEach((value, index) => {
      if (value === null) return;
      if (double) (views[index] as DataView).setFloat64(at, value, true);
      else (views[index] as DataView).setFloat32(at, value, true);
    });
  }
  return registers.map((register, index) => ({ register: V_NUMBER + register, bytes: contents[index] as Uint8Array }));
};
