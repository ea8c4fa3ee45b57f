import { control, Fpsr, raise } from './control.ts';

/** The floating-point formats, and numbers taken apart (Arm ARM shared/functions/float/fpunpack, fpprocessnan). */

export interface Format {
  readonly name: 'half' | 'single' | 'double';
  /** Width in bytes. */
  readonly bytes: number;
  /** Bits of the significand with the leading one. */
  readonly precision: number;
  readonly bias: number;
  /** The exponent field with all bits set. */
  readonly topExponent: number;
  /** Where the exponent field begins in the word that holds it (the high one of a double). */
  readonly exponentShift: number;
  /** The sign bit in that word. */
  readonly signBit: number;
}

export const half: Format = {
  name: 'half',
  bytes: 2,
  precision: 11,
  bias: 15,
  topExponent: 31,
  exponentShift: 10,
  signBit: 0x8000,
};
export const single: Format = {
  name: 'single',
  bytes: 4,
  precision: 24,
  bias: 127,
  topExponent: 255,
  exponentShift: 23,
  signBit: 1 << 31,
};
export const double: Format = {
  name: 'double',
  bytes: 8,
  precision: 53,
  bias: 1023,
  topExponent: 2047,
  exponentShift: 20,
  signBit: 1 << 31,
};

/** What an operand is; from `quiet` on it is a NaN. */
export const Kind = { zero: 0, finite: 1, infinity: 2, quiet: 3, signalling: 4 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** A number taken apart. */
export class Operand {
  kind: Kind = Kind.zero;
  /** 0 or 1. */
  sign = 0;
  /** For `finite`: the number's magnitude is significand * 2^exponent, with 1 <= significand < 2. */
  exponent = 0;
  significand = 1.5;
  /** The number itself, unless a NaN. */
  value = 0.5;
  /** The encoding; `hi` is 0 for formats of 32 bits and less. */
  lo = 0;
  hi = 0;
}

/** The encoding that an operation gave; `hi` matters for doubles alone. */
export const result = { lo: 0, hi: 0 };

/** Bits of a double, low word first, for taking it apart. */
export const doubles = new Float64Array(1);
export const words = new Int32Array(doubles.buffer);

const ONE_HIGH = 0x3ff00000;

/** 2^(1023 - i): what brings a double with exponent field i between 1 and 2. */
const normalizers = Float64Array.from({ length: 2047 }, (_, i) => 2 ** (1023 - i));

/** Fills in a finite operand from its magnitude, whose exponent is known. */
const setNormal = (x: Operand, magnitude: number, exponent: number): void => {
  x.kind = Kind.finite;
  x.exponent = exponent;
  x.significand = magnitude * (normalizers[exponent + 1023] as number);
};

/** Fills in a finite operand from its magnitude, a normal double scaled by 2^scale. */
const setFinite = (x: Operand, magnitude: number, scale: number): void => {
  doubles[0] = magnitude;
  const high = words[1] as number;
  x.kind = Kind.finite;
  x.exponent = (high >>> 20) - 1023 - scale;
  words[1] = (high & 0xfffff) | ONE_HIGH;
  x.significand = doubles[0] as number;
};

const setZero = (x: Operand): void => {
  x.kind = Kind.zero;
  x.value = x.sign === 0 ? 0 : -0;
};

const setInfinity = (x: Operand): void => {
  x.kind = Kind.infinity;
  x.value = x.sign === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
};

/** Takes a subnormal number for zero if flush-to-zero says so. */
const flushed = (x: Operand): boolean => {
  if (!control.flushToZero) return false;
  raise(Fpsr.inputDenormal);
  setZero(x);
  return true;
};

/** FPUnpack of a double: its two words, and itself as a number, which may be a NaN. */
export const unpackDouble = (x: Operand, lo: number, hi: number, value: number): void => {
  const field = (hi >>> 20) & 0x7ff;
  x.lo = lo;
  x.hi = hi;
  x.sign = hi >>> 31;
  if (field === 0x7ff) {
    if (((hi & 0xfffff) | lo) === 0) setInfinity(x);
    else x.kind = (hi & 0x80000) !== 0 ? Kind.quiet : Kind.signalling;
    return;
  }
  if (value === 0) {
    setZero(x);
    return;
  }
  if (field !== 0) {
    x.value = value;
    setNormal(x, Math.abs(value), field - 1023);
  } else if (!flushed(x)) {
    x.value = value;
    setFinite(x, Math.abs(value) * 2 ** 64, 64);
  }
};

/** FPUnpack of a single: its bits, and itself as a number, which may be a NaN. */
export const unpackSingle = (x: Operand, bits: number, value: number): void => {
  const field = (bits >>> 23) & 0xff;
  x.lo = bits;
  x.hi = 0;
  x.sign = bits >>> 31;
  if (field === 0xff) {
    if ((bits & 0x7fffff) === 0) setInfinity(x);
    else x.kind = (bits & 0x400000) !== 0 ? Kind.quiet : Kind.signalling;
    return;
  }
  if (value === 0) {
    setZero(x);
    return;
  }
  if (field !== 0) {
    x.value = value;
    setNormal(x, Math.abs(value), field - 127);
  } else if (!flushed(x)) {
    x.value = value;
    setFinite(x, Math.abs(value), 0);
  }
};

/** FPUnpackCV of a half, which is only converted from and to: flush-to-zero does not apply. */
export const unpackHalf = (x: Operand, bits: number): void => {
  const field = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  x.lo = bits & 0xffff;
  x.hi = 0;
  x.sign = (bits >>> 15) & 1;
  if (field === 0x1f && !control.alternativeHalf) {
    if (fraction === 0) setInfinity(x);
    else x.kind = (fraction & 0x200) !== 0 ? Kind.quiet : Kind.signalling;
    return;
  }
  if ((field | fraction) === 0) {
    setZero(x);
    return;
  }
  const magnitude = field === 0 ? fraction * 2 ** -24 : (fraction + 1024) * 2 ** (field - 25);
  x.value = x.sign === 0 ? magnitude : -magnitude;
  setFinite(x, magnitude, 0);
};

/** Negates an operand, a NaN too. */
export const negate = (x: Operand, format: Format): void => {
  x.sign ^= 1;
  x.value = -x.value;
  if (format === double) x.hi ^= format.signBit;
  else x.lo ^= format.signBit;
};

export const isNan = (x: Operand): boolean => x.kind >= Kind.quiet;

// Results

/** Makes the result of the word that holds the exponent. */
const setTop = (format: Format, top: number, low: number): void => {
  result.lo = format === double ? low : top;
  result.hi = format === double ? top : 0;
};

const signOf = (format: Format, sign: number): number => (sign === 0 ? 0 : format.signBit);

export const zeroResult = (format: Format, sign: number): void => {
  setTop(format, signOf(format, sign), 0);
};

export const infinityResult = (format: Format, sign: number): void => {
  setTop(format, signOf(format, sign) | (format.topExponent << format.exponentShift), 0);
};

/** The greatest finite number. */
export const maximumResult = (format: Format, sign: number): void => {
  setTop(format, signOf(format, sign) | ((format.topExponent << format.exponentShift) - 1), -1);
};

/** The power of two with this exponent, which is a normal number's. */
export const powerResult = (format: Format, sign: number, exponent: number): void => {
  setTop(format, signOf(format, sign) | ((exponent + format.bias) << format.exponentShift), 0);
};

export const defaultNanResult = (format: Format): void => {
  setTop(format, (format.topExponent * 2 + 1) << (format.exponentShift - 1), 0);
};

/** The default NaN of an invalid operation. */
export const invalidResult = (format: Format): void => {
  raise(Fpsr.invalidOperation);
  defaultNanResult(format);
};

/** The operand itself, as it is encoded. */
const operandResult = (x: Operand): void => {
  result.lo = x.lo;
  result.hi = x.hi;
};

/** The result for a finite operand (flushed if it was), an infinity or a zero. */
export const numberResult = (format: Format, x: Operand): void => {
  if (x.kind === Kind.zero) zeroResult(format, x.sign);
  else operandResult(x);
};

/** FPProcessNaN: the result for a NaN operand. */
export const nanResult = (format: Format, nan: Operand): void => {
  if (nan.kind === Kind.signalling) raise(Fpsr.invalidOperation);
  if (control.defaultNan) {
    defaultNanResult(format);
    return;
  }
  const quiet = 1 << (format.exponentShift - 1);
  result.lo = format === double ? nan.lo : nan.lo | quiet;
  result.hi = format === double ? nan.hi | quiet : 0;
};

/** FPProcessNaNs: whether an operand is a NaN, which then makes the result. Signalling ones come first, as Kind has them. */
export const processNans = (format: Format, a: Operand, b: Operand): boolean => {
  const first = b.kind > a.kind ? b : a;
  if (!isNan(first)) return false;
  nanResult(format, first);
  return true;
};

/** FPProcessNaNs3, in the order given. */
export const processNans3 = (format: Format, a: Operand, b: Operand, c: Operand): boolean => {
  let first = b.kind > a.kind ? b : a;
  if (c.kind > first.kind) first = c;
  if (!isNan(first)) return false;
  nanResult(format, first);
  return true;
};
