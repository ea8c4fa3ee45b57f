import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SharedInfo, VcpuInfo } from '../../src/hypervisor/abi/shared-info.ts';
import { channelFromDom0, eventOp, lineIsUp, lowerLine } from './channels.ts';
import { RAM, TestHost } from './host.ts';

const PORTS = 5;
const SHARED = RAM + 0x1_0000;
const INFO1 = RAM + 0x2_0000;

const setUp = (): { host: TestHost; domid: number; channels: { guest: number; dom0: number }[] } => {
  const host = new TestHost();
  const domid = host.createDomain();
  host.write16(domid, RAM, 0x7ff0, 0);
  host.write32(domid, RAM + 4, 0, 0, 0, 0x40010, 0);
  assert.equal(host.call(domid, 12, [7, RAM]), 0);
  host.write32(domid, RAM, 0x40020, 0, 0, 0);
  assert.equal(host.call(domid, 24, [10, 1, RAM]), 0);
  const channels = Array.from({ length: PORTS }, () => channelFromDom0(host, domid));
  host.memory.u8.fill(0, host.machine(domid, SHARED), host.machine(domid, SHARED) + 1072);
  host.memory.u8.fill(0, host.machine(domid, INFO1), host.machine(domid, INFO1) + VcpuInfo.size);
  lowerLine(host, domid, 0);
  lowerLine(host, domid, 1);
  return { host, domid, channels };
};

const bit = (host: TestHost, domid: number, bitmap: number, port: number): boolean =>
  ((host.read32(domid, SHARED + bitmap + (port >>> 5) * 4) >>> (port & 31)) & 1) === 1;

const infoOf = (vcpu: number): number => (vcpu === 0 ? SHARED : INFO1);

const index = fc.nat({ max: PORTS - 1 });
const vcpu = fc.nat({ max: 1 });
const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mask' as const), index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unmask' as const), index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('bind' as const), index, vcpu }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const), vcpu }) },
);

test('bits, selectors and upcalls are set as the shared page defines them', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const { host, domid, channels } = setUp();
      const pending = new Set<number>();
      const masked = new Set<number>();
      const target = new Map(channels.map(({ guest }) => [guest, 0]));
      const selected = [false, false];
      for (const step of actions) {
        if (step.do === 'take') {
          // The guest clears flag, selector and what it may take.
          host.write32(domid, infoOf(step.vcpu), 0);
          host.write32(domid, infoOf(step.vcpu) + VcpuInfo.pendingSelector, 0);
          lowerLine(host, domid, step.vcpu);
          selected[step.vcpu] = false;
          for (const port of pending) {
            if (masked.has(port)) continue;
            pending.delete(port);
            const at = SHARED + SharedInfo.pending + (port >>> 5) * 4;
            host.write32(domid, at, host.read32(domid, at) & ~(1 << (port & 31)));
          }
        } else {
          const { guest, dom0 } = channels[step.index];
          const of = target.get(guest) as number;
          if (step.do === 'send') {
            if (!pending.has(guest) && !masked.has(guest)) selected[of] = true;
            pending.add(guest);
            assert.equal(host.hypervisor.send(dom0), 0);
          } else if (step.do === 'mask') {
            masked.add(guest);
            const at = SHARED + SharedInfo.mask + (guest >>> 5) * 4;
            host.write32(domid, at, host.read32(domid, at) | (1 << (guest & 31)));
          } else if (step.do === 'unmask') {
            if (masked.has(guest) && pending.has(guest)) selected[of] = true;
            masked.delete(guest);
            assert.equal(eventOp(host, domid, 'unmask', guest), 0);
          } else {
            target.set(guest, step.vcpu);
            assert.equal(eventOp(host, domid, 'bind_vcpu', guest, step.vcpu), 0);
          }
        }
        for (const { guest } of channels) {
          assert.equal(bit(host, domid, SharedInfo.pending, guest), pending.has(guest));
          assert.equal(bit(host, domid, SharedInfo.mask, guest), masked.has(guest));
        }
        for (const each of [0, 1]) {
          assert.equal(host.read32(domid, infoOf(each) + VcpuInfo.pendingSelector) & 1, selected[each] ? 1 : 0);
          assert.equal(host.read32(domid, infoOf(each)) & 1, selected[each] ? 1 : 0);
          assert.equal(lineIsUp(host, domid, each), selected[each]);
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('only the edge of the upcall flag raises the interrupt', () => {
  const { host, domid, channels } = setUp();
  assert.equal(host.hypervisor.send(channels[0].dom0), 0);
  assert.ok(lineIsUp(host, domid, 0));
  lowerLine(host, domid, 0);
  host.write32(domid, SHARED + VcpuInfo.pendingSelector, 0);
  assert.equal(host.hypervisor.send(channels[1].dom0), 0);
  assert.ok(!lineIsUp(host, domid, 0), 'the flag was still set');
});
