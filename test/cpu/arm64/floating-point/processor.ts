import assert from 'node:assert/strict';
import type { Format } from '../../../../src/cpu/arm64/floating-point/format.ts';
import { double } from '../../../../src/cpu/arm64/floating-point/format.ts';
import type { Instruction } from '../../../../src/cpu/instruction.ts';
import { Field, Image } from '../cases/image.ts';
import { Processor } from '../harness.ts';

/** Runs a few floating-point instructions in both tiers, which must agree. */
export class FloatProcessor {
  static readonly tiers = 2;
  readonly #cold: Processor;
  readonly #hot: Processor;
  readonly #initial = new Image();
  readonly #result = new Image();
  readonly #hotResult = new Image();

  constructor(instructions: readonly Instruction[]) {
    this.#cold = new Processor('cold', instructions);
    this.#hot = new Processor('hot', instructions);
  }

  /** Makes these instructions the ones that run. */
  load(...words: readonly number[]): void {
    this.#cold.load([{ slot: 0, words }]);
    this.#hot.load([{ slot: 0, words }]);
  }

  setGeneral(register: number, value: number): void {
    this.#initial.setAddress(register * 8, value);
  }

  /** Sets the control registers; `fpsr` has the flags that are set before. */
  control(fpcr: number, fpsr: number): void {
    this.#initial.set32(Field.fpcr, fpcr);
    this.#initial.set32(Field.fpsr, fpsr);
  }

  /** Fills all lanes of a vector register. */
  setLanes(register: number, format: Format, bits: bigint): void {
    const { view } = this.#initial;
    const at = Field.v + register * 16;
    for (let byte = 0; byte < 16; byte += format.bytes) {
      if (format === double) view.setBigUint64(at + byte, bits, true);
      else view.setUint32(at + byte, Number(bits), true);
    }
  }

  run(): void {
    this.#cold.run(0, this.#initial, this.#result);
    this.#hot.run(0, this.#initial, this.#hotResult);
    assert.ok(Buffer.compare(this.#result.bytes, this.#hotResult.bytes) === 0, 'the tiers disagree');
  }

  /** A lane of a register afterwards. */
  lane(register: number, format: Format, lane: number): bigint {
    const at = Field.v + register * 16 + lane * format.bytes;
    const { view } = this.#result;
    return format === double ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
  }

  get fpsr(): number {
    return this.#result.get32(Field.fpsr);
  }
}
