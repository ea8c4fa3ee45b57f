/**
 * Values of the engine's intermediate form: pure expression trees over wasm's own operations. A node is emitted where it is
 * first needed and kept in a wasm local if it is used again, so descriptions may share nodes freely.
 */

export type TypeName = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** What a node is, when it is not a plain wasm operation (whose `opcode` is wasm's). */
export const NodeKind = {
  /** A wasm opcode applied to `a`, `b` and `c`. */
  operation: 0,
  /** A constant: `lo` and `hi` are its bits (v128: `bytes`). */
  constant: 1,
  /** A register operand or state field; `lo` is the operand or the state offset. */
  register: 2,
  /** A wasm local that never changes while the node lives. */
  local: 3,
  /** An immediate that the cold tier reads from the pre-decoded record at offset `lo`. */
  recordField: 4,
  /** The address of the instruction plus `lo`. */
  programCounter: 5,
  /** A state field at byte offset `lo` from the vCPU record. */
  stateField: 6,
} as const;
export type NodeKind = (typeof NodeKind)[keyof typeof NodeKind];

export class Value<T extends TypeName = TypeName> {
  readonly kind: NodeKind;
  readonly type: T;
  readonly opcode: number;
  readonly a: Value | null;
  readonly b: Value | null;
  readonly c: Value | null;
  readonly lo: number;
  readonly hi: number;
  /** Lane indices or the bits of a v128 constant. */
  readonly bytes: Uint8Array | null;
  /** How many nodes and statements use this one; more than one earns it a local. */
  uses = 0;
  /** The wasm local that holds it, once emitted; -1 before. */
  local = -1;

  constructor(
    kind: NodeKind,
    type: T,
    opcode: number,
    a: Value | null,
    b: Value | null,
    c: Value | null,
    lo: number,
    hi: number,
    bytes: Uint8Array | null,
  ) {
    this.kind = kind;
    this.type = type;
    this.opcode = opcode;
    this.a = a;
    this.b = b;
    this.c = c;
    this.lo = lo;
    this.hi = hi;
    this.bytes = bytes;
    if (a !== null) a.uses++;
    if (b !== null) b.uses++;
    if (c !== null) c.uses++;
  }
}

export type I32 = Value<'i32'>;
export type I64 = Value<'i64'>;
export type F32 = Value<'f32'>;
export type F64 = Value<'f64'>;
export type V128 = Value<'v128'>;

/**
 * A register named by an instruction's operand: in the hot tier a byte offset in the vCPU record, in the cold tier a place
 * in the pre-decoded record that holds that offset. Descriptions only pass it on.
 */
export type Register = number & { readonly __register: unique symbol };
