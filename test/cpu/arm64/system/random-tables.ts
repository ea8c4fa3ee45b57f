import fc from 'fast-check';
import { RAM, RAM_SIZE } from './machine.ts';
import type { TranslationRegisters } from './translation-model.ts';

/** Random translation regimes whose tables lie in the machine's RAM, dense enough that most walks get somewhere. */

export interface Regime {
  readonly registers: TranslationRegisters;
  /** RAM from TABLES on. */
  readonly words: readonly bigint[];
  readonly addresses: readonly bigint[];
}

/** Where tables are put; a table wanders through all of RAM from there. */
export const TABLES = RAM + 0x10_0000;
/** Distinct descriptors: a table's entry is the one at its address modulo this. */
const WORDS = 64;

const biased = (probability: number): fc.Arbitrary<boolean> =>
  fc.integer({ min: 0, max: 99 }).map((n) => n < probability * 100);

const address48 = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 15 }).map((n) => BigInt(TABLES) + BigInt(n) * 0x1_0000n) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: RAM_SIZE / 4096 }).map((n) => BigInt(RAM) + BigInt(n) * 4096n) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: (1n << 36n) - 1n }).map((n) => n << 12n) },
);

const descriptor = fc
  .record({
    valid: biased(0.95),
    table: biased(0.8),
    accessed: biased(0.9),
    address: address48,
    low: fc.bigInt({ min: 0n, max: 0x3ffn }),
    notGlobal: fc.boolean(),
    noExecute: fc.integer({ min: 0, max: 3 }),
    tableBits: fc.oneof(
      { weight: 2, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 31 }) },
    ),
  })
  .map(
    ({ valid, table, accessed, address, low, notGlobal, noExecute, tableBits }) =>
      address |
      ((low & ~3n) | (valid ? 1n : 0n) | (table ? 2n : 0n)) |
      (accessed ? 1n << 10n : 0n) |
      (notGlobal ? 1n << 11n : 0n) |
      (BigInt(noExecute) << 53n) |
      (BigInt(tableBits) << 59n),
  );

const tcr = fc
  .record({
    t0sz: fc.integer({ min: 12, max: 42 }),
    t1sz: fc.integer({ min: 12, max: 42 }),
    disable: fc.oneof(
      { weight: 9, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 15 }) },
    ),
    tg0: fc.integer({ min: 0, max: 2 }),
    tg1: fc.integer({ min: 1, max: 3 }),
    ips: fc.oneof({ weight: 4, arbitrary: fc.constant(2) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 5 }) }),
    ignoreTop: fc.integer({ min: 0, max: 3 }),
  })
  .map(
    ({ t0sz, t1sz, disable, tg0, tg1, ips, ignoreTop }) =>
      BigInt(t0sz) |
      (BigInt(disable & 1) << 7n) |
      (BigInt(tg0) << 14n) |
      (BigInt(t1sz) << 16n) |
      (BigInt((disable >> 1) & 1) << 23n) |
      (BigInt(tg1) << 30n) |
      (BigInt(ips) << 32n) |
      (BigInt(ignoreTop) << 37n) |
      (BigInt(disable >> 2) << 55n),
  );

const address = fc
  .record({
    upper: fc.boolean(),
    low: fc.bigInt({ min: 0n, max: (1n << 48n) - 1n }),
    size: fc.integer({ min: 20, max: 48 }),
    top: fc.oneof(
      { weight: 4, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 255n }) },
    ),
  })
  .map(({ upper, low, size, top }) => {
    const mask = (1n << BigInt(size)) - 1n;
    const plain = BigInt.asUintN(64, upper ? low | ~mask : low & mask);
    return top === null ? plain : BigInt.asUintN(56, plain) | (top << 56n);
  });

export const regime: fc.Arbitrary<Regime> = fc.record({
  registers: fc.record({
    sctlr: fc.tuple(biased(0.95), biased(0.3)).map(([on, wxn]) => (on ? 1n : 0n) | (wxn ? 1n << 19n : 0n)),
    tcr,
    ttbr0: address48,
    ttbr1: address48,
    mair: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  }),
  words: fc.array(descriptor, { minLength: WORDS, maxLength: WORDS }),
  addresses: fc.array(address, { minLength: 16, maxLength: 16 }),
});

/** The descriptor at a physical address, undefined outside RAM. */
export const descriptorAt = ({ words }: Regime, physical: bigint): bigint | undefined => {
  if (physical < BigInt(RAM) || physical >= BigInt(RAM + RAM_SIZE)) return undefined;
  return words[Number((physical >> 3n) % BigInt(words.length))];
};
