import type { EngineRuntime } from '../architecture.ts';
import { Status } from '../runtime.ts';
import {
  constantRegister,
  encodeRegister,
  giveNumber,
  giveValue,
  plainRegister,
  readField,
  type SystemRegister,
  UserAccess,
  valueHi,
  valueLo,
} from './system-register.ts';
import { CNTKCTL_EL1 } from './system-state.ts';
import {
  COUNTER_FREQUENCY,
  CTL_ENABLE,
  CTL_IMASK,
  CTL_ISTATUS,
  compareOffset,
  controlOffset,
  Timer,
  timerCondition,
} from './timer.ts';

/** The generic timer's system registers. */

/** CNTKCTL_EL1: what EL0 may use. */
const EL0PCTEN = 1 << 0;
const EL0VCTEN = 1 << 1;
const EL0VTEN = 1 << 8;
const EL0PTEN = 1 << 9;
const CNTKCTL_BITS = [0x3ff, 0] as const;

/** EL0 may access a register if one of the bits is set. */
const userIf =
  (bits: number) =>
  (words: Int32Array, state: number): UserAccess =>
    ((words[(state + CNTKCTL_EL1) >>> 2] as number) & bits) !== 0 ? UserAccess.allowed : UserAccess.trapped;

const counterOf = ({ environment }: EngineRuntime, state: number, timer: Timer): number =>
  timer === Timer.virtual ? environment.virtualCounter(state) : environment.physicalCounter(state);

const counter = (name: string, op2: number, timer: Timer, enable: number): SystemRegister => ({
  name,
  encoding: encodeRegister(3, 3, 14, 0, op2),
  user: userIf(enable),
  read: (runtime, state) => giveNumber(runtime, state, counterOf(runtime, state, timer)),
});

/** Sets the compare value `offset` ticks (signed) after now. */
const writeTimerValue = (runtime: EngineRuntime, state: number, timer: Timer, offset: number): void => {
  const value = counterOf(runtime, state, timer) + offset;
  const at = (state + compareOffset(timer)) >>> 2;
  runtime.memory.i32[at] = value | 0;
  runtime.memory.i32[at + 1] = Math.floor(value / 4294967296) | 0;
};

/** CTL, CVAL and TVAL of one timer. */
const timerRegisters = (prefix: string, crm: number, timer: Timer, enable: number): SystemRegister[] => [
  {
    name: `${prefix}_TVAL_EL0`,
    encoding: encodeRegister(3, 3, 14, crm, 0),
    user: userIf(enable),
    read: (runtime, state) => {
      const now = counterOf(runtime, state, timer) | 0;
      return giveValue(runtime, state, (runtime.memory.i32[(state + compareOffset(timer)) >>> 2] as number) - now, 0);
    },
    write: (runtime, state) => {
      writeTimerValue(runtime, state, timer, valueLo(runtime, state));
      runtime.environment.timerChanged(state);
      return Status.done;
    },
  },
  {
    name: `${prefix}_CTL_EL0`,
    encoding: encodeRegister(3, 3, 14, crm, 1),
    user: userIf(enable),
    read: (runtime, state) => {
      const { memory } = runtime;
      const control = memory.i32[(state + controlOffset(timer)) >>> 2] as number;
      const holds = timerCondition(memory, state, timer, counterOf(runtime, state, timer));
      return giveValue(runtime, state, control | (holds ? CTL_ISTATUS : 0), 0);
    },
    write: (runtime, state) => {
      runtime.memory.i32[(state + controlOffset(timer)) >>> 2] = valueLo(runtime, state) & (CTL_ENABLE | CTL_IMASK);
      runtime.environment.timerChanged(state);
      return Status.done;
    },
  },
  {
    name: `${prefix}_CVAL_EL0`,
    encoding: encodeRegister(3, 3, 14, crm, 2),
    user: userIf(enable),
    read: readField(compareOffset(timer)),
    write: (runtime, state) => {
      const at = (state + compareOffset(timer)) >>> 2;
      runtime.memory.i32[at] = valueLo(runtime, state);
      runtime.memory.i32[at + 1] = valueHi(runtime, state);
      runtime.environment.timerChanged(state);
      return Status.done;
    },
  },
];

export const genericTimerRegisters: readonly SystemRegister[] = [
  {
    ...constantRegister('CNTFRQ_EL0', encodeRegister(3, 3, 14, 0, 0), COUNTER_FREQUENCY),
    user: userIf(EL0PCTEN | EL0VCTEN),
  },
  counter('CNTPCT_EL0', 1, Timer.physical, EL0PCTEN),
  counter('CNTVCT_EL0', 2, Timer.virtual, EL0VCTEN),
  ...timerRegisters('CNTP', 2, Timer.physical, EL0PTEN),
  ...timerRegisters('CNTV', 3, Timer.virtual, EL0VTEN),
  plainRegister('CNTKCTL_EL1', encodeRegister(3, 0, 14, 1, 0), CNTKCTL_EL1, CNTKCTL_BITS),
];
