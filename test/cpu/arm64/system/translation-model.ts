/**
 * Stage 1 translation once more, for comparison: straight from the manual's description (Arm ARM D8.2, D8.3, D8.4), in
 * BigInt, without thought of speed.
 */

export interface TranslationRegisters {
  readonly sctlr: bigint;
  readonly tcr: bigint;
  readonly ttbr0: bigint;
  readonly ttbr1: bigint;
  readonly mair: bigint;
}

export type Privilege = 'user' | 'kernel';

export interface Rights {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

export type ModelResult =
  | { readonly fault: number }
  | {
      readonly physical: bigint;
      readonly user: Rights;
      readonly kernel: Rights;
      readonly attribute: number;
      readonly shareability: number;
      readonly size: bigint;
      readonly notGlobal: boolean;
      readonly level: number;
    };

const bit = (value: bigint, at: number): boolean => ((value >> BigInt(at)) & 1n) === 1n;
const field = (value: bigint, at: number, width: number): bigint =>
  (value >> BigInt(at)) & ((1n << BigInt(width)) - 1n);
const number = (value: bigint, at: number, width: number): number => Number(field(value, at, width));

const ADDRESS_SIZE = 0b000000;
const TRANSLATION = 0b000100;
const ACCESS_FLAG = 0b001000;
const EXTERNAL_ON_WALK = 0b010100;
const outputSizes = [32, 36, 40, 42, 44, 48, 48, 48];
const PHYSICAL_RANGE = 40;

/** `read` gives the descriptor at a physical address, or undefined where there is no memory. */
export const translate = (
  registers: TranslationRegisters,
  address: bigint,
  privilege: Privilege,
  read: (physical: bigint) => bigint | undefined,
): ModelResult => {
  const { sctlr, tcr } = registers;
  const upper = bit(address, 55);
  const topByteIgnored = bit(tcr, upper ? 38 : 37);
  if (!bit(sctlr, 0)) {
    const physical = topByteIgnored ? field(address, 0, 56) : address;
    if (physical >> BigInt(PHYSICAL_RANGE) !== 0n) return { fault: ADDRESS_SIZE };
    const all = { read: true, write: true, execute: true };
    return {
      physical,
      user: all,
      kernel: all,
      attribute: 0,
      shareability: 2,
      size: 4096n,
      notGlobal: false,
      level: 0,
    };
  }
  const inputSize = 64 - Math.min(Math.max(number(tcr, upper ? 16 : 0, 6), 16), 39);
  const top = topByteIgnored ? 55 : 63;
  const above = field(address, inputSize, top - inputSize + 1);
  const expected = upper ? (1n << BigInt(top - inputSize + 1)) - 1n : 0n;
  if (above !== expected) return { fault: TRANSLATION };
  if (bit(tcr, upper ? 23 : 7)) return { fault: TRANSLATION };
  if (privilege === 'user' && bit(tcr, upper ? 56 : 55)) return { fault: TRANSLATION };

  const granule = upper
    ? { 0: 12, 1: 14, 2: 12, 3: 16 }[number(tcr, 30, 2)]
    : { 0: 12, 1: 16, 2: 14, 3: 12 }[number(tcr, 14, 2)];
  if (granule === undefined) throw new Error('a granule has two bits');
  const stride = granule - 3;
  const outputSize = Math.min(outputSizes[number(tcr, 32, 3)] as number, PHYSICAL_RANGE);
  const tooLarge = (physical: bigint): boolean => physical >> BigInt(outputSize) !== 0n;

  let level = 4 - Math.ceil((inputSize - granule) / stride);
  const lowest = (at: number): number => granule + (3 - at) * stride;
  const ttbr = upper ? registers.ttbr1 : registers.ttbr0;
  const firstBits = inputSize - lowest(level);
  let base = (field(ttbr, 0, 48) >> BigInt(firstBits + 3)) << BigInt(firstBits + 3);
  if (tooLarge(field(ttbr, 0, 48))) return { fault: ADDRESS_SIZE };
  let indexTop = inputSize;
  let noUser = false;
  let readOnly = false;
  let noExecuteUser = false;
  let noExecuteKernel = false;
  for (;;) {
    const index = field(address, lowest(level), indexTop - lowest(level));
    const descriptor = read(base + index * 8n);
    if (descriptor === undefined) return { fault: EXTERNAL_ON_WALK | level };
    if (!bit(descriptor, 0)) return { fault: TRANSLATION | level };
    const table = bit(descriptor, 1) && level < 3;
    if (level === 3 && !bit(descriptor, 1)) return { fault: TRANSLATION | level };
    if (level < 3 && !table && !(level === 2 || (level === 1 && granule === 12))) return { fault: TRANSLATION | level };
    if (table) {
      const next = field(descriptor, granule, 48 - granule) << BigInt(granule);
      if (tooLarge(next)) return { fault: ADDRESS_SIZE | level };
      noExecuteKernel ||= bit(descriptor, 59);
      noExecuteUser ||= bit(descriptor, 60);
      noUser ||= bit(descriptor, 61);
      readOnly ||= bit(descriptor, 62);
      base = next;
      indexTop = lowest(level);
      level++;
      continue;
    }
    const low = lowest(level);
    const output = field(descriptor, low, 48 - low) << BigInt(low);
    if (tooLarge(output)) return { fault: ADDRESS_SIZE | level };
    if (!bit(descriptor, 10)) return { fault: ACCESS_FLAG | level };
    const writable = !bit(descriptor, 7) && !readOnly;
    const user = bit(descriptor, 6) && !noUser;
    const wxn = bit(sctlr, 19);
    const userWrites = user && writable;
    return {
      physical: output | field(address, 0, low),
      user: {
        read: user,
        write: userWrites,
        execute: !(bit(descriptor, 54) || noExecuteUser) && !(wxn && userWrites),
      },
      kernel: {
        read: true,
        write: writable,
        execute: !(bit(descriptor, 53) || noExecuteKernel || userWrites) && !(wxn && writable),
      },
      attribute: number(registers.mair, number(descriptor, 2, 3) * 8, 8),
      shareability: number(descriptor, 8, 2),
      size: 1n << BigInt(low),
      notGlobal: bit(descriptor, 11),
      level,
    };
  }
};
