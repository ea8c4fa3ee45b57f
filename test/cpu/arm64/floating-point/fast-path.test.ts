import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fpsr } from '../../../../src/cpu/arm64/floating-point/control.ts';
import { Convert } from '../../../../src/cpu/arm64/floating-point/conversion-routines.ts';
import { double, type Format, single } from '../../../../src/cpu/arm64/floating-point/format.ts';
import { overrideHostFusion } from '../../../../src/cpu/arm64/floating-point/host-fusion.ts';
import { Exact } from '../../../../src/cpu/arm64/floating-point/routines.ts';
import { a64Instructions } from '../../../../src/cpu/arm64/instructions/table.ts';
import { type Routine, routineTable } from '../../../../src/cpu/runtime.ts';
import { encode } from './numbers.ts';
import { FloatProcessor } from './processor.ts';

/** Ordinary operands in the default modes never leave translated code: what makes floating point fast. */

let calls = 0;
const table = routineTable() as Routine[];
for (const routine of [...Object.values(Exact), ...Object.values(Convert)]) {
  const original = table[routine];
  table[routine] = (runtime, state) => {
    calls++;
    return original(runtime, state);
  };
}

/** Each on V0 := operation(V1, V2, V3) or with register 0 or 1 of the general ones, by what V1 to V3 hold. */
const onDoubles: Readonly<Record<string, number>> = {
  'FADD D0, D1, D2': 0x1e622820,
  'FMUL D0, D1, D2': 0x1e620820,
  'FDIV D0, D1, D2': 0x1e621820,
  'FSQRT D0, D1': 0x1e61c020,
  'FMAX D0, D1, D2': 0x1e624820,
  'FMADD D0, D1, D2, D3': 0x1f420c20,
  'FRINTA D0, D1': 0x1e664020,
  'FCMP D1, D2': 0x1e622020,
  'FCVT S0, D1': 0x1e624020,
  'FCVTZS W0, D1': 0x1e780020,
  'SCVTF D0, X1': 0x9e620020,
  'FDIV V0.2D, V1.2D, V2.2D': 0x6e62fc20,
  'FMLS V0.2D, V1.2D, V2.2D': 0x4ee2cc20,
  'SCVTF V0.2D, V1.2D': 0x4e61d820,
  'FCVTN V0.2S, V1.2D': 0x0e616820,
};
const onSingles: Readonly<Record<string, number>> = {
  'FSUB S0, S1, S2': 0x1e223820,
  'FNMUL S0, S1, S2': 0x1e228820,
  'FMINNM S0, S1, S2': 0x1e227820,
  'FNMSUB S0, S1, S2, S3': 0x1f228c20,
  'FRINTX S0, S1': 0x1e274020,
  'FCCMPE S1, S2, #0, AL': 0x1e22e430,
  'FCVT D0, S1': 0x1e22c020,
  'FCVTAU X0, S1': 0x9e250020,
  'UCVTF S0, W1, #3': 0x1e03f420,
  'FADD V0.4S, V1.4S, V2.4S': 0x4e22d420,
  'FMUL V0.2S, V1.2S, V2.2S': 0x2e22dc20,
  'FMLA V0.4S, V1.4S, V2.S[0]': 0x4f821020,
  'FABD V0.2S, V1.2S, V2.2S': 0x2ea2d420,
  'FADDP V0.4S, V1.4S, V2.4S': 0x6e22d420,
  'FMAXV S0, V1.4S': 0x6e30f820,
  'FCMGE V0.4S, V1.4S, V2.4S': 0x6e22e420,
  'FRECPS V0.4S, V1.4S, V2.4S': 0x4e22fc20,
  'FCVTZS V0.4S, V1.4S': 0x4ea1b820,
  'FCVTL V0.2D, V1.2S': 0x0e617820,
};

/** Calls in each tier. */
const countCalls = (processor: FloatProcessor, text: string, values: readonly number[], fpsr: number): number => {
  const format: Format = text in onDoubles ? double : single;
  processor.load(onDoubles[text] ?? onSingles[text]);
  processor.control(0, fpsr);
  values.forEach((value, register) => {
    processor.setLanes(register, format, encode(format, value));
  });
  calls = 0;
  processor.run();
  return calls / FloatProcessor.tiers;
};

const ordinary = [0.3, 5.7, 1.1, -2.9];
const withZeros = [0, 0, 1.1, 0];

describe('ordinary operands', () => {
  for (const fusion of [null, false]) {
    overrideHostFusion(fusion);
    const processor = new FloatProcessor(a64Instructions);
    overrideHostFusion(null);
    for (const text of [...Object.keys(onDoubles), ...Object.keys(onSingles)]) {
      it(`${text} stays in translated code${fusion === false ? ' without fusion on the host' : ''}`, () => {
        assert.equal(countCalls(processor, text, ordinary, Fpsr.inexact), 0);
        assert.equal(countCalls(processor, text, withZeros, Fpsr.inexact), 0);
      });
    }
  }

  it('what may raise a flag does not', () => {
    const processor = new FloatProcessor(a64Instructions);
    for (const text of ['FADD D0, D1, D2', 'FMLA V0.4S, V1.4S, V2.S[0]', 'FCVTZS W0, D1', 'FMUL V0.2S, V1.2S, V2.2S']) {
      assert.equal(countCalls(processor, text, ordinary, 0), 1, `${text} while inexactness is to be noticed`);
      assert.equal(countCalls(processor, text, [0, Number.NaN, 1, 1], Fpsr.inexact), 1, `${text} of a NaN`);
    }
    assert.equal(countCalls(processor, 'FCMP D1, D2', [0, Number.NaN, 1], Fpsr.inexact), 1);
    assert.equal(countCalls(processor, 'FMUL D0, D1, D2', [0, 1e-200, 1e-200], Fpsr.inexact), 1);
  });
});
