import type { FunctionBuilder } from '../../src/wasm/function-builder.ts';
import { Op, ValueType } from '../../src/wasm/opcodes.ts';

/** An instruction as a test can place it: after its operands, with some valid immediates. */
export interface Instruction {
  readonly name: keyof typeof Op;
  readonly operands: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly write: (body: FunctionBuilder) => void;
}

/** The instructions that only make sense as part of a construct, or change control: tested by `control.test.ts`. */
export const controlInstructions: readonly (keyof typeof Op)[] = [
  'unreachable',
  'block',
  'loop',
  'if',
  'else',
  'end',
  'br',
  'brIf',
  'brTable',
  'return',
  'returnCall',
  'returnCallIndirect',
];

type Write = (opcode: number) => (body: FunctionBuilder) => void;

const plain: Write = (opcode) => (body) => body.op(opcode);
const load =
  (align: number): Write =>
  (opcode) =>
  (body) =>
    body.load(opcode, align, 300);
const store =
  (align: number): Write =>
  (opcode) =>
  (body) =>
    body.store(opcode, align, 0xffff_fff0);
const atomic =
  (align: number): Write =>
  (opcode) =>
  (body) =>
    body.atomic(opcode, align, 8);
const lane =
  (index: number): Write =>
  (opcode) =>
  (body) =>
    body.lane(opcode, index);
const loadLane =
  (align: number, index: number): Write =>
  (opcode) =>
  (body) =>
    body.loadLane(opcode, align, 5, index);
const storeLane =
  (align: number, index: number): Write =>
  (opcode) =>
  (body) =>
    body.storeLane(opcode, align, 5, index);

const all: Instruction[] = [];

function parseTypes(text: string): ValueType[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ValueType[word as keyof typeof ValueType]);
}

/** Lists instructions of one signature, such as `i32 i32 -> i32`. A name's `*` stands for each word of `shapes`. */
function list(signature: string, write: Write, names: string, shapes = ''): void {
  const [operands, results] = signature.split('->').map((side) => parseTypes(side.trim()));
  for (const pattern of names.split(' ')) {
    for (const shape of shapes.split(' ')) {
      const name = pattern.replace('*', shape) as keyof typeof Op;
      all.push({ name, operands, results, write: write(Op[name]) });
    }
  }
}

/** Lists one instruction that has a method of its own. */
function single(signature: string, name: keyof typeof Op, write: (body: FunctionBuilder) => void): void {
  list(signature, () => write, name);
}

// Parametric, variables, constants. Operands are the function's parameters, global 0 a mutable i32.
list('->', plain, 'nop');
single('i32 ->', 'drop', (body) => body.drop());
single('i32 i32 i32 -> i32', 'select', (body) => body.select());
single('funcref funcref i32 -> funcref', 'selectTyped', (body) => body.selectTyped(ValueType.funcref));
single('-> i32', 'i32Const', (body) => body.i32Const(-0x8000_0000));
single('-> i64', 'i64Const', (body) => body.i64Const(1, -0x8000_0000));
single('-> f32', 'f32Const', (body) => body.f32Const(Math.PI));
single('-> f64', 'f64Const', (body) => body.f64Const(-Infinity));
single('-> v128', 'v128Const', (body) => body.v128Const(Uint8Array.from({ length: 16 }, (_, i) => i * 17)));
single('i32 -> i32', 'localTee', (body) => body.localTee(0));
single('i32 ->', 'localSet', (body) => body.localSet(0));
single('-> i32', 'globalGet', (body) => body.globalGet(0));
single('i32 ->', 'globalSet', (body) => body.globalSet(0));
all.push({
  name: 'localGet',
  operands: [ValueType.i64],
  results: [ValueType.i64, ValueType.i64],
  write: (body) => body.localGet(0),
});

// Calls, references, tables. Function 0 and type 0 take and return nothing; table 0 holds funcref, table 1 externref.
single('->', 'call', (body) => body.call(0));
single('i32 ->', 'callIndirect', (body) => body.callIndirect(0, 0));
single('-> externref', 'refNull', (body) => body.refNull(ValueType.externref));
single('-> funcref', 'refFunc', (body) => body.refFunc(0));
list('externref -> i32', plain, 'refIsNull');
single('i32 -> externref', 'tableGet', (body) => body.tableGet(1));
single('i32 externref ->', 'tableSet', (body) => body.tableSet(1));
single('-> i32', 'tableSize', (body) => body.tableSize(1));
single('externref i32 -> i32', 'tableGrow', (body) => body.tableGrow(1));
single('i32 externref i32 ->', 'tableFill', (body) => body.tableFill(1));
single('i32 i32 i32 ->', 'tableCopy', (body) => body.tableCopy(2, 0));
single('i32 i32 i32 ->', 'tableInit', (body) => body.tableInit(2, 0));
single('->', 'elemDrop', (body) => body.elemDrop(0));

// Memory
list('i32 -> i32', load(0), 'i32Load8S i32Load8U');
list('i32 -> i32', load(1), 'i32Load16S i32Load16U');
list('i32 -> i32', load(2), 'i32Load');
list('i32 -> i64', load(0), 'i64Load8S i64Load8U');
list('i32 -> i64', load(1), 'i64Load16S i64Load16U');
list('i32 -> i64', load(2), 'i64Load32S i64Load32U');
list('i32 -> i64', load(3), 'i64Load');
list('i32 -> f32', load(2), 'f32Load');
list('i32 -> f64', load(3), 'f64Load');
list('i32 i32 ->', store(0), 'i32Store8');
list('i32 i32 ->', store(1), 'i32Store16');
list('i32 i32 ->', store(2), 'i32Store');
list('i32 i64 ->', store(0), 'i64Store8');
list('i32 i64 ->', store(1), 'i64Store16');
list('i32 i64 ->', store(2), 'i64Store32');
list('i32 i64 ->', store(3), 'i64Store');
list('i32 f32 ->', store(2), 'f32Store');
list('i32 f64 ->', store(3), 'f64Store');
single('-> i32', 'memorySize', (body) => body.memorySize());
single('i32 -> i32', 'memoryGrow', (body) => body.memoryGrow());
single('i32 i32 i32 ->', 'memoryCopy', (body) => body.memoryCopy());
single('i32 i32 i32 ->', 'memoryFill', (body) => body.memoryFill());
single('i32 i32 i32 ->', 'memoryInit', (body) => body.memoryInit(0));
single('->', 'dataDrop', (body) => body.dataDrop(0));

// Integers
const integerComparisons = 'Eq Ne LtS LtU GtS GtU LeS LeU GeS GeU';
const integerOperations = 'Add Sub Mul DivS DivU RemS RemU And Or Xor Shl ShrS ShrU Rotl Rotr';
list('i32 -> i32', plain, 'i32*', 'Eqz Clz Ctz Popcnt Extend8S Extend16S');
list('i32 i32 -> i32', plain, 'i32*', `${integerComparisons} ${integerOperations}`);
list('i64 -> i32', plain, 'i64Eqz i32WrapI64');
list('i64 i64 -> i32', plain, 'i64*', integerComparisons);
list('i64 -> i64', plain, 'i64*', 'Clz Ctz Popcnt Extend8S Extend16S Extend32S');
list('i64 i64 -> i64', plain, 'i64*', integerOperations);

// Floating point and conversions
const floatComparisons = 'Eq Ne Lt Gt Le Ge';
const floatUnary = 'Abs Neg Ceil Floor Trunc Nearest Sqrt';
const floatBinary = 'Add Sub Mul Div Min Max Copysign';
list('f32 f32 -> i32', plain, 'f32*', floatComparisons);
list('f64 f64 -> i32', plain, 'f64*', floatComparisons);
list('f32 -> f32', plain, 'f32*', floatUnary);
list('f64 -> f64', plain, 'f64*', floatUnary);
list('f32 f32 -> f32', plain, 'f32*', floatBinary);
list('f64 f64 -> f64', plain, 'f64*', floatBinary);
list('f32 -> i32', plain, 'i32TruncF32S i32TruncF32U i32TruncSatF32S i32TruncSatF32U i32ReinterpretF32');
list('f64 -> i32', plain, 'i32TruncF64S i32TruncF64U i32TruncSatF64S i32TruncSatF64U');
list('f32 -> i64', plain, 'i64TruncF32S i64TruncF32U i64TruncSatF32S i64TruncSatF32U');
list('f64 -> i64', plain, 'i64TruncF64S i64TruncF64U i64TruncSatF64S i64TruncSatF64U i64ReinterpretF64');
list('i32 -> i64', plain, 'i64ExtendI32S i64ExtendI32U');
list('i32 -> f32', plain, 'f32ConvertI32S f32ConvertI32U f32ReinterpretI32');
list('i64 -> f32', plain, 'f32ConvertI64S f32ConvertI64U');
list('i32 -> f64', plain, 'f64ConvertI32S f64ConvertI32U');
list('i64 -> f64', plain, 'f64ConvertI64S f64ConvertI64U f64ReinterpretI64');
list('f64 -> f32', plain, 'f32DemoteF64');
list('f32 -> f64', plain, 'f64PromoteF32');

// Vector memory access and lanes
list('i32 -> v128', load(4), 'v128Load');
list('i32 -> v128', load(3), 'v128Load*', '8x8S 8x8U 16x4S 16x4U 32x2S 32x2U 64Splat 64Zero');
list('i32 -> v128', load(2), 'v128Load*', '32Splat 32Zero');
list('i32 -> v128', load(1), 'v128Load16Splat');
list('i32 -> v128', load(0), 'v128Load8Splat');
list('i32 v128 ->', store(4), 'v128Store');
list('i32 v128 -> v128', loadLane(0, 15), 'v128Load8Lane');
list('i32 v128 -> v128', loadLane(1, 7), 'v128Load16Lane');
list('i32 v128 -> v128', loadLane(2, 3), 'v128Load32Lane');
list('i32 v128 -> v128', loadLane(3, 1), 'v128Load64Lane');
list('i32 v128 ->', storeLane(0, 15), 'v128Store8Lane');
list('i32 v128 ->', storeLane(1, 7), 'v128Store16Lane');
list('i32 v128 ->', storeLane(2, 3), 'v128Store32Lane');
list('i32 v128 ->', storeLane(3, 1), 'v128Store64Lane');
list('i32 -> v128', plain, '*Splat', 'i8x16 i16x8 i32x4');
list('i64 -> v128', plain, 'i64x2Splat');
list('f32 -> v128', plain, 'f32x4Splat');
list('f64 -> v128', plain, 'f64x2Splat');
list(
  'v128 -> i32',
  lane(1),
  'i8x16ExtractLaneS i8x16ExtractLaneU i16x8ExtractLaneS i16x8ExtractLaneU i32x4ExtractLane',
);
list('v128 -> i64', lane(1), 'i64x2ExtractLane');
list('v128 -> f32', lane(1), 'f32x4ExtractLane');
list('v128 -> f64', lane(1), 'f64x2ExtractLane');
list('v128 i32 -> v128', lane(1), '*ReplaceLane', 'i8x16 i16x8 i32x4');
list('v128 i64 -> v128', lane(1), 'i64x2ReplaceLane');
list('v128 f32 -> v128', lane(1), 'f32x4ReplaceLane');
list('v128 f64 -> v128', lane(1), 'f64x2ReplaceLane');
single('v128 v128 -> v128', 'i8x16Shuffle', (body) => body.shuffle(Uint8Array.from({ length: 16 }, (_, i) => 31 - i)));

// Vector arithmetic
const integerShapes = 'i8x16 i16x8 i32x4 i64x2';
const floatShapes = 'f32x4 f64x2';
const unary = 'v128 -> v128';
const binary = 'v128 v128 -> v128';
const ternary = 'v128 v128 v128 -> v128';
list('v128 -> i32', plain, '*AllTrue *Bitmask', integerShapes);
list('v128 -> i32', plain, 'v128AnyTrue');
list('v128 i32 -> v128', plain, '*Shl *ShrS *ShrU', integerShapes);
list(unary, plain, '*Abs *Neg', integerShapes);
list(binary, plain, '*Add *Sub *Eq *Ne *LtS *GtS *LeS *GeS', integerShapes);
list(binary, plain, '*LtU *GtU *LeU *GeU *MinS *MinU *MaxS *MaxU', 'i8x16 i16x8 i32x4');
list(binary, plain, '*AddSatS *AddSatU *SubSatS *SubSatU *AvgrU', 'i8x16 i16x8');
list(binary, plain, '*Mul', 'i16x8 i32x4 i64x2');
list(binary, plain, 'i8x16Swizzle i16x8Q15mulrSatS i32x4DotI16x8S');
list(binary, plain, 'i8x16NarrowI16x8S i8x16NarrowI16x8U i16x8NarrowI32x4S i16x8NarrowI32x4U');
list(unary, plain, 'i8x16Popcnt');
list(unary, plain, 'i16x8ExtaddPairwiseI8x16* i32x4ExtaddPairwiseI16x8*', 'S U');
list(unary, plain, 'i16x8Extend*', 'LowI8x16S LowI8x16U HighI8x16S HighI8x16U');
list(unary, plain, 'i32x4Extend*', 'LowI16x8S LowI16x8U HighI16x8S HighI16x8U');
list(unary, plain, 'i64x2Extend*', 'LowI32x4S LowI32x4U HighI32x4S HighI32x4U');
list(binary, plain, 'i16x8Extmul*', 'LowI8x16S LowI8x16U HighI8x16S HighI8x16U');
list(binary, plain, 'i32x4Extmul*', 'LowI16x8S LowI16x8U HighI16x8S HighI16x8U');
list(binary, plain, 'i64x2Extmul*', 'LowI32x4S LowI32x4U HighI32x4S HighI32x4U');
list(unary, plain, 'v128Not');
list(binary, plain, 'v128*', 'And Andnot Or Xor');
list(ternary, plain, 'v128Bitselect');
list(unary, plain, '*Abs *Neg *Sqrt *Ceil *Floor *Trunc *Nearest', floatShapes);
list(binary, plain, '*Add *Sub *Mul *Div *Min *Max *Pmin *Pmax *Eq *Ne *Lt *Gt *Le *Ge', floatShapes);
list(unary, plain, 'f32x4DemoteF64x2Zero f64x2PromoteLowF32x4 f32x4ConvertI32x4S f32x4ConvertI32x4U');
list(unary, plain, 'i32x4TruncSatF32x4S i32x4TruncSatF32x4U i32x4TruncSatF64x2SZero i32x4TruncSatF64x2UZero');
list(unary, plain, 'f64x2ConvertLowI32x4S f64x2ConvertLowI32x4U');

// Relaxed vectors
list(binary, plain, 'i8x16RelaxedSwizzle i16x8RelaxedQ15mulrS i16x8RelaxedDotI8x16I7x16S');
list(unary, plain, 'i32x4RelaxedTrunc*', 'F32x4S F32x4U F64x2SZero F64x2UZero');
list(ternary, plain, '*RelaxedMadd *RelaxedNmadd', floatShapes);
list(ternary, plain, '*RelaxedLaneselect', integerShapes);
list(binary, plain, '*RelaxedMin *RelaxedMax', floatShapes);
list(ternary, plain, 'i32x4RelaxedDotI8x16I7x16AddS');

// Atomics
const readModifyWrite = 'Add Sub And Or Xor Xchg';
single('->', 'atomicFence', (body) => body.atomicFence());
list('i32 i32 -> i32', atomic(2), 'memoryAtomicNotify');
list('i32 i32 i64 -> i32', atomic(2), 'memoryAtomicWait32');
list('i32 i64 i64 -> i32', atomic(3), 'memoryAtomicWait64');
list('i32 -> i32', atomic(0), 'i32AtomicLoad8U');
list('i32 -> i32', atomic(1), 'i32AtomicLoad16U');
list('i32 -> i32', atomic(2), 'i32AtomicLoad');
list('i32 -> i64', atomic(0), 'i64AtomicLoad8U');
list('i32 -> i64', atomic(1), 'i64AtomicLoad16U');
list('i32 -> i64', atomic(2), 'i64AtomicLoad32U');
list('i32 -> i64', atomic(3), 'i64AtomicLoad');
list('i32 i32 ->', atomic(0), 'i32AtomicStore8');
list('i32 i32 ->', atomic(1), 'i32AtomicStore16');
list('i32 i32 ->', atomic(2), 'i32AtomicStore');
list('i32 i64 ->', atomic(0), 'i64AtomicStore8');
list('i32 i64 ->', atomic(1), 'i64AtomicStore16');
list('i32 i64 ->', atomic(2), 'i64AtomicStore32');
list('i32 i64 ->', atomic(3), 'i64AtomicStore');
list('i32 i32 -> i32', atomic(0), 'i32AtomicRmw8*U', readModifyWrite);
list('i32 i32 -> i32', atomic(1), 'i32AtomicRmw16*U', readModifyWrite);
list('i32 i32 -> i32', atomic(2), 'i32AtomicRmw*', readModifyWrite);
list('i32 i64 -> i64', atomic(0), 'i64AtomicRmw8*U', readModifyWrite);
list('i32 i64 -> i64', atomic(1), 'i64AtomicRmw16*U', readModifyWrite);
list('i32 i64 -> i64', atomic(2), 'i64AtomicRmw32*U', readModifyWrite);
list('i32 i64 -> i64', atomic(3), 'i64AtomicRmw*', readModifyWrite);
list('i32 i32 i32 -> i32', atomic(0), 'i32AtomicRmw8CmpxchgU');
list('i32 i32 i32 -> i32', atomic(1), 'i32AtomicRmw16CmpxchgU');
list('i32 i32 i32 -> i32', atomic(2), 'i32AtomicRmwCmpxchg');
list('i32 i64 i64 -> i64', atomic(0), 'i64AtomicRmw8CmpxchgU');
list('i32 i64 i64 -> i64', atomic(1), 'i64AtomicRmw16CmpxchgU');
list('i32 i64 i64 -> i64', atomic(2), 'i64AtomicRmw32CmpxchgU');
list('i32 i64 i64 -> i64', atomic(3), 'i64AtomicRmwCmpxchg');

/** Every instruction of the table but the `controlInstructions`, each once. */
export const instructions: readonly Instruction[] = all;
