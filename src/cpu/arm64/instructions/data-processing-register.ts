import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { Register, Value } from '../../ir/value.ts';
import { addCarry, addCarryFlags, addFlags, logicFlags, subtractFlags } from '../flags.ts';
import { destination, generalOrStack, immediate64, source } from '../operands.ts';
import { mayMisalign } from '../stack-alignment.ts';

/**
 * Logical and arithmetic instructions on registers, the second one shifted or extended (Arm ARM C4.1, "Data Processing --
 * Register"). The forms without a shift, by far the most frequent, have entries of their own, so that the cold tier need not
 * shift by 0.
 */

type Integer = Value<'i32' | 'i64'>;

interface Operation {
  readonly name: string;
  /** op and S, or opc and N. */
  readonly opcode: string;
  readonly result: (o: Builder, a: Integer, b: Integer) => Integer;
  readonly common?: boolean;
}

const arithmetic: readonly Operation[] = [
  { name: 'ADD', opcode: '00', result: (o, a, b) => o.add(a, b), common: true },
  { name: 'ADDS', opcode: '01', result: addFlags },
  { name: 'SUB', opcode: '10', result: (o, a, b) => o.sub(a, b), common: true },
  { name: 'SUBS', opcode: '11', result: subtractFlags, common: true },
];

const andFlags = (o: Builder, result: Integer): Integer => {
  logicFlags(o, result);
  return result;
};

/** The opcode is opc and then N, which complements the second operand. */
const logic: readonly Operation[] = [
  { name: 'AND', opcode: '00 0', result: (o, a, b) => o.and(a, b), common: true },
  { name: 'BIC', opcode: '00 1', result: (o, a, b) => o.and(a, o.not(b)) },
  { name: 'ORR', opcode: '01 0', result: (o, a, b) => o.or(a, b), common: true },
  { name: 'ORN', opcode: '01 1', result: (o, a, b) => o.or(a, o.not(b)) },
  { name: 'EOR', opcode: '10 0', result: (o, a, b) => o.xor(a, b), common: true },
  { name: 'EON', opcode: '10 1', result: (o, a, b) => o.xor(a, o.not(b)) },
  { name: 'ANDS', opcode: '11 0', result: (o, a, b) => andFlags(o, o.and(a, b)), common: true },
  { name: 'BICS', opcode: '11 1', result: (o, a, b) => andFlags(o, o.and(a, o.not(b))) },
];

/** LSL, LSR, ASR or ROR. */
const shifted = (o: Builder, value: Integer, shift: number, amount: Integer): Integer => {
  switch (shift) {
    case 0:
      return o.shl(value, amount);
    case 1:
      return o.shrU(value, amount);
    case 2:
      return o.shrS(value, amount);
    default:
      return o.rotr(value, amount);
  }
};

/** The two entries of an instruction whose second operand is shifted: `head` is the encoding between sf and the shift. */
const shiftedForms = (
  operation: Operation,
  head: string,
  beforeRm: string,
  rotates: boolean,
): readonly Instruction[] => {
  const operands = { d: destination('Rd'), n: source('Rn'), m: source('Rm') };
  return [
    instruction({
      name: `${operation.name} (shifted register)`,
      bits: `sf:1 ${head} shift:2 ${beforeRm} Rm:5 imm6:6 Rn:5 Rd:5`,
      shape: ['sf', 'shift'],
      allowed: (f) => rotates || f.shift !== 3,
      valid: (f) => f.sf === 1 || (f.imm6 as number) < 32,
      operands: { ...operands, amount: immediate64((f) => f.imm6 as number) },
      describe(o, x, f) {
        const second = shifted(o, o.get(x.m, f.sf), f.shift, o.atWidth(x.amount, f.sf));
        o.set(x.d, operation.result(o, o.get(x.n, f.sf), second));
      },
    }),
    instruction({
      name: `${operation.name} (register)`,
      bits: `sf:1 ${head} 00 ${beforeRm} Rm:5 000000 Rn:5 Rd:5`,
      shape: ['sf'],
      operands,
      common: operation.common ?? false,
      describe(o, x, f) {
        o.set(x.d, operation.result(o, o.get(x.n, f.sf), o.get(x.m, f.sf)));
      },
    }),
  ];
};

const logicForms = logic.flatMap((operation) => {
  const [opc, complement] = operation.opcode.split(' ');
  return shiftedForms(operation, `${opc} 01010`, complement as string, true);
});

const moveRegister = instruction({
  name: 'MOV (register)',
  bits: 'sf:1 01 01010 00 0 Rm:5 000000 11111 Rd:5',
  shape: ['sf'],
  operands: { d: destination('Rd'), m: source('Rm') },
  common: true,
  describe(o, x, f) {
    o.set(x.d, o.get(x.m, f.sf));
  },
});

/** UXTB, UXTH, UXTW, UXTX and their signed forms, at the width sf says. */
const extended = (o: Builder, register: Register, option: number, sf: number): Integer => {
  const bits = 8 << (option & 3);
  if (bits >= (sf === 1 ? 64 : 32)) return o.get(register, sf);
  const value = o.get(register, sf);
  return option < 4 ? o.zeroExtend(value, bits as 8 | 16 | 32) : o.signExtend(value, bits as 8 | 16 | 32);
};

const extendedForm = (operation: Operation): Instruction => {
  const setsFlags = operation.name.endsWith('S');
  return instruction({
    name: `${operation.name} (extended register)`,
    bits: `sf:1 ${operation.opcode} 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5`,
    shape: ['sf', 'option'],
    valid: (f) => (f.imm3 as number) <= 4,
    operands: {
      d: setsFlags ? destination('Rd') : generalOrStack('Rd'),
      n: generalOrStack('Rn'),
      m: source('Rm'),
      amount: immediate64((f) => f.imm3 as number),
    },
    epilogue: setsFlags ? null : mayMisalign('Rd'),
    describe(o, x, f) {
      const second = o.shl(extended(o, x.m, f.option, f.sf), o.atWidth(x.amount, f.sf));
      o.set(x.d, operation.result(o, o.get(x.n, f.sf), second));
    },
  });
};

const withCarry: readonly Operation[] = [
  { name: 'ADC', opcode: '00', result: addCarry },
  { name: 'ADCS', opcode: '01', result: addCarryFlags },
  { name: 'SBC', opcode: '10', result: (o, a, b) => addCarry(o, a, o.not(b)) },
  { name: 'SBCS', opcode: '11', result: (o, a, b) => addCarryFlags(o, a, o.not(b)) },
];

const carryForm = (operation: Operation): Instruction =>
  instruction({
    name: operation.name,
    bits: `sf:1 ${operation.opcode} 11010000 Rm:5 000000 Rn:5 Rd:5`,
    shape: ['sf'],
    operands: { d: destination('Rd'), n: source('Rn'), m: source('Rm') },
    describe(o, x, f) {
      o.set(x.d, operation.result(o, o.get(x.n, f.sf), o.get(x.m, f.sf)));
    },
  });

export const dataProcessingRegister: readonly Instruction[] = [
  ...logicForms,
  moveRegister,
  ...arithmetic.flatMap((operation) => shiftedForms(operation, `${operation.opcode} 01011`, '0', false)),
  ...arithmetic.map(extendedForm),
  ...withCarry.map(carryForm),
];
