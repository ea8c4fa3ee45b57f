import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARGUMENT, channelFromDom0, eventOp } from './channels.ts';
import { TestHost } from './host.ts';

const SELF = 0x7ff0;
const EPERM = -1;
const ENOENT = -2;
const ESRCH = -3;
const ENOMEM = -12;
const EFAULT = -14;
const EBUSY = -16;
const EEXIST = -17;
const EINVAL = -22;
const ENOSPC = -28;
const ENOSYS = -38;

const status = (host: TestHost, domid: number, port: number): number[] => {
  assert.equal(eventOp(host, domid, 'status', SELF, port, 0, 0, 0, 0), 0);
  return [8, 12, 16, 20].map((at) => host.read32(domid, ARGUMENT + at));
};

test('store and console have the first two ports', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.deepEqual(status(host, domid, 1), [1, 0, 0, 0], 'unbound, for domain 0');
  assert.deepEqual(status(host, domid, 2), [1, 0, 0, 0]);
  assert.deepEqual(status(host, domid, 3), [0, 0, 0, 0], 'closed');
});

test('two domains connect, talk and part', () => {
  const host = new TestHost();
  const [a, b] = [host.createDomain(), host.createDomain()];
  assert.equal(eventOp(host, a, 'alloc_unbound', SELF | (b << 16)), 0);
  const portA = host.read32(a, ARGUMENT + 4);
  assert.equal(portA, 3);
  assert.equal(eventOp(host, a, 'send', portA), 0, 'lost without a word while unbound');
  assert.equal(eventOp(host, b, 'bind_interdomain', a, portA, 0), 0);
  const portB = host.read32(b, ARGUMENT + 8);
  assert.deepEqual(status(host, a, portA), [2, 0, b, portB]);
  assert.deepEqual(status(host, b, portB), [2, 0, a, portA]);
  assert.equal(eventOp(host, b, 'bind_interdomain', a, portA, 0), EINVAL, 'taken');
  assert.equal(eventOp(host, b, 'close', portB), 0);
  assert.deepEqual(status(host, a, portA), [1, 0, b, 0], 'unbound again, for the one that left');
  assert.equal(eventOp(host, b, 'bind_interdomain', a, portA, 0), 0);
  host.hypervisor.destroyDomain(a);
  assert.deepEqual(status(host, b, host.read32(b, ARGUMENT + 8)).slice(0, 1), [1]);
});

test('only whom a port was made for may bind it', () => {
  const host = new TestHost();
  const [a, b, c] = [host.createDomain(), host.createDomain(), host.createDomain()];
  assert.equal(eventOp(host, a, 'alloc_unbound', SELF | (b << 16)), 0);
  assert.equal(eventOp(host, c, 'bind_interdomain', a, 3, 0), EINVAL);
  assert.equal(eventOp(host, c, 'bind_interdomain', a, 0xffff_ffff, 0), EINVAL);
  assert.equal(eventOp(host, c, 'bind_interdomain', 999, 3, 0), ESRCH);
  assert.equal(eventOp(host, c, 'alloc_unbound', a | (c << 16)), EPERM, 'a port of another domain');
  assert.equal(eventOp(host, c, 'alloc_unbound', 999), ESRCH);
  assert.equal(eventOp(host, c, 'status', a, 3, 0, 0, 0, 0), EPERM);
  assert.equal(eventOp(host, c, 'reset', a), EPERM);
});

test('a domain may connect to itself', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(eventOp(host, domid, 'alloc_unbound', SELF | (SELF << 16)), 0);
  assert.equal(eventOp(host, domid, 'bind_interdomain', SELF, 3, 0), 0);
  assert.deepEqual(status(host, domid, 3), [2, 0, domid, 4]);
  assert.deepEqual(status(host, domid, 4), [2, 0, domid, 3]);
  assert.equal(eventOp(host, domid, 'close', 3), 0);
  assert.deepEqual(status(host, domid, 4), [1, 0, domid, 0]);
});

test('virtual interrupts are bound once', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(eventOp(host, domid, 'bind_virq', 1, 1, 0), 0);
  const port = host.read32(domid, ARGUMENT + 8);
  assert.deepEqual(status(host, domid, port), [4, 1, 1, 0]);
  assert.equal(eventOp(host, domid, 'bind_virq', 1, 1, 0), EEXIST);
  assert.equal(eventOp(host, domid, 'bind_virq', 24, 0, 0), EINVAL);
  assert.equal(eventOp(host, domid, 'bind_virq', 2, 1, 0), EINVAL, 'a global one is on vCPU 0');
  assert.equal(eventOp(host, domid, 'bind_virq', 0, 2, 0), ENOENT);
  assert.equal(eventOp(host, domid, 'bind_vcpu', port, 0), EINVAL, 'each vCPU has its own');
  assert.equal(eventOp(host, domid, 'close', port), 0);
  assert.equal(eventOp(host, domid, 'bind_virq', 1, 1, 0), 0);
});

test('interprocessor events', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(eventOp(host, domid, 'bind_ipi', 1, 0), 0);
  const port = host.read32(domid, ARGUMENT + 4);
  assert.deepEqual(status(host, domid, port), [5, 1, 0, 0]);
  assert.equal(eventOp(host, domid, 'send', port), 0);
  assert.equal(eventOp(host, domid, 'bind_ipi', 2, 0), ENOENT);
});

test('ports that are not there', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  for (const port of [0, 3, 255, 256, 4096, 0xffff_ffff]) {
    assert.equal(eventOp(host, domid, 'close', port), EINVAL, `close ${port}`);
    assert.equal(eventOp(host, domid, 'send', port), EINVAL, `send ${port}`);
    assert.equal(eventOp(host, domid, 'bind_vcpu', port, 0), EINVAL, `bind_vcpu ${port}`);
  }
  assert.equal(eventOp(host, domid, 'unmask', 256), EINVAL);
  assert.equal(eventOp(host, domid, 'set_priority', 1, 3), ENOSYS, 'two-level events have no priority');
  assert.equal(host.call(domid, 32, [99, ARGUMENT]), ENOSYS);
  assert.equal(host.call(domid, 32, [4, 0x1000]), -14, 'no memory at the argument');
});

test('physical interrupts cannot be bound', () => {
  const host = new TestHost();
  const domid = host.createDomain({ eventChannels: 3 });
  for (const pirq of [0, 1, 1023]) assert.equal(eventOp(host, domid, 'bind_pirq', pirq, 0, 0xdead), ENOMEM, `${pirq}`);
  assert.equal(host.read32(domid, ARGUMENT + 8), 0xdead, 'no port was made');
  for (const pirq of [1024, 0xffff_ffff]) assert.equal(eventOp(host, domid, 'bind_pirq', pirq, 0, 0), EINVAL);
  assert.equal(eventOp(host, domid, 'alloc_unbound', SELF), 0, 'the last port is still free');
  assert.equal(eventOp(host, domid, 'bind_pirq', 0, 0, 0), ENOSPC);
  assert.equal(host.call(domid, 32, [2, 0x1000]), EFAULT);
});

test('there is no reset to go on with', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const other = host.createDomain();
  assert.equal(eventOp(host, domid, 'alloc_unbound', SELF), 0);
  for (const self of [SELF, domid]) assert.equal(eventOp(host, domid, 'reset_cont', self), EBUSY);
  assert.deepEqual(status(host, domid, 3), [1, 0, 0, 0], 'nothing was closed');
  assert.equal(eventOp(host, domid, 'reset', SELF), 0);
  assert.equal(eventOp(host, domid, 'reset_cont', SELF), EBUSY);
  assert.equal(eventOp(host, domid, 'reset_cont', other), EPERM);
  assert.equal(eventOp(host, domid, 'reset_cont', 999), ESRCH);
  assert.equal(host.call(domid, 32, [14, 0x1000]), EFAULT);
});

test('a domain has a bound on its ports, and gets closed ones back', () => {
  const host = new TestHost();
  const domid = host.createDomain({ eventChannels: 300 });
  let made = 0;
  while (eventOp(host, domid, 'alloc_unbound', SELF) === 0) made++;
  assert.equal(made, 298, 'beside store and console');
  assert.equal(eventOp(host, domid, 'alloc_unbound', SELF), ENOSPC);
  assert.equal(eventOp(host, domid, 'close', 77), 0);
  assert.equal(eventOp(host, domid, 'alloc_unbound', SELF), 0);
  assert.equal(host.read32(domid, ARGUMENT + 4), 77);
  assert.equal(eventOp(host, domid, 'reset', SELF), 0);
  assert.equal(eventOp(host, domid, 'alloc_unbound', SELF), 0);
  assert.equal(host.read32(domid, ARGUMENT + 4), 1);
});

test('a closed port that the guest has not unlinked is not used again', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(eventOp(host, domid, 'init_control', 0x40010, 0, 0, 0), 0);
  assert.equal(eventOp(host, domid, 'expand_array', 0x40030, 0), 0);
  const { guest, dom0 } = channelFromDom0(host, domid);
  assert.equal(host.hypervisor.send(dom0), 0);
  assert.equal(eventOp(host, domid, 'close', guest), 0);
  assert.equal(eventOp(host, domid, 'alloc_unbound', SELF), 0);
  assert.notEqual(host.read32(domid, ARGUMENT + 4), guest);
  host.write32(domid, 0x4003_0000 + guest * 4, 0);
  assert.equal(eventOp(host, domid, 'alloc_unbound', SELF), 0);
  assert.equal(host.read32(domid, ARGUMENT + 4), guest);
});

test('domain 0 is told once and takes its ports', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const first = host.hypervisor.bindInterdomain(domid, 1);
  const second = host.hypervisor.bindInterdomain(domid, 2);
  const taken: number[] = [];
  const take = (): number[] => {
    taken.length = 0;
    host.hypervisor.pendingPorts((port) => void taken.push(port));
    return taken.toSorted((a, b) => a - b);
  };
  assert.deepEqual(take(), [first, second], 'binding tells, since earlier events may have been lost');
  host.doorbells = 0;
  assert.equal(eventOp(host, domid, 'send', 2), 0);
  assert.equal(eventOp(host, domid, 'send', 2), 0);
  assert.equal(host.doorbells, 1);
  assert.deepEqual(take(), [second]);
  assert.deepEqual(take(), []);
  assert.equal(host.hypervisor.close(second), 0);
  assert.deepEqual(status(host, domid, 2), [1, 0, 0, 0]);
});
