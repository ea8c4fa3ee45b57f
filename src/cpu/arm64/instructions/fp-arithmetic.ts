import { type Instruction, instruction } from '../../instruction.ts';
import type { V128 } from '../../ir/value.ts';
import * as fast from '../floating-point/fast-path.ts';
import { laneShape, scalarShape } from '../floating-point/float-shape.ts';
import { multiplyAdd } from '../floating-point/multiply-add.ts';
import { vector } from '../operands.ts';

/** Scalar floating-point data processing with one, two and three sources (Arm ARM C4.1). */

const oneSource = (name: string, opcode: string, operation: fast.Unary): Instruction =>
  instruction({
    name: `${name} (scalar)`,
    bits: `000 11110 0 type:1 1 ${opcode} 10000 Rn:5 Rd:5`,
    shape: ['type'],
    operands: { d: vector('Rd'), n: vector('Rn') },
    vector: true,
    describe(o, x, f) {
      const shape = scalarShape(f.type === 1);
      shape.set(o, x.d, operation(o, shape, shape.get(o, x.n)));
    },
  });

const twoSources = (name: string, opcode: string, operation: fast.Binary): Instruction =>
  instruction({
    name: `${name} (scalar)`,
    bits: `000 11110 0 type:1 1 Rm:5 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['type'],
    operands: { d: vector('Rd'), n: vector('Rn'), m: vector('Rm') },
    vector: true,
    describe(o, x, f) {
      const shape = scalarShape(f.type === 1);
      shape.set(o, x.d, operation(o, shape, shape.get(o, x.n), shape.get(o, x.m)));
    },
  });

/** a + n * m with `a` or `n` negated first. The multiply-add wants vectors, whose lowest lane it computes on. */
const threeSources = (name: string, o1: 0 | 1, o0: 0 | 1): Instruction =>
  instruction({
    name,
    bits: `000 11111 0 type:1 ${o1} Rm:5 ${o0} Ra:5 Rn:5 Rd:5`,
    shape: ['type'],
    operands: { d: vector('Rd'), n: vector('Rn'), m: vector('Rm'), a: vector('Ra') },
    vector: true,
    describe(o, x, f) {
      const shape = laneShape(f.type);
      const negatedIf = (negate: boolean, value: V128): V128 => (negate ? shape.unary(o, 'neg', value) : value);
      const addend = negatedIf(o1 === 1, o.getV(x.a));
      const factor = negatedIf(o1 !== o0, o.getV(x.n));
      shape.set(o, x.d, multiplyAdd(o, shape, addend, factor, o.getV(x.m)));
    },
  });

export const floatArithmetic: readonly Instruction[] = [
  oneSource('FABS', '000001', fast.absolute),
  oneSource('FNEG', '000010', fast.negated),
  oneSource('FSQRT', '000011', fast.squareRoot),
  oneSource('FRINTN', '001000', fast.roundToIntegral('nearest')),
  oneSource('FRINTP', '001001', fast.roundToIntegral('ceil')),
  oneSource('FRINTM', '001010', fast.roundToIntegral('floor')),
  oneSource('FRINTZ', '001011', fast.roundToIntegral('trunc')),
  oneSource('FRINTA', '001100', fast.roundToIntegral('away')),
  oneSource('FRINTX', '001110', fast.roundToIntegralExact),
  oneSource('FRINTI', '001111', fast.roundToIntegralCurrent),
  twoSources('FMUL', '0000', fast.multiply),
  twoSources('FDIV', '0001', fast.divide),
  twoSources('FADD', '0010', fast.add),
  twoSources('FSUB', '0011', fast.subtract),
  twoSources('FMAX', '0100', fast.maximum),
  twoSources('FMIN', '0101', fast.minimum),
  twoSources('FMAXNM', '0110', fast.maximumNumber),
  twoSources('FMINNM', '0111', fast.minimumNumber),
  twoSources('FNMUL', '1000', fast.multiplyNegated),
  threeSources('FMADD', 0, 0),
  threeSources('FMSUB', 0, 1),
  threeSources('FNMADD', 1, 0),
  threeSources('FNMSUB', 1, 1),
];
