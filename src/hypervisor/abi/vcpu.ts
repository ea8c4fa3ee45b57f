/** vCPU operations (public/vcpu.h). */

export const VcpuOp = {
  initialise: 0,
  up: 1,
  down: 2,
  is_up: 3,
  get_runstate_info: 4,
  register_runstate_memory_area: 5,
  set_periodic_timer: 6,
  stop_periodic_timer: 7,
  set_singleshot_timer: 8,
  stop_singleshot_timer: 9,
  register_vcpu_info: 10,
  send_nmi: 11,
  get_physid: 12,
  register_vcpu_time_memory_area: 13,
} as const;

export const RegisterVcpuInfo = { mfn: 0, offset: 8, size: 16 } as const;
export const RegisterRunstateArea = { address: 0, size: 8 } as const;

/** vcpu_runstate_info.state. */
export const Runstate = { running: 0, runnable: 1, blocked: 2, offline: 3 } as const;
export type Runstate = (typeof Runstate)[keyof typeof Runstate];

/** vcpu_runstate_info: state (u32), the time it was entered and the time spent in each state (u64, nanoseconds). */
export const RunstateInfo = { state: 0, entryTime: 8, times: 16, size: 48 } as const;
