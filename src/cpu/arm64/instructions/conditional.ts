import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder, Flags } from '../../ir/builder.ts';
import { additionFlags, type Integer, subtractionFlags } from '../../ir/flag-forms.ts';
import type { I32 } from '../../ir/value.ts';
import { conditionHolds, flagsOfBits } from '../flags.ts';
import { destination, immediate32, immediate64, source } from '../operands.ts';

/** Conditional compare and conditional select (Arm ARM C4.1, "Data Processing -- Register"). */

type Comparison = (o: Builder, a: Integer, b: Integer) => Flags;

/** Sets the flags to those of the comparison if the condition holds, and to `nzcv` otherwise. */
const compareIf = (o: Builder, condition: number, holds: Flags, nzcv: I32): void => {
  const test = conditionHolds(o, condition);
  const otherwise = flagsOfBits(o, nzcv);
  o.setFlags({
    n: o.select(test, holds.n, otherwise.n),
    z: o.select(test, holds.z, otherwise.z),
    c: o.select(test, holds.c, otherwise.c),
    v: o.select(test, holds.v, otherwise.v),
  });
};

const compares = (name: string, op: string, comparison: Comparison): readonly Instruction[] => [
  instruction({
    name: `${name} (register)`,
    bits: `sf:1 ${op} 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4`,
    shape: ['sf', 'cond'],
    operands: { n: source('Rn'), m: source('Rm'), nzcv: immediate32((f) => f.nzcv as number) },
    describe(o, x, f) {
      compareIf(o, f.cond, comparison(o, o.get(x.n, f.sf), o.get(x.m, f.sf)), x.nzcv);
    },
  }),
  instruction({
    name: `${name} (immediate)`,
    bits: `sf:1 ${op} 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4`,
    shape: ['sf', 'cond'],
    operands: {
      n: source('Rn'),
      immediates: immediate64((f) => ({ lo: f.imm5 as number, hi: f.nzcv as number })),
    },
    describe(o, x, f) {
      const low = o.wrap(x.immediates);
      const imm: Integer = f.sf === 1 ? o.extendU(low) : low;
      compareIf(o, f.cond, comparison(o, o.get(x.n, f.sf), imm), o.high(x.immediates));
    },
  }),
];

const select = (name: string, op: string, op2: string, otherwise: (o: Builder, m: Integer) => Integer): Instruction =>
  instruction({
    name,
    bits: `sf:1 ${op} 0 11010100 Rm:5 cond:4 ${op2} Rn:5 Rd:5`,
    shape: ['sf', 'cond'],
    operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm') },
    describe(o, x, f) {
      o.set(x.d, o.select(conditionHolds(o, f.cond), o.get(x.n, f.sf), otherwise(o, o.get(x.m, f.sf))));
    },
  });

export const conditional: readonly Instruction[] = [
  ...compares('CCMN', '0', additionFlags),
  ...compares('CCMP', '1', subtractionFlags),
  select('CSEL', '0', '00', (_o, m) => m),
  select('CSINC', '0', '01', (o, m) => o.add(m, o.constantLike(m, 1))),
  select('CSINV', '1', '00', (o, m) => o.not(m)),
  select('CSNEG', '1', '01', (o, m) => o.neg(m)),
];
