import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { arm64Architecture } from '../../../../src/cpu/arm64/architecture.ts';
import { Assembler, registers } from '../../../../src/cpu/arm64/assembler.ts';
import { resetProcessor } from '../../../../src/cpu/arm64/reset.ts';
import { X } from '../../../../src/cpu/arm64/state.ts';
import { Decoder } from '../../../../src/cpu/decoder.ts';
import type { Engine } from '../../../../src/cpu/engine.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import type { RegionBatch, RegionCompiler, RegionRequest } from '../../../../src/cpu/region-compiler.ts';
import { noTranslations, RegionTranslator } from '../../../../src/cpu/region-translator.ts';
import { BUDGET } from '../../../../src/cpu/state.ts';
import { Machine, RAM } from './machine.ts';

/** Engines whose regions somebody else makes, some time later. */

const { x0, x29, x30 } = registers;

const decoder = new Decoder(arm64Architecture.instructions, arm64Architecture.undefinedInstruction);

/** A translator that works when it is told to, for several engines. */
class Translator {
  readonly requests: RegionRequest[] = [];
  readonly queues: RegionBatch[][] = [];
  readonly #translator: RegionTranslator;

  constructor(machine: Machine) {
    this.#translator = new RegionTranslator({
      architecture: arm64Architecture,
      memory: machine.memory,
      codeCache: machine.runtime.codeCache,
      quietPoint: machine.runtime.quietPoint,
      decoder,
      now: () => 0,
      statistics: noTranslations(),
    });
  }

  get statistics() {
    return this.#translator.statistics;
  }

  /** The way of one more engine to it. */
  connect(): RegionCompiler {
    const queue: RegionBatch[] = [];
    this.queues.push(queue);
    return {
      request: (request) => this.requests.push(request),
      requestAgain: () => {},
      take: () => queue.shift() ?? null,
    };
  }

  /** Translates what was asked for; `meanwhile` happens before records lead there. Gives how many regions were made. */
  work(meanwhile = (): void => {}): number {
    const batch = this.#translator.translate(this.requests.splice(0));
    if (batch === null) return 0;
    for (const queue of this.queues) queue.push(batch);
    meanwhile();
    this.#translator.publish(batch);
    return batch.regions.length;
  }
}

/** Counts X0 up by 3 in each round: 1 here, 2 in two functions. */
const PROGRAM = (a: Assembler): void => {
  a.label('round');
  a.bl('one');
  a.add(x0, x0, 1);
  a.bl('other');
  a.b('round');
  a.label('one');
  a.add(x0, x0, 1);
  a.ret();
  a.label('other');
  a.mov(x29, x30);
  a.add(x0, x0, 1);
  a.ret(x29);
};
const ROUND = 9;

describe('regions that come later', () => {
  let machine: Machine;
  let engine: Engine;
  let translator: Translator;

  beforeEach(() => {
    machine = new Machine();
    const assembler = new Assembler(RAM);
    PROGRAM(assembler);
    machine.writeBytes(RAM, assembler.finish());
    resetProcessor(machine.runtime, machine.first, { pc: RAM, x0: 0 });
    translator = new Translator(machine);
    engine = machine.engine('hot', arm64Architecture, translator.connect());
  });

  /** Runs so many rounds and some instructions more; gives how many of them were hot. */
  const run = (rounds: number, on = engine, state = machine.first): number => {
    const before = { x: machine.get(state, X), hot: on.statistics.hotInstructions };
    machine.set32(state, BUDGET, rounds * ROUND);
    while ((machine.get32(state, BUDGET) | 0) > 0) assert.equal(on.run(state), Exit.budget);
    const gained = Number(machine.get(state, X) - before.x);
    assert.ok(Math.abs(gained - rounds * 3) <= 3 + 3 * rounds * 0.01, `X0 gained ${gained} in ${rounds} rounds`);
    return on.statistics.hotInstructions - before.hot;
  };

  it('leave the guest in the cold tier, and then take over, all of a batch from one module', () => {
    assert.equal(run(100), 0);
    assert.ok(translator.requests.length >= 2);
    const made = translator.work();
    assert.ok(made >= 2);
    assert.equal(translator.statistics.modules, 1);
    assert.ok(run(100) > 800);
    assert.equal(engine.exits[Exit.notInstalled], 1, 'one look brings the whole batch');
    assert.equal(translator.requests.length, 0);
  });

  it('serve another engine without being made again', () => {
    const second = machine.engine('hot', arm64Architecture, translator.connect());
    resetProcessor(machine.runtime, machine.second, { pc: RAM, x0: 0 });
    run(100);
    const made = translator.work();
    assert.ok(run(100) > 800);
    assert.ok(run(100, second, machine.second) > 800);
    assert.deepEqual([translator.statistics.regions, translator.requests.length], [made, 0]);
  });

  it('are not led into if the code was changed while they were made', () => {
    run(100);
    const word = machine.memory.u32[machine.machineAddress(RAM + 4) >>> 2] as number;
    assert.ok(
      translator.work(() => {
        // add x0, x0, #1 becomes add x0, x0, #0.
        machine.memory.u32[machine.machineAddress(RAM + 4) >>> 2] = word & ~(0xfff << 10);
        machine.runtime.codeCache.invalidate(machine.machineAddress(RAM), 0, 63);
      }) > 0,
    );
    const before = machine.get(machine.first, X);
    machine.set32(machine.first, BUDGET, 10 * ROUND);
    while ((machine.get32(machine.first, BUDGET) | 0) > 0) engine.run(machine.first);
    assert.equal(engine.statistics.hotInstructions, 0);
    assert.ok(machine.get(machine.first, X) - before <= 22n);
  });

  it('that never arrive are not waited for', () => {
    run(100);
    assert.ok(translator.work(() => translator.queues[0]?.splice(0)) > 0);
    assert.equal(run(100), 0);
    assert.ok(translator.work() > 0, 'they are asked for again');
    assert.ok(run(100) > 800);
  });

  it('are forgotten when all regions are dropped, before they come and after', () => {
    const { codeCache } = machine.runtime;
    run(100);
    codeCache.startRegionsOver();
    assert.equal(translator.work(), 0, 'what was asked for before');
    run(100);
    translator.work(() => codeCache.startRegionsOver());
    assert.equal(run(2), 0, 'what came too late');
    run(100);
    assert.ok(translator.work() > 0);
    assert.ok(run(100) > 800);
    codeCache.startRegionsOver();
    assert.equal(run(2), 0);
    run(100);
    assert.ok(translator.work() > 0);
    assert.ok(run(100) > 800);
  });

  it('do not run in place of a single instruction', () => {
    run(100);
    assert.ok(translator.work() > 0);
    // The last instruction that a budget allows lies where a region begins.
    machine.pc = RAM;
    machine.set32(machine.first, BUDGET, 1);
    assert.equal(engine.run(machine.first), Exit.budget);
    assert.equal(machine.pc, BigInt(RAM));
    assert.equal(engine.statistics.hotInstructions, 0);
    assert.equal(engine.step(machine.first), Exit.budget);
    assert.equal(machine.pc, BigInt(RAM + 16), 'the first instruction is a call');
    assert.equal(engine.statistics.hotInstructions, 0);
  });
});
