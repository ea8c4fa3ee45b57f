import type { EngineRuntime } from '../architecture.ts';
import { Status } from '../runtime.ts';
import { INTERRUPT_LINE, SCRATCH } from '../state.ts';
import { updateAccessChecks } from './debug/enabled.ts';
import { debugRegisters } from './debug/registers.ts';
import { idRegisters } from './id-registers.ts';
import { addressSpaceChanged, translationChanged } from './mmu/banks.ts';
import { raise } from './pending.ts';
import { updateVectorTrap } from './processor-state.ts';
import { stackChanged } from './stack-alignment.ts';
import { CURRENT_EL } from './state.ts';
import { ExceptionClass, syndrome } from './syndrome.ts';
import {
  constantRegister,
  encodeRegister,
  giveValue,
  ignoreWrite,
  LOW_WORD,
  plainRegister,
  type RegisterAccess,
  readField,
  type SystemRegister,
  UserAccess,
  valueLo,
  writeField,
} from './system-register.ts';
import {
  AFSR0_EL1,
  AFSR1_EL1,
  AMAIR_EL1,
  CONTEXTIDR_EL1,
  CPACR_EL1,
  ELR_EL1,
  ESR_EL1,
  FAR_EL1,
  INTERRUPT_REGISTERS,
  MAIR_EL1,
  PAR_EL1,
  SCTLR_EL1,
  SPSR_EL1,
  TCR_EL1,
  TPIDR_EL0,
  TPIDR_EL1,
  TPIDRRO_EL0,
  TTBR0_EL1,
  TTBR1_EL1,
  VBAR_EL1,
} from './system-state.ts';
import { genericTimerRegisters } from './timer-registers.ts';

/**
 * The system registers of EL1 and EL0, by encoding, and what MRS and MSR do with them. Those that are parts of PSTATE, the
 * stack pointers and FPCR and FPSR have instructions of their own (instructions/system-registers.ts).
 */

/** M, A, C, SA, SA0, CP15BEN, nAA, ITD, SED, UMA, EOS, I, DZE, UCT, nTWI, nTWE, WXN, TSCXT, EIS, SPAN, UCI, LSMAOE, nTLSMD. */
const SCTLR_BITS = [0x34dddbff, 0] as const;
const SCTLR_M = 1 << 0;
const SCTLR_WXN = 1 << 19;
/** FPEN; there is no trace unit. */
const CPACR_BITS = [3 << 20, 0] as const;
/** All of Armv8.0 and E0PD. */
const TCR_BITS = [~(1 << 6), 0x01800077] as const;
/** CnP is not there. */
const TTBR_BITS = [-2, -1] as const;
const VBAR_BITS = [-0x800, -1] as const;
/** NZCV, PAN, SS, IL, DAIF, M. */
const SPSR_BITS = [0xf07003df | 0, 0] as const;

const ISR_I = 1 << 7;

const register = (op1: number, crn: number, crm: number, op2: number): number => encodeRegister(3, op1, crn, crm, op2);

const withEffect = (
  name: string,
  encoding: number,
  field: number,
  mask: readonly [number, number],
  after: (runtime: EngineRuntime, state: number) => void,
): SystemRegister => ({ name, encoding, field, read: readField(field), write: writeField(field, mask, after) });

const writeSctlr: RegisterAccess = (runtime, state) => {
  const { memory } = runtime;
  const before = memory.i32[(state + SCTLR_EL1) >>> 2] as number;
  const after = valueLo(runtime, state) & SCTLR_BITS[0];
  memory.i32[(state + SCTLR_EL1) >>> 2] = after;
  if (((before ^ after) & (SCTLR_M | SCTLR_WXN)) !== 0) translationChanged(memory, state);
  updateAccessChecks(memory, state);
  stackChanged(memory, state);
  return Status.done;
};

const spaceChanged = ({ memory }: EngineRuntime, state: number): void => addressSpaceChanged(memory, state);
const allChanged = ({ memory }: EngineRuntime, state: number): void => translationChanged(memory, state);
const vectorsChanged = ({ memory }: EngineRuntime, state: number): void => updateVectorTrap(memory, state);

const userAllowed = (): UserAccess => UserAccess.allowed;
const userReadOnly = (_words: Int32Array, _state: number, write: boolean): UserAccess =>
  write ? UserAccess.undefined : UserAccess.allowed;

const generalRegisters: readonly SystemRegister[] = [
  {
    name: 'SCTLR_EL1',
    encoding: register(0, 1, 0, 0),
    read: readField(SCTLR_EL1),
    write: writeSctlr,
  },
  { ...constantRegister('ACTLR_EL1', register(0, 1, 0, 1), 0), write: ignoreWrite },
  withEffect('CPACR_EL1', register(0, 1, 0, 2), CPACR_EL1, CPACR_BITS, vectorsChanged),
  withEffect('TTBR0_EL1', register(0, 2, 0, 0), TTBR0_EL1, TTBR_BITS, spaceChanged),
  withEffect('TTBR1_EL1', register(0, 2, 0, 1), TTBR1_EL1, TTBR_BITS, spaceChanged),
  withEffect('TCR_EL1', register(0, 2, 0, 2), TCR_EL1, TCR_BITS, allChanged),
  plainRegister('SPSR_EL1', register(0, 4, 0, 0), SPSR_EL1, SPSR_BITS),
  plainRegister('ELR_EL1', register(0, 4, 0, 1), ELR_EL1),
  plainRegister('AFSR0_EL1', register(0, 5, 1, 0), AFSR0_EL1, LOW_WORD),
  plainRegister('AFSR1_EL1', register(0, 5, 1, 1), AFSR1_EL1, LOW_WORD),
  plainRegister('ESR_EL1', register(0, 5, 2, 0), ESR_EL1, LOW_WORD),
  plainRegister('FAR_EL1', register(0, 6, 0, 0), FAR_EL1),
  plainRegister('PAR_EL1', register(0, 7, 4, 0), PAR_EL1),
  withEffect('MAIR_EL1', register(0, 10, 2, 0), MAIR_EL1, [-1, -1], allChanged),
  plainRegister('AMAIR_EL1', register(0, 10, 3, 0), AMAIR_EL1),
  plainRegister('VBAR_EL1', register(0, 12, 0, 0), VBAR_EL1, VBAR_BITS),
  {
    name: 'ISR_EL1',
    encoding: register(0, 12, 1, 0),
    read: (runtime, state) => {
      const waiting = Atomics.load(runtime.memory.i32, (state + INTERRUPT_LINE) >>> 2) !== 0;
      return giveValue(runtime, state, waiting ? ISR_I : 0, 0);
    },
  },
  plainRegister('CONTEXTIDR_EL1', register(0, 13, 0, 1), CONTEXTIDR_EL1, LOW_WORD),
  plainRegister('TPIDR_EL1', register(0, 13, 0, 4), TPIDR_EL1),
  { ...plainRegister('TPIDR_EL0', register(3, 13, 0, 2), TPIDR_EL0), user: userAllowed },
  { ...plainRegister('TPIDRRO_EL0', register(3, 13, 0, 3), TPIDRRO_EL0), user: userReadOnly },
];

export const systemRegisters: readonly SystemRegister[] = [
  ...generalRegisters,
  ...idRegisters,
  ...genericTimerRegisters,
  ...debugRegisters,
];

const byEncoding = new Map(systemRegisters.map((entry) => [entry.encoding, entry]));
if (byEncoding.size !== systemRegisters.length) throw new Error('two system registers with one encoding');

/** ICC_PMR_EL1, the one interrupt controller register outside CRn 12. */
const ICC_PMR = register(0, 4, 6, 0);

/** Whether an encoding is the interrupt controller's. */
const isInterruptRegister = (encoding: number): boolean =>
  encoding === ICC_PMR || (encoding >= register(0, 12, 8, 0) && encoding <= register(0, 12, 12, 7));

export const undefinedAccess = ({ memory }: EngineRuntime, state: number): number =>
  raise(memory, state, syndrome(ExceptionClass.unknown, 0));

/** The syndrome's specific part for a trapped access, without the direction and with Rt 0. */
export const trapSpecific = (encoding: number): number =>
  ((encoding >>> 14) << 20) |
  ((encoding & 7) << 17) |
  (((encoding >>> 11) & 7) << 14) |
  (((encoding >>> 7) & 15) << 10) |
  (((encoding >>> 3) & 15) << 1);

const TRAP_READ = 1;

/** An access of one encoding by one register, as the instructions' operands give it: the encoding, and Rt from bit 16 on. */
export const accessOperand = (encoding: number, rt: number): number => encoding | (rt << 16);

/** Raises the exception for a trapped access. */
export const trapAccess = (runtime: EngineRuntime, state: number, operand: number, write: boolean): number => {
  const specific = trapSpecific(operand & 0xffff) | ((operand >>> 16) << 5) | (write ? 0 : TRAP_READ);
  return raise(runtime.memory, state, syndrome(ExceptionClass.systemRegister, specific));
};

const accessInterruptController = (runtime: EngineRuntime, state: number, encoding: number, write: boolean): number => {
  const words = runtime.memory.i32;
  if (words[(state + INTERRUPT_REGISTERS) >>> 2] === 0) return undefinedAccess(runtime, state);
  const { environment } = runtime;
  const done = write
    ? environment.interruptRegisterWrite(state, encoding)
    : environment.interruptRegisterRead(state, encoding);
  return done ? Status.done : undefinedAccess(runtime, state);
};

const access = (runtime: EngineRuntime, state: number, operand: number, write: boolean): number => {
  const words = runtime.memory.i32;
  const encoding = operand & 0xffff;
  const entry = byEncoding.get(encoding);
  const act = write ? entry?.write : entry?.read;
  const user = words[(state + CURRENT_EL) >>> 2] === 0;
  if (entry === undefined || act === undefined) {
    if (user || !isInterruptRegister(encoding)) return undefinedAccess(runtime, state);
    return accessInterruptController(runtime, state, encoding, write);
  }
  if (user) {
    const right = entry.user?.(words, state, write) ?? UserAccess.undefined;
    if (right === UserAccess.trapped) return trapAccess(runtime, state, operand, write);
    if (right === UserAccess.undefined) return undefinedAccess(runtime, state);
  }
  return act(runtime, state);
};

const noteAccess = (runtime: EngineRuntime, state: number, operand: number, write: number): void => {
  const words = runtime.memory.i32;
  const cell = (state + SCRATCH) >>> 2;
  runtime.trace?.note(state, 'sysregs', operand & 0xffff, write, words[cell] as number, words[cell + 1] as number);
};

/** MRS: the operand is in scratch cell 0, the value comes back there. */
export const readSystemRegister = (runtime: EngineRuntime, state: number): number => {
  const operand = runtime.memory.i32[(state + SCRATCH) >>> 2] as number;
  const status = access(runtime, state, operand, false);
  if (runtime.trace !== undefined && status === Status.done) noteAccess(runtime, state, operand, 0);
  return status;
};

/** MSR: the value is in scratch cell 0, the operand in cell 1. */
export const writeSystemRegister = (runtime: EngineRuntime, state: number): number => {
  const operand = runtime.memory.i32[(state + SCRATCH + 16) >>> 2] as number;
  if (runtime.trace !== undefined) noteAccess(runtime, state, operand, 1);
  return access(runtime, state, operand, true);
};

/** A register by its name, for the instructions that keep one inline. */
export const registerNamed = (name: string): SystemRegister => {
  const found = systemRegisters.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no system register ${name}`);
  return found;
};
