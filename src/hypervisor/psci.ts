/**
 * PSCI 1.1 and the SMC calling convention 1.1 as Xen 4.17 offers them to a guest by HVC (Arm DEN0022, DEN0028). Function numbers
 * are in w0, arguments from x1 on; results go to x0 as signed 32-bit values.
 */

const Call = {
  smcccVersion: 0x8000_0000,
  smcccArchFeatures: 0x8000_0001,
  smcccWorkaround1: 0x8000_8000,
  smcccWorkaround2: 0x8000_7fff,
  smcccWorkaround3: 0x8000_3fff,
  version: 0x8400_0000,
  cpuOff: 0x8400_0002,
  migrateInfoType: 0x8400_0006,
  systemOff: 0x8400_0008,
  systemReset: 0x8400_0009,
  features: 0x8400_000a,
  cpuSuspend32: 0x8400_0001,
  cpuSuspend64: 0xc400_0001,
  cpuOn32: 0x8400_0003,
  cpuOn64: 0xc400_0003,
  affinityInfo32: 0x8400_0004,
  affinityInfo64: 0xc400_0004,
} as const;

/** PSCI 1.1 and SMCCC 1.1. */
const VERSION = 0x1_0001;
/** Answers about workarounds (DEN0028, 7.4 to 7.6): the caller need not, or its processor is not affected. */
const WORKAROUND_NOT_REQUIRED = -2;
const WORKAROUND_UNAFFECTED = 1;
/** No trusted OS, or one that need not migrate. */
const NO_MIGRATION = 2;
const AFFINITY_BITS_LOW = 0x00ff_ffff;
const HIGHEST_AFFINITY_LEVEL = 3;

export const PsciError = {
  success: 0,
  notSupported: -1,
  invalidParameters: -2,
  denied: -3,
  alreadyOn: -4,
  invalidAddress: -9,
} as const;

/** Affinity states (AFFINITY_INFO). */
export const AffinityState = { on: 0, off: 1 } as const;

/** What PSCI asks of the domain. A processor is named by its index; entry and context are guest values in two halves. */
export interface PowerControl {
  processors(): number;
  isOn(processor: number): boolean;
  /** Starts a processor that is off; false if it is on. */
  turnOn(processor: number, entryLo: number, entryHi: number, contextLo: number, contextHi: number): boolean;
  /** Turns the caller off, once its registers are as the call leaves them. */
  turnOff(): void;
  /** The caller waits for an interrupt. */
  suspend(): void;
  systemOff(): void;
  systemReset(): void;
}

/** Arguments x1 to x3 as low and high halves. */
export interface CallArguments {
  readonly lo: ArrayLike<number>;
  readonly hi: ArrayLike<number>;
}

const supported: ReadonlySet<number> = new Set([
  Call.smcccVersion,
  Call.version,
  Call.cpuOff,
  Call.migrateInfoType,
  Call.systemOff,
  Call.systemReset,
  Call.features,
  Call.cpuSuspend32,
  Call.cpuSuspend64,
  Call.cpuOn32,
  Call.cpuOn64,
  Call.affinityInfo32,
  Call.affinityInfo64,
]);

/** The processor that an MPIDR value names; -1 if there is none. */
const processorOf = (power: PowerControl, lo: number, hi: number): number => {
  const index = lo & AFFINITY_BITS_LOW;
  return (hi & 0xff) === 0 && index < power.processors() ? index : -1;
};

const cpuOn = (power: PowerControl, { lo, hi }: CallArguments, wide: boolean): number => {
  const upper = (index: number): number => (wide ? (hi[index] as number) : 0);
  const processor = processorOf(power, lo[1] as number, upper(1));
  if (processor < 0) return PsciError.invalidParameters;
  if (((lo[2] as number) & 1) !== 0) return PsciError.invalidAddress;
  const started = power.turnOn(processor, lo[2] as number, upper(2), lo[3] as number, upper(3));
  return started ? PsciError.success : PsciError.alreadyOn;
};

/** Whether a processor is on whose affinity agrees with an MPIDR value from a level on; level 0 names a single one. */
const affinityInfo = (power: PowerControl, { lo, hi }: CallArguments, wide: boolean): number => {
  const level = (lo[2] as number) >>> 0;
  if (level > HIGHEST_AFFINITY_LEVEL) return PsciError.invalidParameters;
  const mask = level < HIGHEST_AFFINITY_LEVEL ? AFFINITY_BITS_LOW & (-1 << (level * 8)) : 0;
  const target = (lo[1] as number) & mask;
  const highest = wide ? (hi[1] as number) & 0xff : 0;
  for (let processor = 0; highest === 0 && processor < power.processors(); processor++) {
    if ((processor & mask) === target && power.isOn(processor)) return AffinityState.on;
  }
  return AffinityState.off;
};

/** SMCCC_ARCH_FEATURES: this processor speculates nothing, so no workaround has anything to do. */
const architectureFeature = (call: number): number => {
  switch (call) {
    case Call.smcccVersion:
    case Call.smcccArchFeatures:
    case Call.smcccWorkaround1:
      return PsciError.success;
    case Call.smcccWorkaround2:
      return WORKAROUND_NOT_REQUIRED;
    case Call.smcccWorkaround3:
      return WORKAROUND_UNAFFECTED;
    default:
      return PsciError.notSupported;
  }
};

/** Does a call; gives the value for x0. */
export const smcccCall = (power: PowerControl, args: CallArguments): number => {
  const number = (args.lo[0] as number) >>> 0;
  switch (number) {
    case Call.smcccVersion:
    case Call.version:
      return VERSION;
    case Call.smcccArchFeatures:
      return architectureFeature((args.lo[1] as number) >>> 0);
    case Call.smcccWorkaround1:
      return PsciError.success;
    case Call.features:
      return supported.has((args.lo[1] as number) >>> 0) ? PsciError.success : PsciError.notSupported;
    case Call.migrateInfoType:
      return NO_MIGRATION;
    case Call.cpuOn32:
    case Call.cpuOn64:
      return cpuOn(power, args, number === Call.cpuOn64);
    case Call.affinityInfo32:
    case Call.affinityInfo64:
      return affinityInfo(power, args, number === Call.affinityInfo64);
    case Call.cpuOff:
      power.turnOff();
      return PsciError.denied;
    case Call.cpuSuspend32:
    case Call.cpuSuspend64:
      power.suspend();
      return PsciError.success;
    case Call.systemOff:
      power.systemOff();
      return PsciError.success;
    case Call.systemReset:
      power.systemReset();
      return PsciError.success;
    default:
      return PsciError.notSupported;
  }
};
