import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SCRATCH } from '../../src/cpu/state.ts';
import { Devices, UART_INTERRUPT } from '../../src/hypervisor/devices.ts';
import { UART, VGIC } from '../../src/hypervisor/domain.ts';
import { PL011_RECORD_SIZE, RING } from '../../src/hypervisor/pl011/pl011.ts';
import { Flag } from '../../src/hypervisor/vgic/record.ts';
import { TestHost } from './host.ts';

const DISTRIBUTOR = 0x0300_1000;
const CPU_INTERFACE = 0x0300_2000;
const REDISTRIBUTORS = 0x0302_0000;
const UART_BASE = 0x2200_0000;

/** A domain's devices as its first vCPU's loads and stores reach them. */
class Bus {
  readonly host = new TestHost();
  readonly domid: number;
  readonly #devices: Devices;

  constructor(gicVersion: 2 | 3, uart = false) {
    this.domid = this.host.createDomain({ gicVersion });
    const { memory, hypervisor, heap } = this.host;
    this.#devices = new Devices(memory, hypervisor.vgic, hypervisor.services);
    if (!uart) return;
    const record = heap.allocate(PL011_RECORD_SIZE);
    memory.u32[(record + RING) >>> 2] = heap.allocate(4096);
    memory.u32[(hypervisor.domain(this.domid) + UART) >>> 2] = record;
  }

  /** The 64-bit value that a load leaves; undefined if nothing answers. */
  read(address: number, size = 4, vcpu = 0): bigint | undefined {
    const state = this.host.state(this.domid, vcpu);
    this.host.memory.view.setBigUint64(state + SCRATCH, 0xdead_beef_dead_beefn, true);
    if (!this.#devices.read(state, address, size)) return undefined;
    return this.host.memory.view.getBigUint64(state + SCRATCH, true);
  }

  write(address: number, value: bigint, size = 4, vcpu = 0): boolean {
    const state = this.host.state(this.domid, vcpu);
    this.host.memory.view.setBigUint64(state + SCRATCH, value, true);
    return this.#devices.write(state, address, size);
  }

  readRegister(key: number): bigint | undefined {
    const state = this.host.state(this.domid);
    if (!this.#devices.readInterruptRegister(state, key)) return undefined;
    return this.host.memory.view.getBigUint64(state + SCRATCH, true);
  }

  writeRegister(key: number, value: bigint): boolean {
    const state = this.host.state(this.domid);
    this.host.memory.view.setBigUint64(state + SCRATCH, value, true);
    return this.#devices.writeInterruptRegister(state, key);
  }

  updateUart(): void {
    this.#devices.updateUart(this.host.hypervisor.domain(this.domid));
  }

  get uartLine(): boolean {
    const gic = this.host.memory.u32[(this.host.hypervisor.domain(this.domid) + VGIC) >>> 2];
    return (this.host.hypervisor.vgic.flags(gic, 0, UART_INTERRUPT) & Flag.line) !== 0;
  }
}

const icc = (crn: number, crm: number, op2: number): number => (3 << 14) | (crn << 7) | (crm << 3) | op2;

describe('addresses', () => {
  test('GICv3: distributor and redistributors answer in their ranges, nothing beside them', () => {
    const bus = new Bus(3);
    assert.equal(bus.read(DISTRIBUTOR + 0xffe8), 0x30n);
    assert.equal(bus.read(REDISTRIBUTORS + 0x2_0008), 0x110n, 'the second redistributor');
    for (const inside of [DISTRIBUTOR, DISTRIBUTOR + 0xfffc, REDISTRIBUTORS, REDISTRIBUTORS + 0xff_fffc]) {
      assert.notEqual(bus.read(inside), undefined, inside.toString(16));
      assert.equal(bus.write(inside, 0n), true);
    }
    for (const outside of [
      0,
      DISTRIBUTOR - 4,
      DISTRIBUTOR + 0x1_0000,
      REDISTRIBUTORS - 4,
      REDISTRIBUTORS + 0x100_0000,
    ]) {
      assert.equal(bus.read(outside), undefined, outside.toString(16));
      assert.equal(bus.write(outside, 0n), false);
    }
  });

  test('GICv2: distributor and CPU interface', () => {
    const bus = new Bus(2);
    assert.equal(bus.read(DISTRIBUTOR + 0xfe8), 0x20n);
    assert.equal(bus.read(CPU_INTERFACE + 0xfc), 0x2_043bn);
    assert.equal(bus.write(CPU_INTERFACE + 0x1000, 1023n), true, 'deactivate');
    for (const outside of [DISTRIBUTOR - 4, CPU_INTERFACE + 0x2000, REDISTRIBUTORS]) {
      assert.equal(bus.read(outside), undefined);
      assert.equal(bus.write(outside, 0n), false);
    }
  });

  test('addresses far up are not taken for low ones', () => {
    const bus = new Bus(3, true);
    for (const high of [2 ** 32, 2 ** 40, 2 ** 51]) {
      assert.equal(bus.read(high + DISTRIBUTOR), undefined);
      assert.equal(bus.write(high + UART_BASE, 0n), false);
    }
  });

  test('a UART answers where there is one', () => {
    assert.equal(new Bus(3).read(UART_BASE), undefined);
    assert.equal(new Bus(3).write(UART_BASE, 0x41n), false);
    for (const version of [2, 3] as const) {
      const bus = new Bus(version, true);
      assert.equal(bus.read(UART_BASE + 0x18), 0x90n);
      assert.equal(bus.read(UART_BASE + 0xffc), 0xb1n);
      assert.equal(bus.read(UART_BASE + 0x1000), undefined);
      assert.equal(bus.read(UART_BASE - 4), undefined);
    }
  });
});

describe('widths', () => {
  test('a load leaves 64 bits, those beyond its width zero', () => {
    const bus = new Bus(3);
    assert.ok(bus.write(DISTRIBUTOR + 0x420, 0xa0b0_c0d0n));
    for (const [offset, size, value] of [
      [0, 4, 0xa0b0_c0d0n],
      [0, 2, 0xc0d0n],
      [2, 2, 0xa0b0n],
      [1, 1, 0xc0n],
      [3, 1, 0xa0n],
    ] as const) {
      assert.equal(bus.read(DISTRIBUTOR + 0x420 + offset, size), value);
    }
  });

  test('a 64-bit access is two of 32 bits', () => {
    const bus = new Bus(3);
    assert.equal(bus.read(REDISTRIBUTORS + 0x2_0008, 8), 0x1_0000_0110n);
    assert.ok(bus.write(DISTRIBUTOR + 0x6000 + 40 * 8, 0x1_8000_0001n, 8));
    assert.equal(bus.read(DISTRIBUTOR + 0x6000 + 40 * 8, 8), 0x8000_0001n);
    assert.ok(bus.write(DISTRIBUTOR + 0x420, 0x1020_3040_5060_7080n, 8));
    assert.equal(bus.read(DISTRIBUTOR + 0x424), 0x1020_3040n);
  });

  test('stores of bytes touch nothing else', () => {
    const bus = new Bus(3);
    assert.ok(bus.write(DISTRIBUTOR + 0x420, 0x1111_1111n, 4));
    assert.ok(bus.write(DISTRIBUTOR + 0x421, 0xffff_ff80n, 1));
    assert.equal(bus.read(DISTRIBUTOR + 0x420), 0x1010_8010n);
  });
});

test('each vCPU sees its own private interrupts in a GICv2', () => {
  const bus = new Bus(2);
  assert.ok(bus.write(DISTRIBUTOR + 0x100, 0x8000_0000n, 4, 1));
  assert.equal(bus.read(DISTRIBUTOR + 0x100, 4, 0), 0xffffn);
  assert.equal(bus.read(DISTRIBUTOR + 0x100, 4, 1), 0x8000_ffffn);
});

test('system registers are a GICv3’s', () => {
  const bus = new Bus(3);
  assert.ok(bus.writeRegister(icc(4, 6, 0), 0xf0n));
  assert.equal(bus.readRegister(icc(4, 6, 0)), 0xf0n);
  assert.equal(bus.readRegister(icc(15, 0, 0)), undefined);
  assert.equal(bus.writeRegister(icc(12, 12, 0), 0n), false);
  // To everyone else: the bit lies in the upper half.
  assert.ok(bus.writeRegister(icc(12, 11, 5), (1n << 40n) | (6n << 24n)));
  assert.equal(bus.read(REDISTRIBUTORS + 0x1_0200), 0n);
  assert.equal(bus.read(REDISTRIBUTORS + 0x3_0200), 0x40n);
  const old = new Bus(2);
  assert.equal(old.readRegister(icc(4, 6, 0)), undefined);
  assert.equal(old.writeRegister(icc(4, 6, 0), 0n), false);
});

test('the UART’s line and its backend', () => {
  const bus = new Bus(3, true);
  bus.host.doorbells = 0;
  assert.ok(bus.write(UART_BASE, 0x41n, 1));
  assert.equal(bus.host.doorbells, 1);
  assert.ok(bus.write(UART_BASE + 0x38, 0x10n, 4));
  assert.equal(bus.uartLine, false);
  const { memory, hypervisor } = bus.host;
  const ring = memory.u32[(memory.u32[(hypervisor.domain(bus.domid) + UART) >>> 2] + RING) >>> 2];
  memory.u32[(ring + 3076) >>> 2] = 1;
  bus.updateUart();
  assert.equal(bus.uartLine, true);
  bus.read(UART_BASE);
  assert.equal(bus.uartLine, false);
  new Bus(3).updateUart();
});
