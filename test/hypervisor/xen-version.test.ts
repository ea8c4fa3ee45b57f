import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARGUMENT, Code, operation, stringAt } from './calls.ts';
import { TestHost } from './host.ts';

const XEN_VERSION = 17;

test('what a guest is told of the hypervisor', () => {
  const host = new TestHost();
  const uuid = Uint8Array.from({ length: 16 }, (_, i) => i * 3);
  const domid = host.createDomain({ uuid });
  const call = (op: number): number => host.call(domid, XEN_VERSION, [op, ARGUMENT]);
  assert.equal(call(0), (4 << 16) | 17);
  assert.equal(call(1), 0);
  assert.equal(stringAt(host, domid, ARGUMENT), '.7');
  assert.equal(call(2), 0);
  assert.equal(stringAt(host, domid, ARGUMENT), 'hostrock');
  assert.equal(call(3), 0);
  assert.equal(stringAt(host, domid, ARGUMENT), 'xen-3.0-aarch64 xen-3.0-armv7l ');
  assert.equal(call(4), 0);
  assert.equal(stringAt(host, domid, ARGUMENT), '');
  assert.equal(call(5), 0);
  assert.equal(host.read32(domid, ARGUMENT), 0x20_0000);
  assert.equal(call(8), 0);
  const at = host.machine(domid, ARGUMENT);
  assert.deepEqual(host.memory.u8.slice(at, at + 16), uuid);
  assert.equal(call(9), 0);
  assert.equal(stringAt(host, domid, ARGUMENT), '<denied>');
  assert.equal(call(10), Code.perm);
  assert.equal(call(11), Code.nosys);
});

test('features and page size', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(operation(host, domid, XEN_VERSION, 6, [0, 0]), 0);
  assert.equal(host.read32(domid, ARGUMENT + 4), 0x16005);
  assert.equal(operation(host, domid, XEN_VERSION, 6, [1, 0]), Code.inval);
  assert.equal(host.call(domid, XEN_VERSION, [7, 0]), 4096);
  assert.equal(host.call(domid, XEN_VERSION, [7, ARGUMENT]), Code.inval);
});

test('memory that is not there gives EFAULT', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  for (const op of [1, 2, 3, 4, 5, 6, 8, 9]) {
    for (const address of [0, 0x4010_0000, 2 ** 47, -8]) {
      assert.equal(host.call(domid, XEN_VERSION, [op, address]), Code.fault, `operation ${op} at ${address}`);
    }
  }
});
