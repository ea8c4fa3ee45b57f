import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { V128 } from '../../ir/value.ts';
import * as fast from '../floating-point/fast-path.ts';
import { laneShape, type VectorShape, vectorShape } from '../floating-point/float-shape.ts';
import { multiplyAdd } from '../floating-point/multiply-add.ts';
import { type Sources, sourcesOf, threeRegisters, withForm } from './simd-forms.ts';
import { bytesOf } from './simd-lanes.ts';

/** Advanced SIMD vector by indexed element and its scalar part, floating point (Arm ARM C4.1). */

type Compute = (o: Builder, shape: VectorShape, sources: Sources) => V128;

/** One lane of a register in all lanes; the index's bits are H:L, or H alone for doubles. */
const element = (o: Builder, m: V128, { sz, L, H }: Readonly<Record<'sz' | 'L' | 'H', number>>): V128 => {
  const bytes = sz === 1 ? 8 : 4;
  const first = (sz === 1 ? H : 2 * H + L) * bytes;
  return o.now(
    o.shuffle(
      m,
      m,
      bytesOf((i) => first + (i % bytes)),
    ),
  );
};

const bothForms = (name: string, u: number, opcode: string, compute: Compute): readonly Instruction[] => [
  instruction({
    name: withForm(name, 'by element'),
    bits: `0 Q:1 ${u} 01111 1 sz:1 L:1 Rm:5 ${opcode} H:1 0 Rn:5 Rd:5`,
    shape: ['Q', 'sz', 'L', 'H'],
    allowed: ({ Q, sz, L }) => sz === 0 || (Q === 1 && L === 0),
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = vectorShape(f.sz, f.Q);
      const sources = sourcesOf(o, x);
      shape.set(o, x.d, compute(o, shape, { ...sources, m: element(o, sources.m, f) }));
    },
  }),
  instruction({
    name: withForm(name, 'by element', 'scalar'),
    bits: `01 ${u} 11111 1 sz:1 L:1 Rm:5 ${opcode} H:1 0 Rn:5 Rd:5`,
    shape: ['sz', 'L', 'H'],
    allowed: ({ sz, L }) => sz === 0 || L === 0,
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const shape = laneShape(f.sz);
      const sources = sourcesOf(o, x);
      shape.set(o, x.d, compute(o, shape, { ...sources, m: element(o, sources.m, f) }));
    },
  }),
];

export const simdFloatByElement: readonly Instruction[] = [
  ...bothForms('FMLA', 0, '0001', (o, shape, { d, n, m }) => multiplyAdd(o, shape, d, n, m)),
  ...bothForms('FMLS', 0, '0101', (o, shape, { d, n, m }) => multiplyAdd(o, shape, d, shape.unary(o, 'neg', n), m)),
  ...bothForms('FMUL', 0, '1001', (o, shape, { n, m }) => fast.multiply(o, shape, n, m) as V128),
  ...bothForms('FMULX', 1, '1001', (o, shape, { n, m }) => fast.multiplyExtended(o, shape, n, m) as V128),
];
