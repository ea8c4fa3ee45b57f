import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encode } from '../../../../src/cpu/arm64/encoder.ts';
import { a64Instructions } from '../../../../src/cpu/arm64/instructions/table.ts';
import { Field, Image, Outcome } from '../cases/image.ts';
import { PROGRAM_WORDS } from '../cases/layout.ts';
import { Processor, type Tier } from '../harness.ts';

/** Known answers of the algorithms that the cryptographic instructions are for, and products by definition. */

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const wordsOf = (...words: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(words).buffer);

/** The vector registers of a processor, on which instructions run one program after another. */
class Machine {
  readonly #processor: Processor;
  readonly #image = new Image();

  constructor(processor: Processor) {
    this.#processor = processor;
  }

  set(register: number, bytes: Uint8Array): void {
    this.#image.bytes.set(bytes, Field.v + register * 16);
  }

  get(register: number): Uint8Array {
    return this.#image.bytes.slice(Field.v + register * 16, Field.v + register * 16 + 16);
  }

  words(register: number): number[] {
    return [...new Uint32Array(this.get(register).buffer)];
  }

  run(...words: readonly number[]): void {
    assert.ok(words.length <= PROGRAM_WORDS);
    const result = new Image();
    this.#processor.load([{ slot: 0, words }]);
    this.#processor.run(0, this.#image, result);
    assert.equal(result.get32(Field.outcome), Outcome.breakpoint);
    this.#image.copyFrom(result);
  }
}

const two = (name: string, d: number, n: number): number => encode(name, { Rd: d, Rn: n });
const three = (name: string, d: number, n: number, m: number): number => encode(name, { Rd: d, Rn: n, Rm: m });

// FIPS 197, appendix C.1: the round keys (k_sch) of AES-128 for the key 000102..0f, and its blocks.
const roundKeys = [
  '000102030405060708090a0b0c0d0e0f',
  'd6aa74fdd2af72fadaa678f1d6ab76fe',
  'b692cf0b643dbdf1be9bc5006830b3fe',
  'b6ff744ed2c2c9bf6c590cbf0469bf41',
  '47f7f7bc95353e03f96c32bcfd058dfd',
  '3caaa3e8a99f9deb50f3af57adf622aa',
  '5e390f7df7a69296a7553dc10aa31f6b',
  '14f9701ae35fe28c440adf4d4ea9c026',
  '47438735a41c65b9e016baf4aebf7ad2',
  '549932d1f08557681093ed9cbe2c974e',
  '13111d7fe3944a17f307a78b4d2b30c5',
].map(bytesOf);
const plainBlock = '00112233445566778899aabbccddeeff';
const cipherBlock = '69c4e0d86a7b0430d8cdb78070b4c55a';

const encryptBlock = (machine: Machine, block: Uint8Array): Uint8Array => {
  machine.set(0, block);
  for (let round = 0; round < 10; round++) {
    machine.set(1, roundKeys[round] as Uint8Array);
    machine.run(two('AESE', 0, 1), ...(round < 9 ? [two('AESMC', 0, 0)] : []));
  }
  machine.set(1, roundKeys[10] as Uint8Array);
  machine.run(encode('EOR (vector)', { Q: 1, Rd: 0, Rn: 0, Rm: 1 }));
  return machine.get(0);
};

/** The equivalent inverse cipher (FIPS 197, 5.3.5): the inner round keys go through AESIMC. */
const decryptBlock = (machine: Machine, block: Uint8Array): Uint8Array => {
  machine.set(0, block);
  for (let round = 10; round > 0; round--) {
    machine.set(1, roundKeys[round] as Uint8Array);
    if (round < 10) machine.run(two('AESIMC', 1, 1));
    machine.run(two('AESD', 0, 1), ...(round > 1 ? [two('AESIMC', 0, 0)] : []));
  }
  machine.set(1, roundKeys[0] as Uint8Array);
  machine.run(encode('EOR (vector)', { Q: 1, Rd: 0, Rn: 0, Rm: 1 }));
  return machine.get(0);
};

/** 'abc' padded (FIPS 180-4, 5.1.1), as words. */
const abc = [0x61626380, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24];

const fraction = (x: number): number => Math.floor((x - Math.floor(x)) * 2 ** 32) >>> 0;
const primes = [...Array(320).keys()]
  .slice(2)
  .filter((n) => ![2, 3, 5, 7, 11, 13, 17].some((p) => n > p && n % p === 0));
/** FIPS 180-4, 4.2.2 and 5.3.3: from the roots of the first primes. */
const sha256Constants = primes.slice(0, 64).map((p) => fraction(Math.cbrt(p)));
const sha256Start = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));

const sum = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => (x + (b[i] as number)) >>> 0);

const addWords = (d: number, n: number, m: number): number =>
  encode('ADD (vector)', { Q: 1, size: 2, Rd: d, Rn: n, Rm: m });
const copy = (d: number, n: number): number => encode('ORR (vector, register)', { Q: 1, Rd: d, Rn: n, Rm: n });

/** V0 and V1 are the state, V4 to V7 the schedule's last sixteen words. */
const sha256Block = (machine: Machine, block: readonly number[]): number[] => {
  machine.set(0, wordsOf(...sha256Start.slice(0, 4)));
  machine.set(1, wordsOf(...sha256Start.slice(4)));
  for (let i = 0; i < 4; i++) machine.set(4 + i, wordsOf(...block.slice(i * 4, i * 4 + 4)));
  for (let step = 0; step < 16; step++) {
    const [w0, w1, w2, w3] = [0, 1, 2, 3].map((i) => 4 + ((step + i) & 3)) as [number, number, number, number];
    machine.set(8, wordsOf(...sha256Constants.slice(step * 4, step * 4 + 4)));
    machine.run(
      addWords(8, 8, w0),
      copy(2, 0),
      three('SHA256H', 0, 1, 8),
      three('SHA256H2', 1, 2, 8),
      two('SHA256SU0', w0, w1),
      three('SHA256SU1', w0, w2, w3),
    );
  }
  return sum([...machine.words(0), ...machine.words(1)], sha256Start);
};

// FIPS 180-4, 4.2.1 and 5.3.1
const sha1Start = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
const sha1Rounds = [
  { name: 'SHA1C', constant: 0x5a827999 },
  { name: 'SHA1P', constant: 0x6ed9eba1 },
  { name: 'SHA1M', constant: 0x8f1bbcdc },
  { name: 'SHA1P', constant: 0xca62c1d6 },
];

/** V0 and V1 are the state, V4 to V7 the schedule's last sixteen words. */
const sha1Block = (machine: Machine, block: readonly number[]): number[] => {
  machine.set(0, wordsOf(...sha1Start.slice(0, 4)));
  machine.set(1, wordsOf(sha1Start[4] as number, 0, 0, 0));
  for (let i = 0; i < 4; i++) machine.set(4 + i, wordsOf(...block.slice(i * 4, i * 4 + 4)));
  for (let step = 0; step < 20; step++) {
    const { name, constant } = sha1Rounds[Math.floor(step / 5)] as (typeof sha1Rounds)[number];
    const [w0, w1, w2, w3] = [0, 1, 2, 3].map((i) => 4 + ((step + i) & 3)) as [number, number, number, number];
    machine.set(8, wordsOf(constant, constant, constant, constant));
    machine.run(
      addWords(8, 8, w0),
      two('SHA1H', 2, 0),
      three(name, 0, 1, 8),
      copy(1, 2),
      three('SHA1SU0', w0, w1, w2),
      two('SHA1SU1', w0, w3),
    );
  }
  return sum([...machine.words(0), machine.words(1)[0] as number], sha1Start);
};

const hexWords = (words: readonly number[]): string => words.map((word) => word.toString(16).padStart(8, '0')).join('');

const polynomialProduct = (a: bigint, b: bigint): bigint => {
  let product = 0n;
  for (let bit = 0n; bit < 64n; bit++) if (((b >> bit) & 1n) === 1n) product ^= a << bit;
  return product;
};

const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${hexOf(bytes.toReversed())}`);
const bigBytes = (value: bigint): Uint8Array => bytesOf(value.toString(16).padStart(32, '0')).toReversed();

const tiers: readonly Tier[] = ['cold', 'hot'];
for (const tier of tiers) {
  describe(`cryptographic instructions on the ${tier} tier`, () => {
    const machine = new Machine(new Processor(tier, a64Instructions));

    it('encrypt and decrypt the block of FIPS 197', () => {
      assert.equal(hexOf(encryptBlock(machine, bytesOf(plainBlock))), cipherBlock);
      assert.equal(hexOf(decryptBlock(machine, bytesOf(cipherBlock))), plainBlock);
    });

    it('compute the digests of FIPS 180-4', () => {
      assert.equal(hexWords(sha1Block(machine, abc)), 'a9993e364706816aba3e25717850c26c9cd0d89d');
      assert.equal(
        hexWords(sha256Block(machine, abc)),
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      );
    });

    it('multiply polynomials of 64 bits, of the low and of the high doublewords', () => {
      const doubleword = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
      const cases = fc.tuple(doubleword, doubleword, fc.integer({ min: 0, max: 1 }));
      fc.assert(
        fc.property(cases, ([a, b, half]) => {
          const shift = BigInt(half * 64);
          machine.set(1, bigBytes(a << shift));
          machine.set(2, bigBytes(b << shift));
          machine.run(encode('PMULL, PMULL2 (doublewords)', { Q: half, Rd: 0, Rn: 1, Rm: 2 }));
          assert.equal(numberOf(machine.get(0)), polynomialProduct(a, b));
        }),
        { numRuns: 60, examples: [[[2n ** 64n - 1n, 2n ** 64n - 1n, 0]], [[2n ** 63n, 2n ** 63n, 1]]] },
      );
    });
  });
}
