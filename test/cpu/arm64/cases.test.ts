import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { system } from '../../../src/cpu/arm64/instructions/system.ts';
import { destination, generalOrStack, immediate64, memoryBase } from '../../../src/cpu/arm64/operands.ts';
import { instruction } from '../../../src/cpu/instruction.ts';
import { compareImages } from './cases/compare.ts';
import { Field, Image, Outcome, registerOffset, SP_NUMBER, V_NUMBER } from './cases/image.ts';
import { fillState } from './cases/initial-state.ts';
import { DATA, fingerprint, programAddress, WINDOW, WRITABLE_BYTES, windowOffsets } from './cases/layout.ts';
import type { Program } from './cases/program.ts';
import { Random } from './cases/random.ts';
import { decodeVectors, encodeVectors } from './cases/vector-file.ts';
import { Processor } from './harness.ts';

/** The means of the differential tests themselves: a comparison that cannot fail would prove nothing. */

const ADD_X1_X2_1 = 0x91000441;
const program: Program = { slot: 3, words: [ADD_X1_X2_1] };

/** ADD, LDR and BRK are all that these tests need, the former as it should be or wrong. */
const processorWithAdd = (step: number): Processor =>
  new Processor('cold', [
    ...system,
    instruction({
      name: 'ADD (immediate)',
      bits: '1 0 0 100010 0 imm12:12 Rn:5 Rd:5',
      operands: {
        d: generalOrStack('Rd'),
        n: generalOrStack('Rn'),
        imm: immediate64((f) => (f.imm12 as number) + step),
      },
      describe(o, x) {
        o.set(x.d, o.add(o.get64(x.n), x.imm));
      },
    }),
    instruction({
      name: 'LDR (no offset)',
      bits: '11 111 0 01 01 000000000000 Rn:5 Rt:5',
      operands: { n: memoryBase('Rn'), t: destination('Rt') },
      describe(o, x) {
        o.set(x.t, o.load(8, o.get64(x.n)));
      },
    }),
  ]);

const initialState = (seed: number): Image => {
  const image = new Image();
  fillState(image, seed);
  return image;
};

/** What ADD X1, X2, #1 leaves of a state. */
const added = (initial: Image): Image => {
  const expected = new Image();
  expected.copyFrom(initial);
  expected.set64(registerOffset(1), BigInt.asUintN(64, initial.get64(registerOffset(2)) + 1n));
  expected.setAddress(Field.pc, programAddress(program.slot) + 4);
  expected.set32(Field.outcome, Outcome.breakpoint);
  return expected;
};

const run = (processor: Processor, words: readonly number[], initial: Image): Image => {
  const got = new Image();
  processor.load([{ slot: program.slot, words }]);
  processor.run(program.slot, initial, got);
  return got;
};

describe('the harness', () => {
  it('finds no difference where there is none', () => {
    const processor = processorWithAdd(0);
    for (let seed = 0; seed < 64; seed++) {
      const initial = initialState(seed);
      assert.deepEqual(compareImages(program, added(initial), run(processor, program.words, initial)), []);
    }
  });

  it('finds a wrong instruction', () => {
    const initial = initialState(1);
    const differences = compareImages(program, added(initial), run(processorWithAdd(1), program.words, initial));
    assert.deepEqual(
      differences.map(({ what }) => what),
      ['X1'],
    );
  });

  it('tells undefined instructions, faults and where they are', () => {
    const processor = processorWithAdd(0);
    const initial = initialState(2);
    const undefinedResult = run(processor, [ADD_X1_X2_1, 0x00000000], initial);
    assert.equal(undefinedResult.get32(Field.outcome), Outcome.undefined);
    assert.equal(undefinedResult.get64(Field.pc), BigInt(programAddress(program.slot) + 4));
    // LDR X1, [X2] from the byte before the data pages
    initial.setAddress(registerOffset(2), DATA - 1);
    const faultResult = run(processor, [0xf9400041], initial);
    assert.equal(faultResult.get32(Field.outcome), Outcome.fault);
    assert.equal(faultResult.get64(Field.faultAddress), BigInt(DATA - 1));
    assert.equal(faultResult.get64(registerOffset(1)), initial.get64(registerOffset(1)));
  });
});

describe('the comparison', () => {
  const fields: readonly (readonly [what: string, offset: number, bit: number])[] = [
    ['X30', registerOffset(30), 1],
    ['SP', registerOffset(SP_NUMBER), 1],
    ['V31', registerOffset(V_NUMBER + 31) + 12, 1],
    ['NZCV', Field.nzcv, 0x10000000],
    ['FPCR', Field.fpcr, 0x400000],
    ['FPSR', Field.fpsr, 0x10],
    ['PC', Field.pc, 4],
    ['memory elsewhere', Field.stray, 1],
    [`memory window+${WINDOW - 4}..${WINDOW - 4}`, Field.window + WINDOW - 4, 1],
  ];
  for (const [what, offset, bit] of fields) {
    it(`sees a changed bit of ${what}`, () => {
      const expected = added(initialState(5));
      const got = new Image();
      got.copyFrom(expected);
      got.set32(offset, expected.get32(offset) ^ bit);
      assert.deepEqual(
        compareImages(program, expected, got).map((difference) => difference.what),
        [what],
      );
    });
  }

  it('sees another outcome', () => {
    const expected = added(initialState(5));
    const got = new Image();
    got.copyFrom(expected);
    got.set32(Field.outcome, Outcome.undefined);
    assert.equal(compareImages(program, expected, got)[0]?.what, 'outcome');
  });
});

describe('initial states', () => {
  it('are what the committed vectors were made with', () => {
    const all = Array.from({ length: 64 }, (_, index) => initialState(index * 0x01234567).bytes);
    const joined = Buffer.concat(all);
    assert.equal(
      fingerprint(joined, joined.length).toString(16),
      'fec89a9b',
      'values.ts, random.ts or initial-state.ts changed: make the vectors anew and set this',
    );
  });

  it('hold floating-point specials, integer limits and addresses in the window', () => {
    const seen = { infinity: 0, signalling: 0, denormal: 0, least: 0, address: 0 };
    for (let seed = 0; seed < 256; seed += 8) {
      const image = initialState(seed);
      const window = BigInt(DATA + (windowOffsets[image.get32(Field.place)] as number));
      for (let register = 0; register < 31; register++) {
        const value = image.get64(registerOffset(register));
        if (value === 1n << 63n) seen.least++;
        if (value >= window && value < window + BigInt(WINDOW)) seen.address++;
      }
      for (let register = 0; register < 32; register++) {
        const value = image.get64(registerOffset(V_NUMBER + register)) & ((1n << 63n) - 1n);
        if (value === 0x7ffn << 52n) seen.infinity++;
        if (value > 0x7ffn << 52n && value < 0xfffn << 51n) seen.signalling++;
        if (value > 0n && value < 1n << 52n) seen.denormal++;
      }
    }
    for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `no ${what}`);
  });
});

describe('the vector file', () => {
  it('gives back what was written', () => {
    const random = new Random(9);
    const vectors = Array.from({ length: 40 }, (_, index) => {
      const words = Array.from({ length: 1 + random.below(12) }, () => random.next());
      const program = { slot: index, words };
      const seed = random.next();
      const overrides = [
        { register: 4, bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
        { register: V_NUMBER + 9, bytes: new Uint8Array(16).fill(index) },
      ];
      const expected = new Image();
      fillState(expected, seed, overrides);
      expected.set32(Field.outcome, 1 + random.below(4));
      const faulted = expected.get32(Field.outcome) >= Outcome.fault;
      expected.setAddress(Field.faultAddress, faulted ? DATA + random.below(WRITABLE_BYTES) : 0);
      expected.setAddress(Field.pc, programAddress(index) + random.below(words.length + 1) * 4);
      for (let change = random.below(6); change > 0; change--) {
        expected.set64(registerOffset(random.below(V_NUMBER)), BigInt(random.next()));
        expected.bytes[registerOffset(V_NUMBER + random.below(32)) + random.below(16)] = random.below(256);
        expected.bytes[Field.window + random.below(WINDOW)] = random.below(256);
      }
      expected.set32(Field.nzcv, random.below(16) << 28);
      expected.set32(Field.fpsr, random.next() & 0x0800009f);
      expected.set32(Field.stray, random.oneIn(2) ? random.next() : 0);
      return { program, cases: [{ input: { seed, overrides }, expected }] };
    });
    const read = decodeVectors(encodeVectors(vectors));
    assert.equal(read.length, vectors.length);
    read.forEach(({ program, cases }, index) => {
      const wanted = vectors[index] as (typeof vectors)[number];
      assert.deepEqual(program, wanted.program);
      assert.deepEqual(cases[0]?.expected.bytes, wanted.cases[0]?.expected.bytes);
    });
  });

  it('is refused when it is cut short or something else', () => {
    const expected = added(initialState(1));
    const bytes = encodeVectors([{ program, cases: [{ input: { seed: 1, overrides: [] }, expected }] }]);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => decodeVectors(bytes.subarray(0, length)), RangeError);
    }
    assert.throws(() => decodeVectors(new Uint8Array(64)), /no vector file/);
  });
});
