import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fetch } from '../../../../src/cpu/arm64/instruction-fetch.ts';
import { dropFrame } from '../../../../src/cpu/arm64/mmu/invalidation.ts';
import { setPan } from '../../../../src/cpu/arm64/processor-state.ts';
import { adoptProcessor } from '../../../../src/cpu/arm64/reset.ts';
import { VCPU_SIZE } from '../../../../src/cpu/arm64/system-state.ts';
import { invalidateAddress, invalidateAll, invalidateAsid } from '../../../../src/cpu/arm64/tlb-maintenance.ts';
import { STATE_SIZE } from '../../../../src/cpu/state.ts';
import { hits, load, store } from './accesses.ts';
import { highHalf, lowHalf, type Machine, RAM } from './machine.ts';
import { KERNEL_PAGE, Leaf, MappedMachine, UPPER, USER_PAGE } from './mapped-machine.ts';

const PAGE_A = RAM + 0x1000;
const PAGE_B = RAM + 0x2000;
const LOW = 0x41_0000n;

const read = (machine: Machine, address: bigint, unprivileged = false): bigint => {
  const outcome = load(machine, address, 8, unprivileged);
  assert.ok('value' in outcome, 'the load faults');
  return outcome.value;
};

const faults = (machine: Machine, address: bigint, unprivileged = false): boolean =>
  'specific' in load(machine, address, 8, unprivileged);

/** TLBI's operand for an address and an ASID. */
const operand = (address: bigint, asid = 0): [number, number] => {
  const value = ((address >> 12n) & 0xfff_ffff_ffffn) | (BigInt(asid) << 48n);
  return [lowHalf(value), highHalf(value)];
};

const prepare = (): MappedMachine => {
  const machine = new MappedMachine();
  machine.writePhysical(PAGE_A, 0xaaaan);
  machine.writePhysical(PAGE_B, 0xbbbbn);
  return machine;
};

describe('user banks', () => {
  it('keep the entries of eight address spaces, and only theirs', () => {
    const machine = prepare();
    machine.level(0);
    const spaces = Array.from({ length: 9 }, (_, index) => {
      const space = machine.space();
      const physical = RAM + 0x1_0000 + index * 4096;
      machine.writePhysical(physical, BigInt(index));
      space.map(LOW, physical, USER_PAGE);
      return space;
    });
    const visit = (index: number): boolean => {
      machine.level(1);
      machine.switchTo(spaces[index] as (typeof spaces)[0], index + 1);
      machine.level(0);
      const hit = hits(machine, LOW, 'read');
      assert.equal(read(machine, LOW), BigInt(index));
      return hit;
    };
    for (let index = 0; index < 8; index++) assert.ok(!visit(index), 'a new address space has entries');
    for (let index = 0; index < 8; index++) assert.ok(visit(index), 'an address space lost its entries');
    assert.ok(!visit(8));
    // The one not used for longest had to go.
    assert.ok(visit(7));
    assert.ok(!visit(0));
  });

  it('tell two ASIDs with one table apart, and two tables with one ASID', () => {
    const machine = prepare();
    machine.user.map(LOW, PAGE_A, USER_PAGE);
    const other = machine.space();
    other.map(LOW, PAGE_B, USER_PAGE);
    const seen = (space: typeof other, asid: number): bigint => {
      machine.level(1);
      machine.switchTo(space, asid);
      machine.level(0);
      return read(machine, LOW);
    };
    assert.equal(seen(machine.user, 1), 0xaaaan);
    assert.equal(seen(other, 1), 0xbbbbn);
    assert.equal(seen(machine.user, 2), 0xaaaan);
    assert.equal(seen(other, 1), 0xbbbbn);
  });

  it('serve unprivileged accesses of EL1, with the rights of EL0', () => {
    const machine = prepare();
    machine.user.map(LOW, PAGE_A, USER_PAGE);
    machine.kernel.map(UPPER, PAGE_B, KERNEL_PAGE);
    machine.switchTo(machine.user, 3);
    assert.equal(read(machine, LOW, true), 0xaaaan);
    assert.ok(hits(machine, LOW, 'read', true));
    assert.ok(faults(machine, UPPER, true));
    assert.equal(read(machine, UPPER), 0xbbbbn);
    const other = machine.space();
    machine.switchTo(other, 4);
    assert.ok(faults(machine, LOW, true), 'the entry of another address space was used');
  });

  it('hold nothing of EL1: what only EL1 may read faults at EL0', () => {
    const machine = prepare();
    machine.kernel.map(UPPER, PAGE_B, KERNEL_PAGE);
    assert.equal(read(machine, UPPER), 0xbbbbn);
    machine.level(0);
    assert.ok(faults(machine, UPPER));
  });
});

describe("EL1's bank", () => {
  it('keeps global entries over a change of address space but not those of the lower half', () => {
    const machine = prepare();
    machine.kernel.map(UPPER, PAGE_A, KERNEL_PAGE);
    machine.user.map(LOW, PAGE_B, KERNEL_PAGE);
    machine.kernel.map(UPPER + 0x1000n, PAGE_B, KERNEL_PAGE | Leaf.notGlobal);
    for (const address of [UPPER, LOW, UPPER + 0x1000n]) read(machine, address);
    machine.switchTo(machine.space(), 9);
    assert.ok(hits(machine, UPPER, 'read'));
    assert.ok(!hits(machine, LOW, 'read'));
    assert.ok(!hits(machine, UPPER + 0x1000n, 'read'));
    assert.ok(faults(machine, LOW));
  });

  it('loses all of them when there are too many to tell', () => {
    const machine = prepare();
    for (let page = 0n; page < 100n; page++) {
      machine.user.map(LOW + page * 4096n, PAGE_B, KERNEL_PAGE);
      read(machine, LOW + page * 4096n);
    }
    machine.switchTo(machine.space(), 9);
    for (let page = 0n; page < 100n; page++) assert.ok(!hits(machine, LOW + page * 4096n, 'read'));
  });

  it('loses entries for pages of EL0 when PAN is set', () => {
    const machine = prepare();
    machine.user.map(LOW, PAGE_A, USER_PAGE);
    machine.kernel.map(UPPER, PAGE_B, KERNEL_PAGE);
    read(machine, UPPER);
    assert.equal(read(machine, LOW), 0xaaaan);
    assert.ok(hits(machine, LOW, 'read'));
    setPan(machine.memory, machine.first, 1);
    assert.ok(faults(machine, LOW));
    assert.ok(hits(machine, UPPER, 'read'));
    assert.equal(read(machine, LOW, true), 0xaaaan);
    setPan(machine.memory, machine.first, 0);
    assert.equal(read(machine, LOW), 0xaaaan);
  });
});

describe('TLBI', () => {
  it('by address drops that page alone, whichever tag the address has', () => {
    const machine = prepare();
    machine.kernel.map(UPPER, PAGE_A, KERNEL_PAGE);
    machine.kernel.map(UPPER + 0x1000n, PAGE_B, KERNEL_PAGE);
    read(machine, UPPER);
    read(machine, UPPER + 0x1000n);
    machine.kernel.map(UPPER, PAGE_B, KERNEL_PAGE);
    assert.equal(read(machine, UPPER), 0xaaaan);
    invalidateAddress(machine.runtime, machine.first, ...operand(UPPER), true, false);
    assert.equal(read(machine, UPPER), 0xbbbbn);
    assert.ok(hits(machine, UPPER + 0x1000n, 'read'));
  });

  it('by address drops a whole block', () => {
    const machine = prepare();
    machine.kernel.mapBlock(UPPER + 0x20_0000n, RAM, Leaf.block | Leaf.accessed);
    const pages = [0x1000n, 0x2000n, 0x1f_f000n].map((offset) => UPPER + 0x20_0000n + offset);
    const [first, second, last] = pages as [bigint, bigint, bigint];
    machine.kernel.map(UPPER + 0x40_0000n, PAGE_A, KERNEL_PAGE);
    for (const page of [...pages, UPPER + 0x40_0000n]) read(machine, page);
    invalidateAddress(machine.runtime, machine.first, ...operand(second), true, false);
    for (const page of [first, second, last]) assert.ok(!hits(machine, page, 'read'));
    assert.ok(hits(machine, UPPER + 0x40_0000n, 'read'));
  });

  it('by address and ASID leaves other address spaces alone, but not global entries', () => {
    const machine = prepare();
    machine.user.map(LOW, PAGE_A, USER_PAGE);
    machine.user.map(LOW + 0x1000n, PAGE_A, USER_PAGE & ~Leaf.notGlobal);
    machine.switchTo(machine.user, 5);
    machine.level(0);
    read(machine, LOW);
    invalidateAddress(machine.runtime, machine.first, ...operand(LOW, 6), false, false);
    assert.ok(hits(machine, LOW, 'read'));
    invalidateAddress(machine.runtime, machine.first, ...operand(LOW, 5), false, false);
    assert.ok(!hits(machine, LOW, 'read'));
    read(machine, LOW + 0x1000n);
    invalidateAddress(machine.runtime, machine.first, ...operand(LOW + 0x1000n, 6), false, false);
    assert.ok(!hits(machine, LOW + 0x1000n, 'read'));
  });

  it('by ASID drops one address space and keeps the kernel', () => {
    const machine = prepare();
    machine.user.map(LOW, PAGE_A, USER_PAGE);
    machine.kernel.map(UPPER, PAGE_B, KERNEL_PAGE);
    machine.switchTo(machine.user, 5);
    read(machine, UPPER);
    read(machine, LOW, true);
    invalidateAsid(machine.runtime, machine.first, ...([6 << 16, false] as [number, boolean]));
    assert.ok(hits(machine, LOW, 'read', true));
    invalidateAsid(machine.runtime, machine.first, 5 << 16, false);
    assert.ok(!hits(machine, LOW, 'read', true));
    assert.ok(hits(machine, UPPER, 'read'));
  });

  it('reaches the other processors when it is broadcast', () => {
    const machine = prepare();
    machine.kernel.map(UPPER, PAGE_A, KERNEL_PAGE);
    for (const broadcast of [false, true]) {
      read(machine, UPPER);
      invalidateAll(machine.runtime, machine.second, broadcast);
      assert.equal(hits(machine, UPPER, 'read'), !broadcast);
    }
    read(machine, UPPER);
    invalidateAddress(machine.runtime, machine.second, ...operand(UPPER), true, true);
    assert.ok(!hits(machine, UPPER, 'read'));
  });

  it('takes back an entry that was being made meanwhile', () => {
    const machine = prepare();
    machine.kernel.map(UPPER, PAGE_A, KERNEL_PAGE);
    // Between the walk and the entry another processor changes the page and says so.
    machine.onTranslate = (frame) => {
      if (frame !== PAGE_A / 4096) return;
      machine.kernel.map(UPPER, PAGE_B, KERNEL_PAGE);
      invalidateAll(machine.runtime, machine.second, true);
    };
    assert.equal(read(machine, UPPER), 0xbbbbn);
    assert.equal(read(machine, UPPER), 0xbbbbn);
    assert.ok(hits(machine, UPPER, 'read'));
  });
});

describe('frames', () => {
  it('can be taken back, altogether or for stores alone', () => {
    const machine = prepare();
    const { memory, first, runtime } = machine;
    machine.kernel.map(UPPER, PAGE_A, KERNEL_PAGE);
    machine.kernel.map(UPPER + 0x5000n, PAGE_B, KERNEL_PAGE);
    machine.pc = UPPER;
    const fill = (): void => {
      store(machine, UPPER, 0x1234n);
      store(machine, UPPER + 0x5000n, 1n);
      assert.equal(fetch(runtime, first), 0);
    };
    fill();
    dropFrame(memory, runtime.codeCache, first, machine.machineAddress(PAGE_A), true);
    assert.ok(hits(machine, UPPER, 'read') && hits(machine, UPPER, 'execute') && !hits(machine, UPPER, 'write'));
    fill();
    dropFrame(memory, runtime.codeCache, first, machine.machineAddress(PAGE_A), false);
    for (const kind of ['read', 'write', 'execute'] as const) assert.ok(!hits(machine, UPPER, kind));
    assert.ok(hits(machine, UPPER + 0x5000n, 'write'));
  });
});

describe('a copied record', () => {
  it('has empty banks of its own', () => {
    const machine = prepare();
    machine.kernel.map(UPPER, PAGE_A, KERNEL_PAGE);
    read(machine, UPPER);
    const { u8 } = machine.memory;
    u8.copyWithin(machine.second, machine.first, machine.first + STATE_SIZE);
    u8.fill(0, machine.second + STATE_SIZE, machine.second + VCPU_SIZE);
    adoptProcessor(machine.runtime, machine.second);
    invalidateAll(machine.runtime, machine.second, false);
    assert.ok(hits(machine, UPPER, 'read'), 'the copy works on the banks of the original');
  });
});
