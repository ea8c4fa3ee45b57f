import { GuestLayout as Layout } from '../hypervisor/abi/guest-layout.ts';
import { cells64, type DeviceTreeNode, encodeDeviceTree, node } from './device-tree.ts';

/** The device tree that xl gives an Arm guest of Xen 4.17 (shared captures of real ones are in the tests). */

export interface GuestDescription {
  readonly vcpus: number;
  /** Bytes of RAM, all in bank 0. */
  readonly memory: number;
  readonly gicVersion: 2 | 3;
  readonly commandLine: string;
  /** Guest-physical range of the initial ramdisk. */
  readonly ramdisk?: { readonly start: number; readonly end: number };
  /** Entropy for the guest's generator. */
  readonly rngSeed?: Uint8Array;
  readonly vuart: boolean;
}

/** Private interrupt, level, low, all processors: the flags Xen writes. */
const PPI_FLAGS = 0xf08;
/** A shared interrupt, level, active high. */
const LEVEL_HIGH = 4;
const PHANDLE = [Layout.gicPhandle];

const ppi = (number: number): number[] => [1, number, PPI_FLAGS];

const chosen = ({ commandLine, ramdisk, rngSeed, vuart }: GuestDescription): DeviceTreeNode =>
  node('chosen', {
    bootargs: commandLine,
    ...(vuart ? { 'stdout-path': `/sbsa-uart@${Layout.vuart.toString(16)}` } : {}),
    ...(ramdisk === undefined
      ? {}
      : { 'linux,initrd-start': cells64(ramdisk.start), 'linux,initrd-end': cells64(ramdisk.end) }),
    ...(rngSeed === undefined ? {} : { 'rng-seed': rngSeed }),
  });

const processors = (count: number): DeviceTreeNode =>
  node(
    'cpus',
    { '#address-cells': [1], '#size-cells': [0] },
    Array.from({ length: count }, (_, index) =>
      node(`cpu@${index}`, {
        device_type: 'cpu',
        compatible: 'arm,armv8',
        'enable-method': 'psci',
        reg: [index],
      }),
    ),
  );

const interruptController = (version: 2 | 3): DeviceTreeNode => {
  const ranges =
    version === 3
      ? [
          [Layout.gicv3Distributor, Layout.gicv3DistributorSize],
          [Layout.gicv3Redistributors, Layout.gicv3RedistributorsSize],
        ]
      : [
          [Layout.gicv2Distributor, Layout.gicv2DistributorSize],
          [Layout.gicv2CpuInterface, Layout.gicv2CpuInterfaceSize],
        ];
  return node(`interrupt-controller@${Layout.gicv3Distributor.toString(16)}`, {
    compatible: version === 3 ? 'arm,gic-v3' : ['arm,cortex-a15-gic', 'arm,cortex-a9-gic'],
    '#interrupt-cells': [3],
    '#address-cells': [0],
    'interrupt-controller': true,
    reg: ranges.flatMap(([base, size]) => [...cells64(base as number), ...cells64(size as number)]),
    'linux,phandle': PHANDLE,
    phandle: PHANDLE,
  });
};

const hypervisor = (memory: number): DeviceTreeNode => {
  const ramEnd = Layout.ramBase + memory;
  return node('hypervisor', {
    compatible: ['xen,xen-4.17', 'xen,xen'],
    reg: [
      ...cells64(Layout.grantTable),
      ...cells64(Layout.grantTableSize),
      ...cells64(ramEnd),
      ...cells64(Layout.ramBase + Layout.ramBank0Size - ramEnd),
      ...cells64(Layout.ramBank1Base),
      ...cells64(Layout.ramBank1Size),
    ],
    interrupts: ppi(15),
    'interrupt-parent': PHANDLE,
  });
};

const vuart = (): DeviceTreeNode =>
  node(`sbsa-uart@${Layout.vuart.toString(16)}`, {
    compatible: 'arm,sbsa-uart',
    reg: [...cells64(Layout.vuart), ...cells64(Layout.vuartSize)],
    interrupts: [0, Layout.vuartSpi, LEVEL_HIGH],
    'interrupt-parent': PHANDLE,
    'current-speed': [115200],
  });

/** The device tree blob of a guest. */
export const guestDeviceTree = (guest: GuestDescription): Uint8Array =>
  encodeDeviceTree(
    node(
      '',
      {
        model: 'XENVM-4.17',
        compatible: ['xen,xenvm-4.17', 'xen,xenvm'],
        'interrupt-parent': PHANDLE,
        '#address-cells': [2],
        '#size-cells': [2],
      },
      [
        chosen(guest),
        processors(guest.vcpus),
        node('psci', {
          compatible: ['arm,psci-1.0', 'arm,psci-0.2', 'arm,psci'],
          method: 'hvc',
          cpu_off: [1],
          cpu_on: [2],
        }),
        node(`memory@${Layout.ramBase.toString(16)}`, {
          device_type: 'memory',
          reg: [...cells64(Layout.ramBase), ...cells64(guest.memory)],
        }),
        interruptController(guest.gicVersion),
        node('timer', {
          compatible: 'arm,armv8-timer',
          interrupts: [...ppi(13), ...ppi(14), ...ppi(11)],
          'interrupt-parent': PHANDLE,
        }),
        ...(guest.vuart ? [vuart()] : []),
        hypervisor(guest.memory),
      ],
    ),
  );
