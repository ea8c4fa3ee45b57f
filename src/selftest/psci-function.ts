/** Functions of PSCI 1.0 (Arm DEN0022) and their results. */
export const PsciFunction = {
  version: 0x8400_0000,
  cpuOff: 0x8400_0002,
  cpuOn: 0xc400_0003,
  affinityInfo: 0xc400_0004,
  systemOff: 0x8400_0008,
  features: 0x8400_000a,
  /** No function. */
  unknown: 0x8400_00ff,
} as const;

export const PsciResult = {
  success: 0,
  notSupported: -1,
  invalidParameters: -2,
  alreadyOn: -4,
  /** Of AFFINITY_INFO. */
  on: 0,
  off: 1,
} as const;
