import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code } from './calls.ts';
import { RAM, TestHost } from './host.ts';

const CONSOLE_IO = 18;

const write = (host: TestHost, domid: number, text: string): number => {
  for (let i = 0; i < text.length; i++) host.memory.u8[host.machine(domid, RAM + i)] = text.charCodeAt(i);
  return host.call(domid, CONSOLE_IO, [0, text.length, RAM]);
};

const log = (host: TestHost, domid: number, from = 0): string =>
  Buffer.from(host.hypervisor.consoleLog(domid, from).bytes).toString('latin1');

test('lines are kept back until they are complete', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(write(host, domid, 'hel'), 0);
  assert.equal(log(host, domid), '');
  assert.equal(write(host, domid, 'lo\x07\x1b\nwor'), 0);
  assert.equal(log(host, domid), 'hello\n');
  const { next } = host.hypervisor.consoleLog(domid);
  host.hypervisor.crash(domid, 'because');
  assert.equal(log(host, domid, next), `wor\n(XEN) d${domid} crashed: because\n`);
  assert.equal(host.hypervisor.crashReason(domid), 'because');
  host.hypervisor.crash(domid, 'again');
  assert.equal(host.hypervisor.crashReason(domid), 'because');
});

test('the log keeps the end of what does not fit', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  for (let i = 0; i < 400; i++) assert.equal(write(host, domid, `line ${i} ${'.'.repeat(40)}\n`), 0);
  const text = log(host, domid);
  assert.equal(text.length, 8192);
  assert.ok(text.endsWith(`line 399 ${'.'.repeat(40)}\n`));
});

test('reading, and what is not there', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(host.call(domid, CONSOLE_IO, [1, 100, RAM]), 0);
  assert.equal(host.call(domid, CONSOLE_IO, [1, 0x8000_0000, RAM]), -7);
  assert.equal(host.call(domid, CONSOLE_IO, [2, 1, RAM]), Code.nosys);
  assert.equal(host.call(domid, CONSOLE_IO, [0, 1, 0x1000]), Code.fault);
  assert.equal(host.call(domid, CONSOLE_IO, [0, 0xffff_ffff, RAM]), Code.fault, 'it ends with the RAM');
});
