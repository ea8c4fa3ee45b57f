import type { Random } from './random.ts';

/**
 * Operand values: mostly the ones that instructions stumble over. Each function writes one value of its width at an index of a
 * u32 array (two elements for 64 bits).
 */

/** A 64-bit integer. */
export const integer64 = (random: Random, out: Uint32Array, at: number): void => {
  let lo = random.next();
  let hi = random.next();
  switch (random.below(10)) {
    case 0: {
      // 0, 1, -1, the least and the greatest, at 64 and 32 bits.
      const negative = random.oneIn(2) ? 0xffffffff : 0;
      lo = negative;
      hi = negative;
      if (random.oneIn(2)) hi ^= 0x80000000;
      if (random.oneIn(3)) lo ^= 0x80000000;
      if (random.oneIn(3)) lo ^= 1;
      break;
    }
    case 1: {
      // A power of two, or next to one, or the negative of that.
      const bit = random.below(64);
      lo = bit < 32 ? 2 ** bit : 0;
      hi = bit < 32 ? 0 : 2 ** (bit - 32);
      const step = random.below(3) - 1;
      hi += step < 0 && lo === 0 ? -1 : step > 0 && lo === 0xffffffff ? 1 : 0;
      lo += step;
      if (random.oneIn(3)) {
        lo = ~lo;
        hi = ~hi;
      }
      break;
    }
    case 2:
      // A shift count, an index.
      lo = random.below(130);
      hi = 0;
      break;
    case 3: {
      // As many significant bits as chance gives, sign- or zero-extended.
      const bits = random.below(64);
      hi = bits <= 32 ? 0 : hi >>> (64 - bits);
      lo = bits >= 32 ? lo : lo >>> (32 - bits);
      if (random.oneIn(2)) {
        lo = ~lo;
        hi = ~hi;
      }
      break;
    }
    case 4: {
      // Halfway between two floating-point numbers, or next to it: some bits, then a one, then zeros.
      const bits = random.pick([11, 24, 25, 53, 54]);
      hi |= 0x80000000;
      if (bits <= 32) {
        hi = (hi & -(2 ** (32 - bits))) | (2 ** (32 - bits) / 2);
        lo = 0;
      } else lo = (lo & -(2 ** (64 - bits))) | (2 ** (64 - bits) / 2);
      lo += random.below(3) - 1;
      const shift = random.below(32);
      lo = shift === 0 ? lo : (hi << (32 - shift)) | (lo >>> shift);
      hi >>>= shift;
      break;
    }
    case 5:
      hi = random.oneIn(2) ? 0 : 0xffffffff;
      break;
    case 6: {
      // One byte all over, as byte-wise operations like it.
      lo = Math.imul(lo & 0xff, 0x01010101);
      hi = lo;
      if (random.oneIn(2)) hi ^= 0xff << (8 * random.below(4));
      break;
    }
    default:
  }
  out[at] = lo;
  out[at + 1] = hi;
};

/** A fraction of `bits` bits: none, all, the top, the lowest, a few high ones, or any. */
const fraction = (random: Random, bits: number): number => {
  const mask = 2 ** bits - 1;
  switch (random.below(7)) {
    case 0:
      return 0;
    case 1:
      return mask;
    case 2:
      return 2 ** (bits - 1);
    case 3:
      return 1;
    case 4:
      return (random.next() & mask & -(2 ** (bits - 4))) >>> 0;
    case 5:
      return mask - random.below(4);
    default:
      return random.next() & mask;
  }
};

/** A biased exponent, and what its fraction must be like. */
const exponent = (random: Random, bits: number): number => {
  const all = 2 ** bits - 1;
  const bias = all >>> 1;
  switch (random.below(16)) {
    case 0:
    case 1:
      return 0;
    case 2:
    case 3:
      return all;
    case 4:
      return 1 + random.below(3);
    case 5:
      return all - 1 - random.below(2);
    case 6:
      return random.below(all + 1);
    case 7:
      // Where integers end.
      return Math.min(all - 1, bias + random.pick([6, 7, 8, 14, 15, 16, 30, 31, 32, 62, 63, 64]));
    case 8:
    case 9:
      return Math.max(1, Math.min(all - 1, bias + random.below(80) - 40));
    case 10:
      // About the square root of the least and the greatest: their products are on the edge.
      return Math.max(1, Math.min(all - 1, (random.oneIn(2) ? bias >>> 1 : bias + (bias >>> 1)) + random.below(5) - 2));
    default:
      return bias + random.below(7) - 3;
  }
};

/** A single- or half-precision number as bits. */
const floatBits = (random: Random, exponentBits: number, fractionBits: number): number => {
  const sign = random.below(2) * 2 ** (exponentBits + fractionBits);
  if (random.oneIn(10)) {
    // A whole number and a half.
    const whole = random.below(fractionBits);
    const half = 2 ** (fractionBits - whole - 1);
    const rest = ((random.next() & (2 ** fractionBits - 1) & -half) | half) >>> 0;
    return sign + (2 ** (exponentBits - 1) - 1 + whole) * 2 ** fractionBits + rest;
  }
  return sign + exponent(random, exponentBits) * 2 ** fractionBits + fraction(random, fractionBits);
};

export const float32 = (random: Random, out: Uint32Array, at: number): void => {
  out[at] = floatBits(random, 8, 23);
};

/** Two half-precision numbers. */
export const float16Pair = (random: Random, out: Uint32Array, at: number): void => {
  out[at] = floatBits(random, 5, 10) | (floatBits(random, 5, 10) << 16);
};

const doubles = new Float64Array(1);
const doubleWords = new Uint32Array(doubles.buffer);

export const float64 = (random: Random, out: Uint32Array, at: number): void => {
  switch (random.below(12)) {
    case 0:
      // A whole number and a half.
      doubles[0] = Math.floor(random.next() / 2 ** random.below(32)) * 2 ** random.below(20) + 0.5;
      break;
    case 1:
      // One that single precision can hold, or just about.
      float32(random, out, at);
      doubles[0] = new Float32Array(out.buffer, out.byteOffset + at * 4, 1)[0] as number;
      if (random.oneIn(2))
        doubleWords[0] = (doubleWords[0] as number) + random.pick([0x10000000, 0x10000001, 1, 0xfffffff]);
      break;
    default: {
      const high = fraction(random, 20);
      doubleWords[1] = random.below(2) * 2 ** 31 + exponent(random, 11) * 2 ** 20 + high;
      const same = high === 0 ? 0 : high === 0xfffff ? 0xffffffff : high === 1 ? 0 : random.next();
      doubleWords[0] = random.oneIn(4) ? random.pick([0, 1, 0x80000000, 0xffffffff, random.next()]) : same;
    }
  }
  out[at] = doubleWords[0] as number;
  out[at + 1] = doubleWords[1] as number;
};

const scratch = new Uint32Array(2);

/** An integer of 8, 16 or 32 bits, with the edges of that width. */
const narrowInteger = (random: Random, bits: 8 | 16 | 32): number => {
  const top = 2 ** (bits - 1);
  switch (random.below(6)) {
    case 0:
      return random.pick([0, 1, top - 1, top, top + 1, 2 * top - 1]);
    case 1:
      return 2 ** random.below(bits);
    case 2:
      return random.below(2 * bits + 1) - bits;
    case 3:
      integer64(random, scratch, 0);
      return scratch[0] as number;
    default:
      return random.next();
  }
};

/** 32 bits of integers of 8, 16 or 32 bits each. */
export const integers = (random: Random, bits: 8 | 16 | 32, out: Uint32Array, at: number): void => {
  let word = 0;
  for (let shift = 0; shift < 32; shift += bits) {
    word |= (narrowInteger(random, bits) & (2 ** bits - 1)) << shift;
  }
  out[at] = word;
};
