import { GuestLayout } from '../hypervisor/abi/guest-layout.ts';

/** Where a guest's kernel, ramdisk and device tree go in its memory, as Xen's domain builder places them. */

export interface PlacementRequest {
  /** Bytes of RAM. */
  readonly memory: number;
  /** The kernel's offset from a 2 MiB boundary and the memory it needs, from its Image header. */
  readonly textOffset: number;
  readonly imageSize: number;
  readonly ramdiskSize: number;
  readonly deviceTreeSize: number;
}

/** Guest-physical addresses. */
export interface Placement {
  readonly kernel: number;
  readonly ramdisk: number;
  readonly deviceTree: number;
}

/** What was to be booted does not fit into the domain's memory. */
export class PlacementError extends Error {
  override readonly name = 'PlacementError';
}

const MIB = 1 << 20;
const ALIGNMENT = 2 * MIB;
const PREFERRED_OFFSET = 128 * MIB;

const align = (value: number, to: number): number => Math.ceil(value / to) * to;
const inMib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;

/** Places everything, or throws PlacementError with the sizes. */
export const place = (request: PlacementRequest): Placement => {
  const base = GuestLayout.ramBase;
  const end = base + request.memory;
  const kernel = base + request.textOffset;
  const kernelEnd = align(kernel + request.imageSize, ALIGNMENT);
  if (kernelEnd > end) {
    throw new PlacementError(
      `the kernel needs ${inMib(kernelEnd - base)} but the domain has ${inMib(request.memory)} of memory`,
    );
  }
  const ramdiskBytes = align(request.ramdiskSize, 4096);
  const modules = align(ramdiskBytes + request.deviceTreeSize, 4096);
  const preferred = base + PREFERRED_OFFSET;
  let at: number;
  if (preferred >= kernelEnd && preferred + modules <= end) at = preferred;
  else if (kernelEnd + modules <= end) at = Math.floor((end - modules) / 4096) * 4096;
  else {
    throw new PlacementError(
      `a ramdisk of ${inMib(request.ramdiskSize)} does not fit beside the kernel (${inMib(kernelEnd - base)}) into ${inMib(request.memory)} of memory`,
    );
  }
  return { kernel, ramdisk: at, deviceTree: at + ramdiskBytes };
};
