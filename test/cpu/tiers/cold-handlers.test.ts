import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Assembler } from '../../../src/cpu/arm64/assembler.ts';
import { resetProcessor } from '../../../src/cpu/arm64/reset.ts';
import { X } from '../../../src/cpu/arm64/state.ts';
import type { Engine } from '../../../src/cpu/engine.ts';
import { Exit } from '../../../src/cpu/exits.ts';
import { BUDGET } from '../../../src/cpu/state.ts';
import { Machine, RAM } from '../arm64/system/machine.ts';

/** Handlers outside the main loop are made by each thread when it meets them. */

const BUDGET_GIVEN = 100;
/** ROR (immediate), as EXTR with the same register twice; SMADDL; REV; CLZ; RBIT; HVC #1. */
const PROGRAM = [0x93c0_4001, 0x9b20_0002, 0xdac0_0c03, 0xdac0_1004, 0xdac0_0005, 0xd400_0022];
const INPUT = 0x0123_4567_89ab_cdefn;
const results = [0xcdef_0123_4567_89abn, 0n, 0xefcd_ab89_6745_2301n, 7n, 0xf7b3_d591_e6a2_c480n];

const load = (machine: Machine): void => {
  const assembler = new Assembler(RAM);
  for (const word of PROGRAM) assembler.word(word);
  machine.writeBytes(RAM, assembler.finish());
};

const runAndCheck = (machine: Machine, engine: Engine): void => {
  const state = machine.first;
  resetProcessor(machine.runtime, state, { pc: RAM, x0: 0 });
  machine.set(state, X, INPUT);
  machine.set32(state, BUDGET, BUDGET_GIVEN);
  assert.equal(engine.run(state), Exit.hypervisorCall);
  const multiplied = BigInt.asIntN(32, INPUT) * BigInt.asIntN(32, INPUT);
  for (const [index, expected] of results.entries()) {
    const value = machine.get(state, X + (index + 1) * 8);
    assert.equal(value, index === 1 ? BigInt.asUintN(64, multiplied + INPUT) : expected, `X${index + 1}`);
  }
  assert.equal(machine.get32(state, BUDGET), BUDGET_GIVEN - PROGRAM.length, 'each instruction counts once');
};

test('an engine makes what another one decoded', () => {
  const machine = new Machine();
  load(machine);
  const first = machine.engine('cold');
  const second = machine.engine('cold');
  runAndCheck(machine, first);
  assert.ok(first.statistics.decoded >= PROGRAM.length);
  runAndCheck(machine, second);
  assert.equal(second.statistics.decoded, 0);
  // What was made serves again.
  runAndCheck(machine, first);
});

test('one instruction at a time', () => {
  const machine = new Machine();
  load(machine);
  const engine = machine.engine('cold');
  const state = machine.first;
  machine.set(state, X, INPUT);
  for (let step = 1; step < PROGRAM.length; step++) {
    engine.step(state);
    assert.equal(machine.pc, BigInt(RAM + step * 4));
  }
  assert.equal(machine.get(state, X + 8), results[0]);
  assert.equal(machine.get(state, X + 5 * 8), results[4]);
});
