import { Op } from '../../../wasm/opcodes.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { V128 } from '../../ir/value.ts';
import { substitute } from './simd-aes-substitution.ts';
import { B, twoRegisters } from './simd-forms.ts';
import { bytesOf, Lanes } from './simd-lanes.ts';

/** Cryptographic AES (Arm ARM C4.1; the steps are FIPS 197's). A register is the state, column by column. */

/** Byte (row, column) comes from column + `step` * row. */
const shiftRows = (o: Builder, a: V128, step: number): V128 =>
  o.shuffle(
    a,
    a,
    bytesOf((i) => (i + 4 * step * (i % 4)) & 15),
  );

/** Rotates each column upwards. */
const rotateColumns = (o: Builder, a: V128, count: number): V128 =>
  o.shuffle(
    a,
    a,
    bytesOf((i) => (i & ~3) | ((i + count) & 3)),
  );

/** Each byte times x, modulo x^8 + x^4 + x^3 + x + 1. */
const timesX = (l: Lanes, a: V128): V128 => l.xor(l.add(a, a), l.and(l.signs(a), l.constant(0x1b)));

/** The columns times 3x^3 + x^2 + x + 2. */
const mixColumns = (o: Builder, a: V128): V128 => {
  const l = Lanes.ofVector(o, B, 1);
  const next = rotateColumns(o, a, 1);
  const pairs = l.xor(a, next);
  // 2a + 3 next + the other two is 2 (a + next) + next + the pair two rows down.
  return l.xor(timesX(l, pairs), l.xor(next, rotateColumns(o, pairs, 2)));
};

/** The inverse: the polynomial of mixColumns times 4x^2 + 5. */
const inverseMixColumns = (o: Builder, a: V128): V128 => {
  const l = Lanes.ofVector(o, B, 1);
  const opposite = l.xor(a, rotateColumns(o, a, 2));
  return mixColumns(o, l.xor(a, timesX(l, timesX(l, opposite))));
};

const aes = (name: string, opcode: string, compute: (o: Builder, d: V128, n: V128) => V128): Instruction =>
  instruction({
    name,
    bits: `01001110 00 10100 ${opcode} 10 Rn:5 Rd:5`,
    operands: twoRegisters,
    vector: true,
    describe(o, x) {
      o.setV(x.d, compute(o, o.getV(x.d), o.getV(x.n)));
    },
  });

const addRoundKey = (o: Builder, a: V128, key: V128): V128 => o.simd2(Op.v128Xor, a, key);

export const simdAes: readonly Instruction[] = [
  aes('AESE', '00100', (o, d, n) => substitute(o, shiftRows(o, addRoundKey(o, d, n), 1), 'forward')),
  aes('AESD', '00101', (o, d, n) => substitute(o, shiftRows(o, addRoundKey(o, d, n), -1), 'inverse')),
  aes('AESMC', '00110', (o, _, n) => mixColumns(o, n)),
  aes('AESIMC', '00111', (o, _, n) => inverseMixColumns(o, n)),
];
