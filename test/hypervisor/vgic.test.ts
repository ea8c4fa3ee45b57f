import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Offset, TestGic } from './test-gic.ts';

const TIMER = 27;
const EVENTS = 31;
const DEVICE = 40;
const SPURIOUS = 1023;

for (const version of [2, 3] as const) {
  describe(`GICv${version}`, () => {
    const open = (vcpus = 2): TestGic => new TestGic(version, vcpus).open();
    /** Enabled, with a priority. */
    const ready = (gic: TestGic, interrupt: number, priority: number, vcpu = 0): void => {
      gic.setPriority(interrupt, priority, vcpu);
      gic.setBit(Offset.setEnable, interrupt, vcpu);
    };

    test('a level interrupt is pending while its line is up, and comes again if it still is at the end', () => {
      const gic = open();
      ready(gic, TIMER, 0xa0);
      gic.setLine(TIMER, true);
      assert.deepEqual([gic.line(0), gic.line(1)], [1, 0]);
      assert.equal(gic.read(0, 'acknowledge'), TIMER);
      assert.equal(gic.line(0), 0);
      assert.equal(gic.bit(Offset.setActive, TIMER), 1);
      gic.write(0, 'end', TIMER);
      assert.equal(gic.line(0), 1);
      gic.setLine(TIMER, false);
      assert.equal(gic.line(0), 0);
      assert.equal(gic.read(0, 'acknowledge'), SPURIOUS);
      assert.equal(gic.bit(Offset.setActive, TIMER), 0);
    });

    for (const interrupt of [TIMER, DEVICE]) {
      test(`an edge of ${interrupt} stays pending when its line falls, and each rise comes once`, () => {
        const gic = open();
        gic.setEdge(interrupt, true);
        ready(gic, interrupt, 0xa0);
        gic.setLine(interrupt, true);
        gic.setLine(interrupt, false);
        assert.equal(gic.read(0, 'acknowledge'), interrupt);
        gic.setLine(interrupt, true);
        assert.equal(gic.line(0), 0, 'active: it waits');
        gic.write(0, 'end', interrupt);
        assert.equal(gic.read(0, 'acknowledge'), interrupt);
        gic.write(0, 'end', interrupt);
        gic.setLine(interrupt, true);
        assert.equal(gic.line(0), 0, 'no new edge');
      });
    }

    test('pending written and cleared by the guest: the latch, not the line', () => {
      const gic = open();
      ready(gic, DEVICE, 0xa0);
      gic.setBit(Offset.setPending, DEVICE);
      assert.deepEqual([gic.line(0), gic.bit(Offset.clearPending, DEVICE)], [1, 1]);
      gic.setBit(Offset.clearPending, DEVICE);
      assert.deepEqual([gic.line(0), gic.bit(Offset.setPending, DEVICE)], [0, 0]);
      gic.setLine(DEVICE, true);
      gic.setBit(Offset.clearPending, DEVICE);
      assert.deepEqual([gic.line(0), gic.bit(Offset.setPending, DEVICE)], [1, 1]);
    });

    test('of several the lowest priority value comes first, then the lowest number', () => {
      const gic = open();
      for (const [interrupt, priority] of [
        [TIMER, 0xa0],
        [DEVICE, 0x80],
        [DEVICE + 1, 0x80],
        [200, 0x20],
      ]) {
        ready(gic, interrupt, priority);
        gic.setBit(Offset.setPending, interrupt);
      }
      const taken: number[] = [];
      for (let next = gic.read(0, 'acknowledge'); next !== SPURIOUS; next = gic.read(0, 'acknowledge')) {
        taken.push(next);
        gic.write(0, 'end', next);
      }
      assert.deepEqual(taken, [200, DEVICE, DEVICE + 1, TIMER]);
    });

    test('the priority mask lets through only what is above it', () => {
      const gic = open();
      ready(gic, DEVICE, 0xa0);
      gic.write(0, 'mask', 0xa0);
      gic.setLine(DEVICE, true);
      assert.equal(gic.line(0), 0);
      gic.write(0, 'mask', 0xa8);
      assert.equal(gic.line(0), 1);
      gic.setPriority(DEVICE, 0xa8);
      assert.equal(gic.line(0), 0);
      gic.setPriority(DEVICE, 0);
      gic.write(0, 'mask', 0);
      assert.equal(gic.line(0), 0);
      assert.equal(gic.read(0, 'acknowledge'), SPURIOUS);
    });

    test('a higher priority preempts, an equal one does not, and the running priority follows', () => {
      const gic = open();
      ready(gic, DEVICE, 0xa0);
      ready(gic, DEVICE + 1, 0xa0);
      ready(gic, DEVICE + 2, 0x40);
      assert.equal(gic.read(0, 'running'), 0xff);
      gic.setLine(DEVICE, true);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE);
      gic.setLine(DEVICE + 1, true);
      assert.equal(gic.line(0), 0);
      gic.setLine(DEVICE + 2, true);
      assert.equal(gic.line(0), 1);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE + 2);
      assert.equal(gic.read(0, 'running'), 0x40);
      gic.setLine(DEVICE + 2, false);
      gic.write(0, 'end', DEVICE + 2);
      assert.deepEqual([gic.read(0, 'running'), gic.line(0)], [0xa0, 0]);
      gic.setLine(DEVICE, false);
      gic.write(0, 'end', DEVICE);
      assert.deepEqual([gic.read(0, 'running'), gic.line(0)], [0xff, 1]);
    });

    test('the binary point puts priorities into groups, within which nothing preempts', () => {
      const gic = open();
      const register = version === 2 ? 'binaryPoint0' : 'binaryPoint1';
      // Four groups: two bits of a priority decide.
      gic.write(0, register, version === 2 ? 5 : 6);
      ready(gic, DEVICE, 0xb8);
      ready(gic, DEVICE + 1, 0x80);
      ready(gic, DEVICE + 2, 0x78);
      gic.setLine(DEVICE, true);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE);
      assert.equal(gic.read(0, 'running'), 0x80, 'the group’s priority');
      gic.setLine(DEVICE + 1, true);
      assert.deepEqual([gic.line(0), gic.read(0, 'acknowledge')], [0, SPURIOUS], 'of the same group');
      gic.setLine(DEVICE + 2, true);
      assert.equal(gic.line(0), 1);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE + 2);
      assert.equal(gic.read(0, 'running'), 0x40);
      gic.setLine(DEVICE + 2, false);
      gic.write(0, 'end', DEVICE + 2);
      assert.deepEqual([gic.read(0, 'running'), gic.line(0)], [0x80, 0]);
      gic.write(0, 'end', DEVICE);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE + 1, 'first by its whole priority');
    });

    test('a change of the binary point counts at once', () => {
      const gic = open();
      const register = version === 2 ? 'binaryPoint0' : 'binaryPoint1';
      ready(gic, DEVICE, 0x88);
      ready(gic, DEVICE + 1, 0x80);
      gic.setLine(DEVICE, true);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE);
      gic.setLine(DEVICE + 1, true);
      assert.equal(gic.line(0), 1);
      gic.write(0, register, 4);
      assert.equal(gic.line(0), 0);
      gic.write(0, register, 0);
      assert.equal(gic.line(0), 1);
      gic.write(0, register, 7);
      assert.equal(gic.line(0), 0);
      gic.write(0, 'end', DEVICE);
      gic.write(0, 'mask', 0x80);
      assert.equal(gic.line(0), 0, 'the mask looks at the whole priority');
      gic.write(0, 'mask', 0x88);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE + 1);
    });

    test('the highest pending interrupt shows whatever is masked or runs', () => {
      const gic = open();
      ready(gic, DEVICE, 0xa0);
      ready(gic, DEVICE + 1, 0xa0);
      gic.setLine(DEVICE, true);
      gic.write(0, 'mask', 0);
      assert.deepEqual([gic.line(0), gic.read(0, 'highest')], [0, DEVICE]);
      gic.write(0, 'mask', 0xff);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE);
      gic.setLine(DEVICE + 1, true);
      assert.deepEqual([gic.line(0), gic.read(0, 'highest')], [0, DEVICE + 1]);
      gic.setBit(Offset.clearEnable, DEVICE + 1);
      assert.equal(gic.read(0, 'highest'), SPURIOUS);
    });

    test('ending and deactivating are two things if the guest wants', () => {
      const gic = open();
      gic.splitEnd(0, true);
      ready(gic, DEVICE, 0xa0);
      ready(gic, DEVICE + 1, 0xa0);
      gic.setLine(DEVICE, true);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE);
      gic.write(0, 'end', DEVICE);
      assert.deepEqual([gic.bit(Offset.setActive, DEVICE), gic.read(0, 'running'), gic.line(0)], [1, 0xff, 0]);
      gic.setLine(DEVICE + 1, true);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE + 1);
      gic.write(0, 'end', DEVICE + 1);
      gic.write(0, 'deactivate', DEVICE);
      assert.deepEqual([gic.bit(Offset.setActive, DEVICE), gic.line(0)], [0, 1]);
      assert.equal(gic.bit(Offset.setActive, DEVICE + 1), 1);
    });

    test('ending a special or absent interrupt changes nothing', () => {
      const gic = open();
      ready(gic, DEVICE, 0xa0);
      gic.setLine(DEVICE, true);
      gic.read(0, 'acknowledge');
      for (const interrupt of [1020, 1021, 1022, SPURIOUS]) gic.write(0, 'end', interrupt);
      assert.equal(gic.read(0, 'running'), 0xa0);
      for (const interrupt of [256, 1019, SPURIOUS]) gic.write(0, 'deactivate', interrupt);
      assert.equal(gic.bit(Offset.setActive, DEVICE), 1);
    });

    test('software interrupts reach a list, or everyone else, and only vCPUs there are', () => {
      const gic = open(4);
      for (let vcpu = 0; vcpu < 4; vcpu++) for (const interrupt of [3, 7]) ready(gic, interrupt, 0x80, vcpu);
      gic.send(0, 3, 0b1111_1001);
      assert.deepEqual(
        [0, 1, 2, 3].map((vcpu) => gic.line(vcpu)),
        [1, 0, 0, 1],
      );
      gic.sendToOthers(2, 7);
      const waiting = [0, 1, 2, 3].map((vcpu) => gic.bit(Offset.setPending, 7, vcpu));
      assert.deepEqual(waiting, [1, 1, 0, 1]);
      assert.equal(gic.read(3, 'acknowledge') & 0x3ff, 3);
      gic.send(0, 3, 0b1000);
      gic.write(3, 'end', 3);
      assert.equal(gic.read(3, 'acknowledge') & 0x3ff, 3, 'sent again while active');
      assert.deepEqual(gic.wakes.length, 4);
    });

    test('a shared interrupt goes where it is routed, also while it is pending', () => {
      const gic = open(3);
      ready(gic, DEVICE, 0xa0);
      gic.route(DEVICE, 1);
      gic.setLine(DEVICE, true);
      const lines = (): number[] => [0, 1, 2].map((vcpu) => gic.line(vcpu));
      assert.deepEqual(lines(), [0, 1, 0]);
      gic.route(DEVICE, 2);
      assert.deepEqual(lines(), [0, 0, 1]);
      gic.route(DEVICE, 5);
      assert.deepEqual(lines(), [0, 0, 0]);
      gic.route(DEVICE, 0);
      assert.equal(gic.read(1, 'acknowledge'), SPURIOUS);
      assert.equal(gic.read(0, 'acknowledge'), DEVICE);
      assert.deepEqual(gic.wakes, [1, 1, 1]);
    });

    test('nothing comes unless interrupt, distributor and CPU interface are all on', () => {
      const gic = open();
      ready(gic, DEVICE, 0xa0);
      gic.setLine(DEVICE, true);
      for (const [off, on] of [
        [() => gic.setBit(Offset.clearEnable, DEVICE), () => gic.setBit(Offset.setEnable, DEVICE)],
        [() => gic.writeDistributor(0, 0), () => gic.writeDistributor(0, 1)],
        [() => gic.enable(0, false), () => gic.enable(0, true)],
      ]) {
        assert.equal(gic.line(0), 1);
        off();
        assert.equal(gic.line(0), 0);
        assert.equal(gic.read(0, 'acknowledge'), SPURIOUS);
        on();
      }
      assert.equal(gic.line(0), 1);
      assert.equal(gic.read(0, 'highest'), DEVICE);
    });

    test('active set and cleared by the guest', () => {
      const gic = open();
      ready(gic, DEVICE, 0xa0);
      gic.setLine(DEVICE, true);
      gic.setBit(Offset.setActive, DEVICE);
      assert.deepEqual([gic.line(0), gic.bit(Offset.clearActive, DEVICE)], [0, 1]);
      gic.setBit(Offset.clearActive, DEVICE);
      assert.deepEqual([gic.line(0), gic.bit(Offset.setActive, DEVICE)], [1, 0]);
    });

    test('a vCPU is woken when its line rises, and only then', () => {
      const gic = open();
      ready(gic, TIMER, 0xa0);
      ready(gic, TIMER, 0xa0, 1);
      gic.setLine(TIMER, true, 1);
      gic.setLine(TIMER, true, 1);
      gic.setBit(Offset.setPending, TIMER, 1);
      assert.deepEqual(gic.wakes, [0, 1]);
      assert.equal(gic.read(1, 'acknowledge'), TIMER);
      gic.write(1, 'end', TIMER);
      assert.deepEqual(gic.wakes, [0, 2]);
      gic.setLine(TIMER, false, 1);
      assert.deepEqual(gic.wakes, [0, 2]);
    });

    test('the event interrupt’s line is looked at when the guest makes it inactive', () => {
      const gic = open();
      ready(gic, EVENTS, 0xa0);
      gic.eventLines[0] = true;
      gic.setLine(EVENTS, true);
      assert.equal(gic.read(0, 'acknowledge'), EVENTS);
      gic.setBit(Offset.clearActive, EVENTS);
      assert.deepEqual([gic.bit(Offset.setActive, EVENTS), gic.bit(Offset.setPending, EVENTS)], [0, 1]);
      gic.eventLines[0] = false;
      gic.setBit(Offset.setActive, EVENTS);
      gic.setBit(Offset.clearActive, EVENTS);
      assert.deepEqual([gic.bit(Offset.setActive, EVENTS), gic.bit(Offset.setPending, EVENTS)], [0, 0]);
      gic.eventLines[0] = true;
      gic.setBit(Offset.clearActive, EVENTS);
      gic.write(0, 'end', EVENTS);
      assert.equal(gic.line(0), 1);
    });

    test('the event interrupt’s line is looked at when it ends', () => {
      const gic = open();
      for (const vcpu of [0, 1]) ready(gic, EVENTS, 0xa0, vcpu);
      gic.eventLines[1] = true;
      gic.setLine(EVENTS, true, 1);
      assert.equal(gic.read(1, 'acknowledge'), EVENTS);
      gic.write(1, 'end', EVENTS);
      assert.equal(gic.line(1), 1, 'events came while it was handled');
      assert.equal(gic.read(1, 'acknowledge'), EVENTS);
      gic.eventLines[1] = false;
      gic.write(1, 'end', EVENTS);
      assert.deepEqual([gic.line(1), gic.bit(Offset.setPending, EVENTS, 1)], [0, 0]);
      gic.setLine(EVENTS, true, 1);
      assert.deepEqual([gic.line(0), gic.line(1)], [0, 1]);
    });
  });
}
