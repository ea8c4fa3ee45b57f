import { Op } from '../../../wasm/opcodes.ts';
import { type Fields, type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I32, I64, V128 } from '../../ir/value.ts';
import { immediate32 } from '../operands.ts';
import { bytesOf, known, Lanes } from './simd-lanes.ts';
import {
  baseRegister,
  type Count,
  counts,
  elementOperands,
  type Indexing,
  indexings,
  listedRegisters,
  structureEpilogue,
  structureOperands,
  writeBack,
} from './simd-structures.ts';

/**
 * Loads and stores of one element of each register, and loads of one element into all lanes: LD1 to LD4, ST1 to ST4, LD1R to
 * LD4R (Arm ARM C4.1, "Advanced SIMD load/store single structure").
 */

type Bytes = 1 | 2 | 4 | 8;

/** An element size and how the encoding says which element. */
interface Element {
  readonly name: string;
  readonly size: number;
  /** Bits 15 and 14; with bits 12 to 10 that follow the count's. */
  readonly scale: string;
  readonly low: string;
  /** The fields that make the index. */
  readonly indexFields: readonly string[];
  readonly index: (f: Fields) => number;
}

const elements: readonly Element[] = [
  {
    name: 'B',
    size: 0,
    scale: '00',
    low: 'S:1 size:2',
    indexFields: ['Q', 'S', 'size'],
    index: (f) => f.Q * 8 + f.S * 4 + f.size,
  },
  {
    name: 'H',
    size: 1,
    scale: '01',
    low: 'S:1 high:1 0',
    indexFields: ['Q', 'S', 'high'],
    index: (f) => f.Q * 4 + f.S * 2 + f.high,
  },
  { name: 'S', size: 2, scale: '10', low: 'S:1 00', indexFields: ['Q', 'S'], index: (f) => f.Q * 2 + f.S },
  { name: 'D', size: 3, scale: '10', low: '0 01', indexFields: ['Q'], index: (f) => f.Q },
];

const replaceOpcodes = [Op.i8x16ReplaceLane, Op.i16x8ReplaceLane, Op.i32x4ReplaceLane, Op.i64x2ReplaceLane] as const;

/** The vector with one element replaced by the value's low bits. */
const withElement = (o: Builder, size: number, vector: V128, index: I32, value: I64): V128 => {
  const scalar = size === 3 ? value : o.wrap(value);
  const number = known(index);
  if (number !== undefined) return o.replaceLane(replaceOpcodes[size], vector, number, scalar);
  const bytes = Lanes.ofVector(o, 0, 1);
  const places = o.v128(bytesOf((place) => place >> size));
  const chosen = bytes.equal(places, bytes.splat(index));
  return bytes.select(chosen, Lanes.ofVector(o, size, 1).splat(scalar), vector);
};

/** One element, with arbitrary bits above it. */
const elementOf = (o: Builder, size: number, vector: V128, index: I32): I64 => {
  const everywhere = Lanes.ofVector(o, size, 1).duplicate(vector, index);
  return o.extractLane(Op.i64x2ExtractLane, 'i64', everywhere, 0);
};

/** Bits 21 and 13, which tell the number of registers. */
const countBits = (count: Count): readonly [r: string, high: string] => [
  count === 2 || count === 4 ? '1' : '0',
  count > 2 ? '1' : '0',
];

const encoding = (load: string, count: Count, indexing: Indexing, scale: string, low: string): string => {
  const [r, high] = countBits(count);
  return `0 Q:1 001101 ${indexing.post} ${load} ${r} ${indexing.rm} ${scale} ${high} ${low} Rn:5 Rt:5`;
};

const addressOf = (o: Builder, base: I64, size: number, register: number): I64 => o.add(base, o.i64(register << size));

const single = (element: Element, count: Count, indexing: Indexing): Instruction[] => {
  const { size, scale, low } = element;
  const bytes = (1 << size) as Bytes;
  // Four registers, base and index register leave no room for the element's number, so it becomes part of the shape.
  const shaped = count === 4 && indexing.name === 'register post-index';
  const operands = shaped
    ? structureOperands(count, indexing)
    : elementOperands(count, indexing, immediate32(element.index));
  const shape = shaped ? element.indexFields : [];
  const indexOf = (o: Builder, x: Readonly<Record<string, unknown>>, f: Fields): I32 =>
    shaped ? o.i32(element.index(f)) : (x.index as I32);
  const title = `single structure, ${element.name}, ${indexing.name}`;
  return [
    instruction({
      name: `LD${count} (${title})`,
      bits: encoding('1', count, indexing, scale, low),
      shape,
      operands,
      vector: true,
      epilogue: structureEpilogue(indexing),
      describe(o, x, f) {
        const index = indexOf(o, x, f);
        const base = o.now(o.get64(baseRegister(x)));
        for (const [i, register] of listedRegisters(x, count).entries()) {
          const value = o.load(bytes, addressOf(o, base, size, i));
          o.setV(register, withElement(o, size, o.getV(register), index, value));
        }
        writeBack(o, x, indexing, base, count << size);
      },
    }),
    instruction({
      name: `ST${count} (${title})`,
      bits: encoding('0', count, indexing, scale, low),
      shape,
      operands,
      vector: true,
      epilogue: structureEpilogue(indexing),
      describe(o, x, f) {
        const index = indexOf(o, x, f);
        const base = o.now(o.get64(baseRegister(x)));
        for (const [i, register] of listedRegisters(x, count).entries()) {
          o.store(bytes, addressOf(o, base, size, i), elementOf(o, size, o.getV(register), index));
        }
        writeBack(o, x, indexing, base, count << size);
      },
    }),
  ];
};

const replicated = (count: Count, indexing: Indexing): Instruction =>
  instruction({
    name: `LD${count}R (${indexing.name})`,
    bits: encoding('1', count, indexing, '11', '0 size:2'),
    shape: ['Q', 'size'],
    operands: structureOperands(count, indexing),
    vector: true,
    epilogue: structureEpilogue(indexing),
    describe(o, x, f) {
      const lanes = Lanes.ofVector(o, f.size, f.Q);
      const base = o.now(o.get64(baseRegister(x)));
      for (const [i, register] of listedRegisters(x, count).entries()) {
        const value = o.load((1 << f.size) as Bytes, addressOf(o, base, f.size, i));
        lanes.write(register, lanes.splat(f.size === 3 ? value : o.wrap(value)));
      }
      writeBack(o, x, indexing, base, count << f.size);
    },
  });

export const simdElementLoadsStores: readonly Instruction[] = indexings.flatMap((indexing) =>
  counts.flatMap((count) => [
    ...elements.flatMap((element) => single(element, count, indexing)),
    replicated(count, indexing),
  ]),
);
