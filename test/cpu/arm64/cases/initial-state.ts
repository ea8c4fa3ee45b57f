import { Field, type Image, registerBytes, registerOffset } from './image.ts';
import { DATA, PLACES, WINDOW, windowOffsets } from './layout.ts';
import { Random } from './random.ts';
import { float16Pair, float32, float64, integer64, integers } from './values.ts';

/**
 * Processor states by seed. Committed vectors rely on it: whoever changes this file or values.ts must make them anew.
 */

/** What most of the vector registers hold: the low three bits of the seed. */
export const LaneKind = {
  float64: 0,
  float32: 1,
  float16: 2,
  bytes: 3,
  halfwords: 4,
  words: 5,
  doublewords: 6,
  mixed: 7,
} as const;
export type LaneKind = (typeof LaneKind)[keyof typeof LaneKind];
export const LANE_KINDS = 8;

/** A register that a case sets to something else than its seed says; 8 or 16 bytes. */
export interface Override {
  /** As numbered in image.ts. */
  readonly register: number;
  readonly bytes: Uint8Array;
}

const fillVector = (random: Random, kind: number, out: Uint32Array, at: number): void => {
  switch (kind) {
    case LaneKind.float64:
      float64(random, out, at);
      float64(random, out, at + 2);
      return;
    case LaneKind.float32:
      for (let i = 0; i < 4; i++) float32(random, out, at + i);
      return;
    case LaneKind.float16:
      for (let i = 0; i < 4; i++) float16Pair(random, out, at + i);
      return;
    case LaneKind.bytes:
    case LaneKind.halfwords:
    case LaneKind.words: {
      const bits = kind === LaneKind.bytes ? 8 : kind === LaneKind.halfwords ? 16 : 32;
      for (let i = 0; i < 4; i++) integers(random, bits, out, at + i);
      return;
    }
    case LaneKind.doublewords:
      integer64(random, out, at);
      integer64(random, out, at + 2);
      return;
    default:
      for (let i = 0; i < 4; i++) out[at + i] = random.next();
  }
};

const topBits = [0x80000000, 0x80000000, 0x80008000, 0x80808080, 0x80008000, 0x80000000, 0x80000000, 0x80000000];

/** Like another register: the same, negated (the sign bits turned), or a little more. */
const fillLike = (random: Random, kind: number, out: Uint32Array, at: number, from: number): void => {
  const change = random.below(3);
  for (let i = 0; i < 4; i++) {
    let word = out[from + i] as number;
    if (change === 1 && (kind !== LaneKind.float64 || (i & 1) === 1)) word ^= topBits[kind] as number;
    if (change === 2 && (kind !== LaneKind.float64 || (i & 1) === 0)) word += random.below(3) - 1;
    out[at + i] = word;
  }
};

const fillVectors = (random: Random, kind: number, out: Uint32Array): void => {
  const first = Field.v / 4;
  for (let register = 0; register < 32; register++) {
    const at = first + register * 4;
    if (register > 0 && random.oneIn(6)) {
      fillLike(random, kind, out, at, first + random.below(register) * 4);
      continue;
    }
    const own = kind === LaneKind.mixed || random.oneIn(8) ? random.below(LANE_KINDS) : kind;
    fillVector(random, own, out, at);
  }
};

/** The floating-point control modes: the default half of the time. */
const controlModes = (random: Random): number => (random.oneIn(2) ? 0 : (random.below(32) << 22) >>> 0);

const statusFlags = (random: Random): number => {
  switch (random.below(4)) {
    case 0:
      return 0;
    case 1:
      return 0x10;
    default:
      return random.next() & 0x0800009f;
  }
};

/** Sets all of an image but PC. */
export const fillState = (image: Image, seed: number, overrides: readonly Override[] = []): void => {
  const random = new Random(seed);
  const out = image.u32;
  const place = random.below(PLACES);
  const window = DATA + (windowOffsets[place] as number);
  for (let register = 0; register < 31; register++) {
    const at = register * 2;
    if (random.oneIn(8)) image.setAddress(at * 4, window + random.below(WINDOW + 32) - 16);
    else if (register > 0 && random.oneIn(10)) {
      const other = random.below(register) * 2;
      out[at] = out[other] as number;
      out[at + 1] = out[other + 1] as number;
    } else integer64(random, out, at);
  }
  image.setAddress(Field.sp, window + random.below(WINDOW / 16) * 16 + (random.oneIn(8) ? random.below(16) : 0));
  image.setAddress(Field.pc, 0);
  image.set32(Field.nzcv, random.below(16) << 28);
  image.set32(Field.fpcr, controlModes(random));
  image.set32(Field.fpsr, statusFlags(random));
  image.set32(Field.place, place);
  image.set32(Field.outcome, 0);
  image.set32(Field.stray, 0);
  image.setAddress(Field.faultAddress, 0);
  fillVectors(random, seed & (LANE_KINDS - 1), out);
  const words = Field.window / 4;
  for (let i = 0; i < WINDOW / 4; i += 2) {
    if (random.oneIn(4)) integer64(random, out, words + i);
    else {
      out[words + i] = random.next();
      out[words + i + 1] = random.next();
    }
  }
  for (const { register, bytes } of overrides) {
    image.bytes.set(bytes.subarray(0, registerBytes(register)), registerOffset(register));
  }
};
