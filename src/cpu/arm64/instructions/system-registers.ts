import type { EngineRuntime } from '../../architecture.ts';
import { Exit } from '../../exits.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I64 } from '../../ir/value.ts';
import { defineRoutine } from '../../runtime.ts';
import { destination, immediate32, source } from '../operands.ts';
import { CURRENT_EL } from '../state.ts';
import { encodeRegister, type SystemRegister } from '../system-register.ts';
import {
  accessOperand,
  readSystemRegister,
  registerNamed,
  undefinedAccess,
  writeSystemRegister,
} from '../system-registers.ts';

/** MRS and MSR (register) (Arm ARM C4.1, "System register move"): the general case, and the most used registers inline. */

export const undefinedRoutine = defineRoutine<EngineRuntime>(undefinedAccess);
const readRoutine = defineRoutine<EngineRuntime>(readSystemRegister);
const writeRoutine = defineRoutine<EngineRuntime>(writeSystemRegister);

/** The access operand of an MRS or MSR. */
const access = immediate32((f) =>
  accessOperand(
    encodeRegister(2 + (f.o0 as number), f.op1 as number, f.CRn as number, f.CRm as number, f.op2 as number),
    f.Rt as number,
  ),
);

const general: readonly Instruction[] = [
  instruction({
    name: 'MRS',
    bits: '1101010100 1 1 o0:1 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    operands: { t: destination('Rt'), access },
    describe(o, x) {
      const [value] = o.callChecked(readRoutine, [x.access], ['i64']);
      o.set(x.t, value as I64);
    },
  }),
  // A write may change how everything after it is to be done, so translated code is left.
  instruction({
    name: 'MSR (register)',
    bits: '1101010100 0 1 o0:1 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    operands: { t: source('Rt'), access },
    describe(o, x) {
      o.callChecked(writeRoutine, [o.get64(x.t), x.access], []);
      o.leave(Exit.interruptCheck, 'next');
    },
  }),
];

/** The bits of an MRS or MSR of one register, for `instruction`. */
export const registerMoveBits = (encoding: number, read: boolean): string => {
  const word = (0xd5000000 | (read ? 1 << 21 : 0) | (encoding << 5)) >>> 0;
  return `${(word >>> 5).toString(2)} Rt:5`;
};

/** Makes the instruction undefined at EL0. */
export const requirePrivilege = (o: Builder): void => {
  o.ifThen(o.eqz(o.state32(CURRENT_EL)), () => {
    o.callChecked(undefinedRoutine, [], []);
  });
};

/** The field that an inline access is of. */
const fieldOf = ({ name, field }: SystemRegister): number => {
  if (field === undefined) throw new Error(`${name} is no field of the record`);
  return field;
};

const readInline = (entry: SystemRegister): Instruction =>
  instruction({
    name: `MRS (${entry.name})`,
    bits: registerMoveBits(entry.encoding, true),
    operands: { t: destination('Rt') },
    describe(o, x) {
      if (entry.user === undefined) requirePrivilege(o);
      o.set(x.t, o.state64(fieldOf(entry)));
    },
  });

const writeInline = (entry: SystemRegister): Instruction =>
  instruction({
    name: `MSR (${entry.name})`,
    bits: registerMoveBits(entry.encoding, false),
    operands: { t: source('Rt') },
    describe(o, x) {
      if (entry.user === undefined) requirePrivilege(o);
      if (entry.mask === undefined) throw new Error(`a write of ${entry.name} has effects`);
      const [lo, hi] = entry.mask;
      const value = o.get64(x.t);
      const kept = lo === -1 && hi === -1 ? value : o.and(value, o.i64Parts(lo, hi));
      o.setState64(fieldOf(entry), kept);
    },
  });

const inlineReads = ['TPIDR_EL1', 'TPIDR_EL0', 'TPIDRRO_EL0', 'ELR_EL1', 'SPSR_EL1', 'ESR_EL1', 'FAR_EL1', 'TTBR0_EL1'];
const inlineWrites = ['TPIDR_EL1', 'TPIDR_EL0', 'ELR_EL1', 'SPSR_EL1'];

export const systemRegisterMoves: readonly Instruction[] = [
  ...general,
  ...inlineReads.map((name) => readInline(registerNamed(name))),
  ...inlineWrites.map((name) => writeInline(registerNamed(name))),
];
