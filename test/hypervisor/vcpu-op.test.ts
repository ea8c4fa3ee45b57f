import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Runstate } from '../../src/hypervisor/abi/vcpu.ts';
import { runstateChange, runstateTime } from '../../src/hypervisor/runstate.ts';
import { ARGUMENT, Code, operation, SELF } from './calls.ts';
import { eventOp, lineIsUp, lowerLine } from './channels.ts';
import { RAM, TestHost } from './host.ts';

const VCPU_OP = 24;
const VM_ASSIST = 21;
const FRAME = 0x40010;

const vcpuOp = (host: TestHost, domid: number, op: number, vcpu: number, ...words: readonly number[]): number => {
  host.write32(domid, ARGUMENT, ...words);
  return host.call(domid, VCPU_OP, [op, vcpu, ARGUMENT]);
};

test('vcpu_info moves once, with everything pending', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(vcpuOp(host, domid, 10, 1, FRAME, 0, 4096 - 40, 0), -6, 'crosses the page');
  assert.equal(vcpuOp(host, domid, 10, 1, FRAME, 0, 4, 0), -6, 'misaligned');
  assert.equal(vcpuOp(host, domid, 10, 1, 0x12, 0, 0, 0), Code.inval, 'no RAM');
  assert.equal(vcpuOp(host, domid, 10, 2, FRAME, 0, 0, 0), Code.noent);
  assert.equal(vcpuOp(host, domid, 10, 1, FRAME, 0, 256, 0), 0);
  const info = FRAME * 4096 + 256;
  assert.equal(host.read32(domid, info) & 0xff, 1);
  assert.equal(host.read32(domid, info + 8), 0xffff_ffff);
  assert.equal(host.read32(domid, info + 12), 0xffff_ffff);
  assert.ok(lineIsUp(host, domid, 1));
  assert.equal(vcpuOp(host, domid, 10, 1, FRAME, 0, 512, 0), Code.inval);
});

test('events go to the registered place, even if its frame is ballooned out', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(vcpuOp(host, domid, 10, 0, FRAME, 0, 0, 0), 0);
  const machine = host.machine(domid, FRAME * 4096);
  host.write32(domid, RAM + 0x8000, FRAME, 0);
  assert.equal(operation(host, domid, 12, 1, [RAM + 0x8000, 0, 1, 0, 0, 0, SELF]), 1);
  host.memory.u32.fill(0, machine >>> 2, (machine >>> 2) + 4);
  lowerLine(host, domid, 0);
  assert.equal(eventOp(host, domid, 'bind_ipi', 0, 0), 0);
  assert.equal(eventOp(host, domid, 'send', host.read32(domid, ARGUMENT + 4)), 0);
  assert.equal(host.memory.u8[machine], 1);
  assert.equal(host.frames.references(machine), 1);
  host.hypervisor.destroyDomain(domid);
  assert.equal(host.frames.references(machine), 0);
});

test('what Arm leaves to PSCI is refused', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  for (const op of [0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 99]) {
    assert.equal(vcpuOp(host, domid, op, 0, 0, 0, 0, 0), Code.inval, `operation ${op}`);
  }
});

/** A vcpu_runstate_info in guest memory. */
const runstateAt = (
  host: TestHost,
  domid: number,
  address: number,
): { state: number; entry: bigint; times: bigint[] } => {
  const bytes = Uint8Array.from({ length: 48 }, (_, i) => host.memory.u8[host.machine(domid, address + i)]);
  const view = new DataView(bytes.buffer);
  return {
    state: view.getUint32(0, true),
    entry: view.getBigUint64(8, true),
    times: [16, 24, 32, 40].map((at) => view.getBigUint64(at, true)),
  };
};

for (const [where, address] of [
  ['in one page', RAM + 0x1_0000],
  ['across two pages', RAM + 0x1_1000 - 20],
  ['misaligned', RAM + 0x1_0003],
] as const) {
  test(`the runstate is copied ${where}`, () => {
    const host = new TestHost();
    const domid = host.createDomain();
    const vcpu = host.hypervisor.vcpu(domid, 0);
    assert.equal(host.call(domid, VM_ASSIST, [0, 5]), 0);
    runstateChange(host.hypervisor, vcpu, Runstate.running, 5_000_000_000);
    host.now = 6_000_000_000;
    assert.equal(vcpuOp(host, domid, 5, 0, address, 0), 0);
    const second = 1_000_000_000n;
    assert.deepEqual(runstateAt(host, domid, address), {
      state: Runstate.running,
      entry: 6n * second,
      times: [second, 5n * second, 0n, 0n],
    });
    runstateChange(host.hypervisor, vcpu, Runstate.blocked, 8_000_000_000);
    runstateChange(host.hypervisor, vcpu, Runstate.runnable, 9_000_000_000);
    assert.deepEqual(runstateAt(host, domid, address), {
      state: Runstate.runnable,
      entry: 9n * second,
      times: [3n * second, 5n * second, second, 0n],
    });
    assert.equal(runstateTime(host.memory, vcpu, Runstate.runnable, 10_000_000_000), 6_000_000_000);
    assert.equal(runstateTime(host.memory, vcpu, Runstate.running, 10_000_000_000), 3_000_000_000);
  });
}

test('a runstate area must be the domain’s own memory', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(vcpuOp(host, domid, 5, 0, 0x1000, 0), Code.fault);
  assert.equal(vcpuOp(host, domid, 5, 0, RAM + 2 ** 20 - 20, 0), Code.fault, 'half of it is no RAM');
  const granter = host.createDomain();
  assert.equal(operation(host, granter, 12, 7, [SELF, 1, 0, 0, 0x38000, 0]), 0);
  host.write32(granter, 0x3800_0000 + 72, 1 | (domid << 16), FRAME);
  assert.equal(operation(host, domid, 20, 0, [0x5000_0000, 0, 2, 9, granter, 0, 0, 0], 1), 0);
  assert.equal(host.read16(domid, ARGUMENT + 18), 0);
  assert.equal(vcpuOp(host, domid, 5, 0, 0x5000_0000, 0), Code.fault, 'granted by another domain');
});

test('vm_assist knows the runstate flag', () => {
  const host = new TestHost();
  const domid = host.createDomain();
  assert.equal(host.call(domid, VM_ASSIST, [0, 5]), 0);
  assert.equal(host.call(domid, VM_ASSIST, [1, 5]), 0);
  assert.equal(host.call(domid, VM_ASSIST, [2, 5]), Code.nosys);
  for (const type of [0, 4, 6, 32, 64, 2 ** 31]) assert.equal(host.call(domid, VM_ASSIST, [0, type]), Code.inval);
});
