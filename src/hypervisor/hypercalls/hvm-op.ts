import { Errno } from '../abi/errno.ts';
import { HvmOp, HvmParam, HvmParamArgument } from '../abi/hvm.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import { HVM_PARAMETERS } from '../domain.ts';
import { domainByAnyId } from '../domain-table.ts';
import { type Handler, type Hypercall, readParameter, writeParameter } from './handler.ts';

/** hvm_op: parameters by which the toolstack tells a guest where console and store are. */

const readable: ReadonlySet<number> = new Set([
  HvmParam.callbackIrq,
  HvmParam.storePfn,
  HvmParam.storeEventChannel,
  HvmParam.consolePfn,
  HvmParam.consoleEventChannel,
]);

/** What a domain may neither read nor set of its own, though the parameter exists, or does not exist at all. */
const refusal = (index: number): number =>
  index === HvmParam.monitorRingPfn || readable.has(index) ? -Errno.EPERM : -Errno.EINVAL;

const parameterOperation =
  (set: boolean): Handler =>
  (core, call) => {
    const { parameter, memory } = core;
    if (!readParameter(core, call, 1, HvmParamArgument.size)) return -Errno.EFAULT;
    const domain = domainByAnyId(memory, call.domain, parameter.u16(HvmParamArgument.domid));
    if (domain === 0) return -Errno.ESRCH;
    if (domain !== call.domain) return -Errno.EPERM;
    const index = parameter.u32(HvmParamArgument.index);
    if (set || !readable.has(index)) return refusal(index);
    const field = (domain + HVM_PARAMETERS + index * 8) >>> 2;
    parameter.setU32(HvmParamArgument.value, memory.u32[field]);
    parameter.setU32(HvmParamArgument.value + 4, memory.u32[field + 1]);
    return writeParameter(core, call, 1, HvmParamArgument.size) ? 0 : -Errno.EFAULT;
  };

const getParameter = parameterOperation(false);
const setParameter = parameterOperation(true);

const handler: Handler = (core, call) => {
  switch (call.number(0)) {
    case HvmOp.get_param:
      return getParameter(core, call);
    case HvmOp.set_param:
      return setParameter(core, call);
    case HvmOp.guest_request_vm_event:
      // Nobody monitors the guest.
      return call.isNull(1) ? 0 : -Errno.EINVAL;
    default:
      return -Errno.ENOSYS;
  }
};

export const hvmOp: Hypercall = {
  number: HypercallNumber.hvm_op,
  name: 'hvm_op',
  arguments: 2,
  handler,
  operations: HvmOp,
};
