import { Op } from '../../../wasm/opcodes.ts';
import { type Instruction, instruction, type RegisterOperand } from '../../instruction.ts';
import type { Builder } from '../../ir/builder.ts';
import type { V128 } from '../../ir/value.ts';
import { immediate32, vector, vectorAfter } from '../operands.ts';
import { B, D, threeRegisters } from './simd-forms.ts';
import { bytesOf, known, Lanes } from './simd-lanes.ts';

/** Advanced SIMD permute, extract and table lookup (Arm ARM C4.1). */

const permute = (name: string, opcode: string, compute: (l: Lanes, n: V128, m: V128) => V128): Instruction =>
  instruction({
    name,
    bits: `0 Q:1 001110 size:2 0 Rm:5 0 ${opcode} 10 Rn:5 Rd:5`,
    shape: ['Q', 'size'],
    allowed: (shape) => shape.size < D || shape.Q === 1,
    operands: threeRegisters,
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, f.size, f.Q);
      l.write(x.d, compute(l, o.getV(x.n), o.getV(x.m)));
    },
  });

const swizzle = (o: Builder, table: V128, indexes: V128): V128 => o.simd2(Op.i8x16Swizzle, table, indexes);

/** EXT: bytes from `position` on of the registers' lowest `size` bytes, those of `m` after those of `n`. */
const extract = (name: string, q: number, position: string, size: number): Instruction =>
  instruction({
    name,
    bits: `0 ${q} 101110 000 Rm:5 0 ${position} 0 Rn:5 Rd:5`,
    operands: { ...threeRegisters, position: immediate32((f) => f.position) },
    vector: true,
    describe(o, x) {
      const l = Lanes.ofVector(o, B, q);
      const n = o.getV(x.n);
      const m = o.getV(x.m);
      const at = known(x.position);
      if (at !== undefined) {
        const place = (i: number): number => (i + at < size ? i + at : 16 + ((i + at - size) % 16));
        l.write(x.d, o.shuffle(n, m, bytesOf(place)));
        return;
      }
      // Indexes outside a table give zero: each source leaves room for the other.
      const indexes = l.add(o.splat(Op.i8x16Splat, x.position), o.v128(bytesOf((i) => i)));
      const low = swizzle(o, l.trim(n), indexes);
      l.write(x.d, l.or(low, swizzle(o, m, l.sub(indexes, l.constant(size)))));
    },
  });

/** Looks each byte of `m` up in a table of one to four registers; bytes beyond it are zero or (TBX) stay as they are. */
const lookUp = (name: string, extension: boolean, length: number): Instruction => {
  // The registers follow each other, going round from V31 to V0; a shorter table repeats its last one and ignores it.
  const table = (step: number): RegisterOperand => vectorAfter('Rn', Math.min(step, length - 1));
  return instruction({
    name: `${name} (${length} register table)`,
    bits: `0 Q:1 001110 000 Rm:5 0 ${(length - 1).toString(2).padStart(2, '0')} ${extension ? 1 : 0} 00 Rn:5 Rd:5`,
    shape: ['Q'],
    operands: { d: vector('Rd'), m: vector('Rm'), t0: table(0), t1: table(1), t2: table(2), t3: table(3) },
    vector: true,
    describe(o, x, f) {
      const l = Lanes.ofVector(o, B, f.Q);
      const indexes = o.getV(x.m);
      const found = [x.t0, x.t1, x.t2, x.t3]
        .slice(0, length)
        .map((register, i) => swizzle(o, o.getV(register), i === 0 ? indexes : l.sub(indexes, l.constant(i * 16))))
        .reduce((all, part) => l.or(all, part));
      if (!extension) l.write(x.d, found);
      else l.write(x.d, l.select(l.greater(l.constant(length * 16), indexes, true), found, o.getV(x.d)));
    },
  });
};

export const simdPermute: readonly Instruction[] = [
  permute('UZP1', '001', (l, n, m) => l.unzip(n, m, 0)),
  permute('TRN1', '010', (l, n, m) => l.transpose(n, m, 0)),
  permute('ZIP1', '011', (l, n, m) => l.zip(n, m, 0)),
  permute('UZP2', '101', (l, n, m) => l.unzip(n, m, 1)),
  permute('TRN2', '110', (l, n, m) => l.transpose(n, m, 1)),
  permute('ZIP2', '111', (l, n, m) => l.zip(n, m, 1)),
  extract('EXT (16 bytes)', 1, 'position:4', 16),
  extract('EXT (8 bytes)', 0, '0 position:3', 8),
  ...[1, 2, 3, 4].flatMap((length) => [lookUp('TBL', false, length), lookUp('TBX', true, length)]),
];
