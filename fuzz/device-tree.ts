import { DeviceTreeError, encodeDeviceTree, node, readDeviceTree } from '../src/toolstack/device-tree.ts';
import { guestDeviceTree } from '../src/toolstack/guest-device-tree.ts';
import type { FuzzTarget } from './target.ts';

const small = encodeDeviceTree(
  node('', { '#address-cells': [2], compatible: ['a,b', 'c'] }, [node('chosen', { bootargs: 'x', empty: true })]),
);

const guest = guestDeviceTree({
  vcpus: 2,
  memory: 2 ** 28,
  gicVersion: 3,
  commandLine: 'console=hvc0',
  ramdisk: { start: 0x4800_0000, end: 0x4810_0000 },
  rngSeed: new Uint8Array(16).fill(7),
  vuart: true,
});

/** The reader may refuse a tree, but only by saying what is wrong with it. */
export const target: FuzzTarget = {
  name: 'device-tree',
  seeds: [small, guest],
  run: (input) => {
    try {
      readDeviceTree(input);
    } catch (error) {
      if (!(error instanceof DeviceTreeError)) throw error;
    }
  },
};
