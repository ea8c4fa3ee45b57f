import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type PowerControl, smcccCall } from '../../src/hypervisor/psci.ts';

const NOT_SUPPORTED = -1;
const INVALID_PARAMETERS = -2;
const DENIED = -3;
const ALREADY_ON = -4;
const INVALID_ADDRESS = -9;

/** Four processors, the first on; what is asked of them is noted down. */
class TestPower implements PowerControl {
  readonly asked: (string | number)[][] = [];
  readonly on: Set<number> = new Set([0]);

  processors(): number {
    return 4;
  }
  isOn(processor: number): boolean {
    return this.on.has(processor);
  }
  turnOn(...args: [number, number, number, number, number]): boolean {
    if (this.isOn(args[0])) return false;
    this.on.add(args[0]);
    this.asked.push(['turnOn', ...args]);
    return true;
  }
  turnOff(): void {
    this.asked.push(['turnOff']);
  }
  suspend(): void {
    this.asked.push(['suspend']);
  }
  systemOff(): void {
    this.asked.push(['systemOff']);
  }
  systemReset(): void {
    this.asked.push(['systemReset']);
  }

  /** A call with arguments x1 to x3; x0's upper half is what the guest left there. */
  call(number: number, ...args: readonly bigint[]): number {
    const values = [(0xdeadn << 32n) | BigInt(number), ...[0, 1, 2].map((i) => args[i] ?? 0n)];
    return smcccCall(this, {
      lo: values.map((value) => Number(BigInt.asIntN(32, value))),
      hi: values.map((value) => Number(BigInt.asIntN(32, value >> 32n))),
    });
  }
}

test('versions and features', () => {
  const power = new TestPower();
  assert.equal(power.call(0x8400_0000), 0x1_0001);
  assert.equal(power.call(0x8000_0000), 0x1_0001);
  assert.equal(power.call(0x8400_0006), 2, 'no migration');
  const there = [
    0x8000_0000, 0x8400_0000, 0x8400_0001, 0xc400_0001, 0x8400_0002, 0x8400_0003, 0xc400_0003, 0x8400_0004, 0xc400_0004,
    0x8400_0006, 0x8400_0008, 0x8400_0009, 0x8400_000a,
  ];
  for (const number of there) assert.equal(power.call(0x8400_000a, BigInt(number)), 0, number.toString(16));
  for (const number of [0xc400_0000, 0xc400_0002, 0x8400_0005, 0x8400_0007, 0x8400_000e, 0xc400_0012, 0]) {
    assert.equal(power.call(0x8400_000a, BigInt(number)), NOT_SUPPORTED, number.toString(16));
  }
  assert.deepEqual(power.asked, []);
});

test('no workaround for speculation is needed', () => {
  const power = new TestPower();
  const features: readonly (readonly [bigint, number])[] = [
    [0x8000_0000n, 0],
    [0x8000_0001n, 0],
    [0x8000_8000n, 0],
    [0x8000_7fffn, -2],
    [0x8000_3fffn, 1],
    [0x8000_0002n, NOT_SUPPORTED],
    [0x8400_0000n, NOT_SUPPORTED],
  ];
  for (const [call, answer] of features) assert.equal(power.call(0x8000_0001, call), answer, call.toString(16));
  assert.equal(power.call(0x8000_8000), 0, 'does nothing');
  assert.deepEqual(power.asked, []);
});

describe('CPU_ON', () => {
  test('starts a processor with entry and context, all 64 bits of them', () => {
    const power = new TestPower();
    assert.equal(power.call(0xc400_0003, 2n, 0x1_8000_0000n, 0xffff_0000_1234_5678n), 0);
    assert.deepEqual(power.asked, [['turnOn', 2, 0x8000_0000 | 0, 1, 0x1234_5678, 0xffff_0000 | 0]]);
  });

  test('as a 32-bit call takes no upper halves', () => {
    const power = new TestPower();
    assert.equal(power.call(0x8400_0003, 0x7_0000_0003n, 0x1_4000_0000n, 0x9_0000_0007n), 0);
    assert.deepEqual(power.asked, [['turnOn', 3, 0x4000_0000, 0, 7, 0]]);
  });

  test('refuses processors that are on or are not there', () => {
    const power = new TestPower();
    assert.equal(power.call(0xc400_0003, 0n), ALREADY_ON);
    assert.equal(power.call(0xc400_0003, 1n), 0);
    assert.equal(power.call(0xc400_0003, 1n), ALREADY_ON);
    for (const target of [4n, 0x100n, 0x1_0001n, 0x80_0000n, 0x1_0000_0001n, 0xff_0000_0002n]) {
      assert.equal(power.call(0xc400_0003, target), INVALID_PARAMETERS, target.toString(16));
    }
    assert.equal(power.asked.length, 1);
  });

  test('refuses an entry that is no address of an instruction', () => {
    const power = new TestPower();
    for (const number of [0x8400_0003, 0xc400_0003]) {
      for (const processor of [0n, 1n]) assert.equal(power.call(number, processor, 0x4000_0001n), INVALID_ADDRESS);
      assert.equal(power.call(number, 4n, 0x4000_0001n), INVALID_PARAMETERS);
    }
    assert.deepEqual(power.asked, []);
  });
});

describe('AFFINITY_INFO', () => {
  test('of one processor: on, off, and off for one that is not there', () => {
    const power = new TestPower();
    for (const number of [0x8400_0004, 0xc400_0004]) {
      assert.equal(power.call(number, 0n, 0n), 0);
      for (const off of [1n, 3n, 4n, 0xffn, 0x100n, 0x1_0000n]) assert.equal(power.call(number, off, 0n), 1, `${off}`);
      assert.equal(power.call(number, 0xff00_0000n, 0n), 0, 'bits that are no affinity');
    }
  });

  test('of clusters: on while one of their processors is', () => {
    const power = new TestPower();
    power.on.delete(0);
    power.on.add(2);
    for (const number of [0x8400_0004, 0xc400_0004]) {
      assert.equal(power.call(number, 0n, 0n), 1);
      assert.equal(power.call(number, 0xffn, 1n), 0);
      assert.equal(power.call(number, 0x100n, 1n), 1);
      assert.equal(power.call(number, 0xffffn, 2n), 0);
      assert.equal(power.call(number, 0x1_0000n, 2n), 1);
      assert.equal(power.call(number, 0xff_ffffn, 3n), 0);
      assert.equal(power.call(number, 0n, 0x7_0000_0003n), 0, 'the level has 32 bits');
    }
    power.on.clear();
    assert.equal(power.call(0xc400_0004, 0n, 3n), 1);
  });

  test('levels there are not, and the highest affinity', () => {
    const power = new TestPower();
    for (const level of [4n, 0x8000_0000n, 0xffff_ffffn]) {
      assert.equal(power.call(0xc400_0004, 0n, level), INVALID_PARAMETERS);
    }
    for (const level of [0n, 1n, 2n, 3n]) {
      assert.equal(power.call(0x8400_0004, 0x1_0000_0000n, level), 0, 'not part of a 32-bit call');
      assert.equal(power.call(0xc400_0004, 0x1_0000_0000n, level), 1);
      assert.equal(power.call(0xc400_0004, 0x100_0000_0000n, level), 0, 'bits that are no affinity');
    }
  });
});

test('what a processor does to itself and to the system', () => {
  const power = new TestPower();
  assert.equal(power.call(0x8400_0001), 0);
  assert.equal(power.call(0xc400_0001, 0x1_0000n, 0x4000_0000n), 0);
  assert.equal(power.call(0x8400_0002), DENIED, 'read only by a caller that was not turned off');
  assert.equal(power.call(0x8400_0008), 0);
  assert.equal(power.call(0x8400_0009), 0);
  assert.deepEqual(power.asked, [['suspend'], ['suspend'], ['turnOff'], ['systemOff'], ['systemReset']]);
});

test('unknown functions do nothing', () => {
  const power = new TestPower();
  for (const number of [0, 0x8400_0005, 0x8400_0007, 0x8400_000e, 0xc400_0000, 0xc400_0002, 0xc400_0008, 0xffff_ffff]) {
    assert.equal(power.call(number, 1n), NOT_SUPPORTED, number.toString(16));
  }
  assert.deepEqual(power.asked, []);
});
