import { FRAME_SIZE } from '../../memory/layout.ts';
import { DOMID_CONTROL } from '../abi/domain-id.ts';
import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import {
  CAPABILITIES_BYTES,
  CHANGESET_BYTES,
  CompileInfo,
  EXTRAVERSION_BYTES,
  Feature,
  FeatureInfo,
  VersionOp,
} from '../abi/version.ts';
import type { Core } from '../core.ts';
import { domidOf, UUID } from '../domain.ts';
import type { Call } from './call.ts';
import { type Hypercall, readParameter, writeParameter } from './handler.ts';

/** xen_version: what this hypervisor is. It presents the interface of Xen 4.17, which is what it speaks. */

const MAJOR = 4;
const MINOR = 17;
const EXTRAVERSION = '.7';
const CAPABILITIES = 'xen-3.0-aarch64 xen-3.0-armv7l ';
/** What a guest gets that may not know (Xen's answer, too). */
const DENIED = '<denied>';
const VIRTUAL_START = 0x20_0000;
const PLATFORM_PARAMETERS_BYTES = 8;
const UUID_BYTES = 16;

const FEATURES =
  Feature.writablePageTables |
  Feature.autoTranslatedPhysmap |
  Feature.memoryOpVnode |
  Feature.armSmccc |
  Feature.notDirectMapped;

/** Hands `size` bytes of the parameter out. */
const answer = (core: Core, call: Call, size: number): number =>
  writeParameter(core, call, 1, size) ? 0 : -Errno.EFAULT;

const answerString = (core: Core, call: Call, text: string, size: number): number => {
  core.parameter.setString(0, size, text);
  return answer(core, call, size);
};

const compileInfo = (core: Core, call: Call): number => {
  const { parameter } = core;
  parameter.bytes.fill(0, 0, CompileInfo.size);
  parameter.setString(CompileInfo.compiler, CompileInfo.compileBy, 'hostrock');
  parameter.setString(CompileInfo.compileBy, CompileInfo.compileDomain - CompileInfo.compileBy, 'hostrock');
  return answer(core, call, CompileInfo.size);
};

const features = (core: Core, call: Call): number => {
  if (!readParameter(core, call, 1, FeatureInfo.size)) return -Errno.EFAULT;
  if (core.parameter.u32(FeatureInfo.submap) !== 0) return -Errno.EINVAL;
  const isControl = domidOf(core.memory, call.domain) === DOMID_CONTROL;
  core.parameter.setU32(FeatureInfo.features, FEATURES | (isControl ? Feature.dom0 : 0));
  return answer(core, call, FeatureInfo.size);
};

const handler = (core: Core, call: Call): number => {
  switch (call.low(0)) {
    case VersionOp.version:
      return (MAJOR << 16) | MINOR;
    case VersionOp.extraversion:
      return answerString(core, call, EXTRAVERSION, EXTRAVERSION_BYTES);
    case VersionOp.compile_info:
      return compileInfo(core, call);
    case VersionOp.capabilities:
      return answerString(core, call, CAPABILITIES, CAPABILITIES_BYTES);
    case VersionOp.changeset:
      return answerString(core, call, '', CHANGESET_BYTES);
    case VersionOp.platform_parameters:
      core.parameter.setU64(0, VIRTUAL_START);
      return answer(core, call, PLATFORM_PARAMETERS_BYTES);
    case VersionOp.get_features:
      return features(core, call);
    case VersionOp.pagesize:
      return call.isNull(1) ? FRAME_SIZE : -Errno.EINVAL;
    case VersionOp.guest_handle:
      for (let i = 0; i < UUID_BYTES; i++) core.parameter.bytes[i] = core.memory.u8[call.domain + UUID + i];
      return answer(core, call, UUID_BYTES);
    case VersionOp.commandline:
      return answerString(core, call, DENIED, DENIED.length + 1);
    case VersionOp.build_id:
      return -Errno.EPERM;
    default:
      return -Errno.ENOSYS;
  }
};

export const xenVersion: Hypercall = {
  number: HypercallNumber.xen_version,
  name: 'xen_version',
  arguments: 2,
  handler,
  operations: VersionOp,
};
