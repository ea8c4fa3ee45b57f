import type { Builder, Target } from './ir/builder.ts';
import type { I32, I64, Register } from './ir/value.ts';

/**
 * The instruction table's vocabulary: each instruction is a bit pattern, the operands to pre-decode, and one description from
 * which the cold tier's handlers, the hot tier's code, the assembler and the test generator come.
 */

/** The values of an instruction's fields, by name. */
export type Fields = Readonly<Record<string, number>>;

/** A register operand: gives the byte offset of the register in the vCPU record. */
export interface RegisterOperand {
  readonly kind: 'register';
  readonly get: (fields: Fields) => number;
  /** The one field that chooses the register, and the register's offset for each of its values; where it is that simple. */
  readonly choice?: { readonly field: string; readonly offsets: Uint16Array };
  /** Memory is accessed relative to it. */
  readonly base?: boolean;
}

/** A 64-bit immediate as two halves. */
export interface Parts {
  readonly lo: number;
  readonly hi: number;
}

/** A 64-bit immediate: a safe integer or two halves. */
export interface Immediate64Operand {
  readonly kind: 'immediate64';
  readonly get: (fields: Fields) => number | Parts;
}

export interface Immediate32Operand {
  readonly kind: 'immediate32';
  readonly get: (fields: Fields) => number;
}

/** A direct branch's distance from the instruction in bytes. */
export interface TargetOperand {
  readonly kind: 'target';
  readonly get: (fields: Fields) => number;
}

export type Operand = RegisterOperand | Immediate64Operand | Immediate32Operand | TargetOperand;
export type Operands = Readonly<Record<string, Operand>>;

/** What a description sees of its operands. */
export type OperandValues<O extends Operands> = {
  readonly [K in keyof O]: O[K] extends RegisterOperand
    ? Register
    : O[K] extends Immediate64Operand
      ? I64
      : O[K] extends Immediate32Operand
        ? I32
        : Target;
};

export interface InstructionDefinition<S extends string, O extends Operands> {
  /** The manual's name, with the variant in brackets: 'ADD (immediate)'. */
  readonly name: string;
  /**
   * The encoding from bit 31 down: '0' and '1' are fixed bits, 'name:width' a field, separated by spaces. A field may occur
   * once only.
   */
  readonly bits: string;
  /** Fields that a description may look at: each combination of their values gets a cold handler of its own. */
  readonly shape?: readonly S[];
  /** False for combinations of the shape's fields that are not this instruction. */
  readonly allowed?: (shape: Readonly<Record<S, number>>) => boolean;
  /** False for values of the other fields that are not this instruction (reserved encodings). */
  readonly valid?: (fields: Fields) => boolean;
  /**
   * Up to seven registers, or up to three beside a 64-bit immediate, or up to five beside a 32-bit one or a branch target;
   * one immediate or target at most.
   */
  readonly operands: O;
  /** Executed so often that the cold tier keeps it in its main loop. */
  readonly common?: boolean;
  /** Uses the vector registers: traps while they are disabled. */
  readonly vector?: boolean;
  /** True for the encodings that the architecture's epilogue follows. */
  readonly epilogue?: ((fields: Fields) => boolean) | null;
  /** What follows in memory is no more likely to run next than anything else: the end of a straight run of code. */
  readonly endsRun?: boolean;
  readonly describe: (o: Builder, x: OperandValues<O>, f: Readonly<Record<S, number>>) => void;
}

export interface BitField {
  readonly name: string;
  readonly shift: number;
  readonly width: number;
}

/** An instruction of the table, its encoding parsed. */
export interface Instruction {
  readonly name: string;
  readonly mask: number;
  readonly match: number;
  readonly fields: readonly BitField[];
  /** The shape's fields, the first the least significant digit of the shape number. */
  readonly shape: readonly BitField[];
  /** Number of shape combinations (a power of two). */
  readonly shapes: number;
  readonly operands: readonly (readonly [name: string, operand: Operand])[];
  readonly allowed: (shape: Fields) => boolean;
  readonly valid: (fields: Fields) => boolean;
  readonly common: boolean;
  readonly vector: boolean;
  /** Null for an instruction that no epilogue ever follows. */
  readonly epilogue: ((fields: Fields) => boolean) | null;
  readonly endsRun: boolean;
  readonly describe: (o: Builder, x: Readonly<Record<string, unknown>>, f: Fields) => void;
}

/** The `valid` of instructions that all values of their fields are, so that nobody needs the fields to ask. */
export const alwaysValid = (): boolean => true;

interface Encoding {
  mask: number;
  match: number;
  fields: BitField[];
}

const parseBits = (name: string, bits: string): Encoding => {
  let shift = 32;
  let mask = 0;
  let match = 0;
  const fields: BitField[] = [];
  for (const token of bits.split(' ')) {
    const colon = token.indexOf(':');
    const width = colon < 0 ? token.length : Number(token.slice(colon + 1));
    const value = colon < 0 ? Number(`0b${token}`) : 0;
    // Every thread reads a thousand of these as it starts: regular expressions take too long.
    if (!(width > 0 && width <= shift && value >= 0))
      throw new Error(`${name}: cannot read '${token}' in its encoding`);
    shift -= width;
    if (colon < 0) {
      mask |= (2 ** width - 1) << shift;
      match |= value << shift;
      continue;
    }
    const field = token.slice(0, colon);
    if (fields.some((other) => other.name === field)) throw new Error(`${name}: field ${field} occurs twice`);
    fields.push({ name: field, shift, width });
  }
  if (shift !== 0) throw new Error(`${name}: its encoding has ${32 - shift} bits`);
  return { mask: mask >>> 0, match: match >>> 0, fields };
};

const checkOperands = (name: string, operands: Operands): void => {
  const kinds = Object.values(operands).map((operand) => operand.kind);
  const registers = kinds.filter((kind) => kind === 'register').length;
  const others = kinds.length - registers;
  const limit = others === 0 ? 7 : kinds.includes('immediate64') ? 3 : 5;
  if (others > 1 || registers > limit) throw new Error(`${name}: its operands do not fit a pre-decoded record`);
};

/** Defines an instruction; the type parameters come from `shape` and `operands`. */
export const instruction = <const S extends string = never, const O extends Operands = Operands>(
  definition: InstructionDefinition<S, O>,
): Instruction => {
  const { mask, match, fields } = parseBits(definition.name, definition.bits);
  checkOperands(definition.name, definition.operands);
  const shape = (definition.shape ?? []).map((name) => {
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw new Error(`${definition.name}: no field ${name} for its shape`);
    return field;
  });
  return {
    name: definition.name,
    mask,
    match,
    fields,
    shape,
    shapes: 2 ** shape.reduce((sum, field) => sum + field.width, 0),
    operands: Object.entries(definition.operands),
    allowed: (definition.allowed ?? (() => true)) as (shape: Fields) => boolean,
    valid: definition.valid ?? alwaysValid,
    common: definition.common ?? false,
    vector: definition.vector ?? false,
    epilogue: definition.epilogue ?? null,
    endsRun: definition.endsRun ?? false,
    describe: definition.describe as Instruction['describe'],
  };
};

/** The name of an entry's `index`th operand. */
export const operandName = ({ operands }: Instruction, index: number): string =>
  (operands[index] as readonly [string, Operand])[0];

/** An entry's `index`th operand. */
export const operandAt = ({ operands }: Instruction, index: number): Operand =>
  (operands[index] as readonly [string, Operand])[1];

/** The value of one field of an instruction word. */
export const extractField = (word: number, field: BitField): number =>
  (word >>> field.shift) & (field.width === 32 ? -1 : (1 << field.width) - 1);

/** All fields of an instruction word by name, put into `values`. */
export const extractFields = (
  word: number,
  entry: Instruction,
  values: Record<string, number> = {},
): Record<string, number> => {
  for (const field of entry.fields) values[field.name] = extractField(word, field);
  return values;
};

/** The number of the shape that an instruction word has, from 0 to `shapes` - 1. */
export const shapeOf = (word: number, entry: Instruction): number => {
  let shape = 0;
  let scale = 1;
  for (const field of entry.shape) {
    shape += extractField(word, field) * scale;
    scale <<= field.width;
  }
  return shape;
};

/** The shape's fields by name, from its number. */
export const shapeFields = (shape: number, entry: Instruction): Record<string, number> => {
  const values: Record<string, number> = {};
  let rest = shape;
  for (const field of entry.shape) {
    values[field.name] = rest & ((1 << field.width) - 1);
    rest >>>= field.width;
  }
  return values;
};
