import { Random } from './random.ts';

/** Makes new inputs out of a target's seeds. */

const LARGEST_INPUT = 1 << 16;
const LONGEST_WORD = 32;
const MOST_MUTATIONS = 6;
/** Numbers at the edges of what fields hold. */
const edges: readonly number[] = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];

type Mutation = (input: Uint8Array, random: Random) => Uint8Array;

const concatenate = (...parts: readonly Uint8Array[]): Uint8Array => {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
};

const insertAt = (input: Uint8Array, at: number, piece: Uint8Array): Uint8Array =>
  concatenate(input.subarray(0, at), piece, input.subarray(at));

const overwrite = (input: Uint8Array, at: number, piece: Uint8Array): Uint8Array => {
  const changed = input.slice();
  changed.set(piece.subarray(0, input.length - at), at);
  return changed;
};

/** Some part of an input. */
const part = (input: Uint8Array, random: Random): Uint8Array => {
  const from = random.below(input.length + 1);
  return input.subarray(from, from + random.length(input.length - from));
};

/** A number in 1, 2, 4 or 8 bytes, either end first. */
const numberBytes = (random: Random): Uint8Array => {
  const size = 1 << random.below(4);
  const bytes = new Uint8Array(size);
  let value = random.below(2) === 0 ? random.pick(edges) : random.below(0x1_0000);
  for (let i = 0; i < size; i++) {
    bytes[i] = value;
    value = Math.floor(value / 256);
  }
  return random.below(2) === 0 ? bytes : bytes.reverse();
};

const mutations: readonly Mutation[] = [
  (input, random) => {
    const changed = input.slice();
    const at = random.below(input.length);
    if (input.length > 0) changed[at] = (changed[at] as number) ^ (1 << random.below(8));
    return changed;
  },
  (input, random) => overwrite(input, random.below(input.length), random.bytes(random.length(16))),
  (input, random) => overwrite(input, random.below(input.length), numberBytes(random)),
  (input, random) => overwrite(input, random.below(input.length) & ~3, numberBytes(random)),
  (input, random) => insertAt(input, random.below(input.length + 1), random.bytes(random.length(32))),
  (input, random) => insertAt(input, random.below(input.length + 1), part(input, random)),
  (input, random) => overwrite(input, random.below(input.length), part(input, random)),
  (input, random) => {
    const at = random.below(input.length + 1);
    return concatenate(input.subarray(0, at), input.subarray(at + random.length(input.length - at)));
  },
  (input, random) => input.slice(0, random.below(input.length + 1)),
];

/** Words and numbers that the seeds are made of: runs of printable characters and aligned 32-bit words. */
const dictionaryOf = (seeds: readonly Uint8Array[]): Uint8Array[] => {
  const words = new Set<string>();
  for (const seed of seeds) {
    const text = Buffer.from(seed).toString('latin1');
    for (const [word] of text.matchAll(/[\w.+-]{2,}|[^\w\s]/g)) words.add(word.slice(0, LONGEST_WORD));
    for (let at = 0; at + 4 <= seed.length; at += 4) words.add(text.slice(at, at + 4));
  }
  return [...words].map((word) => Buffer.from(word, 'latin1'));
};

/** An endless sequence of inputs, fixed by the seeds and a number. */
export class Mutator {
  readonly #seeds: readonly Uint8Array[];
  readonly #dictionary: readonly Uint8Array[];
  readonly #random: Random;
  readonly #mutations: readonly Mutation[];

  constructor(seeds: readonly Uint8Array[], seed: number) {
    this.#seeds = seeds.length === 0 ? [new Uint8Array(0)] : seeds;
    this.#dictionary = dictionaryOf(this.#seeds);
    this.#random = new Random(seed);
    this.#mutations = [
      ...mutations,
      // Splices: the head of this input, a piece of another.
      (input, random) =>
        concatenate(input.subarray(0, random.below(input.length + 1)), part(random.pick(this.#seeds), random)),
      (input, random) => insertAt(input, random.below(input.length + 1), part(random.pick(this.#seeds), random)),
      ...(this.#dictionary.length === 0 ? [] : [this.#insertWord, this.#overwriteWord]),
    ];
  }

  #insertWord: Mutation = (input, random) =>
    insertAt(input, random.below(input.length + 1), random.pick(this.#dictionary));

  #overwriteWord: Mutation = (input, random) =>
    overwrite(input, random.below(input.length), random.pick(this.#dictionary));

  next(): Uint8Array {
    const random = this.#random;
    let input = random.pick(this.#seeds);
    const count = 1 + random.below(MOST_MUTATIONS);
    for (let i = 0; i < count; i++) input = random.pick(this.#mutations)(input, random);
    return input.length > LARGEST_INPUT ? input.slice(0, LARGEST_INPUT) : input;
  }
}
