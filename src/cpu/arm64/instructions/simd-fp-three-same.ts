import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { V128 } from '../../ir/value.ts';
import { compareLanes } from '../floating-point/fast-compare.ts';
import * as fast from '../floating-point/fast-path.ts';
import { laneShape, type VectorShape, vectorShape } from '../floating-point/float-shape.ts';
import { inverseRootStep, multiplyAdd, reciprocalStep } from '../floating-point/multiply-add.ts';
import { type Sources, sourcesOf, threeRegisters, withForm } from './simd-forms.ts';

/** Advanced SIMD three same and its scalar part, floating point (Arm ARM C4.1). */

type Compute = (o: Builder, shape: VectorShape, sources: Sources) => V128;

/** `u`, `a` and `opcode` are the fields of the encoding that name the operation. */
const vectorForm = (name: string, u: number, a: number, opcode: string, compute: Compute): Instruction =>
  instruction({
    name: withForm(name, 'vector'),
    bits: `0 Q:1 ${u} 01110 ${a} sz:1 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`,
    shape: ['Q', 'sz'],
    allowed: ({ Q, sz }) => Q === 1 || sz === 0,
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = vectorShape(f.sz, f.Q);
      shape.set(o, x.d, compute(o, shape, sourcesOf(o, x)));
    },
  });

const scalarForm = (name: string, u: number, a: number, opcode: string, compute: Compute): Instruction =>
  instruction({
    name: withForm(name, 'vector', 'scalar'),
    bits: `01 ${u} 11110 ${a} sz:1 1 Rm:5 ${opcode} 1 Rn:5 Rd:5`,
    shape: ['sz'],
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = laneShape(f.sz);
      shape.set(o, x.d, compute(o, shape, sourcesOf(o, x)));
    },
  });

const bothForms = (name: string, u: number, a: number, opcode: string, compute: Compute): readonly Instruction[] => [
  vectorForm(name, u, a, opcode, compute),
  scalarForm(name, u, a, opcode, compute),
];

const lanewise =
  (operation: fast.Binary): Compute =>
  (o, shape, { n, m }) =>
    operation(o, shape, n, m) as V128;

const comparison =
  (operation: 'eq' | 'ge' | 'gt'): Compute =>
  (o, shape, { n, m }) =>
    compareLanes(o, shape, operation, n, m);

const absoluteComparison =
  (operation: 'ge' | 'gt'): Compute =>
  (o, shape, { n, m }) =>
    compareLanes(o, shape, operation, shape.unary(o, 'abs', n), shape.unary(o, 'abs', m));

export const simdFloatThreeSame: readonly Instruction[] = [
  vectorForm('FMAXNM', 0, 0, '11000', lanewise(fast.maximumNumber)),
  vectorForm('FMLA', 0, 0, '11001', (o, shape, { d, n, m }) => multiplyAdd(o, shape, d, n, m)),
  vectorForm('FADD', 0, 0, '11010', lanewise(fast.add)),
  ...bothForms('FMULX', 0, 0, '11011', lanewise(fast.multiplyExtended)),
  ...bothForms('FCMEQ (register)', 0, 0, '11100', comparison('eq')),
  vectorForm('FMAX', 0, 0, '11110', lanewise(fast.maximum)),
  ...bothForms('FRECPS', 0, 0, '11111', (o, shape, { n, m }) => reciprocalStep(o, shape, n, m)),
  vectorForm('FMINNM', 0, 1, '11000', lanewise(fast.minimumNumber)),
  vectorForm('FMLS', 0, 1, '11001', (o, shape, { d, n, m }) => multiplyAdd(o, shape, d, shape.unary(o, 'neg', n), m)),
  vectorForm('FSUB', 0, 1, '11010', lanewise(fast.subtract)),
  vectorForm('FMIN', 0, 1, '11110', lanewise(fast.minimum)),
  ...bothForms('FRSQRTS', 0, 1, '11111', (o, shape, { n, m }) => inverseRootStep(o, shape, n, m)),
  vectorForm('FMUL', 1, 0, '11011', lanewise(fast.multiply)),
  ...bothForms('FCMGE (register)', 1, 0, '11100', comparison('ge')),
  ...bothForms('FACGE', 1, 0, '11101', absoluteComparison('ge')),
  vectorForm('FDIV', 1, 0, '11111', lanewise(fast.divide)),
  ...bothForms('FABD', 1, 1, '11010', lanewise(fast.absoluteDifference)),
  ...bothForms('FCMGT (register)', 1, 1, '11100', comparison('gt')),
  ...bothForms('FACGT', 1, 1, '11101', absoluteComparison('gt')),
];
