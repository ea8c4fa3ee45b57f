/** Memory operations (public/memory.h) and byte offsets of their arguments. */

export const MemoryOp = {
  increase_reservation: 0,
  decrease_reservation: 1,
  maximum_ram_page: 2,
  current_reservation: 3,
  maximum_reservation: 4,
  populate_physmap: 6,
  add_to_physmap: 7,
  exchange: 11,
  maximum_gpfn: 14,
  remove_from_physmap: 15,
  get_sharing_freed_pages: 18,
  get_sharing_shared_pages: 19,
  add_to_physmap_batch: 23,
  claim_pages: 24,
  get_vnumainfo: 26,
  reserved_device_memory_map: 27,
  acquire_resource: 28,
} as const;
/** The command's low bits name the operation, the rest is the extent that a continuation starts at. */
export const COMMAND_BITS = 6;

export const Reservation = { extents: 0, count: 8, order: 16, flags: 20, domid: 24, size: 32 } as const;
export const AddToPhysmap = { domid: 0, count: 2, space: 4, index: 8, gpfn: 16, size: 24 } as const;
export const AddToPhysmapBatch = {
  domid: 0,
  space: 2,
  count: 4,
  foreignDomid: 6,
  indexes: 8,
  gpfns: 16,
  errors: 24,
  size: 32,
} as const;
export const RemoveFromPhysmap = { domid: 0, gpfn: 8, size: 16 } as const;
/** Two reservations, and how many extents of the first are done. */
export const MemoryExchange = { input: 0, output: 32, done: 64, size: 72 } as const;
export const VnumaInfo = { domid: 0, padding: 2, size: 40 } as const;
export const ReservedMemoryMap = { flags: 0, entries: 4, size: 24 } as const;
export const AcquireResource = { domid: 0, frames: 8, padding: 12, firstFrame: 16, size: 32 } as const;

/** Get all reserved regions, whatever the device. */
export const RESERVED_MEMORY_ALL = 1;

/** Flags of a reservation. Its low byte bounds the address's bits; the second byte is a node plus one. */
export const ReservationFlag = { populateOnDemand: 1 << 16, exactNode: 1 << 17, virtualNode: 1 << 18 } as const;

export const MapSpace = {
  sharedInfo: 0,
  grantTable: 1,
  gmfn: 2,
  gmfnRange: 3,
  gmfnForeign: 4,
  deviceMmio: 5,
} as const;
