import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Assembler, registers } from '../../../../src/cpu/arm64/assembler.ts';
import { updateAccessChecks } from '../../../../src/cpu/arm64/debug/enabled.ts';
import { exceptionReturn } from '../../../../src/cpu/arm64/exceptions.ts';
import { setLevel } from '../../../../src/cpu/arm64/processor-state.ts';
import { DAIF } from '../../../../src/cpu/arm64/state.ts';
import {
  CONTEXTIDR_EL1,
  DBGBCR,
  DBGBVR,
  DBGWCR,
  DBGWVR,
  ELR_EL1,
  ESR_EL1,
  FAR_EL1,
  MDSCR_EL1,
  OS_LOCK,
  SPSR_EL1,
  VBAR_EL1,
} from '../../../../src/cpu/arm64/system-state.ts';
import { TLB } from '../../../../src/cpu/state.ts';
import { Machine, RAM } from './machine.ts';
import { Runner, tiers } from './runner.ts';

const { x0, x1, x2, x3 } = registers;

const START = RAM + 0x1000;
const VECTORS = RAM + 0x8000;
const DATA = RAM + 0x4000;
const FINISHED = 1;
const EXCEPTION = 0x100;
const FROM_EL1 = EXCEPTION + 4;
const FROM_EL0 = EXCEPTION + 8;

const SS = 1;
const KDE = 1 << 13;
const MDE = 1 << 15;
/** Controls: enabled, for EL1, for EL0. */
const E = 1;
const EL1 = 1 << 1;
const EL0 = 2 << 1;

const runners = { cold: new Runner(new Machine(), 'cold'), hot: new Runner(new Machine(), 'hot') };

for (const tier of tiers) {
  const subject = runners[tier];
  const { machine } = subject;
  const state = machine.first;

  /** Readies a program at a level, D clear and the OS lock open. */
  const prepare = (level: 0 | 1, write: (a: Assembler) => void): void => {
    subject.reset();
    for (let vector = 0; vector < 16; vector++) {
      subject.assemble(VECTORS + vector * 0x80, VECTORS + vector * 0x80, (a) => a.hvc(EXCEPTION + vector));
    }
    subject.assemble(START, START, write);
    machine.set(state, VBAR_EL1, VECTORS);
    machine.set(state, OS_LOCK, 0);
    machine.set32(state, DAIF, 0);
    setLevel(machine.memory, state, level, level);
    machine.pc = START;
    subject.setX(1, DATA);
  };

  const debug = (mdscr: number): void => {
    machine.set(state, MDSCR_EL1, mdscr);
    updateAccessChecks(machine.memory, state);
  };

  const breakpoint = (number: number, address: bigint | number, control: number): void => {
    machine.set(state, DBGBVR + number * 8, address);
    machine.set(state, DBGBCR + number * 8, control);
  };

  const watchpoint = (number: number, address: number, control: number): void => {
    machine.set(state, DBGWVR + number * 8, address);
    machine.set(state, DBGWCR + number * 8, control);
    updateAccessChecks(machine.memory, state);
  };

  const esr = (): number => machine.get32(state, ESR_EL1);
  const returnAddress = (): number => Number(machine.get(state, ELR_EL1)) - START;

  const nops = (a: Assembler): void => {
    for (let i = 0; i < 4; i++) a.add(x0, x0, 1);
    a.svc(0);
  };

  describe(`hardware breakpoints (${tier} tier)`, () => {
    it('stop before the instruction, with the class for the level', () => {
      prepare(0, nops);
      debug(MDE);
      breakpoint(2, START + 8, E | EL0);
      assert.equal(subject.run(), FROM_EL0);
      assert.equal(esr(), 0xc200_0022);
      assert.equal(returnAddress(), 8);
      assert.equal(subject.x(0), 2n);
      prepare(1, nops);
      debug(MDE | KDE);
      breakpoint(2, START + 4, E | EL1);
      assert.equal(subject.run(), FROM_EL1);
      assert.equal(esr(), 0xc600_0022);
    });

    it('do nothing while they are disabled, masked, locked or meant for another level', () => {
      const variations: readonly (readonly [level: 0 | 1, arrange: () => void])[] = [
        [0, () => debug(0)],
        [0, () => breakpoint(0, START + 4, EL0)],
        [0, () => breakpoint(0, START + 4, E | EL1)],
        [0, () => breakpoint(0, START + 0x1_0000_0000 + 4, E | EL0)],
        [0, () => machine.set(state, OS_LOCK, 1)],
        [1, () => debug(MDE)],
        [1, () => machine.set32(state, DAIF, 1 << 9)],
      ];
      for (const [level, arrange] of variations) {
        prepare(level, nops);
        debug(MDE | KDE);
        breakpoint(0, START + 4, E | EL0 | EL1);
        arrange();
        subject.run();
        assert.equal(esr() >>> 26, 0x15, String(arrange));
      }
    });

    it('of EL1 count from the instruction on after which D is clear', () => {
      prepare(1, (a) => {
        a.msr('DAIFClr', 8);
        nops(a);
      });
      machine.set32(state, DAIF, 0x3c0);
      debug(MDE | KDE);
      breakpoint(0, START, E | EL1);
      breakpoint(1, START + 4, E | EL1);
      assert.equal(subject.run(), FROM_EL1);
      assert.equal(esr(), 0xc600_0022);
      assert.equal(returnAddress(), 4);
    });

    it('can be linked to a context', () => {
      for (const [context, expected] of [
        [7, 0x30],
        [8, 0x15],
      ] as const) {
        prepare(0, nops);
        debug(MDE);
        breakpoint(1, START + 4, E | EL0 | (5 << 16) | (1 << 20));
        breakpoint(5, 7, E | EL0 | (3 << 20));
        machine.set(state, CONTEXTIDR_EL1, context);
        subject.run();
        assert.equal(esr() >>> 26, expected);
      }
    });
  });

  describe(`watchpoints (${tier} tier)`, () => {
    const access = (a: Assembler): void => {
      a.ldr(x2, [x1, 0x10]);
      a.str(x2, [x1, 0x20]);
      a.strb(registers.w2, [x1, 0x35]);
      a.svc(0);
    };
    const LOAD = 1 << 3;
    const STORE = 2 << 3;
    const ALL_BYTES = 0xff << 5;

    it('tell loads from stores, and their address', () => {
      prepare(0, access);
      debug(MDE);
      watchpoint(0, DATA + 0x10, E | EL0 | STORE | ALL_BYTES);
      watchpoint(1, DATA + 0x20, E | EL0 | STORE | ALL_BYTES);
      assert.equal(subject.run(), FROM_EL0);
      assert.equal(esr(), 0xd200_0062);
      assert.equal(machine.get(state, FAR_EL1), BigInt(DATA + 0x20));
      assert.equal(returnAddress(), 4);
      assert.equal(machine.readPhysical(DATA + 0x20), 0n);
      prepare(0, access);
      debug(MDE);
      watchpoint(3, DATA + 0x10, E | EL0 | LOAD | ALL_BYTES);
      assert.equal(subject.run(), FROM_EL0);
      assert.equal(esr(), 0xd200_0022);
      assert.equal(returnAddress(), 0);
    });

    it('watch single bytes, or a range by a mask', () => {
      const cases: readonly (readonly [address: number, control: number, where: number])[] = [
        [DATA + 0x30, 1 << 10, 8],
        [DATA + 0x30, 1 << 9, 12],
        [DATA + 0x34, 2 << 5, 8],
        [DATA + 0x34, 1 << 5, 12],
        [DATA + 0x30, ALL_BYTES | (4 << 24), 8],
        [DATA + 0x20, ALL_BYTES | (4 << 24), 4],
        [DATA, ALL_BYTES | (12 << 24), 4],
      ];
      for (const [address, control, where] of cases) {
        prepare(0, access);
        debug(MDE);
        watchpoint(0, address, E | EL0 | STORE | control);
        subject.run();
        assert.equal(returnAddress(), where === 12 ? 16 : where, `${address.toString(16)} ${control.toString(16)}`);
        assert.equal(esr() >>> 26, where === 12 ? 0x15 : 0x34);
      }
    });

    it('cost nothing once they are off', () => {
      prepare(0, access);
      const fast = machine.get32(state, TLB);
      debug(MDE);
      watchpoint(0, DATA + 0x100, E | EL0 | STORE | ALL_BYTES);
      assert.notEqual(machine.get32(state, TLB), fast);
      watchpoint(0, DATA + 0x100, 0);
      assert.equal(machine.get32(state, TLB), fast);
    });
  });

  describe(`single-stepping (${tier} tier)`, () => {
    /** Returns from EL1 to the program at EL0 with SPSR_EL1.SS. */
    const enter = (step: 0 | 1): void => {
      setLevel(machine.memory, state, 1, 1);
      machine.set32(state, DAIF, 0x3c0);
      machine.set(state, SPSR_EL1, step << 21);
      machine.set(state, ELR_EL1, machine.pc);
      debug(SS);
      exceptionReturn(subject.engine, state);
    };
    const STEP = 0xca00_0022;
    const VALID = 1 << 24;
    const EXCLUSIVE = 1 << 6;

    it('does one instruction at a time', () => {
      prepare(0, nops);
      for (let instruction = 1; instruction <= 3; instruction++) {
        enter(1);
        assert.equal(subject.run(), FROM_EL0);
        assert.equal(esr(), (STEP | VALID) >>> 0);
        assert.equal(returnAddress(), instruction * 4);
        assert.equal(subject.x(0), BigInt(instruction));
        assert.equal(machine.get(state, SPSR_EL1), 0n);
        machine.pc = START + instruction * 4;
      }
    });

    it('is due at once when SS was clear', () => {
      prepare(0, nops);
      enter(0);
      assert.equal(subject.run(), FROM_EL0);
      assert.equal(esr(), STEP);
      assert.equal(returnAddress(), 0);
    });

    it('tells that a load-exclusive was stepped', () => {
      prepare(0, (a) => {
        a.ldxr(x3, x1);
        a.svc(0);
      });
      enter(1);
      subject.run();
      assert.equal(esr(), (STEP | VALID | EXCLUSIVE) >>> 0);
    });

    it('ends with a system call, but not with a fault', () => {
      prepare(0, (a) => a.svc(5));
      enter(1);
      subject.run();
      assert.equal(esr(), 0x5600_0005);
      assert.equal(machine.get(state, SPSR_EL1), 0n);
      prepare(0, (a) => a.word(0));
      enter(1);
      subject.run();
      assert.equal(esr(), 0x200_0000);
      assert.equal(machine.get(state, SPSR_EL1), 1n << 21n);
    });

    it('does not step EL1 without KDE', () => {
      prepare(1, (a) => {
        a.add(x0, x0, 1);
        a.add(x0, x0, 1);
        a.hvc(FINISHED);
      });
      debug(SS);
      assert.equal(subject.run(), FINISHED);
      assert.equal(subject.x(0), 2n);
    });
  });
}
