import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arm64Architecture } from '../../../../src/cpu/arm64/architecture.ts';
import { updateAccessChecks } from '../../../../src/cpu/arm64/debug/enabled.ts';
import { SCTLR_EL1 } from '../../../../src/cpu/arm64/system-state.ts';
import { Access } from '../../../../src/cpu/ir/builder.ts';
import { Status } from '../../../../src/cpu/runtime.ts';
import { SCRATCH } from '../../../../src/cpu/state.ts';
import { faultOf, hits, load, store } from './accesses.ts';
import { DEVICE, RAM, READ_ONLY_FRAME } from './machine.ts';
import { KERNEL_PAGE, Leaf, MappedMachine, UPPER } from './mapped-machine.ts';

const WRITE = 1 << 6;
const ALIGNMENT = 0x21;
const EXTERNAL = 0x10;
const TRANSLATION_3 = 7;
const PERMISSION_3 = 15;
const DATA_ABORT = 0x24;

const value = (outcome: ReturnType<typeof load>): bigint => {
  assert.ok(
    'value' in outcome,
    `fault ${JSON.stringify(outcome, (_, v) => (typeof v === 'bigint' ? v.toString(16) : v))}`,
  );
  return outcome.value;
};

/** Pages 0 to 3 of RAM at UPPER in reverse order, page 4 read-only, page 5 absent, then devices. */
const prepare = (): MappedMachine => {
  const machine = new MappedMachine();
  for (let page = 0; page < 4; page++) {
    machine.kernel.map(UPPER + BigInt(page) * 4096n, RAM + (3 - page) * 4096, KERNEL_PAGE);
  }
  machine.kernel.map(UPPER + 0x4000n, RAM + 0x4000, KERNEL_PAGE | Leaf.readOnly);
  machine.kernel.map(UPPER + 0x6000n, DEVICE, KERNEL_PAGE | Leaf.device);
  machine.kernel.map(UPPER + 0x7000n, RAM + 0x5000, KERNEL_PAGE | Leaf.device);
  machine.kernel.map(UPPER + 0x8000n, 0x1000, KERNEL_PAGE);
  machine.kernel.map(UPPER + 0x9000n, READ_ONLY_FRAME * 4096, KERNEL_PAGE);
  machine.kernel.map(UPPER + 0xa000n, DEVICE, KERNEL_PAGE);
  return machine;
};

describe('slow paths of data accesses', () => {
  it('agree with a plain array of bytes, whatever sizes, crossings and hits', () => {
    const machine = prepare();
    const bytes = new Uint8Array(0x4000);
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.constantFrom(1, 2, 4, 8, 16),
        fc.oneof(fc.integer({ min: 0, max: 0x3ff0 }), fc.constantFrom(0xff9, 0xffc, 0xffe, 0xfff, 0x1ff1, 0x2fff)),
        fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
        (write, size, offset, data) => {
          const address = UPPER + BigInt(offset);
          if (write) {
            value(store(machine, address, BigInt.asUintN(size * 8, data), size));
            for (let i = 0; i < size; i++) bytes[offset + i] = Number((data >> BigInt(8 * i)) & 0xffn);
            return;
          }
          const expected = bytes
            .slice(offset, offset + size)
            .reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
          assert.equal(value(load(machine, address, size)), expected);
        },
      ),
      { numRuns: 2000 },
    );
    for (let page = 0; page < 4; page++) {
      const at = machine.machineAddress(RAM + (3 - page) * 4096);
      assert.deepEqual(machine.memory.u8.slice(at, at + 4096), bytes.slice(page * 4096, page * 4096 + 4096));
    }
  });

  it('enter plain pages in the translation table, for writing as far as it is allowed', () => {
    const machine = prepare();
    value(load(machine, UPPER + 8n));
    assert.ok(hits(machine, UPPER, 'read') && hits(machine, UPPER, 'write'));
    value(load(machine, UPPER + 0x4000n));
    assert.ok(hits(machine, UPPER + 0x4000n, 'read') && !hits(machine, UPPER + 0x4000n, 'write'));
  });

  it("refuse stores to frames that are not the domain's to write", () => {
    const machine = prepare();
    const refused = { exceptionClass: DATA_ABORT, specific: WRITE | EXTERNAL, address: UPPER + 0x9008n };
    assert.deepEqual(store(machine, UPPER + 0x9008n, 5n), refused);
    assert.equal(value(load(machine, UPPER + 0x9008n)), 0n);
    assert.ok(hits(machine, UPPER + 0x9000n, 'read') && !hits(machine, UPPER + 0x9000n, 'write'));
    assert.deepEqual(store(machine, UPPER + 0x9008n, 5n), refused);
    assert.equal(machine.readPhysical(READ_ONLY_FRAME * 4096 + 8), 0n);
  });

  it('write nothing when the second page faults, and name its address', () => {
    const machine = prepare();
    machine.kernel.map(UPPER + 0x5000n, RAM, 0n);
    machine.kernel.map(UPPER + 0xb000n, RAM + 0x6000, KERNEL_PAGE);
    const outcome = store(machine, UPPER + 0xbffcn, -1n & 0xffff_ffff_ffff_ffffn);
    assert.deepEqual(outcome, {
      exceptionClass: DATA_ABORT,
      specific: WRITE | TRANSLATION_3,
      address: UPPER + 0xc000n,
    });
    assert.equal(machine.readPhysical(RAM + 0x6ff8), 0n);
    assert.deepEqual(store(machine, UPPER + 0x3ffcn, 1n), {
      exceptionClass: DATA_ABORT,
      specific: WRITE | PERMISSION_3,
      address: UPPER + 0x4000n,
    });
    assert.deepEqual(load(machine, UPPER + 0x4ffcn), {
      exceptionClass: DATA_ABORT,
      specific: TRANSLATION_3,
      address: UPPER + 0x5000n,
    });
  });

  it('reach devices with the access as it is, pairs as two', () => {
    const machine = prepare();
    assert.equal(value(load(machine, UPPER + 0x6010n, 4)), BigInt(DEVICE + 0x10));
    assert.equal(value(load(machine, UPPER + 0x6010n, 16)), BigInt(DEVICE + 0x10) | (BigInt(DEVICE + 0x18) << 64n));
    value(store(machine, UPPER + 0x6020n, 0x1234n, 2));
    value(store(machine, UPPER + 0x6040n, 0x1111_0000_0000_0000_2222n, 16));
    assert.deepEqual(machine.deviceWrites, [
      { address: DEVICE + 0x20, size: 2, value: 0x1234n },
      { address: DEVICE + 0x40, size: 8, value: 0x2222n },
      { address: DEVICE + 0x48, size: 8, value: 0x1111n },
    ]);
    assert.ok(!hits(machine, UPPER + 0x6000n, 'read'));
  });

  it('split misaligned accesses to a device that is mapped as Normal memory', () => {
    const machine = prepare();
    value(store(machine, UPPER + 0xa001n, 0xbbaan, 2));
    assert.deepEqual(machine.deviceWrites, [
      { address: DEVICE + 1, size: 1, value: 0xaan },
      { address: DEVICE + 2, size: 1, value: 0xbbn },
    ]);
  });

  it('fault on misaligned accesses to Device memory, and keep RAM mapped so out of the table', () => {
    const machine = prepare();
    value(store(machine, UPPER + 0x7008n, 7n));
    assert.equal(value(load(machine, UPPER + 0x7008n)), 7n);
    assert.ok(!hits(machine, UPPER + 0x7000n, 'read'));
    assert.deepEqual(load(machine, UPPER + 0x7009n, 4), {
      exceptionClass: DATA_ABORT,
      specific: ALIGNMENT,
      address: UPPER + 0x7009n,
    });
  });

  it('report where nothing answers as an external abort', () => {
    const machine = prepare();
    assert.deepEqual(store(machine, UPPER + 0x8000n, 1n, 4), {
      exceptionClass: DATA_ABORT,
      specific: WRITE | EXTERNAL,
      address: UPPER + 0x8000n,
    });
  });

  it('check alignment for accesses that must have it, and for all while SCTLR_EL1.A is set', () => {
    const machine = prepare();
    const { runtime, first } = machine;
    const kind = 8 | (Access.aligned << 8);
    assert.equal(
      arm64Architecture.load(runtime, first, 4, Number(BigInt.asIntN(32, UPPER >> 32n)), kind),
      Status.exception,
    );
    assert.equal(faultOf(machine).specific, ALIGNMENT);
    value(load(machine, UPPER + 4n));
    machine.set(first, SCTLR_EL1, machine.get(first, SCTLR_EL1) | 2n);
    updateAccessChecks(machine.memory, first);
    assert.ok('specific' in load(machine, UPPER + 4n));
    assert.ok('specific' in load(machine, UPPER + 4n), 'a checked access must not enter the page');
    value(load(machine, UPPER + 4n, 4));
    machine.set(first, SCTLR_EL1, machine.get(first, SCTLR_EL1) & ~2n);
    updateAccessChecks(machine.memory, first);
    value(load(machine, UPPER + 4n));
  });
});

describe('addresses for atomic operations', () => {
  const addressOf = (machine: MappedMachine, at: bigint, size: number): number =>
    arm64Architecture.address(
      machine.runtime,
      machine.first,
      Number(BigInt.asIntN(32, at)),
      Number(BigInt.asIntN(32, at >> 32n)),
      size | (Access.aligned << 8),
    );

  it('are machine addresses of memory that may be written', () => {
    const machine = prepare();
    assert.equal(addressOf(machine, UPPER + 0x10n, 8), Status.done);
    assert.equal(machine.get32(machine.first, SCRATCH), machine.machineAddress(RAM + 0x3010));
  });

  it('fault as a read where a read would, else as a write', () => {
    const machine = prepare();
    assert.equal(addressOf(machine, UPPER + 0x5000n, 4), Status.exception);
    assert.equal(faultOf(machine).specific, TRANSLATION_3);
    assert.equal(addressOf(machine, UPPER + 0x4000n, 4), Status.exception);
    assert.equal(faultOf(machine).specific, WRITE | PERMISSION_3);
    assert.equal(addressOf(machine, UPPER + 0x2n, 4), Status.exception);
    assert.equal(faultOf(machine).specific, ALIGNMENT);
  });

  it('do not exist on devices', () => {
    const machine = prepare();
    assert.equal(addressOf(machine, UPPER + 0x6000n, 4), Status.exception);
    assert.equal(faultOf(machine).specific, WRITE | 0x35);
  });
});
