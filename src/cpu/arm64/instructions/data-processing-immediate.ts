import { type Fields, type Instruction, instruction, type Parts } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I64, Value } from '../../ir/value.ts';
import { decodeBitmask } from '../bitmask-immediate.ts';
import { addFlags, logicFlags, subtractFlags } from '../flags.ts';
import { destination, generalOrStack, immediate64, signed, source } from '../operands.ts';
import { mayMisalign } from '../stack-alignment.ts';

/** Data processing with an immediate (Arm ARM C4.1, "Data Processing -- Immediate"). */

type Integer = Value<'i32' | 'i64'>;

/** imm12, moved up by 12 bits if sh says so. */
const imm12 = (f: Fields): number => (f.imm12 as number) * (f.sh === 1 ? 4096 : 1);
const shiftedImmediate = immediate64(imm12);

const addSubtract: readonly Instruction[] = [
  instruction({
    name: 'ADD (immediate)',
    bits: 'sf:1 0 0 100010 sh:1 imm12:12 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: generalOrStack('Rd'), n: generalOrStack('Rn'), imm: shiftedImmediate },
    common: true,
    epilogue: mayMisalign('Rd', imm12),
    describe(o, x, f) {
      o.set(x.d, o.add(o.get(x.n, f.sf), o.atWidth(x.imm, f.sf)));
    },
  }),
  instruction({
    name: 'ADDS (immediate)',
    bits: 'sf:1 0 1 100010 sh:1 imm12:12 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: destination('Rd'), n: generalOrStack('Rn'), imm: shiftedImmediate },
    common: true,
    describe(o, x, f) {
      o.set(x.d, addFlags(o, o.get(x.n, f.sf), o.atWidth(x.imm, f.sf)));
    },
  }),
  instruction({
    name: 'SUB (immediate)',
    bits: 'sf:1 1 0 100010 sh:1 imm12:12 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: generalOrStack('Rd'), n: generalOrStack('Rn'), imm: shiftedImmediate },
    common: true,
    epilogue: mayMisalign('Rd', imm12),
    describe(o, x, f) {
      o.set(x.d, o.sub(o.get(x.n, f.sf), o.atWidth(x.imm, f.sf)));
    },
  }),
  instruction({
    name: 'SUBS (immediate)',
    bits: 'sf:1 1 1 100010 sh:1 imm12:12 Rn:5 Rd:5',
    shape: ['sf'],
    operands: { d: destination('Rd'), n: generalOrStack('Rn'), imm: shiftedImmediate },
    common: true,
    describe(o, x, f) {
      o.set(x.d, subtractFlags(o, o.get(x.n, f.sf), o.atWidth(x.imm, f.sf)));
    },
  }),
];

/** The 21-bit signed distance of ADR and ADRP. */
const pageDistance = (f: Fields): number => signed(((f.immhi as number) << 2) | (f.immlo as number), 21);

const programCounterRelative: readonly Instruction[] = [
  instruction({
    name: 'ADR',
    bits: '0 immlo:2 10000 immhi:19 Rd:5',
    operands: { d: destination('Rd'), imm: immediate64(pageDistance) },
    describe(o, x) {
      o.set(x.d, o.add(o.programCounter(), x.imm));
    },
  }),
  instruction({
    name: 'ADRP',
    bits: '1 immlo:2 10000 immhi:19 Rd:5',
    operands: { d: destination('Rd'), imm: immediate64((f) => pageDistance(f) * 4096) },
    common: true,
    describe(o, x) {
      o.set(x.d, o.add(o.and(o.programCounter(), o.i64(-4096)), x.imm));
    },
  }),
];

type Logic = (o: Builder, a: Integer, b: Integer) => Integer;

const bitmask = (f: Fields): Parts | null =>
  decodeBitmask({ N: f.N as number, immr: f.immr as number, imms: f.imms as number });

const logical = (name: string, opc: string, common: boolean, operation: Logic): Instruction =>
  instruction({
    name: `${name} (immediate)`,
    bits: `sf:1 ${opc} 100100 N:1 immr:6 imms:6 Rn:5 Rd:5`,
    shape: ['sf'],
    valid: (f) => (f.sf === 1 || f.N === 0) && bitmask(f) !== null,
    operands: {
      d: name === 'ANDS' ? destination('Rd') : generalOrStack('Rd'),
      n: source('Rn'),
      imm: immediate64((f) => bitmask(f) as Parts),
    },
    common,
    epilogue: name === 'ANDS' ? null : mayMisalign('Rd'),
    describe(o, x, f) {
      const result = operation(o, o.get(x.n, f.sf), o.atWidth(x.imm, f.sf));
      o.set(x.d, result);
      if (name === 'ANDS') logicFlags(o, result);
    },
  });

const and: Logic = (o, a, b) => o.and(a, b);

const logicals: readonly Instruction[] = [
  logical('AND', '00', true, and),
  logical('ORR', '01', false, (o, a, b) => o.or(a, b)),
  logical('EOR', '10', false, (o, a, b) => o.xor(a, b)),
  logical('ANDS', '11', true, and),
];

/** imm16 at the quarter that hw names, or its complement, in a register of the width sf says. */
const wide = (f: Fields, complement: boolean): Parts => {
  const hw = f.hw as number;
  const part = (f.imm16 as number) << (16 * (hw & 1));
  const flip = complement ? -1 : 0;
  return { lo: (hw < 2 ? part : 0) ^ flip, hi: f.sf === 0 ? 0 : (hw < 2 ? 0 : part) ^ flip };
};

const wideExists = (f: Readonly<Record<'sf' | 'hw', number>>): boolean => f.sf === 1 || f.hw < 2;

const moveWide = (name: string, opc: string, complement: boolean): Instruction =>
  instruction({
    name,
    bits: `sf:1 ${opc} 100101 hw:2 imm16:16 Rd:5`,
    valid: (f) => wideExists(f as { sf: number; hw: number }),
    operands: { d: destination('Rd'), imm: immediate64((f) => wide(f, complement)) },
    common: true,
    describe(o, x) {
      o.set(x.d, x.imm);
    },
  });

const moves: readonly Instruction[] = [
  moveWide('MOVN', '00', true),
  moveWide('MOVZ', '10', false),
  instruction({
    name: 'MOVK',
    bits: 'sf:1 11 100101 hw:2 imm16:16 Rd:5',
    shape: ['sf', 'hw'],
    allowed: wideExists,
    operands: { d: destination('Rd'), old: source('Rd'), imm: immediate64((f) => wide(f, false)) },
    common: true,
    describe(o, x, f) {
      const hole = ~(0xffff << (16 * (f.hw & 1)));
      const kept = o.i64Parts(f.hw < 2 ? hole : -1, f.hw < 2 ? -1 : hole);
      o.set(x.d, o.or(o.and(o.get(x.old, f.sf), o.atWidth(kept, f.sf)), o.atWidth(x.imm, f.sf)));
    },
  }),
];

/** Two shift counts packed into one immediate, at the width of what they shift: the low half and the high half. */
const shiftCounts = (o: Builder, counts: I64, sf: number): readonly [Integer, Integer] => {
  const low = o.wrap(counts);
  const high = o.high(counts);
  return sf === 0 ? [low, high] : [o.extendU(low), o.extendU(high)];
};

/**
 * A bit field move is one shift to the left, which drops what lies above the field, and one to the right, which brings it to
 * its place.
 */
const fieldShifts = immediate64((f) => {
  const top = f.sf === 1 ? 63 : 31;
  const { immr, imms } = f as { immr: number; imms: number };
  return { lo: top - imms, hi: (immr - imms - 1) & top };
});

const fieldExists = (f: Fields): boolean =>
  f.N === f.sf && (f.sf === 1 || ((f.immr as number) < 32 && (f.imms as number) < 32));

const bitfields: readonly Instruction[] = [
  instruction({
    name: 'SBFM',
    bits: 'sf:1 00 100110 N:1 immr:6 imms:6 Rn:5 Rd:5',
    shape: ['sf'],
    valid: fieldExists,
    operands: { d: destination('Rd'), n: source('Rn'), shifts: fieldShifts },
    common: true,
    describe(o, x, f) {
      const [up, down] = shiftCounts(o, x.shifts, f.sf);
      o.set(x.d, o.shrS(o.shl(o.get(x.n, f.sf), up), down));
    },
  }),
  instruction({
    name: 'BFM',
    bits: 'sf:1 01 100110 N:1 immr:6 imms:6 Rn:5 Rd:5',
    shape: ['sf'],
    valid: fieldExists,
    operands: { d: destination('Rd'), n: source('Rn'), old: source('Rd'), shifts: fieldShifts },
    describe(o, x, f) {
      const [up, down] = shiftCounts(o, x.shifts, f.sf);
      const mask = o.shrU(o.shl(o.atWidth(o.i64(-1), f.sf), up), down);
      const field = o.shrU(o.shl(o.get(x.n, f.sf), up), down);
      o.set(x.d, o.or(o.and(o.get(x.old, f.sf), o.not(mask)), field));
    },
  }),
  instruction({
    name: 'UBFM',
    bits: 'sf:1 10 100110 N:1 immr:6 imms:6 Rn:5 Rd:5',
    shape: ['sf'],
    valid: fieldExists,
    operands: { d: destination('Rd'), n: source('Rn'), shifts: fieldShifts },
    common: true,
    describe(o, x, f) {
      const [up, down] = shiftCounts(o, x.shifts, f.sf);
      o.set(x.d, o.shrU(o.shl(o.get(x.n, f.sf), up), down));
    },
  }),
];

const extract: readonly Instruction[] = [
  instruction({
    name: 'EXTR',
    bits: 'sf:1 00 100111 N:1 0 Rm:5 imms:6 Rn:5 Rd:5',
    shape: ['sf'],
    valid: (f) => f.N === f.sf && (f.sf === 1 || (f.imms as number) < 32),
    operands: {
      d: destination('Rd'),
      n: source('Rn'),
      m: source('Rm'),
      counts: immediate64((f) => ({ lo: f.imms as number, hi: (f.sf === 1 ? 63 : 31) - (f.imms as number) })),
    },
    describe(o, x, f) {
      const [down, up] = shiftCounts(o, x.counts, f.sf);
      const low = o.get(x.m, f.sf);
      // Rotations by a constant are EXTR of one register with itself, which the hot tier sees here.
      if (x.n === x.m) {
        o.set(x.d, o.rotr(low, down));
        return;
      }
      // Up in two steps, because a shift by the whole width would be one by 0.
      const high = o.shl(o.shl(o.get(x.n, f.sf), o.constantLike(low, 1)), up);
      o.set(x.d, o.or(o.shrU(low, down), high));
    },
  }),
];

export const dataProcessingImmediate: readonly Instruction[] = [
  ...addSubtract,
  ...programCounterRelative,
  ...logicals,
  ...moves,
  ...bitfields,
  ...extract,
];
