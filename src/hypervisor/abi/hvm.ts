/** Parameters of a domain (public/hvm/params.h, hvm_op.h). */

export const HvmOp = { set_param: 0, get_param: 1, guest_request_vm_event: 24 } as const;

export const HvmParam = {
  callbackIrq: 0,
  storePfn: 1,
  storeEventChannel: 2,
  consolePfn: 17,
  consoleEventChannel: 18,
  monitorRingPfn: 28,
} as const;
export const HVM_PARAMS = 39;

/** xen_hvm_param. */
export const HvmParamArgument = { domid: 0, index: 4, value: 8, size: 16 } as const;
