import type { MachineMemory } from '../cpu/machine-memory.ts';
import type { QuietPoint } from '../cpu/quiet-point.ts';
import type { Frames } from '../memory/frames.ts';
import type { Heap } from '../memory/heap.ts';
import type { PhysicalMap } from '../memory/p2m.ts';
import type { DepartingFrames } from './departing-frames.ts';
import type { GuestAccess } from './guest-access.ts';
import type { Parameter } from './parameter.ts';
import type { Processor } from './processor.ts';
import type { Vgic } from './vgic/vgic.ts';

/**
 * What every part of the hypervisor works with. It holds no state of a guest: that lies in records in machine memory, so each
 * thread has its own Core over the same records. A domain or vCPU is named by its record's address.
 */
export interface Core {
  readonly memory: MachineMemory;
  readonly heap: Heap;
  readonly frames: Frames;
  readonly physicalMap: PhysicalMap;
  readonly processor: Processor;
  readonly services: Services;
  /** This thread's. */
  readonly quietPoint: QuietPoint;
  /** This thread's. */
  readonly departing: DepartingFrames;
  readonly vgic: Vgic;
  readonly guest: GuestAccess;
  /** Where a hypercall's argument is copied to before it is looked at. */
  readonly parameter: Parameter;
}

/** What the layers above do for the hypervisor. None may take a lock that is held when calling the hypervisor. */
export interface Services {
  /** A vCPU has something to notice: run it if it waited, interrupt it if it runs. */
  wake(vcpu: number): void;
  /** Events wait for domain 0 (`pendingPorts`). */
  doorbell(): void;
  /** A domain shut down or crashed: stop its vCPUs. */
  stopped(domain: number): void;
  /** The domain's system time in nanoseconds. */
  systemTime(domain: number): number;
  /** The wall clock in seconds when the domain's system time was 0. */
  wallClock(domain: number): number;
}

/** A 64-bit field's two halves as a number; exact below 2^53, which is all that any of Xen's quantities may reach. */
export const wide = (lo: number, hi: number): number => (hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
