import { Errno } from '../abi/errno.ts';
import { HypercallNumber } from '../abi/hypercall-number.ts';
import { consoleIo } from './console-io.ts';
import { eventChannelOp } from './event-channel-op.ts';
import { grantTableOp } from './grant-table-op.ts';
import type { Hypercall } from './handler.ts';
import { hvmOp } from './hvm-op.ts';
import { memoryOp } from './memory-op.ts';
import { multicallOf } from './multicall.ts';
import { privileged } from './privileged.ts';
import { schedOp } from './sched-op.ts';
import { vcpuOp } from './vcpu-op.ts';
import { vmAssist } from './vm-assist.ts';
import { xenVersion } from './xen-version.ts';

/** Physical devices: no build of Xen for Arm without PCI has any of its operations. */
const physdevOp: Hypercall = {
  number: HypercallNumber.physdev_op,
  name: 'physdev_op',
  arguments: 2,
  handler: () => -Errno.ENOSYS,
};

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
  physdevOp,
  ...privileged,
];

const byNumber: (Hypercall | undefined)[] = [];
for (const row of hypercalls) byNumber[row.number] = row;

/** The row of a hypercall; undefined if there is none. */
export const hypercallByNumber = (number: number): Hypercall | undefined => byNumber[number];
