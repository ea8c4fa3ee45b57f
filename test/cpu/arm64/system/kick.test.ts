import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Assembler, registers } from '../../../../src/cpu/arm64/assembler.ts';
import { resetProcessor } from '../../../../src/cpu/arm64/reset.ts';
import { X } from '../../../../src/cpu/arm64/state.ts';
import { VBAR_EL1 } from '../../../../src/cpu/arm64/system-state.ts';
import { RECORDS } from '../../../../src/cpu/code-page.ts';
import type { Engine } from '../../../../src/cpu/engine.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import { clearKick, isKicked, kick } from '../../../../src/cpu/kick.ts';
import { BUDGET } from '../../../../src/cpu/state.ts';
import { DEVICE, Machine, RAM } from './machine.ts';
import { tiers } from './runner.ts';

const { x0, x1, x2, x30 } = registers;

const BUDGET_INSTRUCTIONS = 100_000;
/** Stores to the device until somebody kicks: late enough for the code to be hot. */
const STORES = 500;

interface Subject {
  readonly machine: Machine;
  readonly engine: Engine;
}

/** A program with X1 pointing to the device. */
const subject = (tier: 'cold' | 'hot', write: (a: Assembler) => void): Subject => {
  const machine = new Machine();
  const assembler = new Assembler(RAM);
  write(assembler);
  machine.writeBytes(RAM, assembler.finish());
  resetProcessor(machine.runtime, machine.first, { pc: RAM, x0: 0 });
  machine.set(machine.first, X + 8, DEVICE);
  machine.set32(machine.first, BUDGET, BUDGET_INSTRUCTIONS);
  return { machine, engine: machine.engine(tier) };
};

/** Ways to go round without an end, with a store to the device in each. */
const loops: readonly { readonly name: string; readonly length: number; readonly write: (a: Assembler) => void }[] = [
  {
    name: 'direct branches',
    length: 3,
    write(a) {
      a.label('loop');
      a.str(x0, [x1]);
      a.add(x2, x2, 1);
      a.b('loop');
    },
  },
  {
    name: 'computed branches',
    length: 4,
    write(a) {
      a.adr(x30, 'loop');
      a.label('loop');
      a.str(x0, [x1]);
      a.add(x2, x2, 1);
      a.ret();
    },
  },
  {
    name: 'several pages',
    length: 2 * RECORDS,
    write(a) {
      a.label('loop');
      a.str(x0, [x1]);
      for (let i = 0; i < 2 * RECORDS - 2; i++) a.nop();
      a.b('loop');
    },
  },
];

for (const tier of tiers) {
  describe(`a kick (${tier} tier)`, () => {
    for (const { name, length, write } of loops) {
      it(`ends a run soon that goes on by ${name}`, () => {
        const { machine, engine } = subject(tier, write);
        const stores = length > RECORDS ? 5 : STORES;
        machine.onDeviceWrite = () => {
          if (machine.deviceWrites.length === stores) kick(machine.memory, machine.first);
        };
        assert.equal(engine.run(machine.first), Exit.budget);
        assert.equal(machine.deviceWrites.length, stores + 1);
        const left = machine.get32(machine.first, BUDGET) | 0;
        const ran = BUDGET_INSTRUCTIONS - left;
        assert.ok(left > 0 && ran <= (stores + 1) * length + 1, `${ran} instructions`);
        assert.equal(engine.statistics.regions > 0, tier === 'hot');
        assert.ok(clearKick(machine.memory, machine.first), 'whoever runs the vCPU takes it back');
        assert.ok(!clearKick(machine.memory, machine.first));
        machine.onDeviceWrite = null;
        machine.set32(machine.first, BUDGET, 10 * length);
        assert.equal(engine.run(machine.first), Exit.budget);
        assert.ok((machine.get32(machine.first, BUDGET) | 0) < 0);
      });
    }

    it('ends exceptions that follow each other without an instruction, and so does the budget', () => {
      // No vector is mapped, so every fetch of one faults.
      const { machine, engine } = subject(tier, (a) => a.brk(1));
      machine.set(machine.first, VBAR_EL1, DEVICE);
      let fetches = 0;
      machine.onTranslate = () => {
        if (++fetches === STORES) kick(machine.memory, machine.first);
      };
      assert.equal(engine.run(machine.first), Exit.budget);
      assert.ok(fetches <= STORES + 1, `${fetches} fetches`);
      assert.ok(clearKick(machine.memory, machine.first));
      assert.equal(engine.run(machine.first), Exit.budget);
      assert.ok((machine.get32(machine.first, BUDGET) | 0) < 0);
    });

    it('does not keep a step from being made', () => {
      const { machine, engine } = subject(tier, (a) => {
        a.label('loop');
        a.add(x2, x2, 1);
        a.b('loop');
      });
      for (let step = 1; step <= 20; step++) {
        kick(machine.memory, machine.first);
        assert.equal(engine.step(machine.first), Exit.budget);
        assert.ok(clearKick(machine.memory, machine.first));
        assert.ok(!isKicked(machine.memory, machine.first));
        assert.equal(Number(machine.pc), RAM + (step % 2) * 4);
        assert.equal(machine.get(machine.first, X + 16), BigInt((step + 1) >> 1));
      }
    });
  });
}
