import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registers } from '../../src/cpu/arm64/assembler.ts';
import { EVENT_INTERRUPT } from '../../src/hypervisor/abi/guest-layout.ts';
import type { GuestAssembler } from '../../src/selftest/guest-assembler.ts';
import { guestImage } from '../../src/selftest/image.ts';
import { enablePrivate, unmaskInterrupts } from '../../src/selftest/interrupt-controller.ts';
import { Interrupt } from '../../src/selftest/interrupt-numbers.ts';
import { Place } from '../../src/selftest/places.ts';
import type { Subject } from '../../src/selftest/subject.ts';
import { console } from '../../src/selftest/subjects/console.ts';
import { deviceTree } from '../../src/selftest/subjects/device-tree.ts';
import { integer } from '../../src/selftest/subjects/integer.ts';
import { interrupts } from '../../src/selftest/subjects/interrupts.ts';
import { mmu } from '../../src/selftest/subjects/mmu.ts';
import { Control } from '../../src/selftest/translation.ts';
import { runGuest } from './run.ts';

/** A check that fails is reported, and the guest goes on. */

const { x0, x1, x2, x6, w0, xzr } = registers;
const LIMIT = 120_000;

const subject = (name: string, check: (guest: GuestAssembler) => void): Subject => ({ name, title: name, check });

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('selftest: '));

test('values that are not what they should be', { timeout: LIMIT }, async () => {
  const chosen = [
    console,
    subject('wide', (guest) => {
      guest.mov(x6, 0x0123_4567_89ab_cdefn);
      guest.expect('a wide value', x6, -1);
    }),
    subject('narrow', (guest) => {
      guest.mov(w0, -2);
      guest.expect('a narrow value', w0, 0);
    }),
    subject('late', (guest) => guest.await('what never comes', x0, 7, () => guest.mov(x0, xzr))),
    integer,
  ];
  const { end, console: text } = await runGuest(guestImage(chosen, 1));
  assert.deepEqual(linesOf(text), [
    'selftest: console ok',
    'selftest: wide failed: a wide value, expected 0xffffffffffffffff, got 0x123456789abcdef',
    'selftest: narrow failed: a narrow value, expected 0x0, got 0xfffffffe',
    'selftest: late failed: what never comes, expected 0x7, got 0x0',
    'selftest: integer ok',
    'selftest: done',
  ]);
  assert.deepEqual(end, { kind: 'poweroff' });
});

test('exceptions that nothing expects', { timeout: LIMIT }, async () => {
  const chosen = [
    console,
    subject('undefined', (guest) => guest.word(0)),
    mmu,
    subject('unmapped', (guest) => {
      guest.mov(x0, Control.granule4);
      guest.mov(x1, Place.level1);
      guest.bl('translation on');
      guest.mov(x6, 0xdead_0000);
      guest.ldr(x0, [x6]);
    }),
    integer,
  ];
  const { end, console: text } = await runGuest(guestImage(chosen, 1));
  const [, undefinedLine, mmuLine, unmappedLine, integerLine] = linesOf(text);
  const unexpected = 'failed: unexpected exception, vector 0x4, ESR';
  assert.match(
    undefinedLine,
    new RegExp(`^selftest: undefined ${unexpected} 0x2000000, ELR 0x4000[\\da-f]{4}, FAR 0x`),
  );
  assert.equal(mmuLine, 'selftest: mmu ok');
  assert.match(
    unmappedLine,
    new RegExp(`^selftest: unmapped ${unexpected} 0x96000005, ELR 0x4000[\\da-f]{4}, FAR 0xdead0000$`),
  );
  assert.equal(integerLine, 'selftest: integer ok');
  assert.deepEqual(end, { kind: 'poweroff' });
});

test('an interrupt that does not stop', { timeout: LIMIT }, async () => {
  const chosen = [
    console,
    interrupts,
    // The event interrupt, which comes again as long as nobody says where it is turned off.
    subject('storm', (guest) => {
      enablePrivate(guest, 0, EVENT_INTERRUPT);
      unmaskInterrupts(guest);
      guest.awaitInterrupt('an interrupt of the timer', Interrupt.virtualTimer, 1);
    }),
    integer,
  ];
  const { end, console: text } = await runGuest(guestImage(chosen, 1));
  assert.deepEqual(linesOf(text).slice(2), [
    'selftest: storm failed: an interrupt of the timer, expected 0x1, got 0x0',
    'selftest: integer ok',
    'selftest: done',
  ]);
  assert.deepEqual(end, { kind: 'poweroff' });
});

test('an exception while a result is written ends the guest', { timeout: LIMIT }, async () => {
  const broken = subject('broken', (guest) => {
    // A text at an address without memory.
    guest.mov(x2, 0xffff_ffff_f000n);
    guest.b('failed');
  });
  const { end, console: text } = await runGuest(guestImage([console, broken, integer], 1));
  assert.deepEqual(linesOf(text), ['selftest: console ok', 'selftest: broken failed: ']);
  assert.equal(end.kind, 'crash');
});

test('without the console the report goes to the emergency console', { timeout: LIMIT }, async () => {
  const { end, log } = await runGuest(guestImage([deviceTree, integer], 1), { vcpus: 2 });
  assert.deepEqual(linesOf(log), ['selftest: device-tree ok: vCPUs: 2', 'selftest: integer ok', 'selftest: done']);
  assert.deepEqual(end, { kind: 'poweroff' });
});
