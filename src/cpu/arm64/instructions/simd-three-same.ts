import { type Instruction, instruction } from '../../instruction.ts';
import type { V128 } from '../../ir/value.ts';
import { AllSizes, B, BytesToWords, D, H, S, type Sources, sourcesOf, threeRegisters, withForm } from './simd-forms.ts';
import { Lanes, type Saturated, type Size, type Unsigned } from './simd-lanes.ts';
import { shiftByRegister } from './simd-shift-register.ts';

/** Advanced SIMD three same and scalar three same, the integer part (Arm ARM C4.1, "Advanced SIMD three same"). */

type Compute = (l: Lanes, sources: Sources, unsigned: Unsigned) => V128 | Saturated;

const vectorForm = (name: string, u: number, opcode: string, sizes: readonly Size[], compute: Compute): Instruction =>
  instruction({
    name: withForm(name, 'vector'),
    bits: `0 Q:1 ${u} 01110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`,
    shape: ['Q', 'size'],
    allowed: (shape) => sizes.includes(shape.size) && (shape.size < D || shape.Q === 1),
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, f.size, f.Q);
      l.write(x.d, compute(l, sourcesOf(o, x), u === 1));
    },
  });

const scalarForm = (name: string, u: number, opcode: string, sizes: readonly Size[], compute: Compute): Instruction =>
  instruction({
    name: withForm(name, 'scalar'),
    bits: `01 ${u} 11110 size:2 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`,
    shape: ['size'],
    allowed: (shape) => sizes.includes(shape.size),
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofScalar(o, f.size);
      l.write(x.d, compute(l, sourcesOf(o, x), u === 1));
    },
  });

/** Two instructions that differ in the U bit; the scalar forms have the sizes listed last. */
const pair = (
  names: readonly [u0: string, u1: string],
  opcode: string,
  sizes: readonly Size[],
  scalarSizes: readonly Size[],
  compute: Compute,
): Instruction[] =>
  names.flatMap((name, u) => {
    const forms = [vectorForm(name, u, opcode, sizes, compute)];
    if (scalarSizes.length > 0) forms.push(scalarForm(name, u, opcode, scalarSizes, compute));
    return forms;
  });

const pairwise =
  (combine: (l: Lanes, a: V128, b: V128, unsigned: Unsigned) => V128): Compute =>
  (l, { n, m }, unsigned) =>
    combine(l, l.unzip(n, m, 0), l.unzip(n, m, 1), unsigned);

const add: Compute = (l, { n, m }) => l.add(n, m);
const sub: Compute = (l, { n, m }) => l.sub(n, m);
const compareTest: Compute = (l, { n, m }) => l.different(l.and(n, m), l.zero());
const compareEqual: Compute = (l, { n, m }) => l.equal(n, m);

const logical = (name: string, u: number, size: string, compute: Compute): Instruction =>
  instruction({
    name,
    bits: `0 Q:1 ${u} 01110 ${size} 1 Rm:5 00011 1 Rn:5 Rd:5`,
    shape: ['Q'],
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, B, f.Q);
      l.write(x.d, compute(l, sourcesOf(o, x), false));
    },
  });

export const simdLogical: readonly Instruction[] = [
  logical('AND (vector)', 0, '00', (l, { n, m }) => l.and(n, m)),
  logical('BIC (vector, register)', 0, '01', (l, { n, m }) => l.andNot(n, m)),
  logical('ORR (vector, register)', 0, '10', (l, { n, m }) => l.or(n, m)),
  logical('ORN (vector)', 0, '11', (l, { n, m }) => l.or(n, l.not(m))),
  logical('EOR (vector)', 1, '00', (l, { n, m }) => l.xor(n, m)),
  logical('BSL', 1, '01', (l, { n, m, d }) => l.select(d, n, m)),
  logical('BIT', 1, '10', (l, { n, m, d }) => l.select(m, n, d)),
  logical('BIF', 1, '11', (l, { n, m, d }) => l.select(m, d, n)),
];

export const simdThreeSame: readonly Instruction[] = [
  ...pair(['SHADD', 'UHADD'], '00000', BytesToWords, [], (l, { n, m }, unsigned) =>
    l.add(l.and(n, m), l.shiftRight(l.xor(n, m), 1, unsigned)),
  ),
  ...pair(['SQADD', 'UQADD'], '00001', AllSizes, AllSizes, (l, { n, m }, unsigned) => l.addSaturating(n, m, unsigned)),
  ...pair(['SRHADD', 'URHADD'], '00010', BytesToWords, [], (l, { n, m }, unsigned) =>
    l.sub(l.or(n, m), l.shiftRight(l.xor(n, m), 1, unsigned)),
  ),
  ...pair(['SHSUB', 'UHSUB'], '00100', BytesToWords, [], (l, { n, m }, unsigned) =>
    l.sub(l.shiftRight(l.xor(n, m), 1, unsigned), l.andNot(m, n)),
  ),
  ...pair(['SQSUB', 'UQSUB'], '00101', AllSizes, AllSizes, (l, { n, m }, unsigned) => l.subSaturating(n, m, unsigned)),
  ...pair(['CMGT (register)', 'CMHI (register)'], '00110', AllSizes, [D], (l, { n, m }, unsigned) =>
    l.greater(n, m, unsigned),
  ),
  ...pair(['CMGE (register)', 'CMHS (register)'], '00111', AllSizes, [D], (l, { n, m }, unsigned) =>
    l.greaterOrEqual(n, m, unsigned),
  ),
  ...pair(['SSHL', 'USHL'], '01000', AllSizes, [D], (l, { n, m }, unsigned) => shiftByRegister(l, n, m, unsigned, {})),
  ...pair(['SQSHL (register)', 'UQSHL (register)'], '01001', AllSizes, AllSizes, (l, { n, m }, unsigned) =>
    shiftByRegister(l, n, m, unsigned, { saturating: true }),
  ),
  ...pair(['SRSHL', 'URSHL'], '01010', AllSizes, [D], (l, { n, m }, unsigned) =>
    shiftByRegister(l, n, m, unsigned, { rounding: true }),
  ),
  ...pair(['SQRSHL', 'UQRSHL'], '01011', AllSizes, AllSizes, (l, { n, m }, unsigned) =>
    shiftByRegister(l, n, m, unsigned, { rounding: true, saturating: true }),
  ),
  ...pair(['SMAX', 'UMAX'], '01100', BytesToWords, [], (l, { n, m }, unsigned) => l.max(n, m, unsigned)),
  ...pair(['SMIN', 'UMIN'], '01101', BytesToWords, [], (l, { n, m }, unsigned) => l.min(n, m, unsigned)),
  ...pair(['SABD', 'UABD'], '01110', BytesToWords, [], (l, { n, m }, unsigned) => l.difference(n, m, unsigned)),
  ...pair(['SABA', 'UABA'], '01111', BytesToWords, [], (l, { n, m, d }, unsigned) =>
    l.add(d, l.difference(n, m, unsigned)),
  ),
  vectorForm('ADD', 0, '10000', AllSizes, add),
  scalarForm('ADD', 0, '10000', [D], add),
  vectorForm('SUB', 1, '10000', AllSizes, sub),
  scalarForm('SUB', 1, '10000', [D], sub),
  vectorForm('CMTST', 0, '10001', AllSizes, compareTest),
  scalarForm('CMTST', 0, '10001', [D], compareTest),
  vectorForm('CMEQ (register)', 1, '10001', AllSizes, compareEqual),
  scalarForm('CMEQ (register)', 1, '10001', [D], compareEqual),
  vectorForm('MLA', 0, '10010', BytesToWords, (l, { n, m, d }) => l.add(d, l.mul(n, m))),
  vectorForm('MLS', 1, '10010', BytesToWords, (l, { n, m, d }) => l.sub(d, l.mul(n, m))),
  vectorForm('MUL', 0, '10011', BytesToWords, (l, { n, m }) => l.mul(n, m)),
  ...pair(
    ['SMAXP', 'UMAXP'],
    '10100',
    BytesToWords,
    [],
    pairwise((l, a, b, unsigned) => l.max(a, b, unsigned)),
  ),
  ...pair(
    ['SMINP', 'UMINP'],
    '10101',
    BytesToWords,
    [],
    pairwise((l, a, b, unsigned) => l.min(a, b, unsigned)),
  ),
  ...pair(['SQDMULH', 'SQRDMULH'], '10110', [H, S], [H, S], (l, { n, m }, rounded) =>
    l.multiplyDoubledHigh(n, m, rounded),
  ),
  vectorForm(
    'ADDP',
    0,
    '10111',
    AllSizes,
    pairwise((l, a, b) => l.add(a, b)),
  ),
];
