import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressTranslation } from '../../../../src/cpu/arm64/address-translation.ts';
import { MAIR_EL1, PAR_EL1, SCTLR_EL1, TCR_EL1, TTBR0_EL1, TTBR1_EL1 } from '../../../../src/cpu/arm64/system-state.ts';
import { Status } from '../../../../src/cpu/runtime.ts';
import { faultOf } from './accesses.ts';
import { highHalf, lowHalf, Machine, RAM, RAM_SIZE } from './machine.ts';
import { descriptorAt, type Regime, regime } from './random-tables.ts';
import { type ModelResult, translate } from './translation-model.ts';

const machine = new Machine();
const state = machine.first;

const load = ({ registers, words }: Regime): void => {
  machine.set(state, SCTLR_EL1, registers.sctlr);
  machine.set(state, TCR_EL1, registers.tcr);
  machine.set(state, TTBR0_EL1, registers.ttbr0);
  machine.set(state, TTBR1_EL1, registers.ttbr1);
  machine.set(state, MAIR_EL1, registers.mair);
  const pattern = new Uint8Array(new BigUint64Array(words).buffer);
  for (let physical = RAM; physical < RAM + RAM_SIZE; physical += pattern.length) machine.writeBytes(physical, pattern);
};

const RES1 = 1n << 11n;
const PERMISSION = 12;
/** The fault statuses of external aborts on walks, which are exceptions. */
const isExternal = (fault: number): boolean => fault >= 0x14 && fault <= 0x17;

/** PAR_EL1 for what the model finds. */
const expectedPar = (found: ModelResult, user: boolean, write: boolean): bigint | 'exception' => {
  if ('fault' in found) return isExternal(found.fault) ? 'exception' : RES1 | (BigInt(found.fault) << 1n) | 1n;
  const rights = user ? found.user : found.kernel;
  if (!(write ? rights.write : rights.read)) return RES1 | (BigInt(PERMISSION | found.level) << 1n) | 1n;
  const outer = found.attribute < 0x10 || found.attribute === 0x44;
  const shareability = BigInt(outer ? 2 : found.shareability);
  return (BigInt(found.attribute) << 56n) | (found.physical & ~0xfffn) | RES1 | (shareability << 7n);
};

describe('AT S1E1R, S1E1W, S1E0R, S1E0W', () => {
  it('leave in PAR_EL1 what a translation gives, for random tables', () => {
    fc.assert(
      fc.property(regime, fc.boolean(), fc.boolean(), (subject, user, write) => {
        load(subject);
        for (const address of subject.addresses) {
          const found = translate(subject.registers, address, user ? 'user' : 'kernel', (at) =>
            descriptorAt(subject, at),
          );
          const expected = expectedPar(found, user, write);
          const status = addressTranslation(machine.runtime, state, lowHalf(address), highHalf(address), user, write);
          if (expected === 'exception') {
            assert.equal(status, Status.exception);
            const { exceptionClass, specific } = faultOf(machine);
            // A data abort of a cache maintenance or address translation instruction, reported as a write's.
            assert.equal(exceptionClass, 0x24);
            assert.equal(specific & ~3, 0x154);
          } else {
            assert.equal(status, Status.done);
            assert.equal(machine.get(state, PAR_EL1), expected, address.toString(16));
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
