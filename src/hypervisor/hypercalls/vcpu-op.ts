import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import { RegisterRunstateArea, RegisterVcpuInfo, VcpuOp } from '../abi/vcpu.ts';
import { vcpuAt } from '../domain.ts';
import { accumulate, registerRunstateArea } from '../runstate.ts';
import { registerVcpuInfo } from '../vcpu-info.ts';
import { type Handler, type Hypercall, readParameter } from './handler.ts';

/** vcpu_op: as on Arm, where PSCI starts and stops processors, only the two registrations exist. */
const handler: Handler = (core, call) => {
  const vcpu = vcpuAt(core.memory, call.domain, call.low(1));
  if (vcpu === 0) return -Errno.ENOENT;
  const { parameter } = core;
  switch (call.low(0)) {
    case VcpuOp.register_vcpu_info:
      if (!readParameter(core, call, 2, RegisterVcpuInfo.size)) return -Errno.EFAULT;
      return registerVcpuInfo(core, vcpu, parameter.u64(RegisterVcpuInfo.mfn), parameter.u32(RegisterVcpuInfo.offset));
    case VcpuOp.register_runstate_memory_area: {
      if (!readParameter(core, call, 2, RegisterRunstateArea.size)) return -Errno.EFAULT;
      const lo = parameter.u32(RegisterRunstateArea.address);
      const hi = parameter.u32(RegisterRunstateArea.address + 4);
      accumulate(core.memory, vcpu, core.services.systemTime(call.domain));
      return registerRunstateArea(core, vcpu, call.state, lo | 0, hi | 0) ? 0 : -Errno.EFAULT;
    }
    default:
      return -Errno.EINVAL;
  }
};

export const vcpuOp: Hypercall = {
  number: HypercallNumber.vcpu_op,
  name: 'vcpu_op',
  arguments: 3,
  handler,
  operations: VcpuOp,
};
