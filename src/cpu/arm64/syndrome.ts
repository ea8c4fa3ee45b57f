/** The exception syndrome register's parts (Arm ARM D17.2.37, ESR_EL1). */

/** Exception classes. Those with a variant for "from the same level" have it at the next number. */
export const ExceptionClass = {
  unknown: 0x00,
  wait: 0x01,
  vectorTrap: 0x07,
  illegalState: 0x0e,
  supervisorCall: 0x15,
  systemRegister: 0x18,
  instructionAbort: 0x20,
  pcAlignment: 0x22,
  dataAbort: 0x24,
  stackAlignment: 0x26,
  breakpoint: 0x30,
  softwareStep: 0x32,
  watchpoint: 0x34,
  breakpointInstruction: 0x3c,
} as const;
export type ExceptionClass = (typeof ExceptionClass)[keyof typeof ExceptionClass];

export const CLASS_SHIFT = 26;
/** IL: the instruction is 32 bits long; set in every syndrome of AArch64 state. */
export const IL_BIT = 1 << 25;

/** A syndrome of a class; the instruction-specific part is 25 bits. */
export const syndrome = (exceptionClass: number, specific: number): number =>
  (exceptionClass << CLASS_SHIFT) | IL_BIT | specific;

/** Fault status codes; those of translation faults and the like take the level in their low two bits. */
export const FaultStatus = {
  addressSize: 0x00,
  translation: 0x04,
  accessFlag: 0x08,
  permission: 0x0c,
  external: 0x10,
  externalOnWalk: 0x14,
  alignment: 0x21,
  debug: 0x22,
  unsupportedAtomic: 0x35,
} as const;

/** Bits of the specific part of data aborts and watchpoints. */
export const WRITE_BIT = 1 << 6;
export const CACHE_MAINTENANCE_BIT = 1 << 8;

/** CV and COND of an unconditional instruction, for traps that have them. */
export const ALWAYS = (1 << 24) | (0xe << 20);

/** What PENDING_KIND says. */
export const Pending = {
  none: 0,
  /** PENDING_SYNDROME is the syndrome; FAR_EL1 stays as it is. */
  synchronous: 1,
  /** As synchronous; PENDING_ADDRESS goes to FAR_EL1. */
  withAddress: 2,
  /** No exception: the instruction must run by itself (stack-alignment.ts). */
  held: 3,
} as const;
