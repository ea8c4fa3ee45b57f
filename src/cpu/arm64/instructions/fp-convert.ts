import { type Fields, type Instruction, instruction } from '../../instruction.ts';
import {
  convertExactly,
  fractionOperand,
  fromGeneral,
  narrow,
  toGeneral,
  widen,
} from '../floating-point/fast-conversions.ts';
import type { IntegerRounding } from '../floating-point/fast-path.ts';
import { scalarShape } from '../floating-point/float-shape.ts';
import { double, type Format, half, single } from '../floating-point/format.ts';
import { destination, source, vector } from '../operands.ts';

/** Scalar conversions (Arm ARM C4.1, "Conversion between floating-point and integer", "... and fixed-point", and FCVT). */

const isDouble = (f: Fields): boolean => f.type === 1;

/** The six bits of a scale field, of which only 32 and up are allowed for 32-bit integers, give 64 less the fraction bits. */
const fractionBits = (f: Fields): number => 64 - (f.scale as number);
const scaleIsValid = (f: Fields): boolean => f.sf === 1 || (f.scale as number) >= 32;

const toInteger = (
  name: string,
  rounding: IntegerRounding,
  rmode: string,
  opcode: string,
  isSigned: boolean,
): Instruction =>
  instruction({
    name: `${name} (scalar, integer)`,
    bits: `sf:1 00 11110 0 type:1 1 ${rmode} ${opcode} 000000 Rn:5 Rd:5`,
    shape: ['sf', 'type'],
    operands: { d: destination('Rd'), n: vector('Rn') },
    vector: true,
    describe(o, x, f) {
      const a = scalarShape(isDouble(f)).get(o, x.n);
      o.set(x.d, toGeneral(o, isDouble(f), a, isSigned, f.sf === 1, rounding, null));
    },
  });

const toFixedPoint = (name: string, opcode: string, isSigned: boolean): Instruction =>
  instruction({
    name: `${name} (scalar, fixed-point)`,
    bits: `sf:1 00 11110 0 type:1 0 11 ${opcode} scale:6 Rn:5 Rd:5`,
    shape: ['sf', 'type'],
    valid: scaleIsValid,
    operands: { d: destination('Rd'), n: vector('Rn'), fraction: fractionOperand(isDouble, fractionBits, 1) },
    vector: true,
    describe(o, x, f) {
      const a = scalarShape(isDouble(f)).get(o, x.n);
      o.set(x.d, toGeneral(o, isDouble(f), a, isSigned, f.sf === 1, 'trunc', x.fraction));
    },
  });

const fromInteger = (name: string, opcode: string, isSigned: boolean): Instruction =>
  instruction({
    name: `${name} (scalar, integer)`,
    bits: `sf:1 00 11110 0 type:1 1 00 ${opcode} 000000 Rn:5 Rd:5`,
    shape: ['sf', 'type'],
    operands: { d: vector('Rd'), n: source('Rn') },
    vector: true,
    describe(o, x, f) {
      const value = fromGeneral(o, isDouble(f), o.get(x.n, f.sf), isSigned, null);
      scalarShape(isDouble(f)).set(o, x.d, value);
    },
  });

const fromFixedPoint = (name: string, opcode: string, isSigned: boolean): Instruction =>
  instruction({
    name: `${name} (scalar, fixed-point)`,
    bits: `sf:1 00 11110 0 type:1 0 00 ${opcode} scale:6 Rn:5 Rd:5`,
    shape: ['sf', 'type'],
    valid: scaleIsValid,
    operands: { d: vector('Rd'), n: source('Rn'), fraction: fractionOperand(isDouble, fractionBits, -1) },
    vector: true,
    describe(o, x, f) {
      const value = fromGeneral(o, isDouble(f), o.get(x.n, f.sf), isSigned, x.fraction);
      scalarShape(isDouble(f)).set(o, x.d, value);
    },
  });

const bothSigns = (
  name: string,
  rounding: IntegerRounding,
  rmode: string,
  opcodes: readonly [signed: string, unsigned: string],
): readonly Instruction[] => [
  toInteger(`${name}S`, rounding, rmode, opcodes[0], true),
  toInteger(`${name}U`, rounding, rmode, opcodes[1], false),
];

/** A conversion that involves half precision, which this processor has no arithmetic for: always by the exact path. */
const withHalf = (name: string, type: string, opc: string, from: Format, to: Format): Instruction =>
  instruction({
    name: `FCVT (${name})`,
    bits: `000 11110 ${type} 1 0001 ${opc} 10000 Rn:5 Rd:5`,
    operands: { d: vector('Rd'), n: vector('Rn') },
    vector: true,
    describe(o, x) {
      o.setV(x.d, convertExactly(o, from, to, 1, o.getV(x.n), 'v128'));
    },
  });

export const floatConversions: readonly Instruction[] = [
  instruction({
    name: 'FCVT (single to double)',
    bits: '000 11110 00 1 0001 01 10000 Rn:5 Rd:5',
    operands: { d: vector('Rd'), n: vector('Rn') },
    vector: true,
    describe(o, x) {
      o.setScalar(x.d, widen(o, o.getF32(x.n)));
    },
  }),
  instruction({
    name: 'FCVT (double to single)',
    bits: '000 11110 01 1 0001 00 10000 Rn:5 Rd:5',
    operands: { d: vector('Rd'), n: vector('Rn') },
    vector: true,
    describe(o, x) {
      o.setScalar(x.d, narrow(o, o.getF64(x.n)));
    },
  }),
  withHalf('single to half', '00', '11', single, half),
  withHalf('double to half', '01', '11', double, half),
  withHalf('half to single', '11', '00', half, single),
  withHalf('half to double', '11', '01', half, double),
  ...bothSigns('FCVTN', 'nearest', '00', ['000', '001']),
  ...bothSigns('FCVTA', 'away', '00', ['100', '101']),
  ...bothSigns('FCVTP', 'ceil', '01', ['000', '001']),
  ...bothSigns('FCVTM', 'floor', '10', ['000', '001']),
  ...bothSigns('FCVTZ', 'trunc', '11', ['000', '001']),
  fromInteger('SCVTF', '010', true),
  fromInteger('UCVTF', '011', false),
  toFixedPoint('FCVTZS', '000', true),
  toFixedPoint('FCVTZU', '001', false),
  fromFixedPoint('SCVTF', '010', true),
  fromFixedPoint('UCVTF', '011', false),
];
