import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HvmParam } from '../../src/hypervisor/abi/hvm.ts';
import { ARGUMENT, Code, operation, SELF } from './calls.ts';
import { TestHost } from './host.ts';

const HVM_OP = 34;

test('a guest reads where console and store are', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const get = (index: number): number => {
    assert.equal(operation(host, domid, HVM_OP, 1, [SELF, index, 0xffff_ffff, 0xffff_ffff]), 0);
    assert.equal(host.read32(domid, ARGUMENT + 12), 0);
    return host.read32(domid, ARGUMENT + 8);
  };
  assert.equal(get(1), 0x39001);
  assert.equal(get(2), 1);
  assert.equal(get(17), 0x39000);
  assert.equal(get(18), 2);
  assert.equal(get(0), 0);
  host.hypervisor.setParameter(domid, HvmParam.consoleEventChannel, 9);
  assert.equal(get(18), 9);
});

test('and nothing else, and sets nothing', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const other = host.createDomain();
  for (let index = 0; index < 60; index++) {
    const known = [0, 1, 2, 17, 18].includes(index);
    const hidden = index === 28;
    const set = operation(host, domid, HVM_OP, 0, [SELF, index, 1, 0]);
    assert.equal(set, known || hidden ? Code.perm : Code.inval, `set ${index}`);
    if (!known) {
      assert.equal(operation(host, domid, HVM_OP, 1, [SELF, index, 0, 0]), hidden ? Code.perm : Code.inval);
    }
  }
  assert.equal(operation(host, domid, HVM_OP, 1, [SELF, 0xffff_ffff, 0, 0]), Code.inval);
  assert.equal(operation(host, domid, HVM_OP, 1, [other, 1, 0, 0]), Code.perm);
  assert.equal(operation(host, domid, HVM_OP, 1, [999, 1, 0, 0]), Code.srch);
  assert.equal(operation(host, domid, HVM_OP, 7, [SELF]), Code.nosys);
});
