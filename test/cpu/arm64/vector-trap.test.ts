import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { a64Instructions } from '../../../src/cpu/arm64/instructions/table.ts';
import { VECTOR_TRAP } from '../../../src/cpu/state.ts';
import { STATE } from './address-space.ts';
import { Field, Image } from './cases/image.ts';
import { fillState } from './cases/initial-state.ts';
import { programAddress } from './cases/layout.ts';
import { Processor } from './harness.ts';

/** CPACR_EL1.FPEN's trap: which instructions are subject to it, and that it is taken before anything has changed. */

/** Data processing and loads and stores of the vector registers, by the main encoding table (Arm ARM C4.1); FPCR and FPSR. */
const usesVectors = (word: number): boolean => {
  const group = (word >>> 25) & 15;
  if ((group & 7) === 7) return true;
  if ((group & 5) === 4) return (word & 0x04000000) !== 0;
  return (word & 0xffdfffc0) >>> 0 === 0xd51b4400;
};

describe('the vector trap', () => {
  it('is marked on the instructions that use vector registers, FPCR or FPSR, and on no others', () => {
    for (const entry of a64Instructions) assert.equal(entry.vector, usesVectors(entry.match), entry.name);
  });

  for (const tier of ['cold', 'hot'] as const) {
    it(`comes before anything has changed in the ${tier} tier`, () => {
      const processor = new Processor(tier, a64Instructions);
      const words = {
        'FADD D0, D1, D2': 0x1e622820,
        'ADD V0.16B, V1.16B, V2.16B': 0x4e228420,
        'LDR Q0, [X1, #16]!': 0x3c810c20,
        'FMOV X0, D1': 0x9e660020,
        'MSR FPCR, X1': 0xd51b4401,
        'MRS X1, FPSR': 0xd53b4421,
      };
      processor.engine.memory.i32[(STATE + VECTOR_TRAP) >>> 2] = 1;
      const initial = new Image();
      fillState(initial, 77);
      for (const [text, word] of Object.entries(words)) {
        const got = new Image();
        // After ADD X9, X9, #1, which is not subject to the trap.
        processor.load([{ slot: 0, words: [0x91000529, word] }]);
        processor.run(0, initial, got);
        assert.equal(got.get64(Field.pc), BigInt(programAddress(0) + 4), text);
        assert.equal(got.get64(9 * 8), BigInt.asUintN(64, initial.get64(9 * 8) + 1n), text);
        for (const [from, to] of [
          [0, 9 * 8],
          [10 * 8, Field.pc],
          [Field.nzcv, Field.place],
          [Field.v, Field.window],
        ] as const) {
          assert.deepEqual(got.bytes.subarray(from, to), initial.bytes.subarray(from, to), text);
        }
      }
    });
  }
});
