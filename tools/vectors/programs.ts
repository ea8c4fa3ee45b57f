import type { Decoder } from '../../src/cpu/decoder.ts';
import type { Instruction } from '../../src/cpu/instruction.ts';
import type { Override } from '../../test/cpu/arm64/cases/initial-state.ts';
import { CODE, CODE_BYTES, programAddress, SLOT, slotOffset } from '../../test/cpu/arm64/cases/layout.ts';
import type { Program } from '../../test/cpu/arm64/cases/program.ts';
import type { Random } from '../../test/cpu/arm64/cases/random.ts';
import { isUnsafe, isZeroBlock, mixesExclusives, writesModes } from './exclusions.ts';
import { memoryOperand } from './memory-operand.ts';
import { branchDistance, isComparable, mutate, randomWord, registerFields, withDistance } from './words.ts';

/** Programs to compare: single instructions, sequences, loops, exclusive pairs, and words from the whole encoding space. */

/** A program and the registers that it needs set. */
export interface Draft {
  readonly program: Program;
  readonly overrides: readonly Override[];
}

/** One instruction at one combination of its shape's fields. */
export interface Form {
  readonly entry: Instruction;
  readonly shape: number;
}

/** In sequences: base addresses, which nothing else writes, a register for the modes, and a loop's counter. */
const BASES = [27, 28];
const MODES = 29;
const COUNTER = 26;
const RESERVED = [COUNTER, ...BASES, MODES];

const setField = (word: number, shift: number, value: number): number =>
  ((word & ~(31 << shift)) | (value << shift)) >>> 0;

/**
 * Where a direct branch of the word at `index` may go: within its own slot but not back into the program, nor between the two
 * instructions that make its `body` a loop; or far out of the code pages, where nothing is mapped.
 */
const mayBranchTo = (program: Program, body: number, index: number, distance: number): boolean => {
  const start = programAddress(program.slot);
  const slot = CODE + slotOffset(program.slot);
  const to = start + index * 4 + distance;
  if (to < CODE || to >= CODE + CODE_BYTES) return true;
  const end = start + program.words.length * 4;
  if (to < slot || to >= Math.max(CODE + (program.slot + 1) * SLOT, end + 4)) return false;
  return to < start || (to > start + index * 4 && to <= start + body * 4) || to >= end;
};

/** Turns the direct branches and literal loads of a program's body to where they may go; null if one cannot. */
const redirect = (random: Random, decoder: Decoder, program: Program, body = program.words.length): Program | null => {
  const words = [...program.words];
  for (let index = 0; index < body; index++) {
    const word = words[index] as number;
    const entry = decoder.decode(word).entry;
    const distance = branchDistance(word, entry);
    if (distance === null) {
      words[index] = aimLiteral(random, program.slot, index, word);
      continue;
    }
    if (mayBranchTo(program, body, index, distance) && random.oneIn(4)) continue;
    let found: number | null = null;
    for (let attempt = 0; attempt < 50 && found === null; attempt++) {
      const near = random.oneIn(2) ? random.below(body - index) + 1 : random.below(60) - 30;
      if (mayBranchTo(program, body, index, near * 4)) found = withDistance(word, entry, near * 4);
    }
    if (found === null) return null;
    words[index] = found;
  }
  return { slot: program.slot, words };
};

const DATA_FROM_CODE = -0x81000;

/** Lets a literal load find the data pages, or its own program. */
const aimLiteral = (random: Random, slot: number, index: number, word: number): number => {
  const operand = memoryOperand(word);
  if (operand === null || operand.base !== null) return word;
  const from = programAddress(slot) + index * 4 - CODE;
  const to = random.oneIn(4) ? from + random.below(8) * 4 - index * 4 : DATA_FROM_CODE + random.below(3072 - 2) * 4;
  return ((word & ~0x00ffffe0) | ((((to - from) / 4) & 0x7ffff) << 5)) >>> 0;
};

/** Makes programs of a decoder's instruction table. */
export class ProgramSource {
  readonly #random: Random;
  readonly #decoder: Decoder;
  readonly #forms: readonly Form[];

  /** `forms` is what programs are made of. */
  constructor(random: Random, decoder: Decoder, forms: readonly Form[]) {
    this.#random = random;
    this.#decoder = decoder;
    this.#forms = forms;
  }

  /** A single instruction; null if it has no word that can be compared. */
  single(form: Form, slot: number): Draft | null {
    const word = randomWord(this.#random, this.#decoder, form.entry, form.shape);
    if (word === null) return null;
    return this.#finish({ slot, words: [word] });
  }

  /** A word from anywhere in the encoding space, or next to an instruction of ours. */
  stray(slot: number): Draft | null {
    const random = this.#random;
    let word = random.next();
    if (this.#forms.length > 0 && random.oneIn(2)) {
      const form = random.pick(this.#forms);
      const valid = randomWord(random, this.#decoder, form.entry, form.shape);
      if (valid !== null) word = mutate(random, valid);
    }
    if (!isComparable(word)) return null;
    return this.#finish({ slot, words: [word] });
  }

  /** Two to eight instructions; now and then as the body of a loop. */
  sequence(slot: number): Draft | null {
    const random = this.#random;
    const words = random.oneIn(16) ? this.#exclusivePair() : this.#body(2 + random.below(7));
    if (words.length < 2 || mixesExclusives(words)) return null;
    const repeated = random.oneIn(4);
    const whole = repeated ? loop({ slot, words }) : { slot, words };
    const program = redirect(random, this.#decoder, whole, words.length);
    if (program === null) return null;
    return { program, overrides: repeated ? [counter(random)] : [] };
  }

  #finish(program: Program): Draft | null {
    const redirected = redirect(this.#random, this.#decoder, program);
    return redirected === null || redirected.words.some(isUnsafe) ? null : { program: redirected, overrides: [] };
  }

  #body(length: number): number[] {
    const words: number[] = [];
    for (let attempt = 0; words.length < length && attempt < 8 * length; attempt++) {
      const { entry, shape } = this.#random.pick(this.#forms);
      const word = randomWord(this.#random, this.#decoder, entry, shape);
      if (word === null) continue;
      const suited = this.#suit(word, entry);
      if (suited !== null) words.push(suited);
    }
    return words;
  }

  /** Keeps a word of a sequence off the reserved registers, but for what they are reserved for. */
  #suit(word: number, entry: Instruction): number | null {
    if (isZeroBlock(word)) return null;
    if (writesModes(word)) return setField(word, 0, MODES);
    const memory = memoryOperand(word);
    const base = memory === null ? null : memory.base;
    const fields = registerFields(word, entry);
    const own = base === null ? fields : fields.filter(([name]) => name !== 'Rn');
    if (own.some(([, number]) => RESERVED.includes(number))) return null;
    // Pairs that the encoding implies (CASP) may reach one register further.
    if (base !== null && own.some(([, number]) => RESERVED.includes(number + 1))) return null;
    if (base === null || base === 31) return word;
    const suited = fields.some(([name]) => name === 'Rn') ? setField(word, 5, this.#random.pick(BASES)) : word;
    return isComparable(suited) && this.#decoder.decode(suited).entry === entry ? suited : null;
  }

  /** A load exclusive and a store exclusive, something between them. */
  #exclusivePair(): number[] {
    const random = this.#random;
    const size = random.below(4);
    const pair = size >= 2 && random.oneIn(2);
    const n = random.pick(BASES);
    const [t, t2, s] = [random.below(8), 8 + random.below(8), 16 + random.below(8)];
    const common = (size << 30) | 0x08000000 | (pair ? 0x00200000 : 0) | (n << 5);
    const load = common | 0x00400000 | (31 << 16) | (random.below(2) << 15) | ((pair ? t2 : 31) << 10) | t;
    const store =
      common | (s << 16) | (random.below(2) << 15) | ((pair ? t2 + random.below(2) * 16 : 31) << 10) | (t ^ 1);
    const between = this.#body(random.below(3)).filter((word) => memoryOperand(word) === null);
    const words = [load >>> 0, ...between, store >>> 0];
    return words.every((word) => isComparable(word) && this.#decoder.isDefined(word)) ? words : [];
  }
}

/** Repeats a program's body: SUB X26, X26, #1; CBNZ X26, start. */
const loop = ({ slot, words }: Program): Program => {
  const back = (-(words.length + 1) & 0x7ffff) << 5;
  return {
    slot,
    words: [...words, (0xd1000400 | (COUNTER << 5) | COUNTER) >>> 0, (0xb5000000 | back | COUNTER) >>> 0],
  };
};

const counter = (random: Random): Override => {
  const bytes = new Uint8Array(8);
  bytes[0] = 1 + random.below(5);
  return { register: COUNTER, bytes };
};
