import type { EngineRuntime } from '../../architecture.ts';
import { NOT_MEMORY } from '../../environment.ts';
import { FaultStatus } from '../syndrome.ts';
import { MAIR_EL1, SCTLR_EL1, TCR_EL1, TTBR0_EL1, TTBR1_EL1 } from '../system-state.ts';
import { ALL_PERMISSIONS, permissionsOf } from './permissions.ts';

/**
 * Stage 1 of address translation for EL1 and EL0 (Arm ARM D8, VMSAv8-64): 4, 16 and 64 KiB granules, 48-bit addresses, no
 * hardware management of the access flag or dirty state. Addresses are two halves of 32 bits, so nothing is allocated.
 */

/** Returned by `walk` when there is a mapping; anything else is a fault status code. */
export const NO_FAULT = -1;

/** Bits of a guest-physical address, as ID_AA64MMFR0_EL1.PARange claims. */
export const PHYSICAL_BITS = 40;

const SCTLR_M = 1 << 0;
const SCTLR_WXN = 1 << 19;

const DESCRIPTOR_VALID = 1 << 0;
/** At levels 0 to 2: a table, not a block. At level 3: must be set. */
const DESCRIPTOR_TABLE = 1 << 1;
const DESCRIPTOR_ACCESS_FLAG = 1 << 10;
const DESCRIPTOR_NOT_GLOBAL = 1 << 11;
/** PXNTable to APTable in a descriptor's high half. */
const TABLE_ATTRIBUTES = 0x78000000;

/** Bits of an intermediate physical address for each value of TCR_EL1.IPS. */
const outputSizes = Uint8Array.of(32, 36, 40, 42, 44, 48, 48, 48);
/** log2 of the granule for each value of TG0 and of TG1; reserved values count as 4 KiB. */
const granules0 = Uint8Array.of(12, 16, 14, 12);
const granules1 = Uint8Array.of(12, 14, 12, 16);

/** What the latest `walk` of this thread found: valid until the next one. */
export const mapping = {
  /** Guest frame number (4 KiB) of the address. */
  frame: 0,
  /** Permission bits (permissions.ts). */
  permissions: 0,
  /** log2 of the mapping's size in 4 KiB pages. */
  sizeShift: 0,
  /** Belongs to one address space. */
  notGlobal: false,
  /** Translated by TTBR1_EL1. */
  upper: false,
  /** The MAIR_EL1 attribute, one byte. */
  attribute: 0,
  /** SH[1:0]. */
  shareability: 0,
  /** The level of the last descriptor. */
  level: 0,
};

/** Attributes 0b0000xxxx are kinds of Device memory. */
export const isDevice = (attribute: number): boolean => (attribute & 0xf0) === 0;

/** `count` bits (at most 16) of a 64-bit value from bit `shift` (at most 47) on. */
const bitsAt = (lo: number, hi: number, shift: number, count: number): number => {
  const from = shift >= 32 ? hi >>> (shift - 32) : shift === 0 ? lo : (lo >>> shift) | (hi << (32 - shift));
  return from & ((1 << count) - 1);
};

/** A descriptor's halves, read whole even while another processor writes it. */
let descriptorLo = 0;
let descriptorHi = 0;
const readDescriptor = (words: Int32Array, index: number): void => {
  do {
    descriptorLo = Atomics.load(words, index);
    descriptorHi = Atomics.load(words, index + 1);
  } while (Atomics.load(words, index) !== descriptorLo);
};

/** Sign-extends an address's high half from bit 55 where its top byte is ignored. */
export const withoutTopByte = (tcrHi: number, hi: number): number =>
  ((tcrHi >>> (5 + ((hi >>> 23) & 1))) & 1) === 1 ? (hi << 8) >> 8 : hi | 0;

const flat = (words: Int32Array, state: number, lo: number, hi: number): number => {
  const ignoreTop = (((words[(state + TCR_EL1 + 4) >>> 2] as number) >>> (5 + ((hi >>> 23) & 1))) & 1) === 1;
  const physicalHi = ignoreTop ? hi & 0xffffff : hi >>> 0;
  if (physicalHi >>> (PHYSICAL_BITS - 32) !== 0) return FaultStatus.addressSize;
  mapping.frame = (physicalHi << 20) | (lo >>> 12);
  mapping.permissions = ALL_PERMISSIONS;
  mapping.sizeShift = 0;
  mapping.notGlobal = false;
  mapping.upper = false;
  mapping.attribute = 0;
  mapping.shareability = 2;
  mapping.level = 0;
  return NO_FAULT;
};

/**
 * Translates an address. `user` says that the access is made with EL0's rights, which matters for E0PD alone: permissions are
 * the caller's to check. Gives NO_FAULT, with the result in `mapping`, or the fault status code with its level.
 */
export const walk = (runtime: EngineRuntime, state: number, lo: number, hi: number, user: boolean): number => {
  const words = runtime.memory.i32;
  const sctlr = words[(state + SCTLR_EL1) >>> 2] as number;
  if ((sctlr & SCTLR_M) === 0) return flat(words, state, lo, hi);
  const tcrLo = words[(state + TCR_EL1) >>> 2] as number;
  const tcrHi = words[(state + TCR_EL1 + 4) >>> 2] as number;
  const upper = (hi >>> 23) & 1;
  const addressHi = withoutTopByte(tcrHi, hi);

  const inputBits = 64 - Math.min(Math.max((tcrLo >>> (upper * 16)) & 63, 16), 39);
  const excess = inputBits >= 32 ? addressHi >> (inputBits - 32) : addressHi !== -upper ? 1 : lo >> inputBits;
  if (excess !== -upper) return FaultStatus.translation;
  if (((tcrLo >>> (7 + upper * 16)) & 1) === 1) return FaultStatus.translation;
  if (user && ((tcrHi >>> (23 + upper)) & 1) === 1) return FaultStatus.translation;

  const granule = (upper === 1 ? granules1[tcrLo >>> 30] : granules0[(tcrLo >>> 14) & 3]) as number;
  const stride = granule - 3;
  const outputShift = Math.min(outputSizes[tcrHi & 7] as number, PHYSICAL_BITS) - 32;

  let level = 4 - Math.ceil((inputBits - granule) / stride);
  let shift = granule + stride * (3 - level);
  let indexBits = inputBits - shift;
  const base = (state + (upper === 1 ? TTBR1_EL1 : TTBR0_EL1)) >>> 2;
  let tableLo = (words[base] as number) & (-8 << indexBits);
  let tableHi = (words[base + 1] as number) & 0xffff;
  if (tableHi >>> outputShift !== 0) return FaultStatus.addressSize;

  let inherited = 0;
  for (;;) {
    const at = tableLo | (bitsAt(lo, addressHi, shift, indexBits) << 3);
    const table = runtime.environment.translate(state, (tableHi << 20) | (at >>> 12), false);
    if (table === NOT_MEMORY) return FaultStatus.externalOnWalk | level;
    readDescriptor(words, ((table & -2) + (at & 0xff8)) >>> 2);
    if ((descriptorLo & DESCRIPTOR_VALID) === 0) return FaultStatus.translation | level;
    tableHi = descriptorHi & 0xffff;
    const isTable = (descriptorLo & DESCRIPTOR_TABLE) !== 0;
    if (level === 3 ? !isTable : !isTable && !(level === 2 || (level === 1 && granule === 12))) {
      return FaultStatus.translation | level;
    }
    if (tableHi >>> outputShift !== 0) return FaultStatus.addressSize | level;
    if (level === 3 || !isTable) break;
    inherited |= descriptorHi & TABLE_ATTRIBUTES;
    tableLo = descriptorLo & (-1 << granule);
    level++;
    shift -= stride;
    indexBits = stride;
  }
  if ((descriptorLo & DESCRIPTOR_ACCESS_FLAG) === 0) return FaultStatus.accessFlag | level;

  const physicalLo = (descriptorLo & (-1 << shift)) | (lo & ~(-1 << shift));
  mapping.frame = (tableHi << 20) | (physicalLo >>> 12);
  mapping.permissions = permissionsOf(descriptorLo, descriptorHi, inherited, (sctlr & SCTLR_WXN) !== 0);
  mapping.sizeShift = shift - 12;
  mapping.notGlobal = (descriptorLo & DESCRIPTOR_NOT_GLOBAL) !== 0;
  mapping.upper = upper === 1;
  const attributeIndex = (descriptorLo >>> 2) & 7;
  const mair = words[(state + MAIR_EL1 + (attributeIndex & 4)) >>> 2] as number;
  mapping.attribute = (mair >>> ((attributeIndex & 3) * 8)) & 0xff;
  mapping.shareability = (descriptorLo >>> 8) & 3;
  mapping.level = level;
  return NO_FAULT;
};
