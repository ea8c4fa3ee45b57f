import { FunctionBuilder } from '../../wasm/function-builder.ts';
import { ValueType } from '../../wasm/opcodes.ts';
import type { Decoder, HandlerDescription } from '../decoder.ts';
import type { Exit } from '../exits.ts';
import type { Target } from '../ir/builder.ts';
import type { I32, I64 } from '../ir/value.ts';
import { OutOfLineBuilder } from './cold-builder.ts';
import type { ImportIndices } from './imports.ts';

/** How an instruction goes on, read off its description. */
export const Flow = {
  next: 0,
  /** An unconditional direct branch. */
  jump: 1,
  /** A conditional direct branch. */
  branch: 2,
  /** A direct branch that also writes a register: a call. */
  call: 3,
  /** A computed branch, or out of translated code. */
  leave: 4,
} as const;
export type Flow = (typeof Flow)[keyof typeof Flow];

/** Runs descriptions only to see how they end. */
class FlowProbe extends OutOfLineBuilder {
  flow: Flow = Flow.next;
  #writes = false;

  probe(handler: HandlerDescription): Flow {
    this.flow = Flow.next;
    this.#writes = false;
    this.describe(handler);
    return this.flow;
  }

  override set(...args: Parameters<OutOfLineBuilder['set']>): void {
    this.#writes = true;
    super.set(...args);
  }

  override jump(target: Target): void {
    this.flow = this.#writes ? Flow.call : Flow.jump;
    super.jump(target);
  }

  override jumpIf(condition: I32, target: Target): void {
    this.flow = Flow.branch;
    super.jumpIf(condition, target);
  }

  override jumpTo(address: I64): void {
    this.flow = Flow.leave;
    super.jumpTo(address);
  }

  override leave(exit: Exit, at: 'this' | 'next'): void {
    this.flow = Flow.leave;
    super.leave(exit, at);
  }
}

const UNKNOWN = 0xff;
const noImports: ImportIndices = {
  load: 0,
  store: 0,
  address: 0,
  fetch: 0,
  decode: 0,
  routine: 0,
  regionType: 0,
  regionTable: 0,
};

/** The flow of each handler, found when first asked for. */
export class FlowTable {
  readonly #decoder: Decoder;
  readonly #flows: Uint8Array;

  constructor(decoder: Decoder) {
    this.#decoder = decoder;
    this.#flows = new Uint8Array(decoder.handlers.length).fill(UNKNOWN);
  }

  flowOf(handler: number): Flow {
    const known = this.#flows[handler] as number;
    if (known !== UNKNOWN) return known as Flow;
    const { i32, i64 } = ValueType;
    const probe = new FlowProbe(new FunctionBuilder([i32, i32, i64]), noImports);
    const flow = probe.probe(this.#decoder.handlers[handler] as HandlerDescription);
    this.#flows[handler] = flow;
    return flow;
  }
}
