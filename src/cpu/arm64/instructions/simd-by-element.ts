import { type Instruction, instruction } from '../../instruction.ts';
import type { V128 } from '../../ir/value.ts';
import { immediate32 } from '../operands.ts';
import { elementNames, H, S, type Sources, scalarNames, sourcesOf, threeRegisters, withForm } from './simd-forms.ts';
import { type Half, Lanes, type Saturated, type Size, type Unsigned } from './simd-lanes.ts';
import { accumulateDoubled } from './simd-three-different.ts';

/** Advanced SIMD vector x indexed element and its scalar part (Arm ARM C4.1, "Advanced SIMD vector x indexed element"). */

/** `m` among the sources has the chosen element in all lanes. */
type Compute = (l: Lanes, sources: Sources, half: Half, unsigned: Unsigned) => V128 | Saturated;

/** The element size, and how the encoding spreads the register's number and the element's over its fields. */
interface Indexed {
  readonly size: Size;
  readonly encode: (opcode: string) => string;
  readonly index: (fields: Readonly<Record<string, number>>) => number;
}

const Halfwords: Indexed = {
  size: H,
  encode: (opcode) => `01 L:1 M:1 Rm:4 ${opcode} H:1 0 Rn:5 Rd:5`,
  index: (f) => f.H * 4 + f.L * 2 + f.M,
};
const Words: Indexed = {
  size: S,
  encode: (opcode) => `10 L:1 Rm:5 ${opcode} H:1 0 Rn:5 Rd:5`,
  index: (f) => f.H * 2 + f.L,
};

const operandsOf = ({ index }: Indexed) => ({
  ...threeRegisters,
  index: immediate32(index),
});

/** Lanes of the result: as wide as the sources', or twice. */
type Width = 'same' | 'long';

const byElement = (name: string, u: number, opcode: string, width: Width, compute: Compute): Instruction[] =>
  [Halfwords, Words].map((indexed) =>
    instruction({
      name: withForm(width === 'long' ? `${name}, ${name}2` : name, 'by element', elementNames[indexed.size]),
      bits: `0 Q:1 ${u} 01111 ${indexed.encode(opcode)}`,
      shape: ['Q'],
      operands: operandsOf(indexed),
      vector: true,
      describe(o, x, f) {
        const l = Lanes.ofVector(o, indexed.size, f.Q);
        const old = sourcesOf(o, x);
        const sources = { ...old, m: l.duplicate(old.m, x.index) };
        (width === 'long' ? l.wider : l).write(x.d, compute(l, sources, f.Q, u === 1));
      },
    }),
  );

const scalarByElement = (name: string, opcode: string, width: Width, compute: Compute): Instruction[] =>
  [Halfwords, Words].map((indexed) =>
    instruction({
      name: withForm(name, 'by element', 'scalar', scalarNames[indexed.size]),
      bits: `01 0 11111 ${indexed.encode(opcode)}`,
      operands: operandsOf(indexed),
      vector: true,
      describe(o, x) {
        const l = Lanes.ofScalar(o, indexed.size);
        const old = sourcesOf(o, x);
        const sources = { ...old, m: l.duplicate(old.m, x.index) };
        (width === 'long' ? l.wider : l).write(x.d, compute(l, sources, 0, false));
      },
    }),
  );

const pair = (names: readonly [string, string], opcode: string, compute: Compute): Instruction[] =>
  names.flatMap((name, u) => byElement(name, u, opcode, 'long', compute));

const saturating = (name: string, opcode: string, width: Width, compute: Compute): Instruction[] => [
  ...byElement(name, 0, opcode, width, compute),
  ...scalarByElement(name, opcode, width, compute),
];

export const simdByElement: readonly Instruction[] = [
  ...byElement('MLA', 1, '0000', 'same', (l, { n, m, d }) => l.add(d, l.mul(n, m))),
  ...byElement('MLS', 1, '0100', 'same', (l, { n, m, d }) => l.sub(d, l.mul(n, m))),
  ...byElement('MUL', 0, '1000', 'same', (l, { n, m }) => l.mul(n, m)),
  ...pair(['SMLAL', 'UMLAL'], '0010', (l, { n, m, d }, half, unsigned) =>
    l.wider.add(d, l.multiplyLong(n, m, half, unsigned)),
  ),
  ...pair(['SMLSL', 'UMLSL'], '0110', (l, { n, m, d }, half, unsigned) =>
    l.wider.sub(d, l.multiplyLong(n, m, half, unsigned)),
  ),
  ...pair(['SMULL', 'UMULL'], '1010', (l, { n, m }, half, unsigned) => l.multiplyLong(n, m, half, unsigned)),
  ...saturating('SQDMLAL', '0011', 'long', (l, { n, m, d }, half) =>
    accumulateDoubled(l, d, l.multiplyDoubledLong(n, m, half), 'add'),
  ),
  ...saturating('SQDMLSL', '0111', 'long', (l, { n, m, d }, half) =>
    accumulateDoubled(l, d, l.multiplyDoubledLong(n, m, half), 'sub'),
  ),
  ...saturating('SQDMULL', '1011', 'long', (l, { n, m }, half) => l.multiplyDoubledLong(n, m, half)),
  ...saturating('SQDMULH', '1100', 'same', (l, { n, m }) => l.multiplyDoubledHigh(n, m, false)),
  ...saturating('SQRDMULH', '1101', 'same', (l, { n, m }) => l.multiplyDoubledHigh(n, m, true)),
];
