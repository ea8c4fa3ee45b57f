import { Field, type Image, SP_NUMBER } from '../../test/cpu/arm64/cases/image.ts';
import { fillState, LANE_KINDS, LaneKind, type Override } from '../../test/cpu/arm64/cases/initial-state.ts';
import {
  CODE,
  DATA,
  DATA_BYTES,
  slotOffset,
  WINDOW,
  WRITABLE_BYTES,
  windowOffsets,
} from '../../test/cpu/arm64/cases/layout.ts';
import type { Input, Program } from '../../test/cpu/arm64/cases/program.ts';
import type { Random } from '../../test/cpu/arm64/cases/random.ts';
import { edgeOperands } from './edge-operands.ts';
import { writesModes } from './exclusions.ts';
import { type IndexRegister, memoryOperand } from './memory-operand.ts';

/** Initial states that suit a program: accesses that find memory, branches that find code, operands of the right kind. */

const bigBytes = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes;
};

const matches = (word: number, mask: number, value: number): boolean => ((word & mask) ^ value) >>> 0 === 0;

/** The kind of vector lanes that a word most likely works on. */
const laneKind = (random: Random, word: number): LaneKind => {
  if (random.oneIn(5)) return random.below(LANE_KINDS) as LaneKind;
  const size = (word >>> 22) & 3;
  // Scalar floating point
  if (matches(word, 0x5e000000, 0x1e000000)) {
    return [LaneKind.float32, LaneKind.float64, LaneKind.words, LaneKind.float16][size] as LaneKind;
  }
  // Advanced SIMD, integer or floating point by opcode: try both
  if (matches(word, 0x0e000000, 0x0e000000)) {
    if (random.oneIn(2)) return (size & 1) === 1 ? LaneKind.float64 : LaneKind.float32;
    return [LaneKind.bytes, LaneKind.halfwords, LaneKind.words, LaneKind.doublewords][size] as LaneKind;
  }
  return random.below(LANE_KINDS) as LaneKind;
};

/** The address an access shall go to. */
const wantedAddress = (random: Random, image: Image, bytes: number): number => {
  const window = DATA + (windowOffsets[image.get32(Field.place)] as number);
  switch (random.below(12)) {
    case 0:
      // About where the pages begin and end.
      return DATA + random.pick([0, WRITABLE_BYTES, DATA_BYTES, DATA_BYTES]) + random.below(2 * bytes) - bytes;
    case 1:
      return DATA + random.below(DATA_BYTES);
    case 2:
    case 3:
    case 4:
      return window + random.below(WINDOW);
    default:
      return window + random.below(Math.max(1, (WINDOW - bytes) / bytes)) * bytes;
  }
};

/** Registers as overrides to collect; what is set first stays. */
class Overrides {
  readonly #chosen = new Map<number, Uint8Array>();

  set(register: number, bytes: Uint8Array): void {
    if (!this.#chosen.has(register)) this.#chosen.set(register, bytes);
  }

  has(register: number): boolean {
    return this.#chosen.has(register);
  }

  list(): Override[] {
    return [...this.#chosen].map(([register, bytes]) => ({ register, bytes }));
  }
}

/** Sets an index register to something near; gives what it adds to the base. */
const setIndex = (random: Random, overrides: Overrides, index: IndexRegister): bigint => {
  if (index.register === 31) return 0n;
  if (overrides.has(index.register)) return 0n;
  const value = BigInt(random.oneIn(4) ? random.below(2 ** 31) : random.below(512)) * (random.oneIn(2) ? -1n : 1n);
  const extended = index.word && !index.signed ? BigInt.asUintN(32, value) : value;
  // The upper half does not count for a 32-bit index.
  const raw = index.word ? BigInt.asUintN(32, value) | (BigInt(random.next()) << 32n) : value;
  overrides.set(index.register, bigBytes(raw));
  return extended << BigInt(index.shift);
};

const isExclusive = (word: number): boolean => matches(word, 0x3f800000, 0x08000000);

const aim = (random: Random, image: Image, overrides: Overrides, word: number): void => {
  const operand = memoryOperand(word);
  if (operand === null || operand.base === null) return;
  // The reference takes an open monitor for one at address -1, so exclusives always find memory.
  if (random.oneIn(16) && !isExclusive(word)) return;
  const register = operand.base === 31 && !matches(word, 0xffffffe0, 0xd50b7420) ? SP_NUMBER : operand.base;
  if (operand.base === 31 && register !== SP_NUMBER) return;
  if (overrides.has(register)) return;
  const address = wantedAddress(random, image, operand.bytes);
  const index = operand.index === null ? 0n : setIndex(random, overrides, operand.index);
  let base = BigInt(address) - BigInt(operand.offset) - index;
  // Tagged: the top byte is ignored.
  if (random.oneIn(20)) base = BigInt.asUintN(56, base) | (BigInt(random.below(256)) << 56n);
  overrides.set(register, bigBytes(base));
  expect(random, image, overrides, word, address);
};

/** For a compare-and-swap, often lets the expected value be the one in memory. */
const expect = (random: Random, image: Image, overrides: Overrides, word: number, address: number): void => {
  if (!matches(word, 0x3f207c00, 0x08207c00) || random.oneIn(3)) return;
  const at = address - DATA - (windowOffsets[image.get32(Field.place)] as number);
  if (at < 0 || at > WINDOW - 16) return;
  const s = (word >>> 16) & 31;
  const pairOfWords = !matches(word, 0x00800000, 0x00800000) && !matches(word, 0x40000000, 0x40000000);
  const step = pairOfWords ? 4 : 8;
  const read = (offset: number): Uint8Array => {
    const bytes = image.bytes.slice(Field.window + offset, Field.window + offset + 8);
    if (pairOfWords) bytes.fill(random.below(256), 4);
    return bytes;
  };
  overrides.set(s, read(at));
  if (!matches(word, 0x00800000, 0x00800000) && s < 30) overrides.set(s + 1, read(at + step));
};

/** Lets an indirect branch go to one of the instructions around the program. */
const aimBranch = (random: Random, overrides: Overrides, word: number, program: Program): void => {
  if (!matches(word, 0xff9ffc1f, 0xd61f0000) && !matches(word, 0xfffffc1f, 0xd65f0000)) return;
  const register = (word >>> 5) & 31;
  if (register === 31 || random.oneIn(10)) return;
  let to = BigInt(CODE + slotOffset(program.slot) + random.below(4) * 4);
  if (random.oneIn(10)) to += BigInt(random.below(4));
  if (random.oneIn(10)) to |= BigInt(random.below(256)) << 56n;
  overrides.set(register, bigBytes(to));
};

/** The modes that a program writes to FPCR or FPSR have no reserved bits. */
const tameModes = (random: Random, overrides: Overrides, word: number): void => {
  if (!writesModes(word)) return;
  const value = matches(word, 0xffffffe0, 0xd51b4400) ? random.below(32) << 22 : random.next() & 0x0800009f;
  overrides.set(word & 31, bigBytes(BigInt(value)));
};

/** Fills `image` with an initial state for a program and says how to make it again. */
export const chooseInput = (random: Random, program: Program, fixed: readonly Override[], image: Image): Input => {
  const words = program.words;
  const seed = ((random.next() & -LANE_KINDS) | laneKind(random, random.pick(words))) >>> 0;
  fillState(image, seed);
  const overrides = new Overrides();
  for (const { register, bytes } of fixed) overrides.set(register, bytes);
  for (const word of words) {
    tameModes(random, overrides, word);
    aim(random, image, overrides, word);
    aimBranch(random, overrides, word, program);
    for (const { register, bytes } of edgeOperands(random, image, word)) overrides.set(register, bytes);
  }
  const input: Input = { seed, overrides: overrides.list() };
  fillState(image, seed, input.overrides);
  return input;
};
