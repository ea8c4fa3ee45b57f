import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARGUMENT, Code, operation, SELF } from './calls.ts';
import { RAM, TestHost } from './host.ts';

const PLATFORM_OP = 7;
const XEN_VERSION = 17;
const HVM_OP = 34;
const SYSCTL = 35;
const DOMCTL = 36;
const HYPFS_OP = 42;

test('hypercalls that do not exist', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  for (const number of [0, 6, 37, 38, 39, 40, 41, 43, 63, 1000, 2 ** 32 + XEN_VERSION, -1]) {
    assert.equal(host.call(domid, number, [0]), Code.nosys, `number ${number}`);
  }
  assert.equal(host.call(domid, 33, [0, ARGUMENT]), Code.nosys, 'physdev_op');
  assert.equal(operation(host, domid, HVM_OP, 1, [SELF, 1, 0, 0]), 0);
  assert.equal(host.call(domid, HVM_OP, [2 ** 32 + 1, ARGUMENT]), Code.nosys, 'the operation has 64 bits');
});

test('the control domain’s hypercalls look at their argument before they refuse', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  for (const [number, version] of [
    [PLATFORM_OP, 0x0300_0001],
    [SYSCTL, 0x15],
    [DOMCTL, 0x15],
  ]) {
    for (const [words, result] of [
      [[0, 0], Code.access],
      [[3, version + 1], Code.access],
      [[3, version, domid], Code.perm],
    ] as const) {
      host.write32(domid, ARGUMENT, ...words);
      assert.equal(host.call(domid, number, [ARGUMENT]), result, `${number} with ${words}`);
    }
    assert.equal(host.call(domid, number, [0]), Code.fault, `${number} without memory`);
    const last = RAM + 2 ** 20 - 128;
    host.write32(domid, last, 3, version, domid, 0);
    assert.equal(host.call(domid, number, [last]), Code.fault, `${number} past its end`);
  }
});

test('a domctl about a domain there is not', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  for (const [command, about, result] of [
    [1, 999, Code.perm],
    [2, 999, Code.srch],
    [2, SELF, Code.srch],
    [2, 0, Code.perm],
  ]) {
    host.write32(domid, ARGUMENT, command, 0x15, about, 0);
    assert.equal(host.call(domid, DOMCTL, [ARGUMENT]), result, `command ${command} of ${about}`);
  }
});

test('hypfs_op is refused whatever its arguments', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  for (const args of [[], [0, 0, 0, 0, 0], [1, 0x1000, -1, 0x1000, -1]]) {
    assert.equal(host.call(domid, HYPFS_OP, args), Code.perm);
  }
});
