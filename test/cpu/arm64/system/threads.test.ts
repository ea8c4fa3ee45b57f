import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Assembler, registers } from '../../../../src/cpu/arm64/assembler.ts';
import { addressSpaceChanged } from '../../../../src/cpu/arm64/mmu/banks.ts';
import { X } from '../../../../src/cpu/arm64/state.ts';
import { TTBR0_EL1, VBAR_EL1 } from '../../../../src/cpu/arm64/system-state.ts';
import { PC } from '../../../../src/cpu/state.ts';
import { RAM } from './machine.ts';
import { KERNEL_PAGE, MappedMachine, UPPER, USER_PAGE } from './mapped-machine.ts';
import { makeHold, release, runOnThread, whenHeld } from './processor-thread.ts';
import { Runner, tiers } from './runner.ts';

/** Two processors, each on a thread: what one of them takes away or changes the other one does not use any more after the DSB. */

const { x0, x1, x2, x3, x4, x5, x7, x8, x9, x10, x11, x12, x13, x14, w4, xzr } = registers;

/** All of RAM up to here is mapped at UPPER. */
const MAPPED = 0x1a_0000;
const PROGRAMS = [RAM + 0x1000, RAM + 0x2000];
const FUNCTION = RAM + 0x3000;
const FLAG = RAM + 0x4000;
const VECTORS = RAM + 0x8000;
/** From the current level with its own stack pointer, synchronous. */
const VECTOR = 0x200;
const FRAMES = [RAM + 0x10000, RAM + 0x11000];
const SCRATCH = RAM + 0x12000;
/** For each processor a page that it maps and unmaps, followed by one that stays. */
const WINDOWS = [UPPER + 0x20_0000n, UPPER + 0x20_2000n];

const virtual = (physical: number): bigint => UPPER + BigInt(physical - RAM);

const FINISHED = 1;

/** The last eight bytes of a page, and a store of eight bytes that ends in the next page, for which there is no fast path. */
const LAST = 0xff8;
const ACROSS = 0xffcn;

/** In the lower half, with a page behind it, in the address spaces of these numbers. */
const USER_WINDOW = 0x40_0000n;
const ASID = 3;
const OTHER_ASID = 4;

/** Milliseconds that an access is held up, where everything else is over in less. */
const HOLD = 200;

const ROUNDS = 300;
/** Stores to the other one's window in a round, and looks at the own frame while it is not mapped there. */
const STORES = 3;
const LOOKS = 5000;
/** Milliseconds that each of these stores is held up. */
const SHORT_HOLD = 0.05;

/** MOVZ X0, #0. */
const MOVZ = 0xd280_0000 | 0;

class Machine extends MappedMachine {
  readonly processors: readonly number[] = [this.first, this.second];

  constructor() {
    super();
    for (let offset = 0; offset < MAPPED; offset += 4096)
      this.kernel.map(virtual(RAM + offset), RAM + offset, KERNEL_PAGE);
    for (const [index, window] of WINDOWS.entries()) {
      this.kernel.map(window, FRAMES[index], KERNEL_PAGE);
      this.kernel.map(window + 4096n, SCRATCH, KERNEL_PAGE);
    }
    // Whatever faults is left out.
    this.#write(VECTORS + VECTOR, (a) => {
      a.mrs(x11, 'ELR_EL1');
      a.add(x11, x11, 4);
      a.msr('ELR_EL1', x11);
      a.eret();
    });
    for (const processor of this.processors) this.set(processor, VBAR_EL1, virtual(VECTORS));
  }

  #write(physical: number, write: (a: Assembler) => void): void {
    const assembler = new Assembler(virtual(physical));
    write(assembler);
    this.writeBytes(physical, assembler.finish());
  }

  /** Gives a processor, by its index, a program that ends with an HVC, and its first registers. */
  program(index: number, initial: readonly (bigint | number)[], write: (a: Assembler) => void): void {
    this.#write(PROGRAMS[index], (a) => {
      write(a);
      a.hvc(FINISHED);
    });
    const state = this.processors[index];
    this.set(state, PC, virtual(PROGRAMS[index]));
    for (const [number, value] of initial.entries()) this.set(state, X + number * 8, value);
  }

  /** Puts a processor, by its index, into the address space of a number; all have the same mappings. */
  enterSpace(index: number, asid: number): void {
    const state = this.processors[index];
    this.set(state, TTBR0_EL1, BigInt(this.user.root) | (BigInt(asid) << 48n));
    addressSpaceChanged(this.memory, state);
  }

  /** Writes the function that gives a number. */
  function(number: number): void {
    this.#write(FUNCTION, (a) => {
      a.word(MOVZ | (number << 5));
      a.ret();
    });
  }

  x(index: number, number: number): bigint {
    return this.get(this.processors[index], X + number * 8);
  }

  /** What X1 to X6 are for one who unmaps its window, as in `unmap`. */
  windowRegisters(index: number): bigint[] {
    const descriptor = this.kernel.descriptor(WINDOWS[index], 3);
    return [
      0n,
      virtual(FRAMES[index]),
      virtual(descriptor),
      this.readPhysical(descriptor),
      (WINDOWS[index] >> 12n) & 0xfff_ffff_ffffn,
    ];
  }
}

/** Unmaps the own window: X2 points to its descriptor, X4 is what TLBI takes. */
const unmap = (a: Assembler): void => {
  a.str(xzr, [x2]);
  a.dsb('ishst');
  a.tlbi('vae1is', x4);
  a.dsb('ish');
};

describe('a DSB after a broadcast TLBI', () => {
  it('waits for an access that has its translation already', async () => {
    const machine = new Machine();
    machine.program(0, machine.windowRegisters(0), unmap);
    machine.program(1, [-1n, WINDOWS[0] + ACROSS], (a) => a.str(x0, [x1]));
    const runner = new Runner(machine, 'cold');
    const hold = makeHold(SCRATCH / 4096, HOLD);
    const storing = runOnThread(machine, machine.second, 'cold', hold);
    await whenHeld(hold);
    assert.equal(runner.run(), FINISHED);
    assert.equal(machine.readPhysical(FRAMES[0] + LAST), 0xffff_ffff_0000_0000n, 'what the store wrote');
    machine.writePhysical(FRAMES[0] + LAST, 0n);
    release(hold);
    await storing;
    assert.equal(machine.readPhysical(FRAMES[0] + LAST), 0n, 'what the frame is used for now');
  });

  for (const [what, asid, waits] of [
    ['its own address space', ASID, true],
    ['another address space', OTHER_ASID, false],
  ] as const) {
    it(`${waits ? 'waits' : 'does not wait'} for an access in ${what} when one space's mappings are dropped`, async () => {
      const machine = new Machine();
      // Two processors that are in address spaces of their own; the second one's access is held up in the middle.
      machine.user.map(USER_WINDOW, FRAMES[0], USER_PAGE);
      machine.user.map(USER_WINDOW + 4096n, SCRATCH, USER_PAGE);
      for (const [processor, space] of [ASID, asid].entries()) machine.enterSpace(processor, space);
      machine.program(0, [0n, 0n, BigInt(ASID) << 48n], (a) => {
        a.tlbi('aside1is', x2);
        a.dsb('ish');
      });
      machine.program(1, [-1n, USER_WINDOW + ACROSS], (a) => a.str(x0, [x1]));
      const runner = new Runner(machine, 'cold');
      const hold = makeHold(SCRATCH / 4096, HOLD);
      const storing = runOnThread(machine, machine.second, 'cold', hold);
      await whenHeld(hold);
      assert.equal(runner.run(), FINISHED);
      assert.equal(machine.readPhysical(FRAMES[0] + LAST) !== 0n, waits, 'whether the store was done before the DSB');
      release(hold);
      await storing;
    });
  }

  it('keeps stores out while two processors, one in each tier, do it to each other', async () => {
    const machine = new Machine();
    for (const index of [0, 1]) {
      const other = WINDOWS[1 - index];
      const initial = [
        ...machine.windowRegisters(index),
        0n,
        0n,
        0n,
        0n,
        -1n,
        0n,
        0n,
        0n,
        other + BigInt(LAST),
        other + ACROSS,
      ];
      machine.program(index, initial, (a) => {
        a.mov(x7, ROUNDS);
        a.label('round');
        a.mov(x8, STORES);
        a.label('store');
        a.str(x9, [x13]);
        a.str(x9, [x14]);
        a.sub(x8, x8, 1);
        a.cbnz(x8, 'store');
        unmap(a);
        a.str(xzr, [x1, LAST]);
        a.mov(x8, LOOKS);
        a.label('look');
        a.ldr(x12, [x1, LAST]);
        a.orr(x10, x10, x12);
        a.sub(x8, x8, 1);
        a.cbnz(x8, 'look');
        a.str(x3, [x2]);
        a.dsb('ishst');
        a.sub(x7, x7, 1);
        a.cbnz(x7, 'round');
      });
    }
    await Promise.all(
      machine.processors.map((processor, index) =>
        runOnThread(machine, processor, tiers[index], makeHold(SCRATCH / 4096, SHORT_HOLD)),
      ),
    );
    for (const index of [0, 1]) {
      assert.equal(machine.x(index, 7), 0n, 'rounds left');
      assert.equal(machine.x(index, 10), 0n, 'what stores left in a page that was not theirs');
    }
  });
});

describe('IC IVAU', () => {
  for (const [at, what] of [
    ['record', 'decoded'],
    ['region', 'translated'],
  ] as const) {
    it(`ends code that another processor has read and not yet ${what}`, async () => {
      const machine = new Machine();
      const places = [0n, virtual(FUNCTION), virtual(FLAG)];
      machine.function(1);
      machine.program(1, places, (a) => {
        for (let call = 0; call < 5; call++) a.blr(x1);
        a.label('not told');
        a.ldar(x5, x2);
        a.cbz(x5, 'not told');
        a.isb();
        a.blr(x1);
      });
      machine.program(0, places, (a) => {
        a.mov(x4, MOVZ | (2 << 5));
        a.str(w4, [x1]);
        a.dc('cvau', x1);
        a.dsb('ish');
        a.ic('ivau', x1);
        a.dsb('ish');
        a.mov(x5, 1);
        a.stlr(x5, x2);
      });
      const runner = new Runner(machine, 'cold');
      const hold = makeHold(at === 'record' ? { word: MOVZ | (1 << 5) } : 'region', HOLD);
      const calling = runOnThread(machine, machine.second, at === 'record' ? 'cold' : 'hot', hold);
      await whenHeld(hold);
      assert.equal(runner.run(), FINISHED);
      release(hold);
      await calling;
      assert.equal(machine.x(1, 0), 2n, 'what the last call gave');
    });
  }
});
