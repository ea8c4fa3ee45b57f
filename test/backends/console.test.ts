import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ConsoleBackend } from '../../src/backends/console/console.ts';
import { ConsoleRing } from '../../src/backends/console/ring.ts';
import { MachineMemory } from '../../src/cpu/machine-memory.ts';

const PAGE = 0x1000;
const IN_CONS = (PAGE + 3072) >>> 2;
const IN_PROD = (PAGE + 3076) >>> 2;
const OUT_CONS = (PAGE + 3080) >>> 2;
const OUT_PROD = (PAGE + 3084) >>> 2;

/** A console and the guest at its other side. */
class Console {
  readonly memory = new MachineMemory(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  readonly output: number[] = [];
  notified = 0;
  readonly backend = new ConsoleBackend({
    ring: new ConsoleRing(this.memory, PAGE),
    notify: () => void this.notified++,
    onOutput: (bytes) => void this.output.push(...bytes),
  });

  /** With the rings' indices already at `start`. */
  constructor(start = 0) {
    for (const index of [IN_CONS, IN_PROD, OUT_CONS, OUT_PROD]) this.memory.u32[index] = start;
  }

  /** The guest writes what fits; tells how much. */
  guestWrite(bytes: readonly number[]): number {
    const { u32, u8 } = this.memory;
    const room = 2048 - ((u32[OUT_PROD] - u32[OUT_CONS]) >>> 0);
    const count = Math.min(room, bytes.length);
    for (let i = 0; i < count; i++) u8[PAGE + 1024 + ((u32[OUT_PROD] + i) & 2047)] = bytes[i];
    u32[OUT_PROD] += count;
    return count;
  }

  guestRead(most = 1024): number[] {
    const { u32, u8 } = this.memory;
    const bytes: number[] = [];
    while (u32[IN_CONS] !== u32[IN_PROD] && bytes.length < most) bytes.push(u8[PAGE + (u32[IN_CONS]++ & 1023)]);
    return bytes;
  }
}

const sequence = (length: number, from = 0): number[] => Array.from({ length }, (_, i) => (from + i) & 0xff);

describe('the ring', () => {
  test('bytes come through in order both ways, over the rings’ ends and the indices’ wrap', () => {
    const step = fc.record({ output: fc.nat(2500), input: fc.nat(1500), reads: fc.nat(1100) });
    const start = fc.constantFrom(0, 1000, 0x7fff_fff0, 0xffff_ff00);
    fc.assert(
      fc.property(start, fc.array(step, { minLength: 1, maxLength: 12, size: 'max' }), (first, steps) => {
        const console = new Console(first);
        let written = 0;
        let given = 0;
        const read: number[] = [];
        for (const { output, input, reads } of steps) {
          written += console.guestWrite(sequence(output, written));
          if (console.backend.write(Uint8Array.from(sequence(input, given)))) given += input;
          console.backend.poll();
          read.push(...console.guestRead(reads));
        }
        for (let rounds = 0; console.backend.blocked && rounds < 100; rounds++) {
          read.push(...console.guestRead());
          console.backend.poll();
        }
        read.push(...console.guestRead());
        assert.deepEqual(console.output, sequence(written));
        assert.deepEqual(read, sequence(given));
      }),
      { numRuns: 60 },
    );
  });

  test('output of exactly the ring’s size', () => {
    const console = new Console(0xffff_fc00);
    assert.equal(console.guestWrite(sequence(3000)), 2048);
    console.backend.poll();
    assert.deepEqual(console.output, sequence(2048));
    assert.equal(console.memory.u32[OUT_CONS], console.memory.u32[OUT_PROD]);
  });

  test('broken output indices lose the guest’s output, and later output comes through', () => {
    for (const producer of [2049, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      const console = new Console();
      console.memory.u32[OUT_PROD] = producer;
      console.backend.poll();
      assert.deepEqual(console.output, []);
      assert.equal(console.memory.u32[OUT_CONS], producer);
      console.guestWrite([1, 2, 3]);
      console.backend.poll();
      assert.deepEqual(console.output, [1, 2, 3]);
    }
  });

  test('broken input indices write nothing, and nothing outside the ring is ever written', () => {
    for (const consumer of [1, 0x7fff_ffff, 0x8000_0000, 0xffff_fbff]) {
      const console = new Console();
      console.memory.u32[IN_CONS] = consumer;
      assert.ok(console.backend.write(Uint8Array.from(sequence(2000))));
      assert.equal(console.memory.u32[IN_PROD], 0);
      assert.equal(console.notified, 0);
      assert.ok(console.memory.u8.subarray(PAGE, PAGE + 1024).every((byte) => byte === 0));
      console.memory.u32[IN_CONS] = 0;
      console.backend.poll();
      assert.deepEqual(console.guestRead(), sequence(1024));
    }
  });
});

describe('the backend', () => {
  test('notifies when it changed something, and only then', () => {
    const console = new Console();
    console.backend.poll();
    assert.equal(console.notified, 0);
    console.guestWrite([1]);
    console.backend.poll();
    assert.equal(console.notified, 1);
    console.backend.write(Uint8Array.of(1));
    assert.equal(console.notified, 2);
  });

  test('input waits for room, and whoever gives it is told when all is in', () => {
    const console = new Console();
    let told = 0;
    console.backend.onInputTaken = () => void told++;
    assert.ok(console.backend.write(Uint8Array.from(sequence(2500))));
    assert.ok(console.backend.blocked);
    assert.deepEqual(console.guestRead(), sequence(1024));
    console.backend.poll();
    assert.ok(console.backend.blocked);
    assert.equal(told, 0);
    assert.deepEqual(console.guestRead(), sequence(1024, 1024));
    console.backend.poll();
    assert.ok(!console.backend.blocked);
    assert.equal(told, 1);
    assert.deepEqual(console.guestRead(), sequence(452, 2048));
    console.backend.poll();
    assert.equal(told, 1);
  });

  test('empty input is no obstacle to what follows', () => {
    const console = new Console();
    assert.ok(console.backend.write(new Uint8Array(0)));
    assert.equal(console.notified, 0);
    assert.ok(console.backend.write(Uint8Array.of(7)));
    assert.ok(!console.backend.blocked);
    assert.deepEqual(console.guestRead(), [7]);
  });

  test('a guest that never reads cannot fill the host’s memory', () => {
    const console = new Console();
    const chunk = new Uint8Array(2 ** 16);
    let accepted = 0;
    while (console.backend.write(chunk)) {
      accepted += chunk.length;
      assert.ok(accepted <= 2 ** 20 + 1024);
    }
    assert.ok(accepted > 2 ** 19);
    assert.equal(console.backend.write(new Uint8Array(2 ** 22)), false);
    console.guestRead();
    console.backend.poll();
    assert.ok(console.backend.write(Uint8Array.of(1)));
  });

  test('held output stays in the ring, where the guest waits, until it is released', () => {
    const console = new Console();
    console.backend.hold();
    console.guestWrite(sequence(2048));
    console.backend.poll();
    assert.deepEqual(console.output, []);
    assert.equal(console.notified, 0);
    assert.equal(console.guestWrite([1]), 0);
    console.backend.write(Uint8Array.of(5));
    assert.deepEqual(console.guestRead(), [5], 'input goes on');
    console.backend.release();
    assert.deepEqual(console.output, sequence(2048));
    assert.equal(console.guestWrite([1]), 1);
  });

  test('a guest that never stops writing does not keep it', () => {
    const console = new Console();
    let calls = 0;
    const backend = new ConsoleBackend({
      ring: new ConsoleRing(console.memory, PAGE),
      notify: () => {},
      onOutput: () => {
        calls++;
        console.guestWrite([1]);
      },
    });
    console.guestWrite([1]);
    backend.poll();
    assert.equal(calls, 1);
  });
});
