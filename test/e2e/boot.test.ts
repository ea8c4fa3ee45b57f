import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandWord } from '../../src/images/guest-command.ts';
import { append, assertNoTrouble, boot, bootAndRun } from './guest.ts';

/** Debian's kernel as a Xen guest: what it finds, and that it has nothing to complain about. */

/** Prints a line for each processor that is online, too. */
const LOOK = `dmesg
read -r online < /sys/devices/system/cpu/online; echo "online=$online"
read -r console < /sys/class/tty/console/active; echo "console=$console"
grep -E 'xen-dyn|arch_timer|uart-pl011' /proc/interrupts
echo "hypervisor=$(cat /sys/hypervisor/type) $(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor)"`;

test('one processor: Xen 4.17, FIFO events, GICv3, the PV console', async () => {
  const { stdout, stderr } = await bootAndRun(LOOK, [], []);
  assertNoTrouble(stdout);
  assert.match(stdout, /Machine model: XENVM-4\.17/);
  assert.match(stdout, /Xen 4\.17 support found/);
  assert.match(stdout, /Grant table initialized/);
  assert.match(stdout, /xen:events: Using FIFO-based ABI/);
  assert.match(stdout, /GICv3: .*SPIs implemented/);
  assert.match(stdout, /printk: console \[hvc0\] enabled/);
  assert.match(stdout, /^online=0\r$/m);
  assert.match(stdout, /^console=hvc0\r$/m);
  assert.match(stdout, /^hypervisor=xen 4\.17\r$/m);
  assert.doesNotMatch(stderr, /crash|panic/);
});

test('two processors, GICv2 and 2-level events', async () => {
  const { stdout } = await bootAndRun(LOOK, ['--vcpus', '2', '--gic', '2'], ['xen.fifo_events=0']);
  assertNoTrouble(stdout);
  assert.match(stdout, /xen:events: Using 2-level ABI/);
  assert.match(stdout, /Root IRQ handler: gic_handle_irq/);
  assert.doesNotMatch(stdout, /GICv3: .*SPIs implemented/);
  assert.match(stdout, /smp: Brought up 1 node, 2 CPUs/);
  assert.match(stdout, /Xen: initializing cpu1/);
  assert.match(stdout, /^online=0-1\r$/m);
});

test('the emulated UART as console, and the early console at Xen', async () => {
  // The level comes first: the early console shows what its time's level lets through.
  const { stdout } = await bootAndRun(LOOK, ['--vuart'], ['loglevel=7', 'earlycon=xenboot']);
  assertNoTrouble(stdout);
  const early = stdout.indexOf('bootconsole [xenboot0] enabled');
  const real = stdout.indexOf('console [ttyAMA0] enabled');
  assert.ok(early >= 0 && real > early, stdout.slice(0, 4000));
  assert.match(stdout.slice(0, early), /Booting Linux on physical CPU 0x0/);
  assert.match(stdout, /^console=(hvc0 )?ttyAMA0\r$/m);
  assert.match(stdout, /uart-pl011/);
});

test('a panic ends the run with status 1 and its reason', async () => {
  const crash = 'echo c > /proc/sysrq-trigger';
  const outcome = await boot(append(commandWord(crash))).ended;
  assert.equal(outcome.status, 1);
  assert.match(outcome.stderr, /hostrock: the guest crashed: kernel panic: sysrq triggered crash\n$/);
});

test('a ramdisk without the init that was asked for: a panic, too', async () => {
  const outcome = await boot(append('rdinit=/none', 'init=/none')).ended;
  assert.equal(outcome.status, 1);
  assert.match(outcome.stderr, /hostrock: the guest crashed: kernel panic: .+\n$/);
});
