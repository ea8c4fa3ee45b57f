import type { Fields } from '../instruction.ts';
import { decodeBitmask } from './bitmask-immediate.ts';
import { conditionNames } from './conditions.ts';

/** The text of instructions whose operands the table's fields do not tell by themselves, with their usual aliases. */

export interface Surroundings {
  /** The text of a place so many bytes from the instruction. */
  readonly place: (distance: number) => string;
}

type Form = (f: Record<string, number>, around: Surroundings) => string;

/** A number as an immediate: hexadecimal from ten up. */
export const number = (value: number | bigint): string => {
  const size = value < 0 ? -value : value;
  return `#${value < 0 ? '-' : ''}${size < 10 ? size : `0x${size.toString(16)}`}`;
};

const general = (register: number, sf: number): string => (sf === 1 ? 'x' : 'w') + (register === 31 ? 'zr' : register);
const orStack = (register: number, sf: number): string => {
  if (register === 31) return sf === 1 ? 'sp' : 'wsp';
  return general(register, sf);
};

const registers = (f: Record<string, number>, ...names: readonly string[]): string =>
  names.map((name) => general(f[name] as number, f.sf as number)).join(', ');

const shiftNames = ['lsl', 'lsr', 'asr', 'ror'];
const extendNames = ['uxtb', 'uxth', 'uxtw', 'uxtx', 'sxtb', 'sxth', 'sxtw', 'sxtx'];

const condition = (cond: number): string => conditionNames[cond] as string;
const withAmount = (amount: number): string => (amount === 0 ? '' : ` ${number(amount)}`);

/** The mnemonic of an arithmetic or logical instruction with its first operands, where comparing or copying has its own. */
const headOf = (name: string, f: Record<string, number>, stack: boolean): string => {
  const lower = name.toLowerCase();
  const n = stack ? orStack(f.Rn as number, f.sf as number) : registers(f, 'Rn');
  const discarding: Readonly<Record<string, string>> = { ADDS: 'cmn', SUBS: 'cmp', ANDS: 'tst' };
  if (f.Rd === 31 && name in discarding) return `${discarding[name]} ${n}`;
  if (f.Rn === 31 && !stack && name === 'SUB') return `neg ${registers(f, 'Rd')}`;
  if (f.Rn === 31 && !stack && name === 'ORN') return `mvn ${registers(f, 'Rd')}`;
  const toStack = (stack || name.endsWith('immediate')) && !name.startsWith('ADDS') && !name.startsWith('SUBS');
  return `${lower} ${toStack ? orStack(f.Rd as number, f.sf as number) : registers(f, 'Rd')}, ${n}`;
};

const addImmediate =
  (name: string): Form =>
  (f) => {
    const [d, n] = [f.Rd as number, f.Rn as number];
    const sf = f.sf as number;
    if (name === 'ADD' && f.imm12 === 0 && f.sh === 0 && (d === 31 || n === 31)) {
      return `mov ${orStack(d, sf)}, ${orStack(n, sf)}`;
    }
    return `${headOf(name, f, true)}, ${number(f.imm12 as number)}${f.sh === 1 ? ', lsl #12' : ''}`;
  };

const shifted =
  (name: string): Form =>
  (f) => {
    const shift = f.shift === undefined ? '' : `, ${shiftNames[f.shift]} ${number(f.imm6 as number)}`;
    return `${headOf(name, f, false)}, ${registers(f, 'Rm')}${shift}`;
  };

const extended =
  (name: string): Form =>
  (f) => {
    const option = f.option as number;
    const m = general(f.Rm as number, f.sf === 1 && (option & 3) === 3 ? 1 : 0);
    return `${headOf(name, f, true)}, ${m}, ${extendNames[option]}${withAmount(f.imm3 as number)}`;
  };

const logicImmediate =
  (name: string): Form =>
  (f) => {
    const { lo, hi } = decodeBitmask(f as { N: number; immr: number; imms: number }) as { lo: number; hi: number };
    const value = BigInt(lo >>> 0) | (f.sf === 1 ? BigInt(hi >>> 0) << 32n : 0n);
    const sf = f.sf as number;
    if (name === 'ANDS') return `${headOf(name, f, false)}, ${number(value)}`;
    const d = orStack(f.Rd as number, sf);
    return f.Rn === 31 && name === 'ORR'
      ? `mov ${d}, ${number(value)}`
      : `${name.toLowerCase()} ${d}, ${registers(f, 'Rn')}, ${number(value)}`;
  };

const moveWide =
  (mnemonic: string): Form =>
  (f) =>
    `${mnemonic} ${registers(f, 'Rd')}, ${number(f.imm16 as number)}${f.hw === 0 ? '' : `, lsl #${16 * (f.hw as number)}`}`;

/** `prefix` is that of the aliases: 'u', 's', or 'bf' for BFM. */
const bitfield =
  (prefix: 'u' | 's' | 'bf'): Form =>
  (f) => {
    const { immr, imms, sf } = f as { immr: number; imms: number; sf: number };
    const top = sf === 1 ? 63 : 31;
    const operands = registers(f, 'Rd', 'Rn');
    if (prefix !== 'bf') {
      if (imms === top) return `${prefix === 'u' ? 'lsr' : 'asr'} ${operands}, ${number(immr)}`;
      if (prefix === 'u' && immr === imms + 1) return `lsl ${operands}, ${number(top - imms)}`;
      const letter = { 7: 'b', 15: 'h', 31: 'w' }[imms];
      if (immr === 0 && letter !== undefined && (prefix === 's' || (sf === 0 && imms < 31))) {
        return `${prefix}xt${letter} ${registers(f, 'Rd')}, ${general(f.Rn as number, 0)}`;
      }
    }
    if (imms >= immr) {
      const mnemonic = prefix === 'bf' ? 'bfxil' : `${prefix}bfx`;
      return `${mnemonic} ${operands}, ${number(immr)}, ${number(imms - immr + 1)}`;
    }
    const mnemonic = prefix === 'bf' ? 'bfi' : `${prefix}bfiz`;
    return `${mnemonic} ${operands}, ${number(top + 1 - immr)}, ${number(imms + 1)}`;
  };

const extract: Form = (f) =>
  f.Rn === f.Rm
    ? `ror ${registers(f, 'Rd', 'Rn')}, ${number(f.imms as number)}`
    : `extr ${registers(f, 'Rd', 'Rn', 'Rm')}, ${number(f.imms as number)}`;

const conditionalCompare =
  (mnemonic: string): Form =>
  (f) => {
    const second = f.imm5 === undefined ? registers(f, 'Rm') : number(f.imm5);
    return `${mnemonic} ${registers(f, 'Rn')}, ${second}, ${number(f.nzcv as number)}, ${condition(f.cond as number)}`;
  };

const conditionalSelect =
  (name: string, alias: string): Form =>
  (f) => {
    const cond = f.cond as number;
    if (f.Rn !== f.Rm || cond >= 14 || (alias !== 'cneg' && f.Rn === 31 && alias === '')) {
      return `${name} ${registers(f, 'Rd', 'Rn', 'Rm')}, ${condition(cond)}`;
    }
    if (f.Rn === 31 && alias !== 'cneg') {
      return `${alias === 'cinc' ? 'cset' : 'csetm'} ${registers(f, 'Rd')}, ${condition(cond ^ 1)}`;
    }
    return `${alias} ${registers(f, 'Rd', 'Rn')}, ${condition(cond ^ 1)}`;
  };

const multiplyAdd =
  (name: string, alias: string): Form =>
  (f) =>
    f.Ra === 31
      ? `${alias} ${registers(f, 'Rd', 'Rn', 'Rm')}`
      : `${name} ${registers(f, 'Rd', 'Rn', 'Rm', 'Ra')}`;

const multiplyLong =
  (name: string): Form =>
  (f) => {
    const words = `${general(f.Rn as number, 0)}, ${general(f.Rm as number, 0)}`;
    return `${name} ${general(f.Rd as number, 1)}, ${words}, ${general(f.Ra as number, 1)}`;
  };

const checksum =
  (name: string): Form =>
  (f) =>
    `${name} ${general(f.Rd as number, 0)}, ${general(f.Rn as number, 0)}, ${general(f.Rm as number, name.endsWith('x') ? 1 : 0)}`;

const testBit =
  (mnemonic: string): Form =>
  (f, { place }) => {
    const bit = (f.b5 as number) * 32 + (f.b40 as number);
    const distance = ((f.imm14 as number) << 18) >> 16;
    return `${mnemonic} ${general(f.Rt as number, f.b5 as number)}, ${number(bit)}, ${place(distance)}`;
  };

const pageAddress =
  (mnemonic: string, scale: number): Form =>
  (f, { place }) => {
    const distance = ((((f.immhi as number) << 2) | (f.immlo as number)) << 11) >> 11;
    return `${mnemonic} ${general(f.Rd as number, 1)}, ${place(distance * scale)}`;
  };
