import {
  Field,
  IMAGE_SIZE,
  type Image,
  Outcome,
  outcomeName,
  REGISTERS,
  registerName,
  registerOffset,
  V_NUMBER,
} from './image.ts';
import { CROSSING, PAGE, programAddress, WINDOW, WRITABLE_BYTES, windowOffsets } from './layout.ts';
import type { Program } from './program.ts';

/** Comparison of what the reference left with what the engine left. */

export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly got: string;
}

/** The bits of FPCR and FPSR that Armv8.0-A has; the reference keeps a few of AArch32's. */
export const FPCR_BITS = 0x07c00000;
export const FPSR_BITS = 0x0800009f;

const hex32 = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
export const hex64 = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

/** A register's content; a vector's as its two halves, the upper one first. */
export const showRegister = (image: Image, register: number): string => {
  const offset = registerOffset(register);
  if (register < V_NUMBER) return hex64(image.get64(offset));
  return `${hex64(image.get64(offset + 8))}_${image.get64(offset).toString(16).padStart(16, '0')}`;
};

export const showFlags = (nzcv: number): string =>
  [...'NZCV'].map((letter, index) => ((nzcv << index) & 0x80000000 ? letter : letter.toLowerCase())).join('');

const roundings = ['nearest', 'up', 'down', 'zero'];
export const showFpcr = (fpcr: number): string => {
  const names = [fpcr & 0x4000000 ? 'AHP' : '', fpcr & 0x2000000 ? 'DN' : '', fpcr & 0x1000000 ? 'FZ' : ''];
  return [...names, roundings[(fpcr >>> 22) & 3]].filter((name) => name !== '').join('+');
};

const statusNames: readonly (readonly [number, string])[] = [
  [0x08000000, 'QC'],
  [0x80, 'IDC'],
  [0x10, 'IXC'],
  [0x08, 'UFC'],
  [0x04, 'OFC'],
  [0x02, 'DZC'],
  [0x01, 'IOC'],
];
export const showFpsr = (fpsr: number): string => {
  const names = statusNames.filter(([bit]) => (fpsr & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? '-' : names.join('+');
};

const WORDS = IMAGE_SIZE / 4;
const RESERVED_WORDS = [(Field.faultAddress + 8) / 4, (Field.faultAddress + 12) / 4];

const sameBytes = (a: Image, b: Image): boolean => {
  for (let i = 0; i < WORDS; i++) if (a.u32[i] !== b.u32[i] && !RESERVED_WORDS.includes(i)) return false;
  return true;
};

const ADDRESS_BITS = (1n << 56n) - 1n;

/**
 * Whether a fault's address may be what the reference says. That one forgets addresses that its host cannot form (0), gives the
 * second page's start for an access that crosses into a page it may not touch, and gives the block for DC ZVA, where the
 * manual wants the address in the register (FAR_EL1).
 */
const sameFaultAddress = (expected: bigint, got: bigint, word: number | null): boolean => {
  if (expected === 0n) return true;
  const [wanted, found] = [expected & ADDRESS_BITS, got & ADDRESS_BITS];
  if (wanted === found) return true;
  if (word !== null && (word & 0xffffffe0) >>> 0 === 0xd50b7420) return found - (found % 64n) === wanted;
  return wanted % BigInt(PAGE) === 0n && found < wanted && wanted - found < 64n;
};

const compareNumber = (
  out: Difference[],
  what: string,
  expected: number,
  got: number,
  show: (value: number) => string,
): void => {
  if (expected !== got) out.push({ what, expected: show(expected), got: show(got) });
};

/**
 * Bytes of the window that count. A store that faults because it crosses out of the writable pages may have been done in part:
 * the manual leaves that open.
 */
const countedBytes = (expected: Image): number => {
  const end = (windowOffsets[expected.get32(Field.place)] as number) + WINDOW;
  return expected.get32(Field.outcome) === Outcome.fault && end === WRITABLE_BYTES ? WINDOW - CROSSING : WINDOW;
};

const compareWindow = (out: Difference[], expected: Image, got: Image): void => {
  let first = -1;
  let last = -1;
  const counted = countedBytes(expected);
  for (let i = 0; i < counted; i++) {
    if (expected.bytes[Field.window + i] === got.bytes[Field.window + i]) continue;
    if (first < 0) first = i;
    last = i;
  }
  if (first < 0) return;
  const show = (image: Image): string =>
    Buffer.from(image.bytes.subarray(Field.window + first, Field.window + last + 1)).toString('hex');
  out.push({ what: `memory window+${first}..${last}`, expected: show(expected), got: show(got) });
};

/** The vector registers that a load writes: if it faults, the manual leaves open which of them it has written. */
const loadedVectors = (word: number): number[] => {
  const matches = (mask: number, value: number): boolean => ((word & mask) ^ value) >>> 0 === 0;
  const first = word & 31;
  // Structures, up to four registers; pairs.
  if (matches(0xbe400000, 0x0c400000)) return [0, 1, 2, 3].map((step) => (first + step) & 31);
  return matches(0x3e400000, 0x2c400000) ? [first, (word >>> 10) & 31] : [];
};

/** The instruction that ended a program, if it was one of its own. */
const lastWord = (program: Program, image: Image): number | null => {
  const index = (Number(image.get64(Field.pc)) - programAddress(program.slot)) / 4;
  return program.words[index] ?? null;
};

/**
 * Whether the outcomes may stand for one another: where an instruction address is neither mapped nor aligned, the reference
 * finds out in the wrong order.
 */
const sameOutcome = (expected: Image, got: Image): boolean => {
  const [wanted, found] = [expected.get32(Field.outcome), got.get32(Field.outcome)];
  if (wanted === found) return true;
  return wanted === Outcome.fault && found === Outcome.alignment && (expected.get32(Field.pc) & 3) !== 0;
};

const compareRegisters = (out: Difference[], expected: Image, got: Image, open: readonly number[]): void => {
  for (let register = 0; register < REGISTERS; register++) {
    if (open.includes(register - V_NUMBER)) continue;
    const [a, b] = [showRegister(expected, register), showRegister(got, register)];
    if (a !== b) out.push({ what: registerName(register), expected: a, got: b });
  }
};

/** The differences between two results of a program; none if the reference's outcome is not to be compared. */
export const compareImages = (program: Program, expected: Image, got: Image): Difference[] => {
  const outcome = expected.get32(Field.outcome);
  if (outcome === Outcome.endless || outcome === Outcome.other || sameBytes(expected, got)) return [];
  const out: Difference[] = [];
  if (!sameOutcome(expected, got)) {
    out.push({ what: 'outcome', expected: outcomeName(outcome), got: outcomeName(got.get32(Field.outcome)) });
  }
  const faulted = outcome === Outcome.fault ? lastWord(program, expected) : null;
  compareRegisters(out, expected, got, faulted === null ? [] : loadedVectors(faulted));
  const [pcA, pcB] = [expected.get64(Field.pc), got.get64(Field.pc)];
  if (pcA !== pcB) out.push({ what: 'PC', expected: hex64(pcA), got: hex64(pcB) });
  compareNumber(out, 'NZCV', expected.get32(Field.nzcv), got.get32(Field.nzcv), showFlags);
  compareNumber(out, 'FPCR', expected.get32(Field.fpcr) & FPCR_BITS, got.get32(Field.fpcr) & FPCR_BITS, showFpcr);
  compareNumber(out, 'FPSR', expected.get32(Field.fpsr) & FPSR_BITS, got.get32(Field.fpsr) & FPSR_BITS, showFpsr);
  compareWindow(out, expected, got);
  const sameEnd = outcome === got.get32(Field.outcome);
  if (sameEnd) compareNumber(out, 'memory elsewhere', expected.get32(Field.stray), got.get32(Field.stray), hex32);
  const [atA, atB] = [expected.get64(Field.faultAddress), got.get64(Field.faultAddress)];
  if (sameEnd && !sameFaultAddress(atA, atB, faulted)) {
    out.push({ what: 'fault address', expected: hex64(atA), got: hex64(atB) });
  }
  return out;
};
