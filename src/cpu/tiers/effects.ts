import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ValueType } from '../../wasm/opcodes.ts';
import { RECORD_REGISTERS } from '../code-page.ts';
import type { Decoder, HandlerDescription } from '../decoder.ts';
import type { Exit } from '../exits.ts';
import type { BranchKind, Target } from '../ir/builder.ts';
import type { I32, I64, Register, Value } from '../ir/value.ts';
import { OutOfLineBuilder, operandPlace } from './cold-builder.ts';
import { noImports } from './imports.ts';

/** How an instruction goes on, read off its description. */
export const Flow = {
  next: 0,
  /** An unconditional direct branch. */
  jump: 1,
  /** A conditional direct branch. */
  branch: 2,
  /** A direct call. */
  call: 3,
  /** A computed call. */
  callComputed: 4,
  /** A computed branch, or out of translated code. */
  leave: 5,
} as const;
export type Flow = (typeof Flow)[keyof typeof Flow];

/** What a handler does, apart from its operands' values. */
export interface Effects {
  readonly flow: Flow;
  /** Which register operands it reads, and which it writes: bit i for the i-th. */
  readonly reads: number;
  readonly writes: number;
}

/** As of any handler (OutOfLineBuilder). */
const parameters = [ValueType.i32, ValueType.i32, ValueType.i64];

/** Runs descriptions only to see what they do. */
class EffectProbe extends OutOfLineBuilder {
  #flow: Flow = Flow.next;
  #reads = 0;
  #writes = 0;

  constructor() {
    super(new FunctionBuilder(parameters), noImports);
  }

  probe(handler: HandlerDescription): Effects {
    this.code.reset(parameters);
    this.resetTemporaries();
    this.#flow = Flow.next;
    this.#reads = 0;
    this.#writes = 0;
    this.describe(handler);
    return { flow: this.#flow, reads: this.#reads, writes: this.#writes };
  }

  protected override emitRegister(value: Value): void {
    this.#reads |= operandBit(value.lo);
    super.emitRegister(value);
  }

  protected override writeRegister(register: Register, value: Value): void {
    this.#writes |= operandBit(register);
    super.writeRegister(register, value);
  }

  override jump(target: Target, kind: 'jump' | 'call' = 'jump'): void {
    this.#flow = kind === 'call' ? Flow.call : Flow.jump;
    super.jump(target);
  }

  override jumpIf(condition: I32, target: Target): void {
    this.#flow = Flow.branch;
    super.jumpIf(condition, target);
  }

  override jumpTo(address: I64, kind: BranchKind = 'jump'): void {
    this.#flow = kind === 'call' ? Flow.callComputed : Flow.leave;
    super.jumpTo(address);
  }

  override leave(exit: Exit, at: 'this' | 'next'): void {
    this.#flow = Flow.leave;
    super.leave(exit, at);
  }
}

/** The bit of the operand that a register of a cold handler stands for; none for a field of the record. */
const operandBit = (register: number): number =>
  register >= 0 ? 0 : 1 << (RECORD_REGISTERS as readonly number[]).indexOf(operandPlace(register));

/** The effects of each handler, found when first asked for. */
export class EffectTable {
  readonly #decoder: Decoder;
  readonly #effects: (Effects | undefined)[];
  readonly #probe = new EffectProbe();

  constructor(decoder: Decoder) {
    this.#decoder = decoder;
    this.#effects = new Array(decoder.handlers.length);
  }

  of(handler: number): Effects {
    const known = this.#effects[handler];
    if (known !== undefined) return known;
    const effects = this.#probe.probe(this.#decoder.handlers[handler] as HandlerDescription);
    this.#effects[handler] = effects;
    return effects;
  }
}
