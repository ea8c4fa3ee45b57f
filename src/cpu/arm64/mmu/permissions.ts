/** Access permissions of stage 1 (Arm ARM D8.4): who may do what with a mapping. */

export const Permission = {
  /** Data accesses and instruction fetches of EL1. */
  read1: 1,
  write1: 2,
  execute1: 4,
  /** Those of EL0. */
  read0: 8,
  write0: 16,
  execute0: 32,
  /** PAN keeps EL1's data accesses away. */
  guarded: 64,
} as const;

/** Without translation everything is allowed, and PAN means nothing. */
export const ALL_PERMISSIONS = 63;

const AP_USER = 1 << 6;
const AP_READ_ONLY = 1 << 7;
/** In the high half. */
const PXN = 1 << 21;
const UXN = 1 << 22;
const TABLE_PXN = 1 << 27;
const TABLE_UXN = 1 << 28;
const TABLE_NO_USER = 1 << 29;
const TABLE_READ_ONLY = 1 << 30;

/**
 * The permissions of a page or block descriptor; `inherited` has the attributes of the tables above it, where they lie in a
 * table descriptor's high half.
 */
export const permissionsOf = (lo: number, hi: number, inherited: number, writeImpliesNoExecute: boolean): number => {
  const user = (lo & AP_USER) !== 0 && (inherited & TABLE_NO_USER) === 0;
  const writable = (lo & AP_READ_ONLY) === 0 && (inherited & TABLE_READ_ONLY) === 0;
  let permissions = Permission.read1 as number;
  if (writable) permissions |= Permission.write1;
  if (user) permissions |= Permission.read0 | Permission.guarded;
  if (user && writable) permissions |= Permission.write0;
  const userWritable = user && writable;
  const noExecute1 =
    (hi & PXN) !== 0 || (inherited & TABLE_PXN) !== 0 || userWritable || (writeImpliesNoExecute && writable);
  if (!noExecute1) permissions |= Permission.execute1;
  const noExecute0 = (hi & UXN) !== 0 || (inherited & TABLE_UXN) !== 0 || (writeImpliesNoExecute && userWritable);
  if (!noExecute0) permissions |= Permission.execute0;
  return permissions;
};
