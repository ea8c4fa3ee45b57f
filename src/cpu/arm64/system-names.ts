import { a64Instructions } from './instructions/table.ts';
import { encodeRegister } from './system-register.ts';
import { systemRegisters } from './system-registers.ts';

/** The names of system registers, SYS operations and barriers, for the assembler and the disassembler. */

/** A number of names and the other way round. */
class Names {
  readonly #kind: string;
  readonly #codes: ReadonlyMap<string, number>;
  readonly #names: ReadonlyMap<number, string>;

  /** Of several names with one code the first is the one that `nameOf` gives. */
  constructor(kind: string, entries: readonly (readonly [name: string, code: number])[]) {
    this.#kind = kind;
    this.#codes = new Map(entries.map(([name, code]) => [name.toLowerCase(), code]));
    this.#names = new Map(entries.map(([name, code]): [number, string] => [code, name.toLowerCase()]).reverse());
  }

  nameOf(code: number): string | undefined {
    return this.#names.get(code);
  }

  /** Throws a RangeError for names that are not known; case does not matter. */
  codeOf(name: string): number {
    const code = this.#codes.get(name.toLowerCase());
    if (code === undefined) throw new RangeError(`no ${this.#kind} is named '${name}'`);
    return code;
  }
}

const register = (op1: number, crn: number, crm: number, op2: number): number => encodeRegister(3, op1, crn, crm, op2);

/** The interrupt controller's registers (GICv3 CPU interface), which the layers above describe. */
const interruptRegisters: [string, number][] = [
  ['ICC_PMR_EL1', register(0, 4, 6, 0)],
  ['ICC_IAR0_EL1', register(0, 12, 8, 0)],
  ['ICC_EOIR0_EL1', register(0, 12, 8, 1)],
  ['ICC_HPPIR0_EL1', register(0, 12, 8, 2)],
  ['ICC_BPR0_EL1', register(0, 12, 8, 3)],
  ...[0, 1, 2, 3].map((n): [string, number] => [`ICC_AP0R${n}_EL1`, register(0, 12, 8, 4 + n)]),
  ...[0, 1, 2, 3].map((n): [string, number] => [`ICC_AP1R${n}_EL1`, register(0, 12, 9, n)]),
  ['ICC_DIR_EL1', register(0, 12, 11, 1)],
  ['ICC_RPR_EL1', register(0, 12, 11, 3)],
  ['ICC_SGI1R_EL1', register(0, 12, 11, 5)],
  ['ICC_ASGI1R_EL1', register(0, 12, 11, 6)],
  ['ICC_SGI0R_EL1', register(0, 12, 11, 7)],
  ['ICC_IAR1_EL1', register(0, 12, 12, 0)],
  ['ICC_EOIR1_EL1', register(0, 12, 12, 1)],
  ['ICC_HPPIR1_EL1', register(0, 12, 12, 2)],
  ['ICC_BPR1_EL1', register(0, 12, 12, 3)],
  ['ICC_CTLR_EL1', register(0, 12, 12, 4)],
  ['ICC_SRE_EL1', register(0, 12, 12, 5)],
  ['ICC_IGRPEN0_EL1', register(0, 12, 12, 6)],
  ['ICC_IGRPEN1_EL1', register(0, 12, 12, 7)],
];

/** MRS and MSR (register), whichever way. */
const MOVE_MASK = 0xffd00000;
const MOVE = 0xd5100000;

/** The registers that have table entries of their own, such as 'MRS (NZCV)'. */
const inTable = a64Instructions.flatMap(({ name, match }): [string, number][] => {
  const named = /^M(?:RS|SR) \((\w+)\)$/.exec(name)?.[1];
  const isMove = (match & MOVE_MASK) >>> 0 === MOVE && named !== 'register';
  return named !== undefined && isMove ? [[named, (match >>> 5) & 0xffff]] : [];
});

const registerNames = new Names('system register', [
  ...systemRegisters.map(({ name, encoding }): [string, number] => [name, encoding]),
  ...inTable,
  ...interruptRegisters,
]);

/** A system register's name in lower case, or its encoding as 's3_0_c4_c6_0'. */
export const systemRegisterName = (encoding: number): string => {
  const field = (shift: number, width: number): number => (encoding >> shift) & ((1 << width) - 1);
  const unnamed = `s${field(14, 2)}_${field(11, 3)}_c${field(7, 4)}_c${field(3, 4)}_${field(0, 3)}`;
  return registerNames.nameOf(encoding) ?? unnamed;
};

/** The encoding (encodeRegister) of a system register given in either form. Throws a RangeError if there is none. */
export const systemRegisterEncoding = (name: string): number => {
  const parts = /^s([23])_([0-7])_c(\d|1[0-5])_c(\d|1[0-5])_([0-7])$/i.exec(name);
  if (parts === null) return registerNames.codeOf(name);
  const [op0, op1, crn, crm, op2] = parts.slice(1).map(Number) as [number, number, number, number, number];
  return encodeRegister(op0, op1, crn, crm, op2);
};

const operation = (op1: number, crn: number, crm: number, op2: number): number => encodeRegister(1, op1, crn, crm, op2);

/** TLBI's names for one of its two groups of encodings. */
const invalidations = (suffix: string, crm: number): [string, number][] =>
  [
    ['vmalle1', 0],
    ['vae1', 1],
    ['aside1', 2],
    ['vaae1', 3],
    ['vale1', 5],
    ['vaale1', 7],
  ].map(([name, op2]) => [`tlbi ${name}${suffix}`, operation(0, 8, crm, op2 as number)]);

/** The operations of SYS: the mnemonic and the operation's name. */
export const systemOperations = new Names('operation', [
  ['ic ialluis', operation(0, 7, 1, 0)],
  ['ic iallu', operation(0, 7, 5, 0)],
  ['ic ivau', operation(3, 7, 5, 1)],
  ['dc ivac', operation(0, 7, 6, 1)],
  ['dc isw', operation(0, 7, 6, 2)],
  ['dc csw', operation(0, 7, 10, 2)],
  ['dc cisw', operation(0, 7, 14, 2)],
  ['dc zva', operation(3, 7, 4, 1)],
  ['dc cvac', operation(3, 7, 10, 1)],
  ['dc cvau', operation(3, 7, 11, 1)],
  ['dc civac', operation(3, 7, 14, 1)],
  ['at s1e1r', operation(0, 7, 8, 0)],
  ['at s1e1w', operation(0, 7, 8, 1)],
  ['at s1e0r', operation(0, 7, 8, 2)],
  ['at s1e0w', operation(0, 7, 8, 3)],
  ...invalidations('is', 3),
  ...invalidations('', 7),
]);

/** What DMB and DSB order, by their CRm. */
export const barrierOptions = new Names('barrier option', [
  ['oshld', 1],
  ['oshst', 2],
  ['osh', 3],
  ['nshld', 5],
  ['nshst', 6],
  ['nsh', 7],
  ['ishld', 9],
  ['ishst', 10],
  ['ish', 11],
  ['ld', 13],
  ['st', 14],
  ['sy', 15],
]);
