import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConsoleRing } from '../../src/backends/console/ring.ts';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';
import { LOCK, Pl011, RING } from '../../src/hypervisor/pl011/pl011.ts';

const RECORD = 0x100;
const PAGE = 0x1000;
const Register = { data: 0, flags: 0x18, mask: 0x38, raw: 0x3c, masked: 0x40, clear: 0x44 } as const;
const Flag = { receiveEmpty: 0x10, transmitFull: 0x20, receiveFull: 0x40, transmitEmpty: 0x80, busy: 8 } as const;
const RECEIVE = 0x10;
const TRANSMIT = 0x20;
const TIMEOUT = 0x40;

/** A UART whose other side is the console backend's ring. */
class Uart {
  readonly memory = new MachineMemory(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  readonly ring = new ConsoleRing(this.memory, PAGE);
  readonly #uart = new Pl011(this.memory);
  line = false;
  notified = 0;
  /** Whether the UART was locked at each event. */
  readonly locked: boolean[] = [];
  readonly #events = {
    setLine: (level: boolean): void => {
      this.line = level;
      this.locked.push(this.memory.i32[(RECORD + LOCK) >>> 2] !== 0);
    },
    notifyBackend: (): void => {
      this.notified++;
      this.locked.push(this.memory.i32[(RECORD + LOCK) >>> 2] !== 0);
    },
  };

  constructor() {
    this.memory.u32[(RECORD + RING) >>> 2] = PAGE;
  }

  read(offset: number): number {
    return this.#uart.read(RECORD, offset, this.#events);
  }

  write(offset: number, value: number): void {
    this.#uart.write(RECORD, offset, value, this.#events);
  }

  /** The backend gives input, or took output. */
  give(bytes: readonly number[]): number {
    const count = this.ring.write(Uint8Array.from(bytes));
    this.#uart.update(RECORD, this.#events);
    return count;
  }

  take(): number[] {
    const bytes = [...(this.ring.read() ?? [])];
    this.#uart.update(RECORD, this.#events);
    return bytes;
  }
}

test('output reaches the backend in order, which is told of every byte', () => {
  const uart = new Uart();
  assert.equal(uart.read(Register.flags), Flag.receiveEmpty | Flag.transmitEmpty);
  for (const byte of [0x68, 0x169, 0xffff_ff21]) uart.write(Register.data, byte);
  assert.equal(uart.notified, 3);
  assert.equal(uart.read(Register.flags), Flag.receiveEmpty | Flag.busy);
  assert.deepEqual(uart.take(), [0x68, 0x69, 0x21]);
  assert.equal(uart.read(Register.flags), Flag.receiveEmpty | Flag.transmitEmpty);
});

test('a full transmit FIFO says so and drops what comes', () => {
  const uart = new Uart();
  for (let i = 0; i < 2048; i++) {
    assert.equal(uart.read(Register.flags) & Flag.transmitFull, 0, `after ${i}`);
    uart.write(Register.data, i & 0xff);
  }
  assert.equal(uart.read(Register.flags) & Flag.transmitFull, Flag.transmitFull);
  uart.write(Register.data, 0x77);
  const taken = uart.take();
  assert.equal(taken.length, 2048);
  assert.equal(taken.at(-1), 0xff);
  assert.deepEqual(uart.take(), []);
});

test('input is read in order; nothing there reads as zero', () => {
  const uart = new Uart();
  assert.equal(uart.give([1, 2, 255]), 3);
  assert.equal(uart.read(Register.flags) & Flag.receiveEmpty, 0);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => uart.read(Register.data)),
    [1, 2, 255, 0],
  );
  assert.equal(uart.read(Register.flags) & Flag.receiveEmpty, Flag.receiveEmpty);
  assert.equal(uart.give(Array.from({ length: 2000 }, () => 9)), 1024);
  assert.equal(uart.read(Register.flags) & Flag.receiveFull, Flag.receiveFull);
  uart.read(Register.data);
  assert.equal(uart.read(Register.flags) & Flag.receiveFull, 0);
});

test('any mix of input and output comes through whole', () => {
  const step = fc.record({ output: fc.nat(300), input: fc.nat(300), reads: fc.nat(300) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }), (steps) => {
      const uart = new Uart();
      let sent = 0;
      let given = 0;
      let received = 0;
      let got = 0;
      for (const { output, input, reads } of steps) {
        for (let i = 0; i < output; i++) uart.write(Register.data, sent++);
        for (const byte of uart.take()) assert.equal(byte, received++ & 0xff);
        given += uart.give(Array.from({ length: input }, (_, i) => (given + i) & 0xff));
        for (let i = 0; i < reads && got < given; i++) assert.equal(uart.read(Register.data), got++ & 0xff);
        assert.equal((uart.read(Register.flags) & Flag.receiveEmpty) !== 0, got === given);
      }
      assert.equal(received, sent);
    }),
    { numRuns: 30 },
  );
});

test('the interrupt is raised by what is pending and not masked out', () => {
  const uart = new Uart();
  assert.equal(uart.read(Register.raw), TRANSMIT);
  assert.equal(uart.read(Register.masked), 0);
  uart.give([1]);
  assert.equal(uart.line, false);
  uart.write(Register.mask, RECEIVE | TIMEOUT);
  assert.equal(uart.line, true);
  assert.equal(uart.read(Register.masked), RECEIVE | TIMEOUT);
  uart.read(Register.data);
  assert.equal(uart.line, false);
  uart.write(Register.mask, TRANSMIT);
  assert.equal(uart.line, true);
  for (let i = 0; i < 1025; i++) uart.write(Register.data, 0);
  assert.equal(uart.line, false, 'less than half is free');
  uart.take();
  assert.equal(uart.line, true);
  uart.write(Register.mask, 0);
  assert.equal(uart.line, false);
});

test('no other thread can change the level while the line is told of it; the backend is free to', () => {
  const uart = new Uart();
  uart.write(Register.mask, RECEIVE);
  uart.give([1]);
  assert.deepEqual(uart.locked, [true, true]);
  uart.locked.length = 0;
  uart.read(Register.data);
  uart.write(Register.data, 0x41);
  assert.deepEqual(uart.locked, [true, false, true, false]);
});

test('clearing a level does not make it go away', () => {
  const uart = new Uart();
  uart.write(Register.mask, RECEIVE);
  uart.give([1]);
  uart.write(Register.clear, 0x7ff);
  assert.equal(uart.line, true);
  assert.equal(uart.read(Register.raw) & RECEIVE, RECEIVE);
});

test('registers that are only kept, and the mask’s width', () => {
  const uart = new Uart();
  for (const [index, offset] of [0x24, 0x28, 0x2c, 0x30, 0x34].entries()) uart.write(offset, 0x1_0100 + index);
  assert.deepEqual(
    [0x24, 0x28, 0x2c, 0x30, 0x34].map((offset) => uart.read(offset)),
    [0x100, 0x101, 0x102, 0x103, 0x104],
  );
  uart.write(Register.mask, 0xffff_ffff);
  assert.equal(uart.read(Register.mask), 0x7ff);
});

test('identification, and what is not there', () => {
  const uart = new Uart();
  const bytes = Array.from({ length: 8 }, (_, i) => uart.read(0xfe0 + i * 4));
  assert.equal(bytes[0] | ((bytes[1] & 15) << 8), 0x011, 'part number');
  assert.equal((bytes[1] >>> 4) | ((bytes[2] & 15) << 4), 0x41, 'Arm');
  assert.deepEqual(bytes.slice(4), [0x0d, 0xf0, 0x05, 0xb1]);
  const before = uart.memory.u8.slice();
  for (const offset of [4, 0x08, 0x14, 0x20, 0x48, 0x1000 - 4 * 9, 0xfe0, 0xffc]) uart.write(offset, 0xffff_ffff);
  assert.deepEqual(uart.memory.u8, before);
  for (const offset of [4, 0x08, 0x14, 0x20, 0x48, 0xfdc]) assert.equal(uart.read(offset), 0);
});
