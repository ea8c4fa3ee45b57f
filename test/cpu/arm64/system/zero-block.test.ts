import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { registers } from '../../../../src/cpu/arm64/assembler.ts';
import { ESR_EL1, FAR_EL1, SCTLR_EL1, VBAR_EL1 } from '../../../../src/cpu/arm64/system-state.ts';
import { DEVICE, RAM } from './machine.ts';
import { KERNEL_PAGE, Leaf, MappedMachine, UPPER, USER_PAGE } from './mapped-machine.ts';
import { Runner, tiers } from './runner.ts';

/** DC ZVA: what it zeroes, and that it is a store that Device memory does not take. */

const { x0, x1, x2, x20 } = registers;

const CODE = UPPER;
const VECTORS = UPPER + 0x1000n;
const FINISHED = 1;
const EXCEPTION = 0x100;
const FROM_EL1 = EXCEPTION + 4;
const FROM_EL0 = EXCEPTION + 8;

/** Plain memory, for EL1 and for EL0; memory mapped as a device; a device; one mapped as memory; nothing. */
const PLAIN = UPPER + 0x2000n;
const USER_CODE = 0x1000n;
const USER_PLAIN = 0x2000n;
const UNCACHED = UPPER + 0x3000n;
const UART = UPPER + 0x4000n;
const NOWHERE = UPPER + 0x6000n;

const DATA = RAM + 0x4000;
const DZE = 1n << 14n;

const makeMachine = (): MappedMachine => {
  const machine = new MappedMachine();
  machine.kernel.map(CODE, RAM, KERNEL_PAGE);
  machine.kernel.map(VECTORS, RAM + 0x1000, KERNEL_PAGE);
  machine.kernel.map(PLAIN, DATA, KERNEL_PAGE);
  machine.kernel.map(UNCACHED, DATA, KERNEL_PAGE | Leaf.device);
  machine.kernel.map(UART, DEVICE, KERNEL_PAGE | Leaf.device);
  machine.user.map(USER_CODE, RAM, USER_PAGE);
  machine.user.map(USER_PLAIN, DATA, USER_PAGE);
  return machine;
};

for (const tier of tiers) {
  const machine = makeMachine();
  const subject = new Runner(machine, tier);
  const state = machine.first;

  /** Zeroes around `usual` twice, so that the hot tier has it, and then around `last`; gives how it ended. */
  const zero = (level: 0 | 1, usual: bigint, last: bigint): number => {
    subject.reset();
    machine.translate(state);
    for (let vector = 0; vector < 16; vector++) {
      const at = vector * 0x80;
      subject.assemble(RAM + 0x1000 + at, VECTORS + BigInt(at), (a) => a.hvc(EXCEPTION + vector));
    }
    const origin = level === 0 ? USER_CODE : CODE;
    subject.assemble(RAM, origin, (a) => {
      a.label('again');
      a.cmp(x20, 1);
      a.csel(x0, x2, x1, 'eq');
      a.dc('zva', x0);
      a.sub(x20, x20, 1);
      a.cbnz(x20, 'again');
      if (level === 0) a.svc(0);
      else a.hvc(FINISHED);
    });
    machine.set(state, VBAR_EL1, VECTORS);
    machine.set(state, SCTLR_EL1, machine.get(state, SCTLR_EL1) | DZE);
    machine.set(state, FAR_EL1, 0);
    machine.level(level);
    machine.pc = origin;
    subject.setX(1, usual);
    subject.setX(2, last);
    subject.setX(20, 3);
    const start = machine.machineAddress(DATA);
    machine.memory.u8.fill(0xff, start, start + 0x1000);
    return subject.run();
  };

  const zeros = (): number[] => {
    const start = machine.machineAddress(DATA);
    const places: number[] = [];
    for (let i = 0; i < 0x1000; i++) if (machine.memory.u8[start + i] === 0) places.push(i);
    return places;
  };

  const block = (start: number): number[] => Array.from({ length: 64 }, (_, i) => start + i);

  const assertFault = (address: bigint, esr: number): void => {
    assert.equal(zero(1, PLAIN, address), FROM_EL1);
    assert.equal(machine.get32(state, ESR_EL1).toString(16), esr.toString(16));
    assert.equal(machine.get(state, FAR_EL1), address);
    assert.deepEqual(zeros(), block(0));
  };

  describe(`DC ZVA (${tier} tier)`, () => {
    it('zeroes the 64 bytes around the address', () => {
      assert.equal(zero(1, PLAIN, PLAIN + 0x7fn), FINISHED);
      assert.deepEqual(zeros(), [...block(0), ...block(0x40)]);
      assert.equal(zero(0, USER_PLAIN + 0xfffn, USER_PLAIN + 0x80n), FROM_EL0);
      assert.equal(machine.get32(state, ESR_EL1), 0x5600_0000);
      assert.deepEqual(zeros(), [...block(0x80), ...block(0xfc0)]);
    });

    it('faults as a store with the address as it was given', () => {
      assertFault(NOWHERE + 0x234n, 0x9600_0047);
    });

    it('has an alignment fault in Device memory, whatever lies there', () => {
      assertFault(UNCACHED + 0x105n, 0x9600_0061);
      assertFault(UNCACHED + 0x140n, 0x9600_0061);
      const writes = machine.deviceWrites.length;
      assertFault(UART + 0x40n, 0x9600_0061);
      assert.equal(machine.deviceWrites.length, writes);
    });

    it('has one without translation, when all memory is Device memory', () => {
      subject.reset();
      subject.assemble(RAM, RAM, (a) => a.dc('zva', x0));
      subject.assemble(RAM + 0x1200, RAM + 0x1200, (a) => a.hvc(FROM_EL1));
      machine.set(state, VBAR_EL1, RAM + 0x1000);
      subject.setX(0, DATA);
      assert.equal(subject.run(), FROM_EL1);
      assert.equal(machine.get32(state, ESR_EL1), 0x9600_0061);
      assert.equal(machine.get(state, FAR_EL1), BigInt(DATA));
    });
  });
}
