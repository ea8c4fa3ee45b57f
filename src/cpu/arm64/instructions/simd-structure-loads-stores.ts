import { Op } from '../../../wasm/opcodes.ts';
import { type Instruction, instruction } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { I64, V128 } from '../../ir/value.ts';
import { bytesOf } from './simd-lanes.ts';
import {
  baseRegister,
  type Count,
  counts,
  type Indexing,
  indexings,
  listedRegisters,
  structureEpilogue,
  structureOperands,
  writeBack,
} from './simd-structures.ts';

/**
 * Loads and stores of whole SIMD registers, LD1 to LD4 and ST1 to ST4 (Arm ARM C4.1, "Advanced SIMD load/store multiple
 * structures"). Memory is read and written in pieces of a register's width, as many as there are registers.
 */

/** Width of the registers in bytes. */
type Width = 8 | 16;

const widthOf = (q: number): Width => (q === 1 ? 16 : 8);

/** One piece of memory, in a vector that is zero above its width. */
const loadPiece = (o: Builder, width: Width, address: I64): V128 =>
  width === 16 ? o.loadV(address) : o.scalarToVector(o.load(8, address));

const storePiece = (o: Builder, width: Width, address: I64, piece: V128): void => {
  if (width === 16) o.store(16, address, piece);
  else o.store(8, address, o.extractLane(Op.i64x2ExtractLane, 'i64', piece, 0));
};

const pieceAddress = (o: Builder, base: I64, width: Width, piece: number): I64 => o.add(base, o.i64(piece * width));

/** Where a byte comes from: the number of a vector and the place in it. */
type Origin = readonly [vector: number, place: number];

/** A vector whose bytes are picked from several others. */
const pick = (o: Builder, vectors: readonly V128[], origin: (place: number) => Origin): V128 => {
  let result = vectors[0];
  let seen = (place: number): number => (origin(place)[0] === 0 ? origin(place)[1] : place);
  for (let vector = 1; vector < vectors.length; vector++) {
    const before = seen;
    result = o.shuffle(
      result,
      vectors[vector],
      bytesOf((place) => (origin(place)[0] === vector ? 16 + origin(place)[1] : before(place))),
    );
    seen = (place) => place;
  }
  return result;
};

/** A structure is one element of each register in turn; elements have 1 << `size` bytes. */
interface Layout {
  readonly count: Count;
  readonly size: number;
  readonly width: Width;
}

/** Register `register`'s elements out of memory's pieces. */
const gather = (o: Builder, { count, size, width }: Layout, pieces: readonly V128[], register: number): V128 =>
  pick(o, pieces, (place) => {
    // Pieces are zero above their width.
    if (place >= width) return [0, width];
    const structure = place >> size;
    const at = ((structure * count + register) << size) + (place & ((1 << size) - 1));
    return [Math.floor(at / width), at % width];
  });

/** Piece `piece` of memory out of the registers' elements. */
const scatter = (o: Builder, { count, size, width }: Layout, registers: readonly V128[], piece: number): V128 =>
  pick(o, registers, (place) => {
    if (place >= width) return [0, place];
    const at = piece * width + place;
    const element = at >> size;
    return [element % count, (Math.floor(element / count) << size) + (at & ((1 << size) - 1))];
  });

/** LD1 and ST1: the registers one after the other, whatever the element size. */
const successive = (count: Count, opcode: string, indexing: Indexing): Instruction[] => {
  const operands = structureOperands(count, indexing);
  const list = `${count} register${count > 1 ? 's' : ''}, ${indexing.name}`;
  return [
    instruction({
      name: `LD1 (multiple structures, ${list})`,
      bits: `0 Q:1 001100 ${indexing.post} 1 0 ${indexing.rm} ${opcode} size:2 Rn:5 Rt:5`,
      shape: ['Q'],
      operands,
      vector: true,
      epilogue: structureEpilogue(indexing),
      describe(o, x, f) {
        const width = widthOf(f.Q);
        const base = o.now(o.get64(baseRegister(x)));
        for (const [i, register] of listedRegisters(x, count).entries()) {
          o.setV(register, loadPiece(o, width, pieceAddress(o, base, width, i)));
        }
        writeBack(o, x, indexing, base, count * width);
      },
    }),
    instruction({
      name: `ST1 (multiple structures, ${list})`,
      bits: `0 Q:1 001100 ${indexing.post} 0 0 ${indexing.rm} ${opcode} size:2 Rn:5 Rt:5`,
      shape: ['Q'],
      operands,
      vector: true,
      epilogue: structureEpilogue(indexing),
      describe(o, x, f) {
        const width = widthOf(f.Q);
        const base = o.now(o.get64(baseRegister(x)));
        for (const [i, register] of listedRegisters(x, count).entries()) {
          storePiece(o, width, pieceAddress(o, base, width, i), o.getV(register));
        }
        writeBack(o, x, indexing, base, count * width);
      },
    }),
  ];
};

/** LD2 to LD4 and ST2 to ST4: elements of the registers by turns. */
const interleaved = (count: Count, opcode: string, indexing: Indexing): Instruction[] => {
  const operands = structureOperands(count, indexing);
  // Registers of one doubleword have nothing to interleave: reserved.
  const allowed = (f: Readonly<Record<'Q' | 'size', number>>): boolean => f.Q === 1 || f.size < 3;
  return [
    instruction({
      name: `LD${count} (multiple structures, ${indexing.name})`,
      bits: `0 Q:1 001100 ${indexing.post} 1 0 ${indexing.rm} ${opcode} size:2 Rn:5 Rt:5`,
      shape: ['Q', 'size'],
      allowed,
      operands,
      vector: true,
      epilogue: structureEpilogue(indexing),
      describe(o, x, f) {
        const layout: Layout = { count, size: f.size, width: widthOf(f.Q) };
        const base = o.now(o.get64(baseRegister(x)));
        const registers = listedRegisters(x, count);
        const pieces = registers.map((_, i) =>
          o.now(loadPiece(o, layout.width, pieceAddress(o, base, layout.width, i))),
        );
        for (const [i, register] of registers.entries()) o.setV(register, gather(o, layout, pieces, i));
        writeBack(o, x, indexing, base, count * layout.width);
      },
    }),
    instruction({
      name: `ST${count} (multiple structures, ${indexing.name})`,
      bits: `0 Q:1 001100 ${indexing.post} 0 0 ${indexing.rm} ${opcode} size:2 Rn:5 Rt:5`,
      shape: ['Q', 'size'],
      allowed,
      operands,
      vector: true,
      epilogue: structureEpilogue(indexing),
      describe(o, x, f) {
        const layout: Layout = { count, size: f.size, width: widthOf(f.Q) };
        const base = o.now(o.get64(baseRegister(x)));
        const registers = listedRegisters(x, count).map((register) => o.getV(register));
        for (let i = 0; i < count; i++) {
          const piece = scatter(o, layout, registers, i);
          storePiece(o, layout.width, pieceAddress(o, base, layout.width, i), piece);
        }
        writeBack(o, x, indexing, base, count * layout.width);
      },
    }),
  ];
};

const successiveOpcodes: Readonly<Record<Count, string>> = { 1: '0111', 2: '1010', 3: '0110', 4: '0010' };

export const simdStructureLoadsStores: readonly Instruction[] = indexings.flatMap((indexing) => [
  ...counts.flatMap((count) => successive(count, successiveOpcodes[count], indexing)),
  ...interleaved(2, '1000', indexing),
  ...interleaved(3, '0100', indexing),
  ...interleaved(4, '0000', indexing),
]);
