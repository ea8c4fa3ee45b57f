import { Op } from '../../../wasm/opcodes.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import { conditionHolds } from '../flags.ts';
import { scalarShape } from '../floating-point/float-shape.ts';
import { destination, immediate64, source, vector } from '../operands.ts';

/** Moves between floating-point and general registers, of immediates, and by a condition (Arm ARM C4.1, FMOV and FCSEL). */

/** VFPExpandImm: sign, an exponent of -3 to 4, four bits of fraction; of a double the high word. */
const expandImmediate = (imm8: number, isDouble: boolean): number => {
  const negative = (imm8 & 0x40) !== 0;
  const sign = (imm8 >>> 7) << 31;
  const rest = imm8 & 0x3f;
  return isDouble
    ? sign | ((negative ? 0xff : 0x100) << 22) | (rest << 16)
    : sign | ((negative ? 0x1f : 0x20) << 25) | (rest << 19);
};

export const floatMoves: readonly Instruction[] = [
  instruction({
    name: 'FMOV (register)',
    bits: '000 11110 0 type:1 1 000000 10000 Rn:5 Rd:5',
    shape: ['type'],
    operands: { d: vector('Rd'), n: vector('Rn') },
    vector: true,
    describe(o, x, f) {
      const shape = scalarShape(f.type === 1);
      shape.set(o, x.d, shape.get(o, x.n));
    },
  }),
  instruction({
    name: 'FMOV (scalar, immediate)',
    bits: '000 11110 0 type:1 1 imm8:8 100 00000 Rd:5',
    shape: ['type'],
    operands: {
      d: vector('Rd'),
      imm: immediate64((f) => {
        const bits = expandImmediate(f.imm8 as number, f.type === 1);
        return f.type === 1 ? { lo: 0, hi: bits } : { lo: bits, hi: 0 };
      }),
    },
    vector: true,
    describe(o, x) {
      o.setScalar(x.d, x.imm);
    },
  }),
  instruction({
    name: 'FMOV (general, single to 32-bit)',
    bits: '0 00 11110 00 1 00 110 000000 Rn:5 Rd:5',
    operands: { d: destination('Rd'), n: vector('Rn') },
    vector: true,
    describe(o, x) {
      o.set(x.d, o.get32(x.n));
    },
  }),
  instruction({
    name: 'FMOV (general, 32-bit to single)',
    bits: '0 00 11110 00 1 00 111 000000 Rn:5 Rd:5',
    operands: { d: vector('Rd'), n: source('Rn') },
    vector: true,
    describe(o, x) {
      o.setScalar(x.d, o.get32(x.n));
    },
  }),
  instruction({
    name: 'FMOV (general, double to 64-bit)',
    bits: '1 00 11110 01 1 00 110 000000 Rn:5 Rd:5',
    operands: { d: destination('Rd'), n: vector('Rn') },
    vector: true,
    describe(o, x) {
      o.set(x.d, o.get64(x.n));
    },
  }),
  instruction({
    name: 'FMOV (general, 64-bit to double)',
    bits: '1 00 11110 01 1 00 111 000000 Rn:5 Rd:5',
    operands: { d: vector('Rd'), n: source('Rn') },
    vector: true,
    describe(o, x) {
      o.setScalar(x.d, o.get64(x.n));
    },
  }),
  instruction({
    name: 'FMOV (general, top half to 64-bit)',
    bits: '1 00 11110 10 1 01 110 000000 Rn:5 Rd:5',
    operands: { d: destination('Rd'), n: vector('Rn') },
    vector: true,
    describe(o, x) {
      o.set(x.d, o.extractLane(Op.i64x2ExtractLane, 'i64', o.getV(x.n), 1));
    },
  }),
  instruction({
    name: 'FMOV (general, 64-bit to top half)',
    bits: '1 00 11110 10 1 01 111 000000 Rn:5 Rd:5',
    operands: { d: vector('Rd'), n: source('Rn') },
    vector: true,
    describe(o, x) {
      o.setV(x.d, o.replaceLane(Op.i64x2ReplaceLane, o.getV(x.d), 1, o.get64(x.n)));
    },
  }),
  instruction({
    name: 'FCSEL',
    bits: '000 11110 0 type:1 1 Rm:5 cond:4 11 Rn:5 Rd:5',
    shape: ['type', 'cond'],
    operands: { d: vector('Rd'), n: vector('Rn'), m: vector('Rm') },
    vector: true,
    describe(o, x, f) {
      const shape = scalarShape(f.type === 1);
      shape.set(o, x.d, o.select(conditionHolds(o, f.cond), shape.get(o, x.n), shape.get(o, x.m)));
    },
  }),
];
