import { lock, unlock } from '../cpu/lock.ts';
import type { MachineMemory } from '../cpu/machine-memory.ts';
import { HVM_PARAMS } from './abi/hvm.ts';

/**
 * A domain's record: byte offsets from its address. Words (u32) unless said otherwise; addresses are machine addresses, 0 if
 * there is none. The lock guards event channels, grants and parameters; the physical map has its own, taken last.
 */

export const DOMAIN_LOCK = 0;
/** The domain's number; DOMID_NONE while the record is unused. */
export const DOMID = 4;
/** Status bits (Atomics). */
export const STATUS = 8;
/** 1 plus the shutdown reason, or 0 (Atomics). */
export const SHUTDOWN_CODE = 12;
export const VCPU_COUNT = 16;
export const GIC_VERSION = 20;

/** The physical-to-machine map's root table and lock, the first frame past all that was ever mapped. */
export const P2M_ROOT = 24;
export const P2M_LOCK = 28;
export const MAPPED_LIMIT = 32;
export const RAM_FRAMES = 36;
/** Frames of RAM the domain has, and may have. */
export const PAGES = 40;
export const MAXIMUM_PAGES = 44;

/** The shared information page and the guest frame it is mapped at, or NOT_MAPPED. */
export const SHARED_INFO = 48;
export const SHARED_INFO_FRAME = 52;
/** The pages of the console's and the store's rings. */
export const CONSOLE_PAGE = 56;
export const STORE_PAGE = 60;
/** Records of the virtual interrupt controller and UART. */
export const VGIC = 64;
export const UART = 68;

/** Event channels: see event-channel/. */
export const EVENT_ABI = 72;
export const VALID_PORTS = 76;
export const MAXIMUM_PORTS = 80;
export const EVENT_TABLES = 84;
/** No port below this is free. */
export const FREE_PORT_HINT = 88;
/** Ports that the guest's event array has words for. */
export const FIFO_PORTS = 92;
/** One bit for each vCPU that polls ports. */
export const POLLERS = 96;

/** The grant table's record: see grant-table/. */
export const GRANT_TABLE = 100;
export const CONSOLE_LOG = 104;
/** Bits that vm_assist enabled. */
export const VM_ASSIST = 108;
/** The next unused domain record. */
export const NEXT_UNUSED = 112;
/** Bytes of the crash reason. */
export const CRASH_REASON_LENGTH = 116;
/** System times at which the watchdogs bite (f64 each), 0 if not set. */
export const WATCHDOG_DEADLINES = 120;
/** Sixteen bytes. */
export const UUID = 136;
/** Addresses of the vCPU records. */
export const VCPUS = 152;
/** 64 bytes for the domain's clock. */
export const CLOCK = 192;
/** HVM parameters (u64 each). */
export const HVM_PARAMETERS = 256;
export const CRASH_REASON = HVM_PARAMETERS + HVM_PARAMS * 8;
export const CRASH_REASON_BYTES = 256;
export const DOMAIN_RECORD_SIZE = CRASH_REASON + CRASH_REASON_BYTES + 8;

export const MAXIMUM_VCPUS = 8;
export const DOMID_NONE = 0xffff;
export const NOT_MAPPED = 0xffff_ffff;

/** Why no vCPU of the domain runs. */
export const DomainStatus = {
  /** The toolstack paused it. */
  paused: 1,
  /** It shut down; SHUTDOWN_CODE says why. */
  shutdown: 2,
  /** It is being destroyed. */
  dying: 4,
} as const;

export const domidOf = (memory: MachineMemory, domain: number): number => memory.u32[(domain + DOMID) >>> 2];

export const vcpuCount = (memory: MachineMemory, domain: number): number => memory.u32[(domain + VCPU_COUNT) >>> 2];

/** The record of a vCPU by its index; 0 if there is none. */
export const vcpuAt = (memory: MachineMemory, domain: number, index: number): number =>
  index < vcpuCount(memory, domain) ? memory.u32[(domain + VCPUS + index * 4) >>> 2] : 0;

export const statusOf = (memory: MachineMemory, domain: number): number =>
  Atomics.load(memory.i32, (domain + STATUS) >>> 2);

export const isDying = (memory: MachineMemory, domain: number): boolean =>
  (statusOf(memory, domain) & DomainStatus.dying) !== 0;

export const lockDomain = (memory: MachineMemory, domain: number): void => lock(memory, domain + DOMAIN_LOCK);

export const unlockDomain = (memory: MachineMemory, domain: number): void => unlock(memory, domain + DOMAIN_LOCK);

/** Locks two domains, which may be the same; by address, which unlike the number never changes while someone waits. */
export const lockBoth = (memory: MachineMemory, a: number, b: number): void => {
  lockDomain(memory, Math.min(a, b));
  if (a !== b) lockDomain(memory, Math.max(a, b));
};

export const unlockBoth = (memory: MachineMemory, a: number, b: number): void => {
  unlockDomain(memory, a);
  if (a !== b) unlockDomain(memory, b);
};
