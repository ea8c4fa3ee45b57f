/** Hypercall numbers (public/xen.h), passed in x16. */
export const HypercallNumber = {
  platform_op: 7,
  memory_op: 12,
  multicall: 13,
  xen_version: 17,
  console_io: 18,
  grant_table_op: 20,
  vm_assist: 21,
  vcpu_op: 24,
  sched_op: 29,
  event_channel_op: 32,
  physdev_op: 33,
  hvm_op: 34,
  sysctl: 35,
  domctl: 36,
  hypfs_op: 42,
} as const;

/** The immediate of the HVC instruction that makes a hypercall (public/arch-arm.h). */
export const HYPERCALL_TAG = 0xea1;
