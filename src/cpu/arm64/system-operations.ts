import type { EngineRuntime } from '../architecture.ts';
import { Status } from '../runtime.ts';
import { SCRATCH } from '../state.ts';
import { addressTranslation } from './address-translation.ts';
import { cleanData, invalidateData, invalidateInstruction, invalidateInstructions } from './cache-maintenance.ts';
import { CURRENT_EL } from './state.ts';
import { encodeRegister } from './system-register.ts';
import { trapAccess, undefinedAccess } from './system-registers.ts';
import { SCTLR_EL1 } from './system-state.ts';
import { invalidateAddress, invalidateAll, invalidateAsid } from './tlb-maintenance.ts';

/** The SYS instruction's operations, by encoding: caches, translation tables, address translation. */

/** Does an operation with a register's value, given in halves; gives a Status. */
export type Operation = (runtime: EngineRuntime, state: number, lo: number, hi: number) => number;

interface SystemOperation {
  readonly encoding: number;
  readonly act: Operation;
  /** EL0 may do it while SCTLR_EL1.UCI is set. */
  readonly user: boolean;
}

const SCTLR_UCI = 1 << 26;

const operation = (op1: number, crn: number, crm: number, op2: number, act: Operation): SystemOperation => ({
  encoding: encodeRegister(1, op1, crn, crm, op2),
  act,
  user: op1 === 3,
});

/** By set and way: there is no cache to clean. */
const nothing: Operation = () => Status.done;

const CRM_INNER_SHAREABLE = 3;
const CRM_LOCAL = 7;

/** The EL1 forms of TLBI; the ones for the last level alone do no less. */
const tlbOperations = [CRM_INNER_SHAREABLE, CRM_LOCAL].flatMap((crm) => {
  const broadcast = crm === CRM_INNER_SHAREABLE;
  return [
    operation(0, 8, crm, 0, (runtime, state) => invalidateAll(runtime, state, broadcast)),
    operation(0, 8, crm, 2, (runtime, state, _lo, hi) => invalidateAsid(runtime, state, hi, broadcast)),
    ...[1, 5].map((op2) =>
      operation(0, 8, crm, op2, (runtime, state, lo, hi) =>
        invalidateAddress(runtime, state, lo, hi, false, broadcast),
      ),
    ),
    ...[3, 7].map((op2) =>
      operation(0, 8, crm, op2, (runtime, state, lo, hi) => invalidateAddress(runtime, state, lo, hi, true, broadcast)),
    ),
  ];
});

const operations: readonly SystemOperation[] = [
  // IC IALLUIS, IALLU, IVAU
  operation(0, 7, 1, 0, invalidateInstructions),
  operation(0, 7, 5, 0, invalidateInstructions),
  operation(3, 7, 5, 1, invalidateInstruction),
  // DC IVAC, ISW, CSW, CISW, CVAC, CVAU, CIVAC
  operation(0, 7, 6, 1, invalidateData),
  operation(0, 7, 6, 2, nothing),
  operation(0, 7, 10, 2, nothing),
  operation(0, 7, 14, 2, nothing),
  operation(3, 7, 10, 1, cleanData),
  operation(3, 7, 11, 1, cleanData),
  operation(3, 7, 14, 1, cleanData),
  // AT S1E1R, S1E1W, S1E0R, S1E0W
  ...[0, 1, 2, 3].map((op2) =>
    operation(0, 7, 8, op2, (runtime, state, lo, hi) =>
      addressTranslation(runtime, state, lo, hi, op2 >= 2, (op2 & 1) !== 0),
    ),
  ),
  ...tlbOperations,
];

const byEncoding = new Map(operations.map((entry) => [entry.encoding, entry]));

/** SYS: the register's value is in scratch cell 0, the access operand (accessOperand) in cell 1. */
export const systemOperation = (runtime: EngineRuntime, state: number): number => {
  const words = runtime.memory.i32;
  const operand = words[(state + SCRATCH + 16) >>> 2] as number;
  const entry = byEncoding.get(operand & 0xffff);
  if (entry === undefined) return undefinedAccess(runtime, state);
  if (words[(state + CURRENT_EL) >>> 2] === 0) {
    if (!entry.user) return undefinedAccess(runtime, state);
    if (((words[(state + SCTLR_EL1) >>> 2] as number) & SCTLR_UCI) === 0) {
      return trapAccess(runtime, state, operand, true);
    }
  }
  const lo = words[(state + SCRATCH) >>> 2] as number;
  const hi = words[(state + SCRATCH + 4) >>> 2] as number;
  runtime.trace?.note(state, 'operations', entry.encoding, lo, hi);
  return entry.act(runtime, state, lo, hi);
};
