import { type Instruction, instruction } from '../../instruction.ts';
import type { I32, V128 } from '../../ir/value.ts';
import { immediate32 } from '../operands.ts';
import {
  AllSizes,
  BytesToWords,
  D,
  elementNames,
  type Sources,
  scalarNames,
  twoRegisters,
  withForm,
} from './simd-forms.ts';
import { known, Lanes, type Saturated, type Size, type Unsigned } from './simd-lanes.ts';

/**
 * Advanced SIMD shift by immediate and its scalar part (Arm ARM C4.1, "Advanced SIMD shift by immediate"). The highest one
 * in immh:immb says the element size, the rest the count, so each size is an entry of its own.
 */

/** immh:immb for each element size. */
const Encodings = ['0001 count:3', '001 count:4', '01 count:5', '1 count:6'] as const;

/** Left shifts see their count, 0 to the width less one; right shifts, which go from 1 to the width, theirs less one. */
type Compute = (l: Lanes, sources: Pick<Sources, 'd' | 'n'>, count: I32, unsigned: Unsigned) => V128 | Saturated;

type Direction = 'left' | 'right';

/** The count field holds the left count or the right count's complement to the width. */
const operandsOf = (direction: Direction, size: Size) => ({
  ...twoRegisters,
  count: immediate32((f) => (direction === 'left' ? f.count : (8 << size) - 1 - f.count)),
});

/** An operation on lanes whose size stays the same. */
interface Shift {
  readonly name: string;
  readonly u: number;
  readonly opcode: string;
  readonly direction: Direction;
  /** Sizes of the scalar form. */
  readonly scalar: readonly Size[];
  readonly compute: Compute;
}

const sameSize = ({ name, u, opcode, direction, scalar, compute }: Shift): Instruction[] => [
  ...AllSizes.map((size) =>
    instruction({
      name: withForm(name, 'vector', elementNames[size]),
      bits: `0 Q:1 ${u} 011110 ${Encodings[size]} ${opcode} 1 Rn:5 Rd:5`,
      shape: ['Q'],
      allowed: (shape) => size < D || shape.Q === 1,
      operands: operandsOf(direction, size),
      vector: true,
      describe(o, x, f) {
        const l = Lanes.ofVector(o, size, f.Q);
        l.write(x.d, compute(l, { n: o.getV(x.n), d: o.getV(x.d) }, x.count, u === 1));
      },
    }),
  ),
  ...scalar.map((size) =>
    instruction({
      name: withForm(name, 'scalar', scalarNames[size]),
      bits: `01 ${u} 111110 ${Encodings[size]} ${opcode} 1 Rn:5 Rd:5`,
      operands: operandsOf(direction, size),
      vector: true,
      describe(o, x) {
        const l = Lanes.ofScalar(o, size);
        l.write(x.d, compute(l, { n: o.getV(x.n), d: o.getV(x.d) }, x.count, u === 1));
      },
    }),
  ),
];

const pair = (
  names: readonly [string, string],
  opcode: string,
  direction: Direction,
  scalar: readonly Size[],
  compute: Compute,
): Instruction[] => names.flatMap((name, u) => sameSize({ name, u, opcode, direction, scalar, compute }));

/** How a narrowing shift goes from the wide lanes shifted to the narrow ones. */
type Narrow = (wide: Lanes, shifted: V128) => V128 | Saturated;

interface NarrowingShift {
  readonly name: string;
  readonly u: number;
  readonly opcode: string;
  readonly rounding: boolean;
  /** Whether the wide lanes shift in zeros. */
  readonly unsigned: Unsigned;
  readonly scalar: boolean;
  readonly narrow: Narrow;
}

/** Right shifts of wide lanes into narrow ones, whose size the entry names. */
const narrowing = ({ name, u, opcode, rounding, unsigned, scalar, narrow }: NarrowingShift): Instruction[] => {
  const result = (l: Lanes, n: V128, count: I32): V128 | Saturated => {
    const { wider: wide } = l;
    return narrow(wide, rounding ? shiftRightRounded(wide, n, count, unsigned) : shiftRight(wide, n, count, unsigned));
  };
  return BytesToWords.flatMap((size) => {
    const entries = [
      instruction({
        name: withForm(`${name}, ${name}2`, 'vector', elementNames[size]),
        bits: `0 Q:1 ${u} 011110 ${Encodings[size]} ${opcode} 1 Rn:5 Rd:5`,
        shape: ['Q'],
        operands: operandsOf('right', size),
        vector: true,
        describe(o, x, f) {
          const l = Lanes.ofVector(o, size, f.Q);
          l.writeNarrowed(x.d, f.Q, result(l, o.getV(x.n), x.count));
        },
      }),
    ];
    if (!scalar) return entries;
    entries.push(
      instruction({
        name: withForm(name, 'scalar', scalarNames[size]),
        bits: `01 ${u} 111110 ${Encodings[size]} ${opcode} 1 Rn:5 Rd:5`,
        operands: operandsOf('right', size),
        vector: true,
        describe(o, x) {
          const l = Lanes.ofScalar(o, size);
          l.writeNarrowed(x.d, 0, result(l, o.getV(x.n), x.count));
        },
      }),
    );
    return entries;
  });
};

/** A narrowing shift with and without rounding. */
const narrowingPair = (
  names: readonly [string, string],
  u: number,
  opcodes: readonly [string, string],
  unsigned: Unsigned,
  scalar: boolean,
  narrow: Narrow,
): Instruction[] =>
  names.flatMap((name, rounding) =>
    narrowing({ name, u, opcode: opcodes[rounding], rounding: rounding === 1, unsigned, scalar, narrow }),
  );

/** Shifts right by `less` + 1, which may be the lane's width, as wasm's counts may not. */
const shiftRight = (l: Lanes, a: V128, less: I32, unsigned: Unsigned): V128 => {
  const count = known(less);
  if (count !== undefined && count + 1 < l.bits) return l.shiftRight(a, count + 1, unsigned);
  return l.shiftRight(l.shiftRight(a, less, unsigned), 1, unsigned);
};

/** Shifts right by `less` + 1, adding the last bit shifted out. */
const shiftRightRounded = (l: Lanes, a: V128, less: I32, unsigned: Unsigned): V128 =>
  l.halveRounded(l.shiftRight(a, less, unsigned), unsigned);

const shiftLeftSaturating: Compute = (l, { n }, count, unsigned) => {
  const shifted = l.shiftLeft(n, count);
  const lost = l.different(l.shiftRight(shifted, count, unsigned), n);
  return { value: unsigned ? l.or(shifted, lost) : l.select(lost, l.limit(n), shifted), lost };
};

/** A signed number to an unsigned one: negative ones saturate to zero. */
const shiftLeftSaturatingUnsigned: Compute = (l, { n }, count) => {
  const negative = l.signs(n);
  const shifted = l.shiftLeft(n, count);
  const over = l.different(l.shiftRight(shifted, count, true), n);
  return { value: l.andNot(l.or(shifted, over), negative), lost: l.or(over, negative) };
};

/** Shifts of narrow lanes into wide ones, which have room for every count. */
const long = (name: string, u: number): Instruction[] =>
  BytesToWords.map((size) =>
    instruction({
      name: withForm(`${name}, ${name}2`, elementNames[size]),
      bits: `0 Q:1 ${u} 011110 ${Encodings[size]} 10100 1 Rn:5 Rd:5`,
      shape: ['Q'],
      operands: operandsOf('left', size),
      vector: true,
      describe(o, x, f) {
        const l = Lanes.ofVector(o, size, f.Q);
        const { wider: wide } = l;
        const widened = l.widen(o.getV(x.n), f.Q, u === 1);
        wide.write(x.d, known(x.count) === 0 ? widened : wide.shiftLeft(widened, x.count));
      },
    }),
  );

export const simdShiftImmediate: readonly Instruction[] = [
  ...pair(['SSHR', 'USHR'], '00000', 'right', [D], (l, { n }, count, unsigned) => shiftRight(l, n, count, unsigned)),
  ...pair(['SSRA', 'USRA'], '00010', 'right', [D], (l, { n, d }, count, unsigned) =>
    l.add(d, shiftRight(l, n, count, unsigned)),
  ),
  ...pair(['SRSHR', 'URSHR'], '00100', 'right', [D], (l, { n }, count, unsigned) =>
    shiftRightRounded(l, n, count, unsigned),
  ),
  ...pair(['SRSRA', 'URSRA'], '00110', 'right', [D], (l, { n, d }, count, unsigned) =>
    l.add(d, shiftRightRounded(l, n, count, unsigned)),
  ),
  ...sameSize({
    name: 'SRI',
    u: 1,
    opcode: '01000',
    direction: 'right',
    scalar: [D],
    compute: (l, { n, d }, count) => l.select(shiftRight(l, l.ones(), count, true), shiftRight(l, n, count, true), d),
  }),
  ...sameSize({
    name: 'SHL',
    u: 0,
    opcode: '01010',
    direction: 'left',
    scalar: [D],
    compute: (l, { n }, count) => l.shiftLeft(n, count),
  }),
  ...sameSize({
    name: 'SLI',
    u: 1,
    opcode: '01010',
    direction: 'left',
    scalar: [D],
    compute: (l, { n, d }, count) => l.select(l.shiftLeft(l.ones(), count), l.shiftLeft(n, count), d),
  }),
  ...sameSize({
    name: 'SQSHLU',
    u: 1,
    opcode: '01100',
    direction: 'left',
    scalar: AllSizes,
    compute: shiftLeftSaturatingUnsigned,
  }),
  ...pair(['SQSHL (immediate)', 'UQSHL (immediate)'], '01110', 'left', AllSizes, shiftLeftSaturating),
  ...narrowingPair(['SHRN', 'RSHRN'], 0, ['10000', '10001'], true, false, (_, shifted) => shifted),
  ...narrowingPair(['SQSHRUN', 'SQRSHRUN'], 1, ['10000', '10001'], false, true, (wide, shifted) =>
    wide.clampToHalf(shifted, 'signed', 'unsigned'),
  ),
  ...narrowingPair(['SQSHRN', 'SQRSHRN'], 0, ['10010', '10011'], false, true, (wide, shifted) =>
    wide.clampToHalf(shifted, 'signed', 'signed'),
  ),
  ...narrowingPair(['UQSHRN', 'UQRSHRN'], 1, ['10010', '10011'], true, true, (wide, shifted) =>
    wide.clampToHalf(shifted, 'unsigned', 'unsigned'),
  ),
  ...long('SSHLL', 0),
  ...long('USHLL', 1),
];
