import { type Instruction, instruction } from '../../instruction.ts';
import { conditionHolds } from '../flags.ts';
import { computed, signed, source, target } from '../operands.ts';
import { writeOffset } from '../state.ts';

/** Branches (Arm ARM C4.1, "Branches, Exception Generating and System instructions"). */

/** X30, which calls leave their return address in. */
const link = computed(() => writeOffset(30));

const distance26 = target((f) => signed(f.imm26 as number, 26) * 4);
const distance19 = target((f) => signed(f.imm19 as number, 19) * 4);
const distance14 = target((f) => signed(f.imm14 as number, 14) * 4);

const compareAndBranch = (name: string, op: string, onZero: boolean): Instruction =>
  instruction({
    name,
    bits: `sf:1 011010 ${op} imm19:19 Rt:5`,
    shape: ['sf'],
    operands: { t: source('Rt'), to: distance19 },
    common: true,
    describe(o, x, f) {
      const value = o.get(x.t, f.sf);
      o.jumpIf(onZero ? o.eqz(value) : o.ne(value, o.constantLike(value, 0)), x.to);
    },
  });

const testAndBranch = (name: string, op: string, onZero: boolean): Instruction =>
  instruction({
    name,
    bits: `b5:1 011011 ${op} b40:5 imm14:14 Rt:5`,
    shape: ['b40', 'b5'],
    operands: { t: source('Rt'), to: distance14 },
    describe(o, x, f) {
      const value = o.get(x.t, f.b5);
      const bit = f.b5 === 1 ? o.i64Parts(0, 1 << f.b40) : o.i32(1 << f.b40);
      const masked = o.and(value, bit);
      o.jumpIf(onZero ? o.eqz(masked) : o.ne(masked, o.constantLike(masked, 0)), x.to);
    },
  });

export const branches: readonly Instruction[] = [
  instruction({
    name: 'B',
    bits: '0 00101 imm26:26',
    operands: { to: distance26 },
    common: true,
    endsRun: true,
    describe(o, x) {
      o.jump(x.to);
    },
  }),
  instruction({
    name: 'BL',
    bits: '1 00101 imm26:26',
    operands: { link, to: distance26 },
    common: true,
    describe(o, x) {
      o.set(x.link, o.programCounter(4));
      o.jump(x.to, 'call');
    },
  }),
  instruction({
    name: 'B.cond',
    bits: '0101010 0 imm19:19 0 cond:4',
    shape: ['cond'],
    operands: { to: distance19 },
    common: true,
    describe(o, x, f) {
      if (f.cond >= 14) o.jump(x.to);
      else o.jumpIf(conditionHolds(o, f.cond), x.to);
    },
  }),
  compareAndBranch('CBZ', '0', true),
  compareAndBranch('CBNZ', '1', false),
  testAndBranch('TBZ', '0', true),
  testAndBranch('TBNZ', '1', false),
  instruction({
    name: 'BR',
    bits: '1101011 0 0 00 11111 0000 0 0 Rn:5 00000',
    operands: { n: source('Rn') },
    common: true,
    endsRun: true,
    describe(o, x) {
      o.jumpTo(o.get64(x.n));
    },
  }),
  instruction({
    name: 'BLR',
    bits: '1101011 0 0 01 11111 0000 0 0 Rn:5 00000',
    operands: { link, n: source('Rn') },
    common: true,
    describe(o, x) {
      o.set(x.link, o.programCounter(4));
      o.jumpTo(o.get64(x.n), 'call');
    },
  }),
  instruction({
    name: 'RET',
    bits: '1101011 0 0 10 11111 0000 0 0 Rn:5 00000',
    operands: { n: source('Rn') },
    common: true,
    endsRun: true,
    describe(o, x) {
      o.jumpTo(o.get64(x.n), 'return');
    },
  }),
];
