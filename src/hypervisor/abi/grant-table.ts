/** Grant tables, version 1 (public/grant_table.h). */

export const GrantTableOp = {
  map_grant_ref: 0,
  unmap_grant_ref: 1,
  setup_table: 2,
  dump_table: 3,
  transfer: 4,
  copy: 5,
  query_size: 6,
  unmap_and_replace: 7,
  set_version: 8,
  get_status_frames: 9,
  get_version: 10,
  swap_grant_ref: 11,
  cache_flush: 12,
} as const;
/** Bits of the command that name the operation; the others carry a continuation's argument. */
export const COMMAND_MASK = 0xfff;

/** grant_entry_v1: flags and domid are u16, frame is u32. */
export const GrantEntry = { flags: 0, domid: 2, frame: 4, size: 8 } as const;

export const GrantFlag = {
  permitAccess: 1,
  typeMask: 3,
  readOnly: 4,
  reading: 8,
  writing: 16,
  cacheMask: 0xe0,
  subPage: 0x100,
} as const;

/** Entries that the toolstack fills in when it makes a domain. */
export const GRANT_CONSOLE = 0;
export const GRANT_XENSTORE = 1;

export const GrantStatus = {
  okay: 0,
  generalError: -1,
  badDomain: -2,
  badGrantReference: -3,
  badHandle: -4,
  badVirtualAddress: -5,
  permissionDenied: -8,
  badPage: -9,
  badCopyArgument: -10,
  tryAgain: -12,
  noSpace: -13,
} as const;

export const MapFlag = {
  deviceMap: 1,
  hostMap: 2,
  readOnly: 4,
  applicationMap: 8,
  containsPte: 16,
} as const;
export const CopyFlag = { sourceReference: 1, destinationReference: 2 } as const;

export const QuerySize = { dom: 0, frames: 4, maximumFrames: 8, status: 12, size: 16 } as const;
export const SetupTable = { dom: 0, frames: 4, status: 8, frameList: 16, size: 24 } as const;
export const GetVersion = { dom: 0, version: 4, size: 8 } as const;
export const MapGrant = {
  hostAddress: 0,
  flags: 8,
  reference: 12,
  dom: 16,
  status: 18,
  handle: 20,
  busAddress: 24,
  size: 32,
} as const;
export const UnmapGrant = { hostAddress: 0, busAddress: 8, handle: 16, status: 20, size: 24 } as const;
/** gnttab_unmap_and_replace: an unmapping that puts another page in the place of the grant. */
export const UnmapAndReplace = { hostAddress: 0, newAddress: 8, handle: 16, status: 20, size: 24 } as const;
export const SwapGrants = { first: 0, second: 4, status: 8, size: 12 } as const;
export const StatusFrames = { frames: 0, dom: 4, status: 6, frameList: 8, size: 16 } as const;
/** gnttab_copy; a pointer is a reference (u32) or frame (u64), a domid and an offset. */
export const CopyGrant = { source: 0, destination: 16, length: 32, flags: 34, status: 36, size: 40 } as const;
export const CopyPointer = { reference: 0, domid: 8, offset: 10 } as const;
/** gnttab_cache_flush: a bus address, offset and length in its page (u16), and what to do. */
export const CacheFlush = { busAddress: 0, offset: 8, length: 10, operation: 12, size: 16 } as const;
export const CacheOperation = { clean: 1, invalidate: 2 } as const;
