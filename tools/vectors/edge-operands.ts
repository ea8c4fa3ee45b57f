import { Field, type Image, V_NUMBER } from '../../test/cpu/arm64/cases/image.ts';
import type { Override } from '../../test/cpu/arm64/cases/initial-state.ts';
import type { Random } from '../../test/cpu/arm64/cases/random.ts';

/**
 * Operands for floating-point products, quotients and fused multiply-adds whose results are hard: at the ends of the range, or
 * such that rounding once differs from rounding twice. Operands that are random one by one seldom meet so.
 */

interface Operation {
  readonly double: boolean;
  readonly divides: boolean;
  readonly n: number;
  readonly m: number;
  /** The register that is added to the product, if it is fused. */
  readonly addend: number | null;
}

const matchesAny = (word: number, patterns: readonly (readonly [mask: number, value: number])[]): boolean =>
  patterns.some(([mask, value]) => ((word & mask) ^ value) >>> 0 === 0);

/** FMUL, FNMUL, FMULX: scalar, vector, and vector by vector as a scalar. */
const products = [
  [0xffa0fc00, 0x1e200800],
  [0xffa0fc00, 0x1e208800],
  [0xbfa0fc00, 0x2e20dc00],
  [0xbfa0fc00, 0x0e20dc00],
  [0xffa0fc00, 0x5e20dc00],
] as const;
const quotients = [
  [0xffa0fc00, 0x1e201800],
  [0xbfa0fc00, 0x2e20fc00],
] as const;
/** FMADD and its kin; FMLA and FMLS (vector). */
const fusedScalar = [[0xff800000, 0x1f000000]] as const;
const fusedVector = [[0xbf20fc00, 0x0e20cc00]] as const;

const operationOf = (word: number): Operation | null => {
  const [scalar, vector] = [matchesAny(word, fusedScalar), matchesAny(word, fusedVector)];
  const divides = matchesAny(word, quotients);
  if (!scalar && !vector && !divides && !matchesAny(word, products)) return null;
  return {
    double: (word & 0x00400000) !== 0,
    divides,
    n: (word >>> 5) & 31,
    m: (word >>> 16) & 31,
    addend: scalar ? (word >>> 10) & 31 : vector ? word & 31 : null,
  };
};

const fractionOf = (random: Random): number => random.next() / 4294967296;
const signOf = (random: Random): number => (random.oneIn(2) ? 1 : -1);

/** An odd whole number of exactly `bits` bits. */
const oddNumber = (random: Random, bits: number): number =>
  2 ** (bits - 1) + Math.floor(fractionOf(random) * 2 ** (bits - 2)) * 2 + 1;

/** The operands of one lane; null for one that stays as it is. */
type Lane = readonly [n: number | null, m: number | null, addend: number];

/** The addend all but takes the product away: what is left are its last bits. */
const cancelling = (random: Random, n: number, m: number): Lane => [null, null, signOf(random) * n * m];

/** The product lies halfway between two numbers, or nearly, and the addend is too small to do more than to decide. */
const deciding = (random: Random, double: boolean): Lane => {
  const bits = double ? 53 : 24;
  const first = 2 + random.below(bits - 4);
  const n = oddNumber(random, first) * 2 ** (random.below(20) - 10) * signOf(random);
  // Of as many bits as make the product one bit too long, or two.
  const m = oddNumber(random, Math.max(2, bits + 1 - first + random.below(2)));
  const tiny = 2 ** -(random.below(double ? 200 : 60) + 10);
  return [n, m, n * m * tiny * (random.below(3) - 1)];
};

/** The product or quotient is about the least normal number, a subnormal one, or about the greatest. */
const extreme = (random: Random, { double, divides }: Operation): Lane => {
  const least = double ? 1022 : 126;
  const bits = double ? 52 : 23;
  const exponents = [-least, -least - 1, -least - random.below(bits + 2), double ? 1023 : 127];
  const exponent = random.pick(exponents);
  const half = Math.trunc(exponent / 2) + random.below(9) - 4;
  const n = (1 + fractionOf(random)) * 2 ** half * signOf(random);
  const rest = (1 + fractionOf(random)) * 2 ** ((divides ? half - exponent : exponent - half) - random.below(2));
  // Few bits now and then, for results that are exact.
  const m = random.oneIn(4) ? 2 ** Math.floor(Math.log2(rest)) : rest;
  const addend = random.oneIn(2) ? 0 : signOf(random) * fractionOf(random) * 2 ** (exponent - random.below(bits));
  return [n, m, addend];
};

const laneOf = (random: Random, operation: Operation, n: number, m: number): Lane => {
  if (operation.addend === null || random.oneIn(3)) return extreme(random, operation);
  return random.oneIn(2) ? cancelling(random, n, m) : deciding(random, operation.double);
};

/** Overrides for an instruction word, every other time; none if it is no such operation. */
export const edgeOperands = (random: Random, image: Image, word: number): readonly Override[] => {
  const operation = operationOf(word);
  if (operation === null || random.oneIn(2)) return [];
  const { double, n, m, addend } = operation;
  if (addend === n || addend === m || n === m) return [];
  const registers = addend === null ? [n, m] : [n, m, addend];
  const contents = registers.map((register) =>
    image.bytes.slice(Field.v + register * 16, Field.v + register * 16 + 16),
  );
  const views = contents.map((bytes) => new DataView(bytes.buffer));
  const read = (view: DataView, at: number): number => (double ? view.getFloat64(at, true) : view.getFloat32(at, true));
  for (let at = 0; at < 16; at += double ? 8 : 4) {
    const lane = laneOf(random, operation, read(views[0] as DataView, at), read(views[1] as DataView, at));
    views.forEach((view, index) => {
      const value = lane[index] as number | null;
      if (value === null) return;
      if (double) view.setFloat64(at, value, true);
      else view.setFloat32(at, value, true);
    });
  }
  return registers.map((register, index) => ({ register: V_NUMBER + register, bytes: contents[index] as Uint8Array }));
};
