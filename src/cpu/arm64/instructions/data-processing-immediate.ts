import { type Instruction, instruction } from '../../instruction.ts';
import { addFlags, subtractFlags } from '../flags.ts';
import { baseOrStack, destination, immediate64 } from '../operands.ts';

/** Data processing with an immediate (Arm ARM C4.1, "Data Processing -- Immediate"). */

/** imm12, moved up by 12 bits if sh says so. */
const shiftedImmediate = immediate64((f) => (f.imm12 as number) * (f.sh === 1 ? 4096 : 1));

export const dataProcessingImmediate: readonly Instruction[] = [
  instruction({
    name: 'ADD (immediate)',
    bits: 'sf:1 0 0 100010 sh:1 imm12:12 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: baseOrStack('Rd'), n: baseOrStack('Rn'), imm: shiftedImmediate },
    common: true,
    describe(o, x, f) {
      const imm = f.sf === 1 ? x.imm : o.wrap(x.imm);
      o.set(x.d, o.add(o.get(x.n, f.sf), imm));
    },
  }),
  instruction({
    name: 'ADDS (immediate)',
    bits: 'sf:1 0 1 100010 sh:1 imm12:12 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: destination('Rd'), n: baseOrStack('Rn'), imm: shiftedImmediate },
    common: true,
    describe(o, x, f) {
      const imm = f.sf === 1 ? x.imm : o.wrap(x.imm);
      o.set(x.d, addFlags(o, o.get(x.n, f.sf), imm));
    },
  }),
  instruction({
    name: 'SUB (immediate)',
    bits: 'sf:1 1 0 100010 sh:1 imm12:12 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: baseOrStack('Rd'), n: baseOrStack('Rn'), imm: shiftedImmediate },
    common: true,
    describe(o, x, f) {
      const imm = f.sf === 1 ? x.imm : o.wrap(x.imm);
      o.set(x.d, o.sub(o.get(x.n, f.sf), imm));
    },
  }),
  instruction({
    name: 'SUBS (immediate)',
    bits: 'sf:1 1 1 100010 sh:1 imm12:12 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: destination('Rd'), n: baseOrStack('Rn'), imm: shiftedImmediate },
    common: true,
    describe(o, x, f) {
      const imm = f.sf === 1 ? x.imm : o.wrap(x.imm);
      o.set(x.d, subtractFlags(o, o.get(x.n, f.sf), imm));
    },
  }),
];
