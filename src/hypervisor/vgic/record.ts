/**
 * The virtual interrupt controller's record: one for each domain, in machine memory. Byte offsets.
 *
 * An interrupt's entry is eight bytes: flags, priority, GICv2 targets, for a GICv2's SGIs the set of senders who wait, and the
 * affinity it is routed to (GICv3). Private interrupts (0 to 31) lie in each vCPU's area, shared ones in the record.
 */

export const SHARED_INTERRUPTS = 224;
/** Software-generated interrupts: the first of the private ones. */
export const SOFTWARE_INTERRUPTS = 16;
export const PRIVATE_INTERRUPTS = 32;
export const INTERRUPTS = PRIVATE_INTERRUPTS + SHARED_INTERRUPTS;
export const MAX_VCPUS = 8;

export const LOCK = 0;
export const VERSION = 4;
export const VCPU_COUNT = 8;
/** GICD_CTLR as written. */
export const DISTRIBUTOR_CONTROL = 12;
export const SHARED = 0x40;

export const ENTRY_SIZE = 8;
export const ENTRY_FLAGS = 0;
export const ENTRY_PRIORITY = 1;
export const ENTRY_TARGETS = 2;
export const ENTRY_SENDERS = 3;
export const ENTRY_ROUTE = 4;

/** Flags of an interrupt. */
export const Flag = {
  enabled: 1,
  /** Latched: an edge, an SGI, or written to ISPENDR. */
  pending: 2,
  /** The level of its line. */
  line: 4,
  active: 8,
  edge: 16,
  group1: 32,
} as const;

/** Whether an interrupt of these flags is pending: latched, or by the level of its line. */
export const isPending = (flags: number): boolean =>
  (flags & Flag.pending) !== 0 || (flags & (Flag.line | Flag.edge)) === Flag.line;

/** Each vCPU's area. */
export const VCPU = SHARED + SHARED_INTERRUPTS * ENTRY_SIZE;
export const VCPU_SIZE = 0x200;
export const PRIVATE = 0;
/** One bit for each interrupt that is enabled and pending for this vCPU (eight u32). */
export const CANDIDATES = PRIVATE_INTERRUPTS * ENTRY_SIZE;
/** Machine address of the vCPU's CPU record, and of its hypervisor record. */
export const CPU_STATE = CANDIDATES + 32;
export const PRIORITY_MASK = CPU_STATE + 8;
export const BINARY_POINT_0 = CPU_STATE + 12;
export const BINARY_POINT_1 = CPU_STATE + 16;
/** One bit for each of the 32 preemption levels in service. */
export const ACTIVE_PRIORITIES_0 = CPU_STATE + 20;
export const ACTIVE_PRIORITIES_1 = CPU_STATE + 24;
export const GROUP_ENABLE_0 = CPU_STATE + 28;
export const GROUP_ENABLE_1 = CPU_STATE + 32;
/** ICC_CTLR_EL1.EOImode or GICC_CTLR.EOImodeNS: 1 splits priority drop and deactivation. */
export const SPLIT_END = CPU_STATE + 36;
/** GICR_WAKER.ProcessorSleep. */
export const ASLEEP = CPU_STATE + 40;
/** GICR_CTLR. */
export const REDISTRIBUTOR_CONTROL = CPU_STATE + 44;
/** ICC_CTLR_EL1.CBPR: 1 lets ICC_BPR0_EL1 group the priorities of group 1, too. */
export const COMMON_BINARY_POINT = CPU_STATE + 48;

export const VGIC_RECORD_SIZE = VCPU + MAX_VCPUS * VCPU_SIZE;
