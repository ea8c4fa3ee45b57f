import { Op } from '../../../wasm/opcodes.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I64, V128 } from '../../ir/value.ts';
import { B, threeRegisters } from './simd-forms.ts';
import { bytesOf, Lanes } from './simd-lanes.ts';
import { reverseBitsInBytes } from './simd-two-register.ts';

/** Products of polynomials over {0, 1}: PMUL and PMULL, with the 64-bit PMULL of the cryptographic extension. */

/** Lanes' products, for factors of eight bits of which `m` is at the lane's top: a bit of it at a time, highest first. */
const multiply = (l: Lanes, n: V128, m: V128): V128 => {
  let rest = m;
  let product = l.and(n, l.signs(rest));
  for (let bit = 6; bit >= 0; bit--) {
    rest = l.add(rest, rest);
    product = l.xor(l.add(product, product), l.and(n, l.signs(rest)));
  }
  return product;
};

/**
 * The low 64 bits of the product of two polynomials of 64 bits, by integer multiplication: of factors that keep only every
 * fourth bit, the sums of up to 15 terms for a bit of the product do not reach its neighbour's (the sum of 16 at bit 60 loses its carry).
 */
const lowProduct = (o: Builder, a: I64, b: I64): I64 => {
  const mask = (bit: number): I64 => o.i64Parts(0x11111111 << bit, 0x11111111 << bit);
  const bits = [0, 1, 2, 3];
  const as = bits.map((bit) => o.and(a, mask(bit)));
  const bs = bits.map((bit) => o.and(b, mask(bit)));
  return bits
    .map((bit) => {
      const terms = bits.map((i) => o.mul(as[i], bs[(bit - i) & 3]));
      return o.and(
        terms.reduce((sum, term) => o.xor(sum, term)),
        mask(bit),
      );
    })
    .reduce((product, part) => o.or(product, part));
};

const doubleword = (o: Builder, a: V128, lane: number): I64 => o.extractLane(Op.i64x2ExtractLane, 'i64', a, lane);

/** The 128 bits of the product of doublewords number `half`. The high half is the reversed factors' low one, reversed. */
const multiplyDoublewords = (o: Builder, n: V128, m: V128, half: number): V128 => {
  const mirrored = (a: V128): V128 =>
    reverseBitsInBytes(
      o,
      o.shuffle(
        a,
        a,
        bytesOf((i) => (i < 8 ? 7 - i : 23 - i)),
      ),
    );
  const factors = o.shuffle(
    n,
    m,
    bytesOf((i) => (i < 8 ? i + half * 8 : i + 8 + half * 8)),
  );
  const reversed = mirrored(factors);
  const low = lowProduct(o, doubleword(o, factors, 0), doubleword(o, factors, 1));
  const high = lowProduct(o, doubleword(o, reversed, 0), doubleword(o, reversed, 1));
  const upright = doubleword(o, mirrored(o.scalarToVector(high)), 0);
  // Two polynomials of degree 63 make one of degree 126: the mirror image is off by one.
  return o.replaceLane(Op.i64x2ReplaceLane, o.scalarToVector(low), 1, o.shrU(upright, o.i64(1)));
};

export const simdPolynomial: readonly Instruction[] = [
  instruction({
    name: 'PMUL',
    bits: '0 Q:1 1 01110 00 1 Rm:5 10011 1 Rn:5 Rd:5',
    shape: ['Q'],
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, B, f.Q);
      l.write(x.d, multiply(l, o.getV(x.n), o.getV(x.m)));
    },
  }),
  instruction({
    name: 'PMULL, PMULL2 (bytes)',
    bits: '0 Q:1 0 01110 00 1 Rm:5 1110 00 Rn:5 Rd:5',
    shape: ['Q'],
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, B, f.Q);
      const { wider: wide } = l;
      const m = wide.shiftLeft(l.widen(o.getV(x.m), f.Q, true), 8);
      wide.write(x.d, multiply(wide, l.widen(o.getV(x.n), f.Q, true), m));
    },
  }),
  instruction({
    name: 'PMULL, PMULL2 (doublewords)',
    bits: '0 Q:1 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5',
    shape: ['Q'],
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      o.setV(x.d, multiplyDoublewords(o, o.getV(x.n), o.getV(x.m), f.Q));
    },
  }),
];
