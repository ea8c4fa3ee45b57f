import { Op } from '../../../wasm/opcodes.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I32, V128 } from '../../ir/value.ts';
import { S, threeRegisters, twoRegisters } from './simd-forms.ts';
import { bytesOf, Lanes } from './simd-lanes.ts';

/** Cryptographic SHA-1 and SHA-256 (Arm ARM C4.1; the functions are FIPS 180-4's). */

const word = (o: Builder, a: V128, lane: number): I32 => o.extractLane(Op.i32x4ExtractLane, 'i32', a, lane);

const words = (o: Builder, a: V128): I32[] => [0, 1, 2, 3].map((lane) => word(o, a, lane));

const fromWords = (o: Builder, list: readonly I32[]): V128 =>
  list.reduce((a, value, lane) => o.replaceLane(Op.i32x4ReplaceLane, a, lane, value), o.v128Zero());

const rotateLeft = (o: Builder, a: I32, count: number): I32 => o.rotr(a, o.i32(32 - count));

/** The exclusive or of rotations to the right. */
const rotations = (o: Builder, a: I32, counts: readonly number[]): I32 =>
  counts.map((count) => o.rotr(a, o.i32(count))).reduce((sum, term) => o.xor(sum, term));

const choose = (o: Builder, x: I32, y: I32, z: I32): I32 => o.xor(o.and(o.xor(y, z), x), z);
const parity = (o: Builder, x: I32, y: I32, z: I32): I32 => o.xor(o.xor(x, y), z);
const majority = (o: Builder, x: I32, y: I32, z: I32): I32 => o.or(o.and(x, y), o.and(o.or(x, y), z));

/** Rotations of a word, and the last a plain shift, in all lanes. */
const schedule = (l: Lanes, a: V128, first: number, second: number, shift: number): V128 => {
  const rotated = (count: number): V128 => l.or(l.shiftRight(a, count, true), l.shiftLeft(a, 32 - count));
  return l.xor(l.xor(rotated(first), rotated(second)), l.shiftRight(a, shift, true));
};

/** Words 1 to 3 of `a` and word 0 of `b`. */
const shiftedIn = (o: Builder, a: V128, b: V128): V128 =>
  o.shuffle(
    a,
    b,
    bytesOf((i) => i + 4),
  );

/** Four rounds of SHA-1 on a to d in `x`, e in `y`, with the schedule's words in `w`. */
const sha1Rounds = (o: Builder, x: V128, y: I32, w: V128, mix: (o: Builder, x: I32, y: I32, z: I32) => I32): V128 => {
  let [a, b, c, d] = words(o, x);
  let e = y;
  for (const scheduled of words(o, w)) {
    const sum = o.add(o.add(o.add(e, rotateLeft(o, a, 5)), mix(o, b, c, d)), scheduled);
    [a, b, c, d, e] = [sum, a, rotateLeft(o, b, 30), c, d];
  }
  return fromWords(o, [a, b, c, d]);
};

/** Four rounds of SHA-256: gives a to d and e to h. */
const sha256Rounds = (o: Builder, x: V128, y: V128, w: V128): [abcd: V128, efgh: V128] => {
  let [a, b, c, d] = words(o, x);
  let [e, f, g, h] = words(o, y);
  for (const scheduled of words(o, w)) {
    const first = o.add(o.add(h, rotations(o, e, [6, 11, 25])), o.add(choose(o, e, f, g), scheduled));
    const second = o.add(rotations(o, a, [2, 13, 22]), majority(o, a, b, c));
    [a, b, c, d, e, f, g, h] = [o.add(first, second), a, b, c, o.add(d, first), e, f, g];
  }
  return [fromWords(o, [a, b, c, d]), fromWords(o, [e, f, g, h])];
};

type Compute3 = (o: Builder, d: V128, n: V128, m: V128) => V128;

const three = (name: string, opcode: string, compute: Compute3): Instruction =>
  instruction({
    name,
    bits: `01011110 000 Rm:5 0 ${opcode} 00 Rn:5 Rd:5`,
    operands: threeRegisters,
    vector: true,
    describe(o, x) {
      o.setV(x.d, compute(o, o.getV(x.d), o.getV(x.n), o.getV(x.m)));
    },
  });

const two = (name: string, opcode: string, compute: (o: Builder, d: V128, n: V128) => V128): Instruction =>
  instruction({
    name,
    bits: `01011110 00 10100 ${opcode} 10 Rn:5 Rd:5`,
    operands: twoRegisters,
    vector: true,
    describe(o, x) {
      o.setV(x.d, compute(o, o.getV(x.d), o.getV(x.n)));
    },
  });

const sha1SecondUpdate = (o: Builder, d: V128, n: V128): V128 => {
  const l = Lanes.ofVector(o, S, 1);
  const terms = l.xor(d, shiftedIn(o, n, l.zero()));
  const rotated = l.or(l.shiftLeft(terms, 1), l.shiftRight(terms, 31, true));
  // The last word also depends on the first result, two rotations of the first term.
  const first = word(o, rotated, 0);
  const last = o.xor(word(o, rotated, 3), rotateLeft(o, first, 1));
  return o.replaceLane(Op.i32x4ReplaceLane, rotated, 3, last);
};

/** The last two words depend on the first two. */
const sha256SecondUpdate = (o: Builder, d: V128, n: V128, m: V128): V128 => {
  const l = Lanes.ofVector(o, S, 1);
  const base = l.add(d, shiftedIn(o, n, m));
  const upperToLower = (a: V128): V128 =>
    o.shuffle(
      a,
      l.zero(),
      bytesOf((i) => i + 8),
    );
  const first = l.add(base, schedule(l, upperToLower(m), 17, 19, 10));
  const lowerToUpper = o.shuffle(
    l.zero(),
    first,
    bytesOf((i) => i + 8),
  );
  return l.add(first, schedule(l, lowerToUpper, 17, 19, 10));
};

export const simdSha: readonly Instruction[] = [
  three('SHA1C', '000', (o, d, n, m) => sha1Rounds(o, d, word(o, n, 0), m, choose)),
  three('SHA1P', '001', (o, d, n, m) => sha1Rounds(o, d, word(o, n, 0), m, parity)),
  three('SHA1M', '010', (o, d, n, m) => sha1Rounds(o, d, word(o, n, 0), m, majority)),
  three('SHA1SU0', '011', (o, d, n, m) => {
    const l = Lanes.ofVector(o, S, 1);
    const middle = o.shuffle(
      d,
      n,
      bytesOf((i) => i + 8),
    );
    return l.xor(l.xor(middle, d), m);
  }),
  three('SHA256H', '100', (o, d, n, m) => sha256Rounds(o, d, n, m)[0]),
  three('SHA256H2', '101', (o, d, n, m) => sha256Rounds(o, n, d, m)[1]),
  three('SHA256SU1', '110', sha256SecondUpdate),
  two('SHA1H', '00000', (o, _, n) => o.scalarToVector(rotateLeft(o, word(o, n, 0), 30))),
  two('SHA1SU1', '00001', sha1SecondUpdate),
  two('SHA256SU0', '00010', (o, d, n) => {
    const l = Lanes.ofVector(o, S, 1);
    return l.add(d, schedule(l, shiftedIn(o, d, n), 7, 18, 3));
  }),
];
