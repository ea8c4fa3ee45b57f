import { Assembler } from '../../../../src/cpu/arm64/assembler.ts';
import { debugActive } from '../../../../src/cpu/arm64/debug/enabled.ts';
import { afterStep, beforeInstruction } from '../../../../src/cpu/arm64/debug/software-step.ts';
import { interruptDeliverable, resume, takeInterrupt } from '../../../../src/cpu/arm64/exceptions.ts';
import { resetProcessor } from '../../../../src/cpu/arm64/reset.ts';
import { isHeld } from '../../../../src/cpu/arm64/stack-alignment.ts';
import { X } from '../../../../src/cpu/arm64/state.ts';
import type { Engine } from '../../../../src/cpu/engine.ts';
import { Exit } from '../../../../src/cpu/exits.ts';
import { Status } from '../../../../src/cpu/runtime.ts';
import { BUDGET, INTERRUPT_LINE, PENDING_SYNDROME } from '../../../../src/cpu/state.ts';
import { type Machine, RAM } from './machine.ts';

export type Tier = 'cold' | 'hot';
export const tiers: readonly Tier[] = ['cold', 'hot'];

/** Instructions that a test program may need at most. */
const LIMIT = 100_000;

/** Runs programs on a machine as the layer above the engine does, up to an HVC. */
export class Runner<M extends Machine = Machine> {
  readonly machine: M;
  readonly engine: Engine;
  /** The exits met, but those that only look for interrupts. */
  readonly exits: Exit[] = [];

  constructor(machine: M, tier: Tier) {
    this.machine = machine;
    this.engine = machine.engine(tier);
  }

  /** Makes the processor as new, and forgets all code. */
  reset(): void {
    const { machine } = this;
    resetProcessor(machine.runtime, machine.first, { pc: RAM, x0: 0 });
    machine.set32(machine.first, INTERRUPT_LINE, 0);
    machine.runtime.codeCache.invalidateAll();
    machine.events = 0;
    this.exits.length = 0;
  }

  /** Assembles a program, puts it at a physical address, and returns it. */
  assemble(physical: number, origin: number | bigint, write: (a: Assembler) => void): Assembler {
    const assembler = new Assembler(origin);
    write(assembler);
    this.machine.writeBytes(physical, assembler.finish());
    return assembler;
  }

  x(number: number): bigint {
    return this.machine.get(this.machine.first, X + number * 8);
  }

  setX(number: number, value: bigint | number): void {
    this.machine.set(this.machine.first, X + number * 8, value);
  }

  /** Runs to the next HVC; gives its immediate, or -1 at a WFI. */
  run(): number {
    const { machine, engine } = this;
    const state = machine.first;
    for (let used = 0; used < LIMIT; ) {
      if (interruptDeliverable(engine, state)) takeInterrupt(engine, state, false);
      machine.set32(state, BUDGET, 1000);
      let exit: Exit = Exit.exception;
      const held = isHeld(machine.memory, state);
      if (!held && !debugActive(engine, state)) exit = engine.run(state);
      else if (beforeInstruction(engine, state) === Status.done) {
        exit = engine.step(state);
        if (exit !== Exit.exception && exit !== Exit.exceptionReturn) afterStep(engine, state);
      }
      used += 1001 - (machine.get32(state, BUDGET) | 0);
      if (exit !== Exit.interruptCheck && exit !== Exit.budget) this.exits.push(exit);
      switch (resume(engine, state, exit)) {
        case Exit.hypervisorCall:
          return machine.get32(state, PENDING_SYNDROME);
        case Exit.waitForInterrupt:
          return -1;
      }
    }
    throw new Error(`no HVC by ${machine.pc.toString(16)}`);
  }
}
