import { type Fields, type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I64, Register, V128 } from '../../ir/value.ts';
import {
  convertExactly,
  fractionOperand,
  fromVector,
  narrowPair,
  toVector,
  widenPair,
} from '../floating-point/fast-conversions.ts';
import type { IntegerRounding } from '../floating-point/fast-path.ts';
import { laneShape, type VectorShape, vectorShape } from '../floating-point/float-shape.ts';
import { double, half, single } from '../floating-point/format.ts';
import { twoRegisters, withForm } from './simd-forms.ts';
import { bytesOf } from './simd-lanes.ts';

/** Advanced SIMD conversions: to and from integers and fixed-point numbers, and between formats (Arm ARM C4.1). */

type Convert = (o: Builder, shape: VectorShape, n: V128, fraction: I64 | null) => V128;

/** `u`, `a` and `opcode` are the fields of the encoding that name the operation. */
const integerForms = (name: string, u: number, a: number, opcode: string, convert: Convert): readonly Instruction[] => [
  instruction({
    name: withForm(name, 'vector', 'integer'),
    bits: `0 Q:1 ${u} 01110 ${a} sz:1 10000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['Q', 'sz'],
    allowed: ({ Q, sz }) => Q === 1 || sz === 0,
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = vectorShape(f.sz, f.Q);
      shape.set(o, x.d, convert(o, shape, o.getV(x.n), null));
    },
  }),
  instruction({
    name: withForm(name, 'vector', 'integer', 'scalar'),
    bits: `01 ${u} 11110 ${a} sz:1 10000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['sz'],
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = laneShape(f.sz);
      shape.set(o, x.d, convert(o, shape, o.getV(x.n), null));
    },
  }),
];

/** The element's size is the place of the immediate's leading one; the rest counts down from as many fraction bits. */
const fixedPointForms = (
  name: string,
  u: number,
  opcode: string,
  direction: 1 | -1,
  convert: Convert,
): readonly Instruction[] =>
  [0, 1].flatMap((sz) => {
    const element = sz === 1 ? '1 imm:6' : '01 imm:5';
    const width = sz === 1 ? 'double' : 'single';
    const fractionBits = (f: Fields): number => (sz === 1 ? 64 : 32) - (f.imm as number);
    const fraction = fractionOperand(() => sz === 1, fractionBits, direction);
    const operands = { ...twoRegisters, fraction };
    return [
      instruction({
        name: withForm(name, 'vector', 'fixed-point', width),
        bits: `0 Q:1 ${u} 011110 ${element} ${opcode} 1 Rn:5 Rd:5`,
        shape: ['Q'],
        allowed: ({ Q }) => Q === 1 || sz === 0,
        operands,
        vector: true,
        describe(o, x, f) {
          const shape = vectorShape(sz, f.Q);
          shape.set(o, x.d, convert(o, shape, o.getV(x.n), x.fraction));
        },
      }),
      instruction({
        name: withForm(name, 'vector', 'fixed-point', width, 'scalar'),
        bits: `01 ${u} 111110 ${element} ${opcode} 1 Rn:5 Rd:5`,
        operands,
        vector: true,
        describe(o, x) {
          const shape = laneShape(sz);
          shape.set(o, x.d, convert(o, shape, o.getV(x.n), x.fraction));
        },
      }),
    ];
  });

const toInteger =
  (isSigned: boolean, rounding: IntegerRounding): Convert =>
  (o, shape, n, fraction) =>
    toVector(o, shape, n, isSigned, rounding, fraction);

const fromInteger =
  (isSigned: boolean): Convert =>
  (o, shape, n, fraction) =>
    fromVector(o, shape, n, isSigned, fraction);

const bothSigns = (name: string, rounding: IntegerRounding, a: number, opcode: string): readonly Instruction[] => [
  ...integerForms(`${name}S`, 0, a, opcode, toInteger(true, rounding)),
  ...integerForms(`${name}U`, 1, a, opcode, toInteger(false, rounding)),
];

// Between formats

/** The upper half of a register for the forms that end in 2, else the register. */
const chosenHalf = (o: Builder, n: V128, q: number): V128 =>
  q === 0
    ? n
    : o.shuffle(
        n,
        n,
        bytesOf((i) => (i + 8) & 15),
      );

/** Writes a result of 64 bits to the lower half and clears the upper, or to the upper half and leaves the lower. */
const setHalf = (o: Builder, d: Register, value: V128, q: number): void => {
  if (q === 0) o.setV(d, value);
  else
    o.setV(
      d,
      o.shuffle(
        o.getV(d),
        value,
        bytesOf((i) => (i < 8 ? i : i + 8)),
      ),
    );
};

const formatForm = (
  name: string,
  encoding: string,
  convert: (o: Builder, n: V128) => V128,
  write: 'narrow' | 'wide',
): Instruction =>
  instruction({
    name,
    bits: `0 Q:1 ${encoding} 10 Rn:5 Rd:5`,
    shape: ['Q'],
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      if (write === 'narrow') setHalf(o, x.d, convert(o, o.getV(x.n)), f.Q);
      else o.setV(x.d, convert(o, o.now(chosenHalf(o, o.getV(x.n), f.Q))));
    },
  });

export const simdFloatConversions: readonly Instruction[] = [
  ...bothSigns('FCVTN', 'nearest', 0, '11010'),
  ...bothSigns('FCVTM', 'floor', 0, '11011'),
  ...bothSigns('FCVTA', 'away', 0, '11100'),
  ...bothSigns('FCVTP', 'ceil', 1, '11010'),
  ...bothSigns('FCVTZ', 'trunc', 1, '11011'),
  ...integerForms('SCVTF', 0, 0, '11101', fromInteger(true)),
  ...integerForms('UCVTF', 1, 0, '11101', fromInteger(false)),
  ...fixedPointForms('SCVTF', 0, '11100', -1, fromInteger(true)),
  ...fixedPointForms('UCVTF', 1, '11100', -1, fromInteger(false)),
  ...fixedPointForms('FCVTZS', 0, '11111', 1, toInteger(true, 'trunc')),
  ...fixedPointForms('FCVTZU', 1, '11111', 1, toInteger(false, 'trunc')),
  formatForm('FCVTN, FCVTN2 (to single)', '0 01110 01 10000 10110', narrowPair, 'narrow'),
  formatForm(
    'FCVTN, FCVTN2 (to half)',
    '0 01110 00 10000 10110',
    (o, n) => convertExactly(o, single, half, 4, n, 'v128'),
    'narrow',
  ),
  formatForm(
    'FCVTXN, FCVTXN2',
    '1 01110 01 10000 10110',
    (o, n) => convertExactly(o, double, single, 2, n, 'v128', true),
    'narrow',
  ),
  formatForm('FCVTL, FCVTL2 (from single)', '0 01110 01 10000 10111', widenPair, 'wide'),
  formatForm(
    'FCVTL, FCVTL2 (from half)',
    '0 01110 00 10000 10111',
    (o, n) => convertExactly(o, half, single, 4, n, 'v128'),
    'wide',
  ),
  instruction({
    name: 'FCVTXN (scalar)',
    bits: '01 1 11110 01 10000 10110 10 Rn:5 Rd:5',
    operands: twoRegisters,
    vector: true,
    describe(o, x) {
      o.setV(x.d, convertExactly(o, double, single, 1, o.getV(x.n), 'v128', true));
    },
  }),
];
