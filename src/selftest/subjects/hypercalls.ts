import { registers } from '../../cpu/arm64/assembler.ts';
import { DOMID_SELF } from '../../hypervisor/abi/domain-id.ts';
import { Errno } from '../../hypervisor/abi/errno.ts';
import { HvmOp, HvmParam, HvmParamArgument } from '../../hypervisor/abi/hvm.ts';
import { HypercallNumber } from '../../hypervisor/abi/hypercall-number.ts';
import { MemoryOp } from '../../hypervisor/abi/memory.ts';
import { MulticallEntry, VM_ASSIST_RUNSTATE_UPDATE_FLAG, VmAssistCommand } from '../../hypervisor/abi/shared-info.ts';
import { RegisterRunstateArea, Runstate, RunstateInfo, VcpuOp } from '../../hypervisor/abi/vcpu.ts';
import { Feature, FeatureInfo, VersionOp } from '../../hypervisor/abi/version.ts';
import { type GuestAssembler, u16, u32, u64 } from '../guest-assembler.ts';
import { PAGE_BYTES, Place } from '../places.ts';
import type { Subject } from '../subject.ts';

const { x0, w0 } = registers;

/** Xen 4.17. */
const VERSION = (4 << 16) | 17;
const FEATURES =
  Feature.writablePageTables |
  Feature.autoTranslatedPhysmap |
  Feature.memoryOpVnode |
  Feature.armSmccc |
  Feature.notDirectMapped;
const NO_HYPERCALL = 63;
const NO_OPERATION = 99;
const NO_PARAMETER = 1000;
/** Nothing is there. */
const BAD_ADDRESS = 0x1000;

const checkVersion = (guest: GuestAssembler): void => {
  const { xen_version } = HypercallNumber;
  guest.expectCall('version', VERSION, xen_version, VersionOp.version, 0);
  guest.expectCall('page size', PAGE_BYTES, xen_version, VersionOp.pagesize, 0);
  guest.argument(FeatureInfo.size, u32(FeatureInfo.submap, 0));
  guest.expectCall('get_features', 0, xen_version, VersionOp.get_features, Place.argument);
  guest.readArgument(w0, FeatureInfo.features, 4);
  guest.expect('features', w0, FEATURES);
};

/** Calls that must be refused, each with Xen's error number. */
const checkErrors = (guest: GuestAssembler): void => {
  const { xen_version, hvm_op, sched_op, event_channel_op, memory_op, vcpu_op } = HypercallNumber;
  guest.expectCall('no such hypercall', -Errno.ENOSYS, NO_HYPERCALL);
  guest.expectCall('no such version operation', -Errno.ENOSYS, xen_version, NO_OPERATION, Place.argument);
  guest.expectCall('no such scheduler operation', -Errno.ENOSYS, sched_op, NO_OPERATION, Place.argument);
  guest.expectCall('no such event channel operation', -Errno.ENOSYS, event_channel_op, NO_OPERATION, Place.argument);
  guest.expectCall('features at no address', -Errno.EFAULT, xen_version, VersionOp.get_features, BAD_ADDRESS);
  guest.expectCall('parameter at no address', -Errno.EFAULT, hvm_op, HvmOp.get_param, BAD_ADDRESS);
  guest.expectCall('memory operation at no address', -Errno.EFAULT, memory_op, MemoryOp.add_to_physmap, BAD_ADDRESS);
  guest.expectCall('operation on no vCPU', -Errno.ENOENT, vcpu_op, VcpuOp.register_vcpu_info, 1000, Place.argument);

  const self = u16(HvmParamArgument.domid, DOMID_SELF);
  guest.argument(HvmParamArgument.size, self, u32(HvmParamArgument.index, NO_PARAMETER));
  guest.expectCall('no such parameter', -Errno.EINVAL, hvm_op, HvmOp.get_param, Place.argument);
  guest.argument(HvmParamArgument.size, self, u32(HvmParamArgument.index, HvmParam.consolePfn));
  guest.expectCall("parameter that is not the guest's to set", -Errno.EPERM, hvm_op, HvmOp.set_param, Place.argument);
};

/** A list of two calls, the second of which fails. */
const checkMulticall = (guest: GuestAssembler): void => {
  const second = MulticallEntry.size;
  guest.argument(
    2 * MulticallEntry.size,
    u64(MulticallEntry.op, HypercallNumber.xen_version),
    u64(MulticallEntry.args, VersionOp.version),
    u64(second + MulticallEntry.op, NO_HYPERCALL),
  );
  guest.expectCall('multicall', 0, HypercallNumber.multicall, Place.argument, 2);
  guest.readArgument(x0, MulticallEntry.result, 8);
  guest.expect('result of the first call of two', x0, VERSION);
  guest.readArgument(x0, second + MulticallEntry.result, 8);
  guest.expect('result of the second call of two', x0, -Errno.ENOSYS);
};

const checkRunstate = (guest: GuestAssembler): void => {
  const { vm_assist, vcpu_op } = HypercallNumber;
  guest.expectCall('vm_assist', 0, vm_assist, VmAssistCommand.enable, VM_ASSIST_RUNSTATE_UPDATE_FLAG);
  guest.write(Place.runstate + RunstateInfo.state, Runstate.offline, 4);
  guest.argument(RegisterRunstateArea.size, u64(RegisterRunstateArea.address, Place.runstate));
  guest.expectCall(
    'register_runstate_memory_area',
    0,
    vcpu_op,
    VcpuOp.register_runstate_memory_area,
    0,
    Place.argument,
  );
  guest.read(w0, Place.runstate + RunstateInfo.state);
  guest.expect('state of the vCPU that asks for it', w0, Runstate.running);
};

/** What the hypervisor says of itself, and its error numbers. */
export const hypercalls: Subject = {
  name: 'hypercalls',
  title: "Xen's hypercalls and their error numbers",
  check(guest) {
    checkVersion(guest);
    checkErrors(guest);
    checkMulticall(guest);
    checkRunstate(guest);
  },
};
