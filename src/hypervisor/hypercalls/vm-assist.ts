import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import { VM_ASSIST_RUNSTATE_UPDATE_FLAG, VmAssistCommand } from '../abi/shared-info.ts';
import { VM_ASSIST } from '../domain.ts';
import type { Handler, Hypercall } from './handler.ts';

/** vm_assist: on Arm only the update flag of the runstate copy can be had. */
const handler: Handler = (core, call) => {
  if (call.low(1) !== VM_ASSIST_RUNSTATE_UPDATE_FLAG) return -Errno.EINVAL;
  const field = (call.domain + VM_ASSIST) >>> 2;
  const bit = 1 << VM_ASSIST_RUNSTATE_UPDATE_FLAG;
  switch (call.low(0)) {
    case VmAssistCommand.enable:
      Atomics.or(core.memory.i32, field, bit);
      return 0;
    case VmAssistCommand.disable:
      Atomics.and(core.memory.i32, field, ~bit);
      return 0;
    default:
      return -Errno.ENOSYS;
  }
};

export const vmAssist: Hypercall = {
  number: HypercallNumber.vm_assist,
  name: 'vm_assist',
  arguments: 2,
  handler,
  operations: VmAssistCommand,
};
