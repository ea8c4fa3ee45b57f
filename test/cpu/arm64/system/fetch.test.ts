import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fetch, followCodeCache } from '../../../../src/cpu/arm64/instruction-fetch.ts';
import { translationChanged } from '../../../../src/cpu/arm64/mmu/banks.ts';
import { SCTLR_EL1, TCR_EL1 } from '../../../../src/cpu/arm64/system-state.ts';
import { Status } from '../../../../src/cpu/runtime.ts';
import { CODE_PAGE } from '../../../../src/cpu/state.ts';
import { type Fault, faultOf, hits } from './accesses.ts';
import { RAM } from './machine.ts';
import { KERNEL_PAGE, Leaf, MappedMachine, UPPER, USER_PAGE } from './mapped-machine.ts';

const LOW = 0x41_0000n;

/** Fetches at an address: the guest-physical frame of the code, or the fault. */
const fetchAt = (machine: MappedMachine, address: bigint): number | Fault => {
  machine.pc = address;
  const { runtime, first } = machine;
  if (fetch(runtime, first) !== Status.done) return faultOf(machine);
  const frame = runtime.codeCache.frameOf(machine.get32(first, CODE_PAGE));
  return frame - machine.machineAddress(RAM) + RAM;
};

const abort = (address: bigint, specific: number): Fault => ({ exceptionClass: 0x20, specific, address });
const PERMISSION_3 = 15;
const TRANSLATION_3 = 7;

describe('instruction fetches', () => {
  it('find the page of the frame and enter it in the table', () => {
    const machine = new MappedMachine();
    machine.kernel.map(UPPER, RAM + 0x3000, KERNEL_PAGE);
    assert.equal(fetchAt(machine, UPPER + 0x124n), RAM + 0x3000);
    assert.ok(hits(machine, UPPER, 'execute') && !hits(machine, UPPER, 'read'));
  });

  it('need the right for their level', () => {
    const machine = new MappedMachine();
    const pages = [
      { attributes: KERNEL_PAGE, kernel: true, user: true },
      { attributes: KERNEL_PAGE | Leaf.noExecute1, kernel: false, user: true },
      { attributes: KERNEL_PAGE | Leaf.noExecute0, kernel: true, user: false },
      // What EL0 may write EL1 must not run.
      { attributes: USER_PAGE, kernel: false, user: true },
      { attributes: USER_PAGE | Leaf.readOnly, kernel: true, user: true },
      { attributes: USER_PAGE | Leaf.readOnly | Leaf.noExecute0, kernel: true, user: false },
    ];
    for (const [index, { attributes }] of pages.entries()) {
      machine.user.map(LOW + BigInt(index) * 4096n, RAM + index * 4096, attributes);
    }
    for (const level of [1, 0] as const) {
      machine.level(level);
      for (const [index, page] of pages.entries()) {
        const address = LOW + BigInt(index) * 4096n;
        const expected = (level === 1 ? page.kernel : page.user) ? RAM + index * 4096 : abort(address, PERMISSION_3);
        assert.deepEqual(fetchAt(machine, address), expected, `page ${index} at EL${level}`);
      }
    }
  });

  it('forbid what is writable while SCTLR_EL1.WXN is set', () => {
    const machine = new MappedMachine();
    machine.kernel.map(UPPER, RAM, KERNEL_PAGE);
    machine.kernel.map(UPPER + 0x1000n, RAM, KERNEL_PAGE | Leaf.readOnly);
    machine.set(machine.first, SCTLR_EL1, machine.get(machine.first, SCTLR_EL1) | (1n << 19n));
    assert.deepEqual(fetchAt(machine, UPPER), abort(UPPER, PERMISSION_3));
    assert.equal(fetchAt(machine, UPPER + 0x1000n), RAM);
  });

  it('fault where nothing is mapped, where there is no memory, and at misaligned addresses', () => {
    const machine = new MappedMachine();
    machine.kernel.map(UPPER, RAM, KERNEL_PAGE);
    machine.kernel.map(UPPER + 0x1000n, 0x1000, KERNEL_PAGE);
    assert.deepEqual(fetchAt(machine, UPPER + 0x2000n), abort(UPPER + 0x2000n, TRANSLATION_3));
    assert.deepEqual(fetchAt(machine, UPPER + 0x1004n), abort(UPPER + 0x1004n, 0x10));
    assert.deepEqual(fetchAt(machine, UPPER + 2n), { exceptionClass: 0x22, specific: 0, address: UPPER + 2n });
  });

  it('take the top byte off the address where it is ignored', () => {
    const machine = new MappedMachine();
    machine.set(machine.first, TCR_EL1, machine.get(machine.first, TCR_EL1) | (3n << 37n));
    translationChanged(machine.memory, machine.first);
    machine.user.map(LOW, RAM + 0x3000, USER_PAGE);
    machine.level(0);
    assert.equal(fetchAt(machine, LOW | (0x5an << 56n)), RAM + 0x3000);
    assert.equal(machine.pc, LOW);
    assert.ok(hits(machine, LOW, 'execute'));
    assert.deepEqual(fetchAt(machine, 0x12ff_ff80_0000_0000n - 4096n), abort(0xffff_ff7f_ffff_f000n, 4));
  });
});

describe('a code cache that is full', () => {
  it('starts over, and no processor uses what it dropped', () => {
    const machine = new MappedMachine();
    const { runtime, first, second } = machine;
    const pages = 300;
    for (let page = 0; page < pages; page++) {
      machine.kernel.map(UPPER + BigInt(page) * 4096n, RAM + page * 4096, KERNEL_PAGE);
    }
    const { generation } = runtime.codeCache;
    for (let page = 0; page < pages; page++) {
      assert.equal(fetchAt(machine, UPPER + BigInt(page) * 4096n), RAM + page * 4096);
    }
    assert.notEqual(runtime.codeCache.generation, generation);
    assert.ok(!hits(machine, UPPER, 'execute'));
    assert.ok(hits(machine, UPPER + BigInt(pages - 1) * 4096n, 'execute'));
    // Another processor follows before it runs.
    machine.pc = UPPER;
    followCodeCache(runtime, first);
    assert.equal(fetch(runtime, first), Status.done);
    runtime.codeCache.startOver();
    followCodeCache(runtime, second);
    assert.ok(hits(machine, UPPER, 'execute'));
    followCodeCache(runtime, first);
    assert.ok(!hits(machine, UPPER, 'execute'));
  });
});
