import type { EngineRuntime } from '../../architecture.ts';
import { Status } from '../../runtime.ts';
import {
  constantRegister,
  encodeRegister,
  giveValue,
  ignoreWrite,
  LOW_WORD,
  plainRegister,
  readField,
  type SystemRegister,
  UserAccess,
  valueLo,
  writeField,
} from '../system-register.ts';
import {
  BREAKPOINTS,
  DBGBCR,
  DBGBVR,
  DBGCLAIM,
  DBGPRCR_EL1,
  DBGWCR,
  DBGWVR,
  MDCCINT_EL1,
  MDSCR_EL1,
  OS_DOUBLE_LOCK,
  OS_LOCK,
  OSDTRRX_EL1,
  OSDTRTX_EL1,
  OSECCR_EL1,
  WATCHPOINTS,
} from '../system-state.ts';
import { updateAccessChecks } from './enabled.ts';

/** The debug system registers (op0 is 2). There is no external debugger, so its channel is always empty. */

const debugRegister = (op1: number, crn: number, crm: number, op2: number): number =>
  encodeRegister(2, op1, crn, crm, op2);

/** SS, ERR, TDCC, KDE, HDE, MDE; and what a debugger's save and restore keep: RAZ/WI bits, TXU, RXO, TXfull, RXfull. */
const MDSCR_BITS = [0x6c00f041, 0] as const;
const TDCC = 1 << 12;

/** DBGWVR: a sign-extended 49-bit address, a multiple of four. */
const ADDRESS_BITS = [-4, -1] as const;
/** Fields of DBGBCR and DBGWCR. */
const BREAKPOINT_CONTROL_BITS = [0x00ffe1e7, 0] as const;
const WATCHPOINT_CONTROL_BITS = [0x1f1fffff, 0] as const;

/** OSLM: the OS lock is there. */
const OSLSR_IMPLEMENTED = 1 << 3;
/** All eight claim tags. */
const CLAIM_TAGS = 0xff;
/** Invasive and non-invasive debug are there but disabled: no external debugger. */
const DBGAUTHSTATUS = 0x0a;

const checksChanged = ({ memory }: EngineRuntime, state: number): void => updateAccessChecks(memory, state);

/** A register whose change may switch watchpoints on or off. */
const watching = (name: string, encoding: number, field: number, mask: readonly [number, number]): SystemRegister => ({
  name,
  encoding,
  read: readField(field),
  write: writeField(field, mask, checksChanged),
});

const userUnlessTdcc = (words: Int32Array, state: number): UserAccess =>
  ((words[(state + MDSCR_EL1) >>> 2] as number) & TDCC) !== 0 ? UserAccess.trapped : UserAccess.allowed;

const numbered = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** One of the debugger's data registers: never full. */
const dataTransfer = (name: string, crm: number): SystemRegister => ({
  ...constantRegister(name, debugRegister(3, 0, crm, 0), 0),
  write: ignoreWrite,
  user: userUnlessTdcc,
});

export const debugRegisters: readonly SystemRegister[] = [
  ...numbered(BREAKPOINTS, (n) => plainRegister(`DBGBVR${n}_EL1`, debugRegister(0, 0, n, 4), DBGBVR + n * 8)),
  ...numbered(BREAKPOINTS, (n) =>
    plainRegister(`DBGBCR${n}_EL1`, debugRegister(0, 0, n, 5), DBGBCR + n * 8, BREAKPOINT_CONTROL_BITS),
  ),
  ...numbered(WATCHPOINTS, (n) =>
    plainRegister(`DBGWVR${n}_EL1`, debugRegister(0, 0, n, 6), DBGWVR + n * 8, ADDRESS_BITS),
  ),
  ...numbered(WATCHPOINTS, (n) =>
    watching(`DBGWCR${n}_EL1`, debugRegister(0, 0, n, 7), DBGWCR + n * 8, WATCHPOINT_CONTROL_BITS),
  ),
  watching('MDSCR_EL1', debugRegister(0, 0, 2, 2), MDSCR_EL1, MDSCR_BITS),
  plainRegister('MDCCINT_EL1', debugRegister(0, 0, 2, 0), MDCCINT_EL1, [0x60000000, 0]),
  plainRegister('OSDTRRX_EL1', debugRegister(0, 0, 0, 2), OSDTRRX_EL1, LOW_WORD),
  plainRegister('OSDTRTX_EL1', debugRegister(0, 0, 3, 2), OSDTRTX_EL1, LOW_WORD),
  plainRegister('OSECCR_EL1', debugRegister(0, 0, 6, 2), OSECCR_EL1, LOW_WORD),
  constantRegister('MDRAR_EL1', debugRegister(0, 1, 0, 0), 0),
  { name: 'OSLAR_EL1', encoding: debugRegister(0, 1, 0, 4), write: writeField(OS_LOCK, [1, 0], checksChanged) },
  {
    name: 'OSLSR_EL1',
    encoding: debugRegister(0, 1, 1, 4),
    read: (runtime, state) => {
      const locked = runtime.memory.i32[(state + OS_LOCK) >>> 2] as number;
      return giveValue(runtime, state, OSLSR_IMPLEMENTED | (locked << 1), 0);
    },
  },
  watching('OSDLR_EL1', debugRegister(0, 1, 3, 4), OS_DOUBLE_LOCK, [1, 0]),
  watching('DBGPRCR_EL1', debugRegister(0, 1, 4, 4), DBGPRCR_EL1, [1, 0]),
  {
    name: 'DBGCLAIMSET_EL1',
    encoding: debugRegister(0, 7, 8, 6),
    read: (runtime, state) => giveValue(runtime, state, CLAIM_TAGS, 0),
    write: (runtime, state) => {
      const at = (state + DBGCLAIM) >>> 2;
      runtime.memory.i32[at] = (runtime.memory.i32[at] as number) | (valueLo(runtime, state) & CLAIM_TAGS);
      return Status.done;
    },
  },
  {
    name: 'DBGCLAIMCLR_EL1',
    encoding: debugRegister(0, 7, 9, 6),
    read: readField(DBGCLAIM),
    write: (runtime, state) => {
      const at = (state + DBGCLAIM) >>> 2;
      runtime.memory.i32[at] = (runtime.memory.i32[at] as number) & ~valueLo(runtime, state);
      return Status.done;
    },
  },
  constantRegister('DBGAUTHSTATUS_EL1', debugRegister(0, 7, 14, 6), DBGAUTHSTATUS),
  { ...constantRegister('MDCCSR_EL0', debugRegister(3, 0, 1, 0), 0), user: userUnlessTdcc },
  dataTransfer('DBGDTR_EL0', 4),
  dataTransfer('DBGDTRRX_EL0', 5),
];
