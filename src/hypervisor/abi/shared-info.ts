/** The shared information page (public/xen.h) as arm64 lays it out. */

export const SharedInfo = {
  vcpuInfo: 0,
  pending: 48,
  mask: 560,
  wallClockVersion: 1072,
  wallClockSeconds: 1076,
  wallClockNanoseconds: 1080,
  wallClockSecondsHigh: 1084,
} as const;
/** vCPUs whose vcpu_info lies in the shared page until they register one elsewhere. */
export const LEGACY_VCPUS = 1;

/** vcpu_info: a byte that says that events wait, and one bit for each 64 ports (u64). */
export const VcpuInfo = { upcallPending: 0, upcallMask: 1, pendingSelector: 8, size: 48 } as const;

/** vm_assist (public/xen.h). */
export const VmAssistCommand = { enable: 0, disable: 1 } as const;
export const VM_ASSIST_RUNSTATE_UPDATE_FLAG = 5;

export const ConsoleIoOp = { write: 0, read: 1 } as const;

/** multicall_entry. */
export const MulticallEntry = { op: 0, result: 8, args: 16, size: 64 } as const;
