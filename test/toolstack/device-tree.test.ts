import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  DeviceTreeError,
  type DeviceTreeNode,
  encodeDeviceTree,
  node,
  type ReadNode,
  readDeviceTree,
} from '../../src/toolstack/device-tree.ts';
import { guestDeviceTree } from '../../src/toolstack/guest-device-tree.ts';

const find = (root: ReadNode, ...path: string[]): ReadNode => {
  let at = root;
  for (const name of path) {
    const child = at.children.find((candidate) => candidate.name === name);
    assert.ok(child, `no node ${name} under ${at.name}`);
    at = child;
  }
  return at;
};

const cells = (at: ReadNode, property: string): number[] => {
  const bytes = at.properties.get(property);
  assert.ok(bytes, `no property ${property} in ${at.name}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4));
};

const text = (at: ReadNode, property: string): string => new TextDecoder().decode(at.properties.get(property));

const nameArbitrary = fc.stringMatching(/^[a-z][a-z0-9,._+-]{0,20}$/);
const treeArbitrary = (depth: number): fc.Arbitrary<DeviceTreeNode> =>
  fc
    .tuple(
      nameArbitrary,
      fc.dictionary(nameArbitrary, fc.uint8Array({ maxLength: 40 }), { maxKeys: 4, noNullPrototype: true }),
      depth === 0 ? fc.constant([]) : fc.array(treeArbitrary(depth - 1), { maxLength: 3 }),
    )
    .map(([name, properties, children]) => node(name, properties, children));

const same = (written: DeviceTreeNode, read: ReadNode): void => {
  assert.equal(read.name, written.name);
  assert.deepEqual(
    [...read.properties].map(([name, bytes]) => [name, [...bytes]]),
    Object.entries(written.properties).map(([name, bytes]) => [name, [...(bytes as Uint8Array)]]),
  );
  assert.equal(read.children.length, written.children.length);
  written.children.forEach((child, i) => {
    same(child, read.children[i] as ReadNode);
  });
};

test('what is written is read back', () => {
  fc.assert(
    fc.property(treeArbitrary(3), (tree) => {
      same(tree, readDeviceTree(encodeDeviceTree(tree)));
    }),
    { numRuns: 200 },
  );
});

test('damaged trees are refused with an error of their own, never another', () => {
  const blob = encodeDeviceTree(node('', { a: [1, 2], b: 'text' }, [node('child', { c: true })]));
  fc.assert(
    fc.property(fc.nat(blob.length - 1), fc.nat(255), fc.nat(blob.length), (at, byte, length) => {
      const damaged = blob.slice(0, Math.max(length, 1));
      if (at < damaged.length) damaged[at] = byte;
      try {
        readDeviceTree(damaged);
      } catch (error) {
        assert.ok(error instanceof DeviceTreeError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a guest sees what a guest of Xen 4.17 sees', () => {
  const root = readDeviceTree(
    guestDeviceTree({
      vcpus: 2,
      memory: 0xc000000,
      gicVersion: 3,
      commandLine: 'console=hvc0',
      ramdisk: { start: 0x48000000, end: 0x4810d000 },
      vuart: false,
    }),
  );
  assert.equal(text(root, 'compatible'), 'xen,xenvm-4.17\0xen,xenvm\0');
  assert.equal(text(root, 'model'), 'XENVM-4.17\0');
  assert.deepEqual(cells(find(root, 'memory@40000000'), 'reg'), [0, 0x40000000, 0, 0xc000000]);
  const gic = find(root, 'interrupt-controller@3001000');
  assert.equal(text(gic, 'compatible'), 'arm,gic-v3\0');
  assert.deepEqual(cells(gic, 'reg'), [0, 0x3001000, 0, 0x10000, 0, 0x3020000, 0, 0x1000000]);
  assert.deepEqual(cells(find(root, 'timer'), 'interrupts'), [1, 13, 0xf08, 1, 14, 0xf08, 1, 11, 0xf08]);
  const hypervisor = find(root, 'hypervisor');
  assert.deepEqual(
    cells(hypervisor, 'reg'),
    [0, 0x38000000, 0, 0x1000000, 0, 0x4c000000, 0, 0xb4000000, 2, 0, 0xfe, 0],
  );
  assert.deepEqual(cells(hypervisor, 'interrupts'), [1, 15, 0xf08]);
  assert.deepEqual(cells(find(root, 'chosen'), 'linux,initrd-end'), [0, 0x4810d000]);
  assert.equal(find(root, 'cpus').children.length, 2);
});
