import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAIF } from '../../src/cpu/arm64/state.ts';
import { isKicked } from '../../src/cpu/kick.ts';
import { INTERRUPT_LINE } from '../../src/cpu/state.ts';
import { isBlocked, isRunnable } from '../../src/hypervisor/vcpu.ts';
import { expire, nextDeadline } from '../../src/hypervisor/watchdog.ts';
import { Code, operation } from './calls.ts';
import { channelFromDom0 } from './channels.ts';
import { RAM, TestHost } from './host.ts';

const SCHED_OP = 29;
const LIST = RAM + 0x2000;

test('shutdown stops the domain for the reason given', () => {
  for (const reason of [0, 1, 2, 3, 4, 5, 77]) {
    const host = new TestHost();
    const domid = host.createDomain();
    const vcpu = host.hypervisor.vcpu(domid, 0);
    assert.ok(isRunnable(host.memory, vcpu));
    assert.equal(operation(host, domid, SCHED_OP, 2, [reason]), 0);
    assert.equal(host.hypervisor.shutdownReason(domid), reason);
    assert.ok(!isRunnable(host.memory, vcpu));
    assert.deepEqual(host.stopped, [host.hypervisor.domain(domid)]);
    for (const each of [0, 1]) assert.ok(isKicked(host.memory, host.state(domid, each)));
    host.hypervisor.resume(domid);
    assert.ok(isRunnable(host.memory, vcpu));
    assert.equal(host.hypervisor.shutdownReason(domid), -1);
  }
});

test('a reason given beforehand holds', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(operation(host, domid, SCHED_OP, 5, [3]), 0);
  assert.deepEqual(host.stopped, []);
  assert.equal(operation(host, domid, SCHED_OP, 2, [0]), 0);
  assert.equal(host.hypervisor.shutdownReason(domid), 3);
});

test('others cannot be shut down', () => {
  const host = new TestHost();
  const [a, b] = [host.createDomain(), host.createDomain()];
  assert.equal(operation(host, a, SCHED_OP, 4, [b, 0]), Code.perm);
  assert.equal(operation(host, a, SCHED_OP, 4, [999, 0]), Code.srch);
  assert.equal(operation(host, a, SCHED_OP, 7, [0]), Code.perm);
  assert.equal(operation(host, a, SCHED_OP, 8, [0]), Code.nosys);
  assert.equal(host.hypervisor.shutdownReason(b), -1);
});

test('block waits for an interrupt, with interrupts unmasked', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const vcpu = host.hypervisor.vcpu(domid, 0);
  const state = host.state(domid);
  host.memory.u32[(state + DAIF) >>> 2] = 0x3c0;
  assert.equal(host.call(domid, SCHED_OP, [1]), 0);
  assert.equal(host.memory.u32[(state + DAIF) >>> 2], 0x340);
  assert.ok(isBlocked(host.memory, vcpu));
  host.memory.u32[(state + INTERRUPT_LINE) >>> 2] = 1;
  assert.equal(host.call(domid, SCHED_OP, [1]), 0);
  assert.ok(!isBlocked(host.memory, vcpu), 'one waits already');
});

const poll = (host: TestHost, domid: number, ports: readonly number[], timeout = 0): number => {
  host.write32(domid, LIST, ...ports);
  return operation(host, domid, SCHED_OP, 3, [LIST, 0, ports.length, 0, timeout, 0]);
};

test('poll ends with an event on one of its ports', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const vcpu = host.hypervisor.vcpu(domid, 0);
  const [first, second, third] = [0, 1, 2].map(() => channelFromDom0(host, domid));
  assert.equal(poll(host, domid, [first.guest, second.guest]), 0);
  assert.ok(isBlocked(host.memory, vcpu));
  host.woken.length = 0;
  host.hypervisor.send(second.dom0);
  assert.ok(!isBlocked(host.memory, vcpu));
  assert.deepEqual(host.woken, [vcpu]);
  assert.equal(poll(host, domid, [second.guest]), 0);
  assert.ok(!isBlocked(host.memory, vcpu), 'it still waits there');
  assert.equal(poll(host, domid, [first.guest]), 0);
  host.hypervisor.send(third.dom0);
  assert.ok(isBlocked(host.memory, vcpu), 'another port');
  host.hypervisor.send(first.dom0);
  assert.ok(!isBlocked(host.memory, vcpu));
});

test('poll ends with its time', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const vcpu = host.hypervisor.vcpu(domid, 0);
  const domain = host.hypervisor.domain(domid);
  assert.equal(poll(host, domid, [1], 5000), 0);
  assert.equal(nextDeadline(host.hypervisor, domain), 5000);
  expire(host.hypervisor, domain, 4999);
  assert.ok(isBlocked(host.memory, vcpu));
  expire(host.hypervisor, domain, 5000);
  assert.ok(!isBlocked(host.memory, vcpu));
  assert.equal(nextDeadline(host.hypervisor, domain), Number.POSITIVE_INFINITY);
});

test('poll checks its list', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(poll(host, domid, [0xffff_ffff]), Code.inval);
  assert.equal(operation(host, domid, SCHED_OP, 3, [LIST, 0, 129, 0, 0, 0]), Code.inval);
  assert.equal(operation(host, domid, SCHED_OP, 3, [0x1000, 0, 1, 0, 0, 0]), Code.fault);
  assert.ok(!isBlocked(host.memory, host.hypervisor.vcpu(domid, 0)));
});

test('watchdogs bite unless they are fed', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const domain = host.hypervisor.domain(domid);
  const watchdog = (id: number, timeout: number): number => operation(host, domid, SCHED_OP, 6, [id, timeout]);
  host.now = 0;
  assert.equal(watchdog(1, 1), Code.inval, 'not set');
  assert.equal(watchdog(0, 2), 1);
  assert.equal(watchdog(0, 3), 2);
  assert.equal(watchdog(0, 3), -28, 'there are two');
  assert.equal(watchdog(3, 1), Code.inval);
  assert.equal(nextDeadline(host.hypervisor, domain), 2e9);
  assert.equal(watchdog(1, 0), 0);
  assert.equal(nextDeadline(host.hypervisor, domain), 3e9);
  host.now = 1e9;
  assert.equal(watchdog(2, 3), 0);
  expire(host.hypervisor, domain, 3.9e9);
  assert.equal(host.hypervisor.shutdownReason(domid), -1);
  expire(host.hypervisor, domain, 4e9);
  assert.equal(host.hypervisor.shutdownReason(domid), 4);
});
