import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Permission } from '../../../../src/cpu/arm64/mmu/permissions.ts';
import { mapping, NO_FAULT, walk } from '../../../../src/cpu/arm64/mmu/walk.ts';
import { MAIR_EL1, SCTLR_EL1, TCR_EL1, TTBR0_EL1, TTBR1_EL1 } from '../../../../src/cpu/arm64/system-state.ts';
import { highHalf, lowHalf, Machine, RAM, RAM_SIZE } from './machine.ts';
import { descriptorAt, type Regime, regime } from './random-tables.ts';
import { type ModelResult, type Privilege, type Rights, translate } from './translation-model.ts';

const machine = new Machine();
const state = machine.first;

const load = (subject: Regime): void => {
  const { registers } = subject;
  machine.set(state, SCTLR_EL1, registers.sctlr);
  machine.set(state, TCR_EL1, registers.tcr);
  machine.set(state, TTBR0_EL1, registers.ttbr0);
  machine.set(state, TTBR1_EL1, registers.ttbr1);
  machine.set(state, MAIR_EL1, registers.mair);
  const length = subject.words.length * 8;
  const pattern = new BigUint64Array(subject.words);
  for (let physical = RAM; physical < RAM + RAM_SIZE; physical += length) {
    machine.writeBytes(physical, new Uint8Array(pattern.buffer));
  }
};

const rightsOf = (read: number, write: number, execute: number): Rights => ({
  read: (mapping.permissions & read) !== 0,
  write: (mapping.permissions & write) !== 0,
  execute: (mapping.permissions & execute) !== 0,
});

const actual = (address: bigint, privilege: Privilege): ModelResult => {
  const fault = walk(machine.runtime, state, lowHalf(address), highHalf(address), privilege === 'user');
  if (fault !== NO_FAULT) return { fault };
  return {
    physical: (BigInt(mapping.frame) << 12n) | (address & 0xfffn),
    user: rightsOf(Permission.read0, Permission.write0, Permission.execute0),
    kernel: rightsOf(Permission.read1, Permission.write1, Permission.execute1),
    attribute: mapping.attribute,
    shareability: mapping.shareability,
    size: 4096n << BigInt(mapping.sizeShift),
    notGlobal: mapping.notGlobal,
    level: mapping.level,
  };
};

describe('translation table walks', () => {
  it('give what the manual says, for random tables', () => {
    let mapped = 0;
    let walks = 0;
    fc.assert(
      fc.property(regime, (subject) => {
        load(subject);
        for (const address of subject.addresses) {
          for (const privilege of ['user', 'kernel'] as const) {
            const expected = translate(subject.registers, address, privilege, (at) => descriptorAt(subject, at));
            assert.deepEqual(actual(address, privilege), expected, `${privilege} ${address.toString(16)}`);
            walks++;
            if (!('fault' in expected)) mapped++;
          }
        }
      }),
      { numRuns: 300 },
    );
    // Both outcomes must have been frequent, or the comparison says little.
    assert.ok(mapped > walks / 20 && mapped < (walks * 19) / 20, `${mapped} of ${walks} walks found a mapping`);
  });

  it('mark pages of EL0 for PAN only while translation is on', () => {
    machine.set(state, SCTLR_EL1, 0);
    walk(machine.runtime, state, RAM, 0, false);
    assert.equal(mapping.permissions & Permission.guarded, 0);
  });
});
