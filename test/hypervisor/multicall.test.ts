import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code } from './calls.ts';
import { RAM, TestHost } from './host.ts';

const MULTICALL = 13;
const ENTRIES = RAM + 0x4000;

const putEntry = (host: TestHost, domid: number, index: number, op: number, ...args: readonly number[]): void => {
  const words = [op, 0, 0xdead, 0xbeef, ...args.flatMap((arg) => [arg, 0])];
  host.write32(domid, ENTRIES + index * 64, ...words);
};

const result = (host: TestHost, domid: number, index: number): number => {
  const at = ENTRIES + index * 64 + 8;
  return host.read32(domid, at + 4) === 0xffff_ffff ? host.read32(domid, at) | 0 : host.read32(domid, at);
};

test('each entry is done and gets its result', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const count = 50;
  for (let i = 0; i < count; i++) putEntry(host, domid, i, i % 2 === 0 ? 17 : 38, 0, 0);
  assert.equal(host.call(domid, MULTICALL, [ENTRIES, count]), 0);
  for (let i = 0; i < count; i++) assert.equal(result(host, domid, i), i % 2 === 0 ? 0x40011 : Code.nosys);
});

test('an entry that takes several rounds is finished before the next', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  const text = 'x'.repeat(3000);
  for (let i = 0; i < text.length; i++) host.memory.u8[host.machine(domid, RAM + 0x8000 + i)] = text.charCodeAt(i);
  putEntry(host, domid, 0, 18, 0, text.length, RAM + 0x8000);
  putEntry(host, domid, 1, 17, 0, 0);
  assert.equal(host.call(domid, MULTICALL, [ENTRIES, 2]), 0);
  assert.equal(result(host, domid, 0), 0);
  assert.equal(result(host, domid, 1), 0x40011);
  const log = Buffer.from(host.hypervisor.consoleLog(domid).bytes).toString();
  assert.equal(log.replaceAll('\n', '').length, 2880, 'whole lines; the rest waits');
});

test('multicalls do not nest, and end at memory that is not there', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  putEntry(host, domid, 0, MULTICALL, ENTRIES, 1);
  assert.equal(host.call(domid, MULTICALL, [ENTRIES, 1]), 0);
  assert.equal(result(host, domid, 0), Code.inval);
  assert.equal(host.call(domid, MULTICALL, [0x1000, 1]), Code.fault);
  const last = RAM + 2 ** 20 - 64;
  host.write32(domid, last, 17, 0, 0, 0, 0, 0, 0, 0);
  assert.equal(host.call(domid, MULTICALL, [last, 2]), Code.fault);
});

test('the count has 32 bits', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  for (const entries of [ENTRIES, 0x1000]) assert.equal(host.call(domid, MULTICALL, [entries, 2 ** 40]), 0);
  putEntry(host, domid, 0, 17, 0, 0);
  putEntry(host, domid, 1, 17, 0, 0);
  assert.equal(host.call(domid, MULTICALL, [ENTRIES, 2 ** 40 + 1]), 0);
  assert.deepEqual([result(host, domid, 0), result(host, domid, 1)], [0x40011, 0xdead]);
});

test('the control domain’s hypercalls are refused in a list, too', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  putEntry(host, domid, 0, 42, 0, 0, 0, 0, 0);
  putEntry(host, domid, 1, 37, 0, 0);
  assert.equal(host.call(domid, MULTICALL, [ENTRIES, 2]), 0);
  assert.deepEqual([result(host, domid, 0), result(host, domid, 1)], [Code.perm, Code.nosys]);
});
