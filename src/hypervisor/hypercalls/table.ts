import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import { consoleIo } from './console-io.ts';
import { eventChannelOp } from './event-channel-op.ts';
import { grantTableOp } from './grant-table-op.ts';
import type { Hypercall } from './handler.ts';
import { hvmOp } from './hvm-op.ts';
import { memoryOp } from './memory-op.ts';
import { multicallOf } from './multicall.ts';
import { schedOp } from './sched-op.ts';
import { vcpuOp } from './vcpu-op.ts';
import { vmAssist } from './vm-assist.ts';
import { xenVersion } from './xen-version.ts';

/** A hypercall that only gives an error. */
const refused = (name: keyof typeof HypercallNumber, count: number, error: number): Hypercall => ({
  number: HypercallNumber[name],
  name,
  arguments: count,
  handler: () => -error,
});

/** All hypercalls; every other number gives -ENOSYS. */
export const hypercalls: readonly Hypercall[] = [
  memoryOp,
  multicallOf((number) => hypercallByNumber(number)),
  xenVersion,
  consoleIo,
  grantTableOp,
  vmAssist,
  vcpuOp,
  schedOp,
  eventChannelOp,
  hvmOp,
  refused('physdev_op', 2, Errno.ENOSYS),
  // For the control domain, which is part of the host and needs none of them.
  refused('platform_op', 1, Errno.EPERM),
  refused('sysctl', 1, Errno.EPERM),
  refused('domctl', 1, Errno.EPERM),
];

const byNumber: (Hypercall | undefined)[] = [];
for (const row of hypercalls) byNumber[row.number] = row;

/** The row of a hypercall; undefined if there is none. */
export const hypercallByNumber = (number: number): Hypercall | undefined => byNumber[number];
