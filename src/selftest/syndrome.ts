/** Values of ESR_EL1 (Arm ARM D17.2.37). */

const CLASS_SHIFT = 26;
const LONG_INSTRUCTION = 1 << 25;
const WRITE = 1 << 6;

const syndrome = (exceptionClass: number, specific = 0): number =>
  ((exceptionClass << CLASS_SHIFT) | LONG_INSTRUCTION | specific) >>> 0;

/** Fault status codes; those of translation, access flag and permission faults are added to the level. */
export const FaultStatus = { translation: 4, accessFlag: 8, permission: 12, alignment: 0x21 } as const;

export const Syndrome = {
  unknown: syndrome(0x00),
  illegalState: syndrome(0x0e),
  supervisorCall: (immediate: number): number => syndrome(0x15, immediate),
  instructionAbort: (status: number): number => syndrome(0x21, status),
  instructionAbortLower: (status: number): number => syndrome(0x20, status),
  pcAlignment: syndrome(0x22),
  dataAbort: (status: number): number => syndrome(0x25, status),
  storeAbort: (status: number): number => syndrome(0x25, WRITE | status),
  dataAbortLower: (status: number): number => syndrome(0x24, status),
  stackAlignment: syndrome(0x26),
  breakpointInstruction: (immediate: number): number => syndrome(0x3c, immediate),
} as const;
