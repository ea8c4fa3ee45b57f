import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arm64Architecture } from '../../../../src/cpu/arm64/architecture.ts';
import { MDSCR_MDE, MDSCR_SS } from '../../../../src/cpu/arm64/debug/enabled.ts';
import { exceptionReturn, takePending } from '../../../../src/cpu/arm64/exceptions.ts';
import { addressSpaceChanged, entryOf, fillData, userBank } from '../../../../src/cpu/arm64/mmu/banks.ts';
import { raise } from '../../../../src/cpu/arm64/pending.ts';
import { readProcessorState, setLevel, writeFlags } from '../../../../src/cpu/arm64/processor-state.ts';
import {
  CURRENT_EL,
  DAIF,
  EXCLUSIVE_SIZE,
  PAN,
  SOFTWARE_STEP,
  SP,
  SP_SELECT,
  X,
} from '../../../../src/cpu/arm64/state.ts';
import { ExceptionClass, syndrome } from '../../../../src/cpu/arm64/syndrome.ts';
import {
  ALIGNED_TLB,
  ALIGNED_TLB_UNPRIVILEGED,
  BANKS,
  CHECK_ACCESSES,
  CPACR_EL1,
  ELR_EL1,
  ESR_EL1,
  EVENT,
  FAR_EL1,
  KERNEL_BANK,
  LOOSE_USER,
  MDSCR_EL1,
  SCTLR_EL1,
  SP_EL0,
  SP_EL1,
  SPSR_EL1,
  STACK_MASK,
  STACK_MISALIGNED,
  USER_BANK,
  VBAR_EL1,
} from '../../../../src/cpu/arm64/system-state.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import {
  BUDGET,
  INTERRUPT_LINE,
  PC,
  STATE_SIZE,
  TLB,
  TLB_CODE,
  TLB_UNPRIVILEGED,
  VECTOR_TRAP,
} from '../../../../src/cpu/state.ts';
import { ENTRY_SIZE } from '../../../../src/cpu/translation-table.ts';
import { Machine, RAM } from './machine.ts';
import { tiers } from './runner.ts';

/** SVC and ERET as translated code does them, against exceptions.ts. */

const machine = new Machine();
const { memory, runtime } = machine;
const state = machine.first;

const ERET = 0xd69f03e0;
const svc = (immediate: number): number => (0xd4000001 | (immediate << 5)) >>> 0;
const AT_SVC = RAM + 0x1000;
const AT_ERET = RAM + 0x2000;
/** Where they lead, and further. */
const GOALS = RAM + 0x8000;

/** A page of EL0's that EL1 has access to until PAN is set, and its entry in EL1's bank. */
const LOOSE_PAGE = 0x5000;
const looseEntry = BANKS + entryOf(LOOSE_PAGE) * ENTRY_SIZE;

const bits = (mask: number) => fc.integer({ min: 0, max: 0xffffffff }).map((value) => (value & mask) >>> 0);
const rarely = <T>(usual: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const stackPointer = fc
  .bigInt({ min: 0n, max: 0xffff_ffff_ffffn })
  .chain((value) => rarely(value & -16n, fc.constant(value)));
const NZCV = 0xf0000000;
const SCTLR_BITS = 0x00800018;

const situations = fc.record({
  level: fc.constantFrom(0, 1),
  select: fc.constantFrom(0, 1),
  flags: bits(NZCV),
  daif: bits(0x3c0),
  pan: fc.constantFrom(0, 1),
  step: rarely(0, fc.constant(1)),
  stack: stackPointer,
  otherStack: stackPointer,
  control: bits(SCTLR_BITS),
  vectorEnable: fc.integer({ min: 0, max: 3 }),
  debug: rarely(0, fc.constantFrom(MDSCR_SS, MDSCR_MDE)),
  checks: rarely(0, fc.constant(1)),
  vectors: fc.integer({ min: 0, max: 255 }).map((n) => GOALS + n * 0x800),
  elr: bits(0xfffff).chain((offset) => rarely(GOALS + (offset & -4), fc.constant(GOALS + offset))),
  spsr: fc
    .tuple(bits(NZCV | 0x3c0), fc.constantFrom(0, 4, 5), rarely(0, bits(0x0070001f)), rarely(0, fc.constant(1 << 22)))
    .map(([plain, mode, odd, pan]) => (plain | mode | odd | pan) >>> 0),
  line: rarely(0, fc.constant(1)),
  userBank: fc.boolean(),
  looseUser: rarely(false, fc.constant(true)),
});
type Situation = typeof situations extends fc.Arbitrary<infer T> ? T : never;

const prepare = (s: Situation, pc: number): void => {
  machine.set32(state, CHECK_ACCESSES, s.checks);
  machine.set32(state, SCTLR_EL1, s.control);
  machine.set(state, CPACR_EL1, s.vectorEnable << 20);
  addressSpaceChanged(memory, state);
  const level = s.level as 0 | 1;
  setLevel(memory, state, level, level === 0 ? 0 : s.select);
  machine.set(state, SP, s.stack);
  machine.set(state, machine.get32(state, SP_SELECT) === 1 ? SP_EL0 : SP_EL1, s.otherStack);
  setLevel(memory, state, level, level === 0 ? 0 : s.select);
  if (s.userBank) userBank(memory, state);
  writeFlags(memory, state, s.flags);
  // There is none while PAN is set.
  if (s.looseUser && s.pan === 0) {
    const kind = { sizeShift: 0, notGlobal: true, upper: false };
    fillData(memory, state, KERNEL_BANK, LOOSE_PAGE, 0, LOOSE_PAGE, true, true, true, kind);
  }
  machine.set32(state, DAIF, s.daif);
  machine.set32(state, PAN, s.pan);
  machine.set32(state, SOFTWARE_STEP, s.step);
  machine.set32(state, EXCLUSIVE_SIZE, 8);
  machine.set32(state, EVENT, 0);
  machine.set(state, MDSCR_EL1, s.debug);
  machine.set(state, VBAR_EL1, s.vectors);
  machine.set(state, ELR_EL1, s.elr);
  machine.set(state, SPSR_EL1, s.spsr);
  machine.set(state, ESR_EL1, 0x1234);
  machine.set(state, FAR_EL1, 0x5678);
  machine.set32(state, INTERRUPT_LINE, s.line);
  for (let n = 0; n <= 30; n++) machine.set(state, X + n * 8, n * 0x1_0000_0001);
  machine.pc = pc;
};

const fields = { PC, SP, ELR_EL1, SPSR_EL1, ESR_EL1, FAR_EL1 };
const words = {
  CURRENT_EL,
  EXCLUSIVE_SIZE,
  EVENT,
  TLB,
  TLB_CODE,
  TLB_UNPRIVILEGED,
  ALIGNED_TLB,
  ALIGNED_TLB_UNPRIVILEGED,
  STACK_MASK,
  STACK_MISALIGNED,
  VECTOR_TRAP,
  USER_BANK,
  LOOSE_USER,
};

/** All that later instructions could see. */
const outcome = (): Record<string, string> => {
  const seen: Record<string, string> = { PSTATE: readProcessorState(memory, state).toString(16) };
  for (const [name, field] of Object.entries(fields)) seen[name] = machine.get(state, field).toString(16);
  for (const [name, field] of Object.entries(words)) seen[name] = machine.get32(state, field).toString(16);
  seen.looseEntry = machine.get32(state, looseEntry).toString(16);
  const resting = machine.get32(state, SP_SELECT) === 1 ? SP_EL0 : SP_EL1;
  seen.otherStack = machine.get(state, resting).toString(16);
  for (let n = 0; n <= 30; n++) seen[`X${n}`] = machine.get(state, X + n * 8).toString(16);
  return seen;
};

const record = (): Uint8Array => memory.u8.slice(state, state + STATE_SIZE);

for (const tier of tiers) {
  describe(`system calls and exception returns in translated code (${tier} tier)`, () => {
    const engine = machine.engine(tier, { ...arm64Architecture, resume: (_runtime, _state, exit) => exit });
    machine.memory.u32[machine.machineAddress(AT_ERET) >>> 2] = ERET;

    /** Runs the instruction at PC alone; whatever its goal has in store comes with another exit. */
    const runOne = (): Exit => {
      machine.set32(state, BUDGET, 1);
      return engine.run(state);
    };

    it('SVC does what taking its exception does', () => {
      fc.assert(
        fc.property(situations, fc.integer({ min: 0, max: 0xffff }), (situation, immediate) => {
          prepare(situation, AT_SVC + 4);
          const before = record();
          raise(memory, state, syndrome(ExceptionClass.supervisorCall, immediate));
          takePending(runtime, state);
          const expected = outcome();
          memory.u8.set(before, state);
          machine.pc = AT_SVC;
          const word = machine.machineAddress(AT_SVC) >>> 2;
          if (memory.u32[word] !== svc(immediate)) {
            memory.u32[word] = svc(immediate);
            runtime.codeCache.invalidateAll();
          }
          runOne();
          assert.deepEqual(outcome(), expected);
        }),
        { numRuns: 1000 },
      );
    });

    it('ERET does what exceptionReturn does, and leaves to it what is rare', () => {
      let inline = 0;
      fc.assert(
        fc.property(situations, (situation) => {
          prepare(situation, AT_ERET);
          const before = record();
          exceptionReturn(runtime, state);
          const expected = outcome();
          memory.u8.set(before, state);
          if (runOne() === Exit.exceptionReturn) exceptionReturn(runtime, state);
          else inline++;
          assert.deepEqual(outcome(), expected);
        }),
        { numRuns: 2000 },
      );
      assert.ok(inline > 300, `${inline}`);
    });
  });
}
