import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Assembler, registers } from '../../../../src/cpu/arm64/assembler.ts';
import { a64Instructions } from '../../../../src/cpu/arm64/instructions/table.ts';
import { Field, Image, Outcome } from '../cases/image.ts';
import { DATA, programAddress, WINDOW } from '../cases/layout.ts';
import { Processor } from '../harness.ts';

const { x0, x8, w2 } = registers;

/**
 * An exclusive access by its size. X0 and X1 point to memory that holds zeros; a load leaves it in X4 and X5, a store takes X6
 * and X7 and leaves its status in X3.
 */
interface Form {
  readonly name: string;
  readonly bytes: number;
  readonly load: (a: Assembler, base?: number) => void;
  readonly store: (a: Assembler, base?: number) => void;
}

const single = (bytes: number): Form => ({
  name: `${bytes} bytes`,
  bytes,
  load: (a, base = 0) =>
    a.emit('LDXR, LDAXR', { size: Math.log2(bytes), Rs: 31, ordered: 0, Rt2: 31, Rn: base, Rt: 4 }),
  store: (a, base = 0) => a.emit('STXR, STLXR', { size: Math.log2(bytes), Rs: 3, o0: 0, Rt2: 31, Rn: base, Rt: 6 }),
});

const pair = (sz: number): Form => ({
  name: `a pair of ${4 << sz} bytes`,
  bytes: 8 << sz,
  load: (a, base = 0) => a.emit('LDXP, LDAXP', { sz, Rs: 31, ordered: 1, Rt2: 5, Rn: base, Rt: 4 }),
  store: (a, base = 0) => a.emit('STXP, STLXP', { sz, Rs: 3, o0: 1, Rt2: 7, Rn: base, Rt: 6 }),
});

const forms = [single(1), single(2), single(4), single(8), pair(0), pair(1)];

const clearExclusive = (a: Assembler): void => a.emit('CLREX', { CRm: 15 });

const processors = [new Processor('cold', a64Instructions), new Processor('hot', a64Instructions)];

const NEW = 0x81;

/** The status register and memory after a program. */
const run = (processor: Processor, write: (a: Assembler) => void): { status: number; memory: Uint8Array } => {
  const a = new Assembler(programAddress(0));
  write(a);
  const words = [...new Uint32Array(a.finish().slice().buffer)];
  const initial = new Image();
  initial.setAddress(Field.x, DATA);
  initial.setAddress(Field.x + 8, DATA + 64);
  initial.setAddress(Field.x + 16, 1);
  for (const register of [6, 7]) initial.bytes.fill(NEW, Field.x + register * 8, Field.x + register * 8 + 8);
  initial.set32(Field.x + 3 * 8, 0xdead);
  const result = new Image();
  processor.load([{ slot: 0, words }]);
  processor.run(0, initial, result);
  assert.equal(result.get32(Field.outcome), Outcome.breakpoint);
  return { status: result.get32(Field.x + 3 * 8), memory: result.bytes.slice(Field.window, Field.window + WINDOW) };
};

const stored = (bytes: number): Uint8Array => new Uint8Array(WINDOW).fill(NEW, 0, bytes);

for (const processor of processors) {
  for (const form of forms) {
    describe(`store exclusive of ${form.name}, ${processor.tier} tier`, () => {
      const fails = (write: (a: Assembler) => void, memory: Uint8Array = new Uint8Array(WINDOW)): void => {
        assert.deepEqual(run(processor, write), { status: 1, memory });
      };

      test('stores after a load exclusive', () => {
        const outcome = run(processor, (a) => {
          form.load(a);
          form.store(a);
        });
        assert.deepEqual(outcome, { status: 0, memory: stored(form.bytes) });
      });

      test('fails without a load exclusive', () => {
        fails((a) => form.store(a));
      });

      test('fails at another address', () => {
        fails((a) => {
          form.load(a, 1);
          form.store(a, 0);
        });
      });

      test('fails after CLREX', () => {
        fails((a) => {
          form.load(a);
          clearExclusive(a);
          form.store(a);
        });
      });

      test('fails a second time, whether or not the first one stored', () => {
        fails((a) => {
          form.load(a);
          form.store(a);
          form.store(a);
        }, stored(form.bytes));
        fails((a) => {
          form.load(a);
          form.store(a, 1);
          form.store(a, 0);
        });
      });

      test('fails when any byte has changed', () => {
        for (let byte = 0; byte < form.bytes; byte++) {
          const memory = new Uint8Array(WINDOW);
          memory[byte] = 1;
          fails((a) => {
            form.load(a);
            a.add(x8, x0, byte);
            a.strb(w2, [x8]);
            form.store(a);
          }, memory);
        }
      });
    });
  }
}
