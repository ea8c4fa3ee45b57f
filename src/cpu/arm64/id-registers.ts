import { CURRENT_EL } from './state.ts';
import {
  constantRegister,
  encodeRegister,
  giveValue,
  plainRegister,
  readField,
  type SystemRegister,
  UserAccess,
} from './system-register.ts';
import { CSSELR_EL1, INTERRUPT_REGISTERS, MPIDR_EL1, SCTLR_EL1 } from './system-state.ts';

/**
 * What the processor says of itself (Arm ARM D17.2). An Armv8.0 with AArch64 alone at EL1 and EL0, plus LSE, AES, PMULL, SHA1,
 * SHA256, CRC32, PAN, E0PD; no performance monitors, no mixed endianness, no hardware management of the access flag; and as
 * its software nature has it, neither Meltdown nor Spectre variant 2 across contexts (CSV3, CSV2, ECBHB).
 */

const SCTLR_DZE = 1 << 14;
const SCTLR_UCT = 1 << 15;

/** Implementer 0 (software), architecture "see the ID registers", part 1. */
const MIDR = 0x000f0010;

/** EL0 and EL1 in AArch64 only. */
const PFR0_LEVELS = 0x11;
const PFR0_GIC = 1 << 24;
/** CSV2 and CSV3. */
const PFR0_HIGH = (1 << 24) | (1 << 28);
/** DebugVer Armv8, 6 breakpoints (1 of them for contexts), 4 watchpoints. */
const DFR0 = 6 | (5 << 12) | (3 << 20);
/** AES with PMULL, SHA1, SHA256, CRC32, LSE. */
const ISAR0 = (2 << 4) | (1 << 8) | (1 << 12) | (1 << 16) | (2 << 20);
/** 40-bit physical addresses, 16-bit ASIDs, 16 KiB granule; 4 and 64 KiB granules are 0. */
const MMFR0 = 2 | (2 << 4) | (1 << 20);
/** PAN; and branch history of one context steers no other (ECBHB). */
const MMFR1 = 1 << 20;
const MMFR1_HIGH = 1 << 28;
/** E0PD. */
const MMFR2_HIGH = 1 << 28;

/** IDC, 64-byte lines and granules, physically indexed and tagged instruction cache. */
const CTR = (1 << 31) | (1 << 28) | (4 << 24) | (4 << 20) | (4 << 16) | (3 << 14) | 4;
/** DC ZVA zeroes 16 words. */
const DCZID_BLOCK = 4;
const DCZID_PROHIBITED = 1 << 4;

/** Separate first-level caches, a unified second level, which is the point of coherency. */
const CLIDR = 3 | (4 << 3) | (2 << 24);

const cacheSize = (sets: number, ways: number): number => ((sets - 1) << 13) | ((ways - 1) << 3) | 2;
/** 32 KiB each at the first level. */
const CCSIDR_L1 = cacheSize(128, 4);
/** 1 MiB at the second. */
const CCSIDR_L2 = cacheSize(1024, 16);

const ctr: SystemRegister = {
  ...constantRegister('CTR_EL0', encodeRegister(3, 3, 0, 0, 1), CTR),
  user: (words, state) =>
    ((words[(state + SCTLR_EL1) >>> 2] as number) & SCTLR_UCT) !== 0 ? UserAccess.allowed : UserAccess.trapped,
};

const dczid: SystemRegister = {
  name: 'DCZID_EL0',
  encoding: encodeRegister(3, 3, 0, 0, 7),
  user: () => UserAccess.allowed,
  read: (runtime, state) => {
    const words = runtime.memory.i32;
    const user = words[(state + CURRENT_EL) >>> 2] === 0;
    const prohibited = user && ((words[(state + SCTLR_EL1) >>> 2] as number) & SCTLR_DZE) === 0;
    return giveValue(runtime, state, DCZID_BLOCK | (prohibited ? DCZID_PROHIBITED : 0), 0);
  },
};

const ccsidr: SystemRegister = {
  name: 'CCSIDR_EL1',
  encoding: encodeRegister(3, 1, 0, 0, 0),
  read: (runtime, state) => {
    const level = ((runtime.memory.i32[(state + CSSELR_EL1) >>> 2] as number) >>> 1) & 7;
    return giveValue(runtime, state, level === 0 ? CCSIDR_L1 : level === 1 ? CCSIDR_L2 : 0, 0);
  },
};

const pfr0: SystemRegister = {
  name: 'ID_AA64PFR0_EL1',
  encoding: encodeRegister(3, 0, 0, 4, 0),
  read: (runtime, state) => {
    const gic = runtime.memory.i32[(state + INTERRUPT_REGISTERS) >>> 2] !== 0 ? PFR0_GIC : 0;
    return giveValue(runtime, state, PFR0_LEVELS | gic, PFR0_HIGH);
  },
};

const named: readonly SystemRegister[] = [
  constantRegister('MIDR_EL1', encodeRegister(3, 0, 0, 0, 0), MIDR),
  { name: 'MPIDR_EL1', encoding: encodeRegister(3, 0, 0, 0, 5), read: readField(MPIDR_EL1) },
  constantRegister('REVIDR_EL1', encodeRegister(3, 0, 0, 0, 6), 0),
  constantRegister('AIDR_EL1', encodeRegister(3, 1, 0, 0, 7), 0),
  pfr0,
  constantRegister('ID_AA64DFR0_EL1', encodeRegister(3, 0, 0, 5, 0), DFR0),
  constantRegister('ID_AA64ISAR0_EL1', encodeRegister(3, 0, 0, 6, 0), ISAR0),
  constantRegister('ID_AA64MMFR0_EL1', encodeRegister(3, 0, 0, 7, 0), MMFR0),
  constantRegister('ID_AA64MMFR1_EL1', encodeRegister(3, 0, 0, 7, 1), MMFR1, MMFR1_HIGH),
  constantRegister('ID_AA64MMFR2_EL1', encodeRegister(3, 0, 0, 7, 2), 0, MMFR2_HIGH),
  constantRegister('CLIDR_EL1', encodeRegister(3, 1, 0, 0, 1), CLIDR),
  plainRegister('CSSELR_EL1', encodeRegister(3, 2, 0, 0, 0), CSSELR_EL1, [0xf, 0]),
  ccsidr,
  ctr,
  dczid,
];

/** The rest of the space for ID registers reads as zero: AArch32's, and what came after Armv8.0. */
const unnamed = (): SystemRegister[] => {
  const taken = new Set(named.map(({ encoding }) => encoding));
  const registers: SystemRegister[] = [];
  for (let crm = 1; crm <= 7; crm++) {
    for (let op2 = 0; op2 <= 7; op2++) {
      const encoding = encodeRegister(3, 0, 0, crm, op2);
      if (!taken.has(encoding)) registers.push(constantRegister(`S3_0_C0_C${crm}_${op2}`, encoding, 0));
    }
  }
  return registers;
};

export const idRegisters: readonly SystemRegister[] = [...named, ...unnamed()];
