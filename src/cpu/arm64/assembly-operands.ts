/** What the assembler's methods take: registers, shifts and extensions, and the forms of addresses. */

/** A general register; number 31 is the stack pointer if `stack` says so and the zero register otherwise. */
export interface GeneralRegister {
  readonly kind: 'general';
  readonly number: number;
  /** 1 for X registers, 0 for W. */
  readonly sf: 0 | 1;
  readonly stack: boolean;
}

/** A vector register as one of its scalars. */
export interface VectorRegister {
  readonly kind: 'vector';
  readonly number: number;
  /** log2 of the scalar's bytes: 0 to 4 for B, H, S, D and Q. */
  readonly log2Size: number;
}

/** A register that can be loaded and stored. */
export type TransferRegister = GeneralRegister | VectorRegister;

const numbers = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
] as const;
type RegisterNumber = (typeof numbers)[number];
type GeneralName = Exclude<`${'x' | 'w'}${RegisterNumber}`, 'x31' | 'w31'> | 'xzr' | 'wzr' | 'sp' | 'wsp' | 'lr' | 'fp';
const scalarLetters = ['b', 'h', 's', 'd', 'q'] as const;
type VectorName = `${(typeof scalarLetters)[number]}${RegisterNumber}`;

const general = (number: number, sf: 0 | 1, stack = false): GeneralRegister => ({ kind: 'general', number, sf, stack });

const makeRegisters = (): Record<string, GeneralRegister | VectorRegister> => {
  const all: Record<string, GeneralRegister | VectorRegister> = {
    xzr: general(31, 1),
    wzr: general(31, 0),
    sp: general(31, 1, true),
    wsp: general(31, 0, true),
    lr: general(30, 1),
    fp: general(29, 1),
  };
  for (const number of numbers) {
    if (number < 31) {
      all[`x${number}`] = general(number, 1);
      all[`w${number}`] = general(number, 0);
    }
    scalarLetters.forEach((letter, log2Size) => {
      all[`${letter}${number}`] = { kind: 'vector', number, log2Size };
    });
  }
  return all;
};

/** All registers by their names in assembly language, for destructuring: `const { x0, w1, sp, q0 } = registers`. */
export const registers = makeRegisters() as Readonly<
  Record<GeneralName, GeneralRegister> & Record<VectorName, VectorRegister>
>;

/** The number of a register in a field whose 31 is the zero register. Throws for the stack pointer. */
export const numberOf = (register: GeneralRegister): number => {
  if (register.stack) throw new RangeError('the stack pointer cannot be used here');
  return register.number;
};

/** The number of a register in a field whose 31 is the stack pointer. Throws for the zero register. */
export const stackNumberOf = (register: GeneralRegister): number => {
  if (register.number === 31 && !register.stack) throw new RangeError('the zero register cannot be used here');
  return register.number;
};

/** The width that registers have in common, as an sf field. Throws if they differ. */
export const widthOf = (first: GeneralRegister, ...others: readonly GeneralRegister[]): 0 | 1 => {
  if (others.some((other) => other.sf !== first.sf)) throw new RangeError('W and X registers are mixed');
  return first.sf;
};

/** The number of an X register whose 31 is the stack pointer: the base of an address. */
export const baseNumberOf = (register: GeneralRegister): number => {
  if (register.sf === 0) throw new RangeError('an address needs an X register');
  return stackNumberOf(register);
};

/** LSL, LSR, ASR or ROR (0 to 3) of a register operand. */
export interface Shift {
  readonly kind: 'shift';
  readonly type: number;
  readonly amount: number;
}

/** UXTB, UXTH, UXTW, UXTX and the signed four (0 to 7) of a register operand, then a shift to the left. */
export interface Extend {
  readonly kind: 'extend';
  readonly option: number;
  readonly amount: number;
}

const shift =
  (type: number) =>
  (amount: number): Shift => ({ kind: 'shift', type, amount });
const extend =
  (option: number) =>
  (amount = 0): Extend => ({ kind: 'extend', option, amount });

export const lsl = shift(0);
export const lsr = shift(1);
export const asr = shift(2);
export const ror = shift(3);
export const uxtb = extend(0);
export const uxth = extend(1);
export const uxtw = extend(2);
export const uxtx = extend(3);
export const sxtb = extend(4);
export const sxth = extend(5);
export const sxtw = extend(6);
export const sxtx = extend(7);

/** A base that is changed by the access: before it (`pre`) or after it. */
export interface IndexedAddress {
  readonly kind: 'pre' | 'post';
  readonly base: GeneralRegister;
  readonly offset: number;
}

/** [base], [base, offset in bytes], [base, index register, shift or extension], or a base that changes. */
export type Address =
  | readonly [base: GeneralRegister]
  | readonly [base: GeneralRegister, offset: number]
  | readonly [base: GeneralRegister, index: GeneralRegister, modifier?: Shift | Extend]
  | IndexedAddress;

/** [base, #offset]! */
export const pre = (base: GeneralRegister, offset: number): IndexedAddress => ({ kind: 'pre', base, offset });
/** [base], #offset */
export const post = (base: GeneralRegister, offset: number): IndexedAddress => ({ kind: 'post', base, offset });
