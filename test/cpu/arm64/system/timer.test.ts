import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  accessOperand,
  readSystemRegister,
  systemRegisters,
  writeSystemRegister,
} from '../../../../src/cpu/arm64/system-registers.ts';
import { CNTKCTL_EL1 } from '../../../../src/cpu/arm64/system-state.ts';
import { eventStreamPeriod, Timer, timerAsserted, timerDeadline } from '../../../../src/cpu/arm64/timer.ts';
import { SCRATCH } from '../../../../src/cpu/state.ts';
import { Machine } from './machine.ts';

const machine = new Machine();
const state = machine.first;
const { memory } = machine;

const operandOf = (name: string): number =>
  accessOperand(systemRegisters.find((entry) => entry.name === name)?.encoding ?? -1, 0);

const read = (name: string): bigint => {
  machine.set32(state, SCRATCH, operandOf(name));
  readSystemRegister(machine.runtime, state);
  return machine.get(state, SCRATCH);
};

const write = (name: string, value: bigint | number): void => {
  machine.set(state, SCRATCH, value);
  machine.set32(state, SCRATCH + 16, operandOf(name));
  writeSystemRegister(machine.runtime, state);
};

const ENABLE = 1n;
const IMASK = 2n;
const ISTATUS = 4n;

describe('the counters', () => {
  it('show all the bits that the environment has', () => {
    machine.counter = 0x1f_ffff_ffff_0000;
    assert.equal(read('CNTVCT_EL0'), 0x1f_ffff_ffff_0000n);
    assert.equal(read('CNTPCT_EL0'), 0x1f_ffff_ffff_0000n + 1000n);
  });
});

describe('a timer', () => {
  it('counts down in TVAL, which sets CVAL', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 52 }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        (now, offset, passed) => {
          machine.counter = now;
          write('CNTV_TVAL_EL0', BigInt.asUintN(32, BigInt(offset)));
          const compare = BigInt.asUintN(64, BigInt(now) + BigInt(offset));
          assert.equal(read('CNTV_CVAL_EL0'), compare);
          machine.counter = now + passed;
          assert.equal(read('CNTV_TVAL_EL0'), BigInt.asUintN(32, compare - BigInt(machine.counter)));
        },
      ),
    );
  });

  it('has its condition from the compare value on, whether masked or not', () => {
    write('CNTV_CVAL_EL0', 5000);
    for (const [control, asserts, status] of [
      [0n, false, false],
      [ENABLE, true, true],
      [ENABLE | IMASK, false, true],
      [IMASK, false, false],
    ] as const) {
      write('CNTV_CTL_EL0', control);
      for (const [counter, reached] of [
        [4999, false],
        [5000, true],
        [2 ** 52, true],
      ] as const) {
        machine.counter = counter;
        assert.equal(timerAsserted(memory, state, Timer.virtual, counter), asserts && reached);
        assert.equal(read('CNTV_CTL_EL0'), control | (status && reached ? ISTATUS : 0n));
      }
      assert.equal(timerDeadline(memory, state, Timer.virtual), asserts ? 5000 : Number.POSITIVE_INFINITY);
    }
  });

  it('never fires with a compare value out of reach', () => {
    write('CNTV_CTL_EL0', ENABLE);
    write('CNTV_CVAL_EL0', -1n);
    assert.equal(timerAsserted(memory, state, Timer.virtual, 2 ** 53 - 1), false);
  });

  it('is its own: the physical one follows the physical counter', () => {
    machine.counter = 100;
    write('CNTP_CTL_EL0', ENABLE);
    write('CNTP_TVAL_EL0', 50);
    assert.equal(timerDeadline(memory, state, Timer.physical), 1150);
  });

  it('tells the environment of each change', () => {
    const before = machine.timerChanges;
    for (const name of ['CNTV_TVAL_EL0', 'CNTV_CVAL_EL0', 'CNTV_CTL_EL0', 'CNTP_CTL_EL0']) write(name, 0);
    assert.equal(machine.timerChanges, before + 4);
  });
});

describe('the event stream', () => {
  it('has the period of its bit of the counter', () => {
    machine.set(state, CNTKCTL_EL1, 0);
    assert.equal(eventStreamPeriod(memory, state), Number.POSITIVE_INFINITY);
    machine.set(state, CNTKCTL_EL1, (1 << 2) | (11 << 4));
    assert.equal(eventStreamPeriod(memory, state), 4096);
  });
});
