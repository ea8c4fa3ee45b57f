import { lock, unlock } from '../../cpu/lock.ts';
import type { MachineMemory } from '../../cpu/machine-memory.ts';

/**
 * The emulated UART of `vuart`: Arm's PL011 as the SBSA subset has it (PL011 TRM, chapter 3; SBSA, appendix B). Its other side
 * is a page with Xen's console ring, so the console backend serves it like a guest's own console.
 *
 * The record is in machine memory; the FIFOs are the ring itself.
 */

export const LOCK = 0;
/** Machine address of the ring page. */
export const RING = 4;
export const INTERRUPT_MASK = 8;
/** Registers that are only kept: integer and fractional baud rate, line control, control, FIFO levels. */
export const KEPT = 16;
export const PL011_RECORD_SIZE = 64;

/** Offsets in Xen's console ring (struct xencons_interface). */
const IN = 0;
const IN_SIZE = 1024;
const OUT = 1024;
const OUT_SIZE = 2048;
const IN_CONS = 3072;
const IN_PROD = 3076;
const OUT_CONS = 3080;
const OUT_PROD = 3084;

const Register = {
  data: 0x00,
  receiveStatus: 0x04,
  flags: 0x18,
  integerBaud: 0x24,
  fractionalBaud: 0x28,
  lineControl: 0x2c,
  control: 0x30,
  fifoLevels: 0x34,
  mask: 0x38,
  rawStatus: 0x3c,
  maskedStatus: 0x40,
  clear: 0x44,
} as const;

const kept: Readonly<Record<number, number>> = {
  [Register.integerBaud]: KEPT,
  [Register.fractionalBaud]: KEPT + 4,
  [Register.lineControl]: KEPT + 8,
  [Register.control]: KEPT + 12,
  [Register.fifoLevels]: KEPT + 16,
};

/** PL011's identification registers from 0xfe0 on, one byte each four bytes. */
const IDENTIFICATION = [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1];
const IDENTIFICATION_OFFSET = 0xfe0;

const Flag = {
  busy: 1 << 3,
  receiveEmpty: 1 << 4,
  transmitFull: 1 << 5,
  receiveFull: 1 << 6,
  transmitEmpty: 1 << 7,
} as const;
const Interrupt = { receive: 1 << 4, transmit: 1 << 5, receiveTimeout: 1 << 6 } as const;
/** The guest is told that it may send while at least this much of the ring is free. */
const TRANSMIT_TRIGGER = OUT_SIZE / 2;

export interface Pl011Events {
  /** The interrupt line's level may have changed. The UART's lock is held. */
  setLine(level: boolean): void;
  /** The other side has something to do. */
  notifyBackend(): void;
}

export class Pl011 {
  readonly #memory: MachineMemory;

  constructor(memory: MachineMemory) {
    this.#memory = memory;
  }

  #ring(record: number): number {
    return this.#memory.u32[(record + RING) >>> 2] as number;
  }

  /** Bytes waiting for the guest; the indices come from the backend, which is ours. */
  #received(ring: number): number {
    const { i32 } = this.#memory;
    return (Atomics.load(i32, (ring + IN_PROD) >>> 2) - Atomics.load(i32, (ring + IN_CONS) >>> 2)) >>> 0;
  }

  #unsent(ring: number): number {
    const { i32 } = this.#memory;
    return (Atomics.load(i32, (ring + OUT_PROD) >>> 2) - Atomics.load(i32, (ring + OUT_CONS) >>> 2)) >>> 0;
  }

  #rawStatus(record: number): number {
    const ring = this.#ring(record);
    const receive = this.#received(ring) > 0 ? Interrupt.receive | Interrupt.receiveTimeout : 0;
    const transmit = this.#unsent(ring) <= TRANSMIT_TRIGGER ? Interrupt.transmit : 0;
    return receive | transmit;
  }

  /** Sets the line by what is pending and not masked: after the other side gave or took something. */
  update(record: number, events: Pl011Events): void {
    lock(this.#memory, record + LOCK);
    this.#setLine(record, events);
    unlock(this.#memory, record + LOCK);
  }

  /** Tells of the line. The lock is held: else another thread could tell of an older level after this one. */
  #setLine(record: number, events: Pl011Events): void {
    const mask = this.#memory.u32[(record + INTERRUPT_MASK) >>> 2] as number;
    events.setLine((this.#rawStatus(record) & mask) !== 0);
  }

  #flags(ring: number): number {
    const received = this.#received(ring);
    const unsent = this.#unsent(ring);
    return (
      (received === 0 ? Flag.receiveEmpty : 0) |
      (received >= IN_SIZE ? Flag.receiveFull : 0) |
      (unsent === 0 ? Flag.transmitEmpty : Flag.busy) |
      (unsent >= OUT_SIZE ? Flag.transmitFull : 0)
    );
  }

  #receive(ring: number): number {
    if (this.#received(ring) === 0) return 0;
    const consumer = Atomics.load(this.#memory.i32, (ring + IN_CONS) >>> 2);
    const byte = this.#memory.u8[ring + IN + (consumer & (IN_SIZE - 1))] as number;
    Atomics.store(this.#memory.i32, (ring + IN_CONS) >>> 2, (consumer + 1) | 0);
    return byte;
  }

  #transmit(ring: number, byte: number): void {
    if (this.#unsent(ring) >= OUT_SIZE) return;
    const producer = Atomics.load(this.#memory.i32, (ring + OUT_PROD) >>> 2);
    this.#memory.u8[ring + OUT + (producer & (OUT_SIZE - 1))] = byte;
    Atomics.store(this.#memory.i32, (ring + OUT_PROD) >>> 2, (producer + 1) | 0);
  }

  /** A guest's read of a register; 0 for those that do not exist. */
  read(record: number, offset: number, events: Pl011Events): number {
    lock(this.#memory, record + LOCK);
    const value = this.#read(record, offset);
    if (offset === Register.data) this.#setLine(record, events);
    unlock(this.#memory, record + LOCK);
    if (offset === Register.data) events.notifyBackend();
    return value;
  }

  #read(record: number, offset: number): number {
    switch (offset) {
      case Register.data:
        return this.#receive(this.#ring(record));
      case Register.flags:
        return this.#flags(this.#ring(record));
      case Register.mask:
        return this.#memory.u32[(record + INTERRUPT_MASK) >>> 2] as number;
      case Register.rawStatus:
        return this.#rawStatus(record);
      case Register.maskedStatus:
        return this.#rawStatus(record) & (this.#memory.u32[(record + INTERRUPT_MASK) >>> 2] as number);
    }
    const field = kept[offset];
    if (field !== undefined) return this.#memory.u32[(record + field) >>> 2] as number;
    if (offset >= IDENTIFICATION_OFFSET && offset < IDENTIFICATION_OFFSET + IDENTIFICATION.length * 4) {
      return IDENTIFICATION[(offset - IDENTIFICATION_OFFSET) >>> 2] as number;
    }
    return 0;
  }

  /** A guest's write to a register. */
  write(record: number, offset: number, value: number, events: Pl011Events): void {
    lock(this.#memory, record + LOCK);
    if (offset === Register.data) this.#transmit(this.#ring(record), value & 0xff);
    else if (offset === Register.mask) this.#memory.u32[(record + INTERRUPT_MASK) >>> 2] = value & 0x7ff;
    else {
      const field = kept[offset];
      if (field !== undefined) this.#memory.u32[(record + field) >>> 2] = value & 0xffff;
    }
    this.#setLine(record, events);
    unlock(this.#memory, record + LOCK);
    if (offset === Register.data) events.notifyBackend();
  }
}
