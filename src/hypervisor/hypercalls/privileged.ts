import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import { DOMCTL_CREATE_DOMAIN, InterfaceVersion, PrivilegedOp, PrivilegedOpSize } from '../abi/privileged.ts';
import { domainById } from '../domain-table.ts';
import { type Handler, type Hypercall, readParameter } from './handler.ts';

/** Hypercalls for the control domain, which is part of the host and makes none: a guest gets the error that Xen gives it. */

/** Checks that the argument is there and of the version spoken here; then the guest is told that it may not. */
const refuse =
  (name: keyof typeof InterfaceVersion): Handler =>
  (core, call) => {
    if (!readParameter(core, call, 0, PrivilegedOpSize[name])) return -Errno.EFAULT;
    return core.parameter.u32(PrivilegedOp.version) === InterfaceVersion[name] ? -Errno.EPERM : -Errno.EACCES;
  };

const refuseDomctl = refuse('domctl');

/** As the others, but that a domain must exist comes before who may do something to it. */
const domctl: Handler = (core, call) => {
  const result = refuseDomctl(core, call);
  if (result !== -Errno.EPERM || core.parameter.u32(PrivilegedOp.command) === DOMCTL_CREATE_DOMAIN) return result;
  return domainById(core.memory, core.parameter.u16(PrivilegedOp.domain)) === 0 ? -Errno.ESRCH : -Errno.EPERM;
};

const row = (name: keyof typeof HypercallNumber, count: number, handler: Handler): Hypercall => ({
  number: HypercallNumber[name],
  name,
  arguments: count,
  handler,
});

export const privileged: readonly Hypercall[] = [
  row('platform_op', 1, refuse('platform_op')),
  row('sysctl', 1, refuse('sysctl')),
  row('domctl', 1, domctl),
  row('hypfs_op', 5, () => -Errno.EPERM),
];
