import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import { conditionHolds, setFlagBits } from '../flags.ts';
import { compareScalars, orderBits, orderFlags } from '../floating-point/fast-compare.ts';
import { type FloatValue, scalarShape } from '../floating-point/float-shape.ts';
import { immediate32, vector } from '../operands.ts';

/** Scalar floating-point comparisons (Arm ARM C4.1, "Floating-point compare" and "Floating-point conditional compare"). */

const zero = (o: Builder, isDouble: boolean): FloatValue =>
  isDouble ? o.f64FromBits(o.i64(0)) : o.f32FromBits(o.i32(0));

/** `signals` if quiet NaNs are invalid operands: the forms whose names end in E. */
const compares = (name: string, signals: 0 | 1): readonly Instruction[] => [
  instruction({
    name: `${name} (register)`,
    bits: `000 11110 0 type:1 1 Rm:5 00 1000 Rn:5 ${signals} 0 000`,
    shape: ['type'],
    operands: { n: vector('Rn'), m: vector('Rm') },
    vector: true,
    describe(o, x, f) {
      const shape = scalarShape(f.type === 1);
      const order = compareScalars(o, shape.isDouble, shape.get(o, x.n), shape.get(o, x.m), signals === 1);
      o.setFlags(orderFlags(o, order));
    },
  }),
  instruction({
    name: `${name} (zero)`,
    bits: `000 11110 0 type:1 1 ignored:5 00 1000 Rn:5 ${signals} 1 000`,
    shape: ['type'],
    operands: { n: vector('Rn') },
    vector: true,
    describe(o, x, f) {
      const shape = scalarShape(f.type === 1);
      const order = compareScalars(o, shape.isDouble, shape.get(o, x.n), zero(o, shape.isDouble), signals === 1);
      o.setFlags(orderFlags(o, order));
    },
  }),
];

const conditionalCompare = (name: string, signals: 0 | 1): Instruction =>
  instruction({
    name,
    bits: `000 11110 0 type:1 1 Rm:5 cond:4 01 Rn:5 ${signals} nzcv:4`,
    shape: ['type', 'cond'],
    operands: { n: vector('Rn'), m: vector('Rm'), nzcv: immediate32((f) => f.nzcv as number) },
    vector: true,
    describe(o, x, f) {
      const shape = scalarShape(f.type === 1);
      const bits = o.ifElse(
        conditionHolds(o, f.cond),
        'i32',
        () => orderBits(o, compareScalars(o, shape.isDouble, shape.get(o, x.n), shape.get(o, x.m), signals === 1)),
        () => x.nzcv,
      );
      setFlagBits(o, bits);
    },
  });

export const floatCompares: readonly Instruction[] = [
  ...compares('FCMP', 0),
  ...compares('FCMPE', 1),
  conditionalCompare('FCCMP', 0),
  conditionalCompare('FCCMPE', 1),
];
