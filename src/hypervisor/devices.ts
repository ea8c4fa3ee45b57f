import type { MachineMemory } from '../cpu/machine-memory.ts';
import { SCRATCH } from '../cpu/state.ts';
import { GuestLayout as Layout } from './abi/guest-layout.ts';
import type { Services } from './core.ts';
import { GIC_VERSION, UART, VGIC } from './domain.ts';
import { Pl011, type Pl011Events } from './pl011/pl011.ts';
import { domainOf, indexOf, vcpuOfState } from './vcpu.ts';
import * as gicv2 from './vgic/gicv2.ts';
import * as gicv3 from './vgic/gicv3.ts';
import { PRIVATE_INTERRUPTS } from './vgic/record.ts';
import type { Vgic } from './vgic/vgic.ts';

/** The devices that the hypervisor itself emulates, by guest-physical address (public/arch-arm.h). */

export const UART_INTERRUPT = PRIVATE_INTERRUPTS + Layout.vuartSpi;

const within = (address: number, base: number, bytes: number): boolean => address >= base && address < base + bytes;

export class Devices {
  readonly #memory: MachineMemory;
  readonly #vgic: Vgic;
  readonly #services: Services;
  readonly #pl011: Pl011;

  constructor(memory: MachineMemory, vgic: Vgic, services: Services) {
    this.#memory = memory;
    this.#vgic = vgic;
    this.#services = services;
    this.#pl011 = new Pl011(memory);
  }

  /** A load by a vCPU (cpu/environment.ts): the value goes to scratch cell 0; false if nothing answers. */
  read(state: number, address: number, size: number): boolean {
    const vcpu = vcpuOfState(this.#memory, state);
    const low = this.#readWord(vcpu, address, Math.min(size, 4));
    if (low < 0) return false;
    const cell = (state + SCRATCH) >>> 2;
    this.#memory.u32[cell] = low;
    this.#memory.u32[cell + 1] = size === 8 ? Math.max(this.#readWord(vcpu, address + 4, 4), 0) : 0;
    return true;
  }

  /** Up to four bytes; -1 if nothing answers. */
  #readWord(vcpu: number, address: number, size: number): number {
    const domain = domainOf(this.#memory, vcpu);
    const gic = this.#memory.u32[(domain + VGIC) >>> 2];
    const index = indexOf(this.#memory, vcpu);
    if (this.#memory.u32[(domain + GIC_VERSION) >>> 2] === 3) {
      if (within(address, Layout.gicv3Distributor, Layout.gicv3DistributorSize)) {
        return gicv3.readDistributor(this.#vgic, gic, index, address - Layout.gicv3Distributor, size);
      }
      if (within(address, Layout.gicv3Redistributors, Layout.gicv3RedistributorsSize)) {
        return gicv3.readRedistributor(this.#vgic, gic, address - Layout.gicv3Redistributors, size);
      }
    } else {
      if (within(address, Layout.gicv2Distributor, Layout.gicv2DistributorSize)) {
        return gicv2.readDistributor(this.#vgic, gic, index, address - Layout.gicv2Distributor, size);
      }
      if (within(address, Layout.gicv2CpuInterface, Layout.gicv2CpuInterfaceSize)) {
        return gicv2.readCpuInterface(this.#vgic, gic, index, address - Layout.gicv2CpuInterface);
      }
    }
    const uart = this.#memory.u32[(domain + UART) >>> 2];
    if (uart !== 0 && within(address, Layout.vuart, Layout.vuartSize)) {
      return this.#pl011.read(uart, address - Layout.vuart, this.#uartEvents(domain));
    }
    return -1;
  }

  /** A store by a vCPU of what is in scratch cell 0; false if nothing answers. */
  write(state: number, address: number, size: number): boolean {
    const vcpu = vcpuOfState(this.#memory, state);
    const cell = (state + SCRATCH) >>> 2;
    const low = this.#memory.u32[cell];
    const high = this.#memory.u32[cell + 1];
    if (!this.#writeWord(vcpu, address, Math.min(size, 4), low)) return false;
    if (size === 8) this.#writeWord(vcpu, address + 4, 4, high);
    return true;
  }

  #writeWord(vcpu: number, address: number, size: number, value: number): boolean {
    const domain = domainOf(this.#memory, vcpu);
    const gic = this.#memory.u32[(domain + VGIC) >>> 2];
    const index = indexOf(this.#memory, vcpu);
    if (this.#memory.u32[(domain + GIC_VERSION) >>> 2] === 3) {
      if (within(address, Layout.gicv3Distributor, Layout.gicv3DistributorSize)) {
        gicv3.writeDistributor(this.#vgic, gic, index, address - Layout.gicv3Distributor, size, value);
        return true;
      }
      if (within(address, Layout.gicv3Redistributors, Layout.gicv3RedistributorsSize)) {
        gicv3.writeRedistributor(this.#vgic, gic, address - Layout.gicv3Redistributors, size, value);
        return true;
      }
    } else {
      if (within(address, Layout.gicv2Distributor, Layout.gicv2DistributorSize)) {
        gicv2.writeDistributor(this.#vgic, gic, index, address - Layout.gicv2Distributor, size, value);
        return true;
      }
      if (within(address, Layout.gicv2CpuInterface, Layout.gicv2CpuInterfaceSize)) {
        gicv2.writeCpuInterface(this.#vgic, gic, index, address - Layout.gicv2CpuInterface, value);
        return true;
      }
    }
    const uart = this.#memory.u32[(domain + UART) >>> 2];
    if (uart !== 0 && within(address, Layout.vuart, Layout.vuartSize)) {
      this.#pl011.write(uart, address - Layout.vuart, value, this.#uartEvents(domain));
      return true;
    }
    return false;
  }

  /** Reads an ICC register for a vCPU into scratch cell 0; false if its controller has none of that key. */
  readInterruptRegister(state: number, key: number): boolean {
    const vcpu = vcpuOfState(this.#memory, state);
    const domain = domainOf(this.#memory, vcpu);
    if (this.#memory.u32[(domain + GIC_VERSION) >>> 2] !== 3) return false;
    const gic = this.#memory.u32[(domain + VGIC) >>> 2];
    const value = gicv3.readCpuInterface(this.#vgic, gic, indexOf(this.#memory, vcpu), key);
    if (value === undefined) return false;
    const cell = (state + SCRATCH) >>> 2;
    this.#memory.u32[cell] = value;
    this.#memory.u32[cell + 1] = 0;
    return true;
  }

  /** Writes scratch cell 0 to an ICC register; false if there is none of that key. */
  writeInterruptRegister(state: number, key: number): boolean {
    const vcpu = vcpuOfState(this.#memory, state);
    const domain = domainOf(this.#memory, vcpu);
    if (this.#memory.u32[(domain + GIC_VERSION) >>> 2] !== 3) return false;
    const gic = this.#memory.u32[(domain + VGIC) >>> 2];
    const cell = (state + SCRATCH) >>> 2;
    const { u32 } = this.#memory;
    return gicv3.writeCpuInterface(this.#vgic, gic, indexOf(this.#memory, vcpu), key, u32[cell], u32[cell + 1]);
  }

  /** The UART's backend took or gave something: the interrupt may have changed. */
  updateUart(domain: number): void {
    const uart = this.#memory.u32[(domain + UART) >>> 2];
    if (uart !== 0) this.#pl011.update(uart, this.#uartEvents(domain));
  }

  #uartEvents(domain: number): Pl011Events {
    const gic = this.#memory.u32[(domain + VGIC) >>> 2];
    return {
      setLine: (level) => this.#vgic.setSharedLine(gic, UART_INTERRUPT, level),
      notifyBackend: () => this.#services.doorbell(),
    };
  }
}
