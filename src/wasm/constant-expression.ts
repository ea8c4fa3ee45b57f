import { ByteWriter } from './byte-writer.ts';
import { Op, type ReferenceType } from './opcodes.ts';

/** An initial value or offset, encoded with its closing `end`. */
export type ConstantExpression = Uint8Array;

function encode(opcode: number, writeImmediate: (writer: ByteWriter) => void): ConstantExpression {
  const writer = new ByteWriter(24);
  if (opcode >= 0x100) writer.u8(opcode >>> 12);
  writer.u8(opcode & 0xff);
  writeImmediate(writer);
  writer.u8(Op.end);
  return writer.bytes();
}

/**
 * Makes the constant expressions that globals, element segments and data segments take.
 * Source: WebAssembly core specification, "Constant expressions".
 */
export const Constant = {
  i32: (value: number): ConstantExpression => encode(Op.i32Const, (writer) => writer.s32(value)),
  i64: (low: number, high: number): ConstantExpression => encode(Op.i64Const, (writer) => writer.s64(low, high)),
  f32: (value: number): ConstantExpression => encode(Op.f32Const, (writer) => writer.f32(value)),
  f64: (value: number): ConstantExpression => encode(Op.f64Const, (writer) => writer.f64(value)),
  /** 16 bytes, lowest first. */
  v128: (bytes: Uint8Array): ConstantExpression => {
    if (bytes.length !== 16) throw new RangeError(`v128 constant of ${bytes.length} bytes`);
    return encode(Op.v128Const, (writer) => writer.raw(bytes));
  },
  globalGet: (index: number): ConstantExpression => encode(Op.globalGet, (writer) => writer.u32(index)),
  refNull: (type: ReferenceType): ConstantExpression => encode(Op.refNull, (writer) => writer.u8(type)),
  refFunc: (index: number): ConstantExpression => encode(Op.refFunc, (writer) => writer.u32(index)),
};
