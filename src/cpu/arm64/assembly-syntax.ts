import type { Fields } from '../instruction.ts';
import { conditionNames } from './conditions.ts';
import { barrierOptions, systemOperations, systemRegisterName } from './system-names.ts';
import { encodeRegister } from './system-register.ts';

/** How instructions are written where the table's operands do not tell it by themselves, and the aliases that make logs readable. */

/** The text of a place so many bytes from the instruction, or from the start of its page. */
export type Place = (distance: number, ofPage?: boolean) => string;

export interface Form {
  /** The letters of registers whose width sf does not say, by field. */
  readonly letters?: (f: Fields) => Readonly<Record<string, string>>;
  /** What follows the registers, in place of the immediate that the table knows. */
  readonly tail?: (f: Fields, place: Place) => readonly string[];
}

/** A number as an immediate: hexadecimal from ten up. */
export const immediate = (value: number | bigint): string => {
  const size = value < 0 ? -value : value;
  return `#${value < 0 ? '-' : ''}${size < 10 ? size : `0x${size.toString(16)}`}`;
};

/** The values of some fields as immediates. */
const immediates =
  (...names: readonly string[]) =>
  (f: Fields): string[] =>
    names.map((name) => immediate(f[name] as number));

const shiftNames = ['lsl', 'lsr', 'asr', 'ror'];
const extendNames = ['uxtb', 'uxth', 'uxtw', 'uxtx', 'sxtb', 'sxth', 'sxtw', 'sxtx'];
const condition = (f: Fields): string => conditionNames[f.cond as number] as string;

const arithmeticImmediate: Form = {
  tail: (f) => [immediate(f.imm12 as number), ...(f.sh === 1 ? ['lsl #12'] : [])],
};
const shifted: Form = { tail: (f) => [`${shiftNames[f.shift as number]} #${f.imm6}`] };
const extended: Form = {
  letters: (f) => ({ Rm: f.sf === 1 && ((f.option as number) & 3) === 3 ? 'x' : 'w' }),
  tail: (f) => [`${extendNames[f.option as number]}${f.imm3 === 0 ? '' : ` #${f.imm3}`}`],
};
const bitfield: Form = { tail: immediates('immr', 'imms') };
const compareIf = (second: readonly string[]): Form => ({
  tail: (f) => [...immediates(...second, 'nzcv')(f), condition(f)],
});
const select: Form = { tail: (f) => [condition(f)] };
const wide: Form = { letters: () => ({ Rd: 'x', Ra: 'x', Rn: 'w', Rm: 'w' }) };
const testBit: Form = {
  letters: (f) => ({ Rt: f.b5 === 1 ? 'x' : 'w' }),
  tail: (f, place) => [`#${(f.b5 as number) * 32 + (f.b40 as number)}`, place(((f.imm14 as number) << 18) >> 16)],
};
const pageDistance = (f: Fields): number => ((((f.immhi as number) << 2) | (f.immlo as number)) << 11) >> 11;
const checksum = (data: string): Form => ({ letters: () => ({ Rd: 'w', Rn: 'w', Rm: data }) });

const everyOf = (names: readonly string[], suffix: string, form: Form): [string, Form][] =>
  names.map((name) => [name + suffix, form]);

const arithmetic = ['ADD', 'ADDS', 'SUB', 'SUBS'];
const logic = ['AND', 'ANDS', 'BIC', 'BICS', 'EON', 'EOR', 'ORN', 'ORR'];

const systemEncoding = (f: Fields): number =>
  encodeRegister(2 + (f.o0 as number), f.op1 as number, f.CRn as number, f.CRm as number, f.op2 as number);
const systemMove: Form = { tail: (f) => [systemRegisterName(systemEncoding(f))] };
const stateImmediate = (name: string): Form => ({ tail: (f) => [name, immediate(f.CRm as number)] });
const barrier: Form = { tail: (f) => [barrierOptions.nameOf(f.CRm as number) ?? immediate(f.CRm as number)] };

/** By the names of the instruction table. */
const forms: ReadonlyMap<string, Form> = new Map([
  ...everyOf(arithmetic, ' (immediate)', arithmeticImmediate),
  ...everyOf([...arithmetic, ...logic], ' (shifted register)', shifted),
  ...everyOf(arithmetic, ' (extended register)', extended),
  ...everyOf(['SBFM', 'BFM', 'UBFM'], '', bitfield),
  ...everyOf(['CCMN', 'CCMP'], ' (register)', compareIf([])),
  ...everyOf(['CCMN', 'CCMP'], ' (immediate)', compareIf(['imm5'])),
  ...everyOf(['CSEL', 'CSINC', 'CSINV', 'CSNEG'], '', select),
  ...everyOf(['SMADDL', 'SMSUBL', 'UMADDL', 'UMSUBL'], '', wide),
  ...everyOf(['CRC32B', 'CRC32H', 'CRC32W', 'CRC32CB', 'CRC32CH', 'CRC32CW'], '', checksum('w')),
  ...everyOf(['CRC32X', 'CRC32CX'], '', checksum('x')),
  ...everyOf(['TBZ', 'TBNZ'], '', testBit),
  ['ADR', { tail: (f, place) => [place(pageDistance(f))] }],
  ['ADRP', { tail: (f, place) => [place(pageDistance(f) * 4096, true)] }],
  ['MRS', systemMove],
  ['MSR (register)', systemMove],
  ['MSR (DAIFSet)', stateImmediate('daifset')],
  ['MSR (DAIFClr)', stateImmediate('daifclr')],
  ['MSR (SPSel, immediate)', stateImmediate('spsel')],
  ['MSR (PAN, immediate)', stateImmediate('pan')],
  ['SYS', { tail: (f) => [`#${f.op1}`, `c${f.CRn}`, `c${f.CRm}`, `#${f.op2}`] }],
  ['DC ZVA', { tail: () => [] }],
  ['HINT', { tail: (f) => [immediate((f.CRm as number) * 8 + (f.op2 as number))] }],
  ...everyOf(['DMB', 'DSB'], '', barrier),
  ['CASP', { tail: () => [] }],
  ['EXTR', { tail: immediates('imms') }],
  ['MOVK', { tail: (f) => [immediate(f.imm16 as number), ...(f.hw === 0 ? [] : [`lsl #${16 * (f.hw as number)}`])] }],
]);

/** How the instruction of that name is written, if that is special. */
export const formOf = (name: string): Form | undefined => {
  const form = forms.get(name);
  if (form !== undefined) return form;
  const register = /^M(?:RS|SR) \((\w+)\)$/.exec(name)?.[1];
  return register === undefined ? undefined : { tail: () => [register.toLowerCase()] };
};

/** The text of an instruction in its parts. */
export interface Parts {
  readonly mnemonic: string;
  readonly operands: readonly string[];
}

const isZero = (operand: string | undefined): boolean => operand === 'xzr' || operand === 'wzr';

/** Shifts and extensions, as which bit field moves are mostly used. */
const bitfieldAlias = ({ mnemonic, operands }: Parts, f: Fields): Parts => {
  const { immr, imms, sf } = f as { immr: number; imms: number; sf: number };
  const top = sf === 1 ? 63 : 31;
  const registers = operands.slice(0, 2);
  const letter = mnemonic.charAt(0);
  if (letter !== 'b' && imms === top) {
    return { mnemonic: letter === 's' ? 'asr' : 'lsr', operands: [...registers, `#${immr}`] };
  }
  if (letter === 'u' && immr === imms + 1) return { mnemonic: 'lsl', operands: [...registers, `#${top - imms}`] };
  const extended = immr === 0 && (letter === 's' || (letter === 'u' && sf === 0)) && { 7: 'b', 15: 'h', 31: 'w' }[imms];
  if (extended) {
    const [to, from] = registers as [string, string];
    return { mnemonic: `${letter}xt${extended}`, operands: [to, from.replace('x', 'w')] };
  }
  const name = letter === 'b' ? ['bfxil', 'bfi'] : [`${letter}bfx`, `${letter}bfiz`];
  return imms >= immr
    ? { mnemonic: name[0] as string, operands: [...registers, `#${immr}`, `#${imms - immr + 1}`] }
    : { mnemonic: name[1] as string, operands: [...registers, `#${top + 1 - immr}`, `#${imms + 1}`] };
};

/** A SYS instruction by its operation; the register is left out if it is XZR. */
const systemAlias = (parts: Parts, f: Fields): Parts => {
  const encoding = encodeRegister(1, f.op1 as number, f.CRn as number, f.CRm as number, f.op2 as number);
  const operands = f.Rt === 31 ? [] : parts.operands.slice(0, 1);
  const name = systemOperations.nameOf(encoding);
  if (name === undefined) return { mnemonic: 'sys', operands: [...parts.operands.slice(1), ...operands] };
  const [mnemonic, operation] = name.split(' ') as [string, string];
  return { mnemonic, operands: [operation, ...operands] };
};

/** The customary name of an instruction where it has one. */
export const aliasOf = (parts: Parts, f: Fields): Parts => {
  const { mnemonic, operands } = parts;
  const [first, second, third] = operands;
  const without = (index: number, name: string): Parts => ({ mnemonic: name, operands: operands.toSpliced(index, 1) });
  switch (mnemonic) {
    case 'add':
      return third === '#0' && /sp/.test(`${first} ${second}`) && f.sh === 0 ? without(2, 'mov') : parts;
    case 'adds':
      return isZero(first) ? without(0, 'cmn') : parts;
    case 'subs':
      return isZero(first) ? without(0, 'cmp') : parts;
    case 'ands':
      return isZero(first) ? without(0, 'tst') : parts;
    case 'sub':
      return isZero(second) ? without(1, 'neg') : parts;
    case 'orn':
      return isZero(second) ? without(1, 'mvn') : parts;
    case 'orr':
      return isZero(second) && f.imms !== undefined ? without(1, 'mov') : parts;
    case 'movz':
    case 'movn':
      return { mnemonic: 'mov', operands };
    case 'madd':
    case 'msub':
      return f.Ra === 31 ? without(3, mnemonic === 'madd' ? 'mul' : 'mneg') : parts;
    case 'ubfm':
    case 'sbfm':
    case 'bfm':
      return bitfieldAlias(parts, f);
    case 'extr':
      return second === third ? without(1, 'ror') : parts;
    case 'lslv':
    case 'lsrv':
    case 'asrv':
    case 'rorv':
      return { mnemonic: mnemonic.slice(0, 3), operands };
    case 'csinc':
    case 'csinv': {
      if (!isZero(second) || !isZero(third) || (f.cond as number) >= 14) return parts;
      const inverse = conditionNames[(f.cond as number) ^ 1] as string;
      return { mnemonic: mnemonic === 'csinc' ? 'cset' : 'csetm', operands: [first as string, inverse] };
    }
    case 'msr':
      return f.Rt === undefined ? parts : { mnemonic, operands: [second as string, first as string] };
    case 'sys':
      return systemAlias(parts, f);
    case 'dc zva':
      return { mnemonic: 'dc', operands: ['zva', first as string] };
    case 'hint':
      return first === '#0' ? { mnemonic: 'nop', operands: [] } : parts;
    case 'ret':
      return first === 'x30' ? { mnemonic, operands: [] } : parts;
    default:
      return parts;
  }
};
