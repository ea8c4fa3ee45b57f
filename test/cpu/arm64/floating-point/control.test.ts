import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fpcr, Fpsr, setFloatingPointControl } from '../../../../src/cpu/arm64/floating-point/control.ts';
import { double } from '../../../../src/cpu/arm64/floating-point/format.ts';
import { a64Instructions } from '../../../../src/cpu/arm64/instructions/table.ts';
import { FP_EXACT, FPCR, FPSR } from '../../../../src/cpu/arm64/state.ts';
import { MachineMemory } from '../../../../src/cpu/machine-memory.ts';
import { encode, numberOf } from './numbers.ts';
import { FloatProcessor } from './processor.ts';

const RECORD = 0x1000;
const word = (memory: MachineMemory, offset: number): number => memory.i32[(RECORD + offset) >>> 2];

describe('the control registers from outside', () => {
  const memory = new MachineMemory(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));

  it('keep the bits there are', () => {
    setFloatingPointControl(memory, RECORD, -1, -1);
    assert.equal(word(memory, FPCR), 0x7c00000);
    assert.equal(word(memory, FPSR), 0x800009f);
  });

  it('ask for the exact path unless all is default and inexactness is noted', () => {
    setFloatingPointControl(memory, RECORD, 0, Fpsr.inexact);
    assert.equal(word(memory, FP_EXACT), 0);
    for (const [fpcr, fpsr] of [
      [0, 0],
      [Fpcr.fz, Fpsr.inexact],
      [Fpcr.dn, Fpsr.inexact],
      [Fpcr.ahp, Fpsr.inexact],
      [1 << Fpcr.rmodeShift, Fpsr.inexact],
      [0, Fpsr.invalidOperation | Fpsr.saturation],
    ]) {
      setFloatingPointControl(memory, RECORD, fpcr, fpsr);
      // Conditions compare it with small bounds, as an unsigned number.
      assert.ok(word(memory, FP_EXACT) >>> 0 > 0x7ff, `FPCR ${fpcr}, FPSR ${fpsr}`);
    }
  });
});

describe('a change of the control registers takes effect at once', () => {
  /** MSR FPCR, X0 and MSR FPSR, XZR, each before FADD D0, D1, D2. */
  const programs = {
    rounding: [0xd51b4400, 0x1e622820],
    status: [0xd51b443f, 0x1e622820],
  };

  it('of the rounding mode', () => {
    const processor = new FloatProcessor(a64Instructions);
    processor.control(0, Fpsr.inexact);
    processor.setLanes(1, double, encode(double, 1));
    processor.setLanes(2, double, encode(double, 2 ** -80));
    processor.load(...programs.rounding);
    processor.setGeneral(0, 1 << Fpcr.rmodeShift);
    processor.run();
    assert.equal(numberOf(double, processor.lane(0, double, 0)), 1 + 2 ** -52);
  });

  it('of the inexact flag', () => {
    const processor = new FloatProcessor(a64Instructions);
    processor.control(0, Fpsr.inexact);
    processor.setLanes(1, double, encode(double, 1));
    processor.setLanes(2, double, encode(double, 2));
    processor.load(...programs.status);
    processor.run();
    assert.equal(processor.fpsr, 0);
    processor.setLanes(2, double, encode(double, 2 ** -80));
    processor.run();
    assert.equal(processor.fpsr, Fpsr.inexact);
  });
});
