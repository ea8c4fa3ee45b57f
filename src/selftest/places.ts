import { GuestLayout } from '../hypervisor/abi/guest-layout.ts';

/**
 * Where the guest keeps things: guest-physical addresses. The image begins where Xen puts a kernel without a text offset, the
 * start of RAM bank 0; what follows it is zeroed when the guest starts.
 */

const KIB = 1024;
const PAGE = 4 * KIB;

export const IMAGE_BASE = GuestLayout.ramBase;
/** Code and texts must fit in this much. */
export const CODE_LIMIT = 64 * KIB;

const DATA = IMAGE_BASE + CODE_LIMIT;
const page = (number: number): number => DATA + number * PAGE;

export const Place = {
  /** Words of the guest as a whole, at offsets Global. */
  globals: page(0),
  /** A ProcessorBlock for each of the two vCPUs. */
  processors: page(1),
  /** Stacks grow down from the end of a page for each vCPU. */
  stacks: page(2),
  /** The argument of the hypercall being made. */
  argument: page(4),
  sharedInfo: page(5),
  vcpuInfo: page(6),
  /** A FIFO control block for each vCPU. */
  fifoControl: page(7),
  eventArray: page(8),
  runstate: page(9),
  /** Pages to grant, copy, balloon and map. */
  firstPage: page(10),
  secondPage: page(11),
  userCode: page(12),
  userData: page(13),
  /** Tables of a 4 KiB granule. */
  level1: page(16),
  level2Low: page(17),
  level2Ram: page(18),
  level2Window: page(19),
  level3Window: page(20),
  /** The upper half's. */
  upperLevel0: page(21),
  upperLevel1: page(22),
  upperLevel2: page(23),
  upperLevel3: page(24),
  /** Only table of a 16 KiB granule, and of a 64 KiB granule. */
  level2Of16: page(28),
  level2Of64: page(32),
} as const;

export const PAGE_BYTES = PAGE;
export const DATA_START = DATA;
export const DATA_END = page(33);
/** Bytes from the start of the image to the end of what the guest uses. */
export const IMAGE_SIZE = DATA_END - IMAGE_BASE;

/** Byte offsets of the guest's global values, all 64 bits. */
export const Global = {
  deviceTree: 0,
  /** Address of the console's ring, 0 before it is open, and its event channel. */
  consoleRing: 8,
  consolePort: 16,
  /** The subject under way: its name, and where to go on afterwards. */
  subject: 24,
  next: 32,
  /** 1 while a result is being written: an exception then ends the guest. */
  reporting: 40,
  /** A count to tell with the result, and what it counts (0 for none). */
  noteValue: 48,
  noteText: 56,
  /** Processors that the device tree lists. */
  processors: 64,
  /** How far vCPU 1 is, and how far vCPU 0 lets it go. */
  stage: 72,
  permitted: 80,
  /** What vCPU 1 found: PSCI's context, its MPIDR_EL1, and what it read. */
  otherContext: 88,
  otherAffinity: 96,
  otherValue: 104,
  /** A check of vCPU 1's that failed: the text (0 if none), what it got and what it expected. */
  otherFailure: 112,
  otherGot: 120,
  otherExpected: 128,
  /** Counts that both vCPUs increment, by an atomic instruction and by exclusive accesses. */
  atomicCount: 192,
  exclusiveCount: 256,
} as const;

/** Byte offsets in a vCPU's block, to which its TPIDR_EL1 points. All but the counts are 64 bits. */
export const ProcessorBlock = {
  /** Where to go on after the exception that is expected; 0 if none is. */
  resume: 0,
  /** The last synchronous exception: its syndrome and the registers with it, and the number of its vector (0 to 15). */
  syndrome: 8,
  returnAddress: 16,
  faultAddress: 24,
  savedState: 32,
  vector: 40,
  /** The last interrupt and the virtual counter when it was taken. */
  interrupt: 48,
  interruptTime: 56,
  /** Address of the byte in the vcpu_info that says that events wait; 0 if there is none yet. */
  upcall: 64,
  /** How often each of the interrupts 0 to 127 was taken: 32 bits each. */
  counts: 128,
  size: 1024,
} as const;

/** Interrupts that are counted. */
export const COUNTED_INTERRUPTS = 128;

/** Bytes from one vCPU's FIFO control block to the next. */
export const CONTROL_BLOCK_STRIDE = 128;

export const processorBlock = (vcpu: number): number => Place.processors + vcpu * ProcessorBlock.size;
export const stackTop = (vcpu: number): number => Place.stacks + (vcpu + 1) * PAGE;
