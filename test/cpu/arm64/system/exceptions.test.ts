import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  exceptionReturn,
  interruptDeliverable,
  takeInterrupt,
  takePending,
} from '../../../../src/cpu/arm64/exceptions.ts';
import { raise, raiseAt } from '../../../../src/cpu/arm64/pending.ts';
import { readProcessorState, setLevel } from '../../../../src/cpu/arm64/processor-state.ts';
import {
  CURRENT_EL,
  DAIF,
  EXCLUSIVE_SIZE,
  IL,
  PAN,
  SOFTWARE_STEP,
  SP,
  SP_SELECT,
} from '../../../../src/cpu/arm64/state.ts';
import { ExceptionClass, syndrome } from '../../../../src/cpu/arm64/syndrome.ts';
import {
  CPACR_EL1,
  ELR_EL1,
  ESR_EL1,
  EVENT,
  FAR_EL1,
  SCTLR_EL1,
  SP_EL0,
  SP_EL1,
  SPSR_EL1,
  VBAR_EL1,
} from '../../../../src/cpu/arm64/system-state.ts';
import { FLAG_C, FLAG_N, FLAG_V, FLAG_Z, INTERRUPT_LINE, VECTOR_TRAP } from '../../../../src/cpu/state.ts';
import { Machine, RAM } from './machine.ts';

const machine = new Machine();
const state = machine.first;
const { runtime } = machine;

const VECTORS = 0xffff_8000_1234_0800n;
const HERE = 0xffff_8000_0001_2344n;

/** EL0t, EL1t or EL1h, unmasked, at HERE. */
const prepare = (level: 0 | 1, select: 0 | 1): void => {
  setLevel(machine.memory, state, level, select);
  machine.pc = HERE;
  machine.set(state, VBAR_EL1, VECTORS);
  machine.set32(state, DAIF, 0);
  machine.set32(state, PAN, 0);
  machine.set32(state, IL, 0);
  machine.set32(state, SOFTWARE_STEP, 0);
};

describe('exception entry', () => {
  it('goes to the vector of its kind and source', () => {
    const sources = [
      { level: 1, select: 0, offset: 0x000n },
      { level: 1, select: 1, offset: 0x200n },
      { level: 0, select: 0, offset: 0x400n },
    ] as const;
    for (const { level, select, offset } of sources) {
      prepare(level, select);
      raise(machine.memory, state, syndrome(ExceptionClass.unknown, 0));
      takePending(runtime, state);
      assert.equal(machine.pc, VECTORS + offset);
      assert.equal(machine.get(state, ELR_EL1), HERE);
      prepare(level, select);
      takeInterrupt(runtime, state, false);
      assert.equal(machine.pc, VECTORS + offset + 0x80n);
      prepare(level, select);
      takeInterrupt(runtime, state, true);
      assert.equal(machine.pc, VECTORS + offset + 0x100n);
    }
  });

  it('runs at EL1 with its own stack pointer, everything masked, the exclusive monitor open', () => {
    prepare(0, 0);
    machine.set(state, SP, 0x1000);
    machine.set(state, SP_EL1, 0x2000);
    machine.set32(state, IL, 1);
    machine.set32(state, SOFTWARE_STEP, 1);
    machine.set32(state, EXCLUSIVE_SIZE, 8);
    takeInterrupt(runtime, state, false);
    assert.equal(machine.get32(state, CURRENT_EL), 1);
    assert.equal(machine.get32(state, SP_SELECT), 1);
    assert.equal(machine.get(state, SP), 0x2000n);
    assert.equal(machine.get(state, SP_EL0), 0x1000n);
    assert.equal(machine.get32(state, DAIF), 0x3c0);
    assert.equal(machine.get32(state, IL), 0);
    assert.equal(machine.get32(state, SOFTWARE_STEP), 0);
    assert.equal(machine.get32(state, EXCLUSIVE_SIZE), 0);
    assert.equal(machine.get(state, SPSR_EL1), (1n << 20n) | (1n << 21n));
  });

  it('saves every part of PSTATE in SPSR_EL1', () => {
    prepare(1, 1);
    machine.set(state, FLAG_N, -1n);
    machine.set(state, FLAG_Z, 0);
    machine.set32(state, FLAG_C, 1);
    machine.set(state, FLAG_V, 0);
    machine.set32(state, DAIF, 0x280);
    machine.set32(state, PAN, 1);
    takeInterrupt(runtime, state, false);
    assert.equal(machine.get(state, SPSR_EL1), 0xe040_0285n);
  });

  it('sets PAN unless SCTLR_EL1.SPAN says not to', () => {
    const span = 1n << 23n;
    const sctlr = machine.get(state, SCTLR_EL1);
    machine.set(state, SCTLR_EL1, sctlr | span);
    prepare(0, 0);
    takeInterrupt(runtime, state, false);
    assert.equal(machine.get32(state, PAN), 0);
    machine.set(state, SCTLR_EL1, sctlr & ~span);
    prepare(0, 0);
    takeInterrupt(runtime, state, false);
    assert.equal(machine.get32(state, PAN), 1);
    machine.set(state, SCTLR_EL1, sctlr);
  });

  it('gives classes that have two forms the one for its source', () => {
    const twoForms: number[] = [
      ExceptionClass.instructionAbort,
      ExceptionClass.dataAbort,
      ExceptionClass.breakpoint,
      ExceptionClass.softwareStep,
      ExceptionClass.watchpoint,
    ];
    for (const exceptionClass of Object.values(ExceptionClass)) {
      for (const level of [0, 1] as const) {
        prepare(level, level);
        raise(machine.memory, state, syndrome(exceptionClass, 0x123));
        takePending(runtime, state);
        const expected = exceptionClass + (level === 1 && twoForms.includes(exceptionClass) ? 1 : 0);
        assert.equal(machine.get(state, ESR_EL1), BigInt(expected * 2 ** 26 + 2 ** 25 + 0x123));
      }
    }
  });

  it('writes FAR_EL1 only for exceptions that have an address', () => {
    prepare(1, 1);
    raiseAt(machine.memory, state, syndrome(ExceptionClass.dataAbort, 7), 0x1234, -1);
    takePending(runtime, state);
    assert.equal(machine.get(state, FAR_EL1), 0xffff_ffff_0000_1234n);
    prepare(1, 1);
    raise(machine.memory, state, syndrome(ExceptionClass.supervisorCall, 7));
    takePending(runtime, state);
    assert.equal(machine.get(state, FAR_EL1), 0xffff_ffff_0000_1234n);
  });
});

describe('exception return', () => {
  const RETURN = BigInt(RAM + 0x8000);

  const returnWith = (spsr: number, to = RETURN): void => {
    prepare(1, 1);
    machine.set(state, SPSR_EL1, spsr);
    machine.set(state, ELR_EL1, to);
    exceptionReturn(runtime, state);
  };

  it('undoes an entry', () => {
    const bits = [0xf0000000, 1 << 22, 0x3c0];
    const mask = bits.reduce((sum, bit) => (sum | bit) >>> 0, 0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 4, 5), (random, mode) => {
        const wanted = ((random & mask) | mode) >>> 0;
        returnWith(wanted);
        assert.equal(readProcessorState(machine.memory, state) >>> 0, wanted);
        assert.equal(machine.pc, RETURN);
        takeInterrupt(runtime, state, false);
        assert.equal(machine.get(state, SPSR_EL1), BigInt(wanted));
        exceptionReturn(runtime, state);
        assert.equal(readProcessorState(machine.memory, state) >>> 0, wanted);
      }),
    );
  });

  it('opens the exclusive monitor and sends itself an event', () => {
    machine.set32(state, EXCLUSIVE_SIZE, 4);
    machine.set32(state, EVENT, 0);
    returnWith(5);
    assert.equal(machine.get32(state, EXCLUSIVE_SIZE), 0);
    assert.equal(machine.get32(state, EVENT), 1);
  });

  it('to a state that does not exist stays at EL1 and ends in an illegal state exception', () => {
    for (const mode of [1, 2, 3, 6, 7, 8, 9, 12, 13, 16, 0x1f]) {
      returnWith(0x60000000 | mode);
      assert.equal(machine.pc, VECTORS + 0x200n);
      assert.equal(machine.get(state, ESR_EL1), 0x3a00_0000n);
      assert.equal(machine.get(state, ELR_EL1), RETURN);
      // The flags are taken over, the level and the stack pointer are not, and IL is set.
      assert.equal(machine.get(state, SPSR_EL1), 0x6010_0005n);
    }
  });

  it('with IL set in SPSR_EL1 goes there first', () => {
    returnWith(1 << 20);
    assert.equal(machine.pc, VECTORS + 0x400n);
    assert.equal(machine.get(state, ESR_EL1), 0x3a00_0000n);
    assert.equal(machine.get(state, SPSR_EL1), 0x10_0000n);
  });

  it('to an address that is not there faults for that rather than for the state', () => {
    returnWith(1 << 20, 2n);
    assert.equal(machine.get(state, ESR_EL1), 0x8a00_0000n);
    assert.equal(machine.get(state, FAR_EL1), 2n);
    returnWith(1 << 20, 0x1_0000_0000n);
    assert.equal(machine.get(state, ESR_EL1), 0x8200_0010n);
  });

  it('is undefined at EL0', () => {
    prepare(0, 0);
    exceptionReturn(runtime, state);
    assert.equal(machine.pc, VECTORS + 0x400n);
    assert.equal(machine.get(state, ESR_EL1), 0x200_0000n);
    assert.equal(machine.get(state, ELR_EL1), HERE);
  });
});

describe('interrupts', () => {
  it('get in while the line is up and PSTATE.I is clear', () => {
    prepare(1, 1);
    assert.equal(interruptDeliverable(runtime, state), false);
    machine.set32(state, INTERRUPT_LINE, 1);
    assert.equal(interruptDeliverable(runtime, state), true);
    machine.set32(state, DAIF, 0x80);
    assert.equal(interruptDeliverable(runtime, state), false);
    machine.set32(state, DAIF, 0x340);
    assert.equal(interruptDeliverable(runtime, state), true);
    machine.set32(state, INTERRUPT_LINE, 0);
  });
});

describe('the vector registers', () => {
  it('are trapped as CPACR_EL1.FPEN says for the level', () => {
    const trapped = [
      [true, true],
      [true, false],
      [true, true],
      [false, false],
    ] as const;
    for (const [enable, levels] of trapped.entries()) {
      machine.set(state, CPACR_EL1, enable << 20);
      for (const level of [0, 1] as const) {
        setLevel(machine.memory, state, level, level);
        assert.equal(machine.get32(state, VECTOR_TRAP) !== 0, levels[level], `FPEN ${enable} at EL${level}`);
      }
    }
  });
});
