import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { V128 } from '../../ir/value.ts';
import { Convert } from '../floating-point/conversion-routines.ts';
import { compareLanes } from '../floating-point/fast-compare.ts';
import * as fast from '../floating-point/fast-path.ts';
import { laneShape, type VectorShape, vectorShape } from '../floating-point/float-shape.ts';
import { Exact } from '../floating-point/routines.ts';
import { twoRegisters, withForm } from './simd-forms.ts';

/** Advanced SIMD two-register miscellaneous and its scalar part, floating point without conversions (Arm ARM C4.1). */

type Compute = (o: Builder, shape: VectorShape, n: V128) => V128;

/** `u`, `a` and `opcode` are the fields of the encoding that name the operation. */
const vectorForm = (name: string, u: number, a: number, opcode: string, compute: Compute): Instruction =>
  instruction({
    name: withForm(name, 'vector'),
    bits: `0 Q:1 ${u} 01110 ${a} sz:1 10000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['Q', 'sz'],
    allowed: ({ Q, sz }) => Q === 1 || sz === 0,
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = vectorShape(f.sz, f.Q);
      shape.set(o, x.d, compute(o, shape, o.getV(x.n)));
    },
  });

const scalarForm = (name: string, u: number, a: number, opcode: string, compute: Compute): Instruction =>
  instruction({
    name: withForm(name, 'vector', 'scalar'),
    bits: `01 ${u} 11110 ${a} sz:1 10000 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['sz'],
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = laneShape(f.sz);
      shape.set(o, x.d, compute(o, shape, o.getV(x.n)));
    },
  });

const bothForms = (name: string, u: number, a: number, opcode: string, compute: Compute): readonly Instruction[] => [
  vectorForm(name, u, a, opcode, compute),
  scalarForm(name, u, a, opcode, compute),
];

const lanewise =
  (operation: fast.Unary): Compute =>
  (o, shape, n) =>
    operation(o, shape, n) as V128;

const withZero =
  (operation: 'eq' | 'ge' | 'gt'): Compute =>
  (o, shape, n) =>
    compareLanes(o, shape, operation, n, o.v128Zero());

const zeroWith =
  (operation: 'ge' | 'gt'): Compute =>
  (o, shape, n) =>
    compareLanes(o, shape, operation, o.v128Zero(), n);

/** URECPE and URSQRTE, on words. */
const unsignedEstimate = (name: string, u: number, routine: number): Instruction =>
  instruction({
    name,
    bits: `0 Q:1 ${u} 01110 1 0 10000 11100 10 Rn:5 Rd:5`,
    shape: ['Q'],
    operands: twoRegisters,
    vector: true,
    describe(o, x, f) {
      const estimates = o.call(routine, [o.i32(0), o.getV(x.n)], ['v128'])[0] as V128;
      vectorShape(0, f.Q).set(o, x.d, estimates);
    },
  });

export const simdFloatTwoRegister: readonly Instruction[] = [
  vectorForm('FRINTN', 0, 0, '11000', lanewise(fast.roundToIntegral('nearest'))),
  vectorForm('FRINTM', 0, 0, '11001', lanewise(fast.roundToIntegral('floor'))),
  ...bothForms('FCMGT (zero)', 0, 1, '01100', withZero('gt')),
  ...bothForms('FCMEQ (zero)', 0, 1, '01101', withZero('eq')),
  ...bothForms('FCMLT (zero)', 0, 1, '01110', zeroWith('gt')),
  vectorForm('FABS', 0, 1, '01111', lanewise(fast.absolute)),
  vectorForm('FRINTP', 0, 1, '11000', lanewise(fast.roundToIntegral('ceil'))),
  vectorForm('FRINTZ', 0, 1, '11001', lanewise(fast.roundToIntegral('trunc'))),
  unsignedEstimate('URECPE', 0, Convert.unsignedReciprocalEstimate),
  ...bothForms('FRECPE', 0, 1, '11101', lanewise(fast.exactUnary(Exact.reciprocalEstimate))),
  scalarForm('FRECPX', 0, 1, '11111', lanewise(fast.exactUnary(Exact.reciprocalExponent))),
  vectorForm('FRINTA', 1, 0, '11000', lanewise(fast.roundToIntegral('away'))),
  vectorForm('FRINTX', 1, 0, '11001', lanewise(fast.roundToIntegralExact)),
  ...bothForms('FCMGE (zero)', 1, 1, '01100', withZero('ge')),
  ...bothForms('FCMLE (zero)', 1, 1, '01101', zeroWith('ge')),
  vectorForm('FNEG', 1, 1, '01111', lanewise(fast.negated)),
  vectorForm('FRINTI', 1, 1, '11001', lanewise(fast.roundToIntegralCurrent)),
  unsignedEstimate('URSQRTE', 1, Convert.unsignedInverseRootEstimate),
  ...bothForms('FRSQRTE', 1, 1, '11101', lanewise(fast.exactUnary(Exact.inverseRootEstimate))),
  vectorForm('FSQRT', 1, 1, '11111', lanewise(fast.squareRoot)),
];
