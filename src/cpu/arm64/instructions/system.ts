import type { EngineRuntime } from '../../architecture.ts';
import { Exit } from '../../exits.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import { Access, type Builder } from '../../ir/builder.ts';
import type { I32 } from '../../ir/value.ts';
import { defineRoutine, Status } from '../../runtime.ts';
import { PENDING_KIND, PENDING_SYNDROME, SCRATCH } from '../../state.ts';
import { signalEvent } from '../events.ts';
import { immediate32, source } from '../operands.ts';
import { raise } from '../pending.ts';
import { CURRENT_EL } from '../state.ts';
import { ALWAYS, ExceptionClass, Pending, syndrome } from '../syndrome.ts';
import { systemOperation } from '../system-operations.ts';
import { encodeRegister } from '../system-register.ts';
import { accessOperand, trapAccess, undefinedAccess } from '../system-registers.ts';
import { EVENT, SCTLR_EL1, TLB_BROADCAST } from '../system-state.ts';

/** Exception generation, hints, barriers, and SYS (Arm ARM C4.1, "Branches, Exception Generating and System instructions"). */

// Exceptions

/** Ends the instruction with an exception that returns to it. */
const raiseHere = (o: Builder, exceptionClass: number, specific: I32): void => {
  o.setState32(PENDING_KIND, o.i32(Pending.synchronous));
  o.setState32(PENDING_SYNDROME, o.or(o.i32(syndrome(exceptionClass, 0)), specific));
  o.leave(Exit.exception, 'this');
};

const imm16 = immediate32((f) => f.imm16 as number);
/** Tells the hypervisor an SMC from an HVC. */
const SECURE_MONITOR_CALL = 0x80000000;

const requirePrivilegeRoutine = defineRoutine<EngineRuntime>((runtime, state) =>
  runtime.memory.i32[(state + CURRENT_EL) >>> 2] === 0 ? undefinedAccess(runtime, state) : Status.done,
);

const hypervisorCall = (name: string, low: string, marker: number): Instruction =>
  instruction({
    name,
    bits: `11010100 000 imm16:16 000 ${low}`,
    operands: { imm: imm16 },
    describe(o, x) {
      o.callChecked(requirePrivilegeRoutine, [], []);
      o.setState32(PENDING_SYNDROME, o.or(x.imm, o.i32(marker)));
      o.leave(Exit.hypervisorCall, 'next');
    },
  });

const exceptions: readonly Instruction[] = [
  hypervisorCall('HVC', '10', 0),
  hypervisorCall('SMC', '11', SECURE_MONITOR_CALL),
  instruction({
    name: 'BRK',
    bits: '11010100 001 imm16:16 000 00',
    operands: { imm: imm16 },
    endsRun: true,
    describe(o, x) {
      raiseHere(o, ExceptionClass.breakpointInstruction, x.imm);
    },
  }),
];

/** For whatever no instruction matches: HLT and DCPS, which need an external debugger, among them. */
export const undefinedInstruction: Instruction = instruction({
  name: 'undefined',
  bits: 'word:32',
  operands: {},
  endsRun: true,
  describe(o) {
    raiseHere(o, ExceptionClass.unknown, o.i32(0));
  },
});

// Hints

const SCTLR_NTWI = 1 << 16;
const SCTLR_NTWE = 1 << 18;
const WAIT_INTERRUPT = 0;
const WAIT_EVENT = 1;

/** At EL0 a wait may be trapped; cell 0 tells which one it is. */
const waitRoutine = defineRoutine<EngineRuntime>(({ memory }, state) => {
  const words = memory.i32;
  if (words[(state + CURRENT_EL) >>> 2] !== 0) return Status.done;
  const kind = words[(state + SCRATCH) >>> 2] as number;
  const allowed = (words[(state + SCTLR_EL1) >>> 2] as number) & (kind === WAIT_EVENT ? SCTLR_NTWE : SCTLR_NTWI);
  // What would not wait is not trapped.
  const ready = kind === WAIT_EVENT && Atomics.load(words, (state + EVENT) >>> 2) !== 0;
  return allowed !== 0 || ready ? Status.done : raise(memory, state, syndrome(ExceptionClass.wait, ALWAYS | kind));
});

const sendEventRoutine = defineRoutine<EngineRuntime>(({ memory, environment }, state) => {
  signalEvent(memory, state);
  environment.sendEvent(state);
  return Status.done;
});

const hint = (name: string, number: number, describe: (o: Builder) => void): Instruction =>
  instruction({
    name,
    bits: `11010101000000110010 ${number.toString(2).padStart(7, '0')} 11111`,
    operands: {},
    describe,
  });

const hints: readonly Instruction[] = [
  instruction({
    name: 'HINT',
    bits: '11010101000000110010 CRm:4 op2:3 11111',
    operands: {},
    common: true,
    describe() {},
  }),
  // Whoever spins leaves the rest of the time to others.
  hint('YIELD', 1, (o) => o.leave(Exit.budget, 'next')),
  hint('WFE', 2, (o) => {
    o.callChecked(waitRoutine, [o.i32(WAIT_EVENT)], []);
    o.leave(Exit.waitForEvent, 'next');
  }),
  hint('WFI', 3, (o) => {
    o.callChecked(waitRoutine, [o.i32(WAIT_INTERRUPT)], []);
    o.leave(Exit.waitForInterrupt, 'next');
  }),
  hint('SEV', 4, (o) => {
    o.call(sendEventRoutine, [], []);
  }),
  hint('SEVL', 5, (o) => {
    o.setState32(EVENT, o.i32(1));
  }),
];

// Barriers

/** What a barrier keeps apart, by its CRm; the upper half says how far it reaches. */
const barrierOrder = (crm: number): 'full' | 'loads' | 'stores' => {
  if ((crm & 3) === 1) return 'loads';
  return (crm & 3) === 2 ? 'stores' : 'full';
};

const barriers: readonly Instruction[] = [
  instruction({
    name: 'DSB',
    bits: '11010101000000110011 CRm:4 100 11111',
    shape: ['CRm'],
    operands: {},
    // After a broadcast TLBI it waits for the accesses of others that began before; how far it reaches does not matter.
    describe(o, _x, f) {
      o.fence(barrierOrder(f.CRm));
      const broadcast = o.now(o.state32(TLB_BROADCAST));
      o.setState32(TLB_BROADCAST, o.i32(0));
      o.leaveIf(broadcast, Exit.synchronize);
    },
  }),
  instruction({
    name: 'DMB',
    bits: '11010101000000110011 CRm:4 101 11111',
    shape: ['CRm'],
    operands: {},
    describe(o, _x, f) {
      o.fence(barrierOrder(f.CRm));
    },
  }),
  // What was translated of the code ahead may be out of date, and so may be the choice of translation table.
  instruction({
    name: 'ISB',
    bits: '11010101000000110011 CRm:4 110 11111',
    operands: {},
    describe(o) {
      o.synchronizeContext();
    },
  }),
];

// SYS

const systemRoutine = defineRoutine<EngineRuntime>(systemOperation);

const SCTLR_DZE = 1 << 14;
const DC_ZVA = encodeRegister(1, 3, 7, 4, 1);
/** Bytes that DC ZVA zeroes, as DCZID_EL0 tells. */
const ZERO_BLOCK = 64;

const trapRoutine = defineRoutine<EngineRuntime>((runtime, state) =>
  trapAccess(runtime, state, runtime.memory.i32[(state + SCRATCH) >>> 2] as number, true),
);

const systemInstructions: readonly Instruction[] = [
  instruction({
    name: 'SYS',
    bits: '1101010100 0 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
    operands: {
      t: source('Rt'),
      access: immediate32((f) =>
        accessOperand(
          encodeRegister(1, f.op1 as number, f.CRn as number, f.CRm as number, f.op2 as number),
          f.Rt as number,
        ),
      ),
    },
    describe(o, x) {
      o.callChecked(systemRoutine, [o.get64(x.t), x.access], []);
    },
  }),
  instruction({
    name: 'DC ZVA',
    bits: '1101010100 0 01 011 0111 0100 001 Rt:5',
    operands: { t: source('Rt'), access: immediate32((f) => accessOperand(DC_ZVA, f.Rt as number)) },
    describe(o, x) {
      o.ifThen(o.eqz(o.or(o.state32(CURRENT_EL), o.and(o.state32(SCTLR_EL1), o.i32(SCTLR_DZE)))), () => {
        o.callChecked(trapRoutine, [x.access], []);
      });
      const address = o.now(o.get64(x.t));
      const quick = o.now(o.storeAddress(address));
      o.ifThen(quick, () => o.zero(ZERO_BLOCK, o.and(quick, o.i32(-ZERO_BLOCK))));
      o.ifThen(o.eqz(quick), () => {
        const start = o.now(o.and(address, o.i64(-ZERO_BLOCK)));
        // All is one page; a fault must name the address as it was given. Device memory cannot be zeroed so.
        o.store(1, address, o.i32(0), Access.memory);
        for (let offset = 0; offset < ZERO_BLOCK; offset += 16) {
          o.store(16, o.add(start, o.i64(offset)), o.v128Zero());
        }
      });
    },
  }),
];

export const system: readonly Instruction[] = [...exceptions, ...hints, ...barriers, ...systemInstructions];
