import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ShutdownReason } from '../../src/hypervisor/abi/sched.ts';
import { Command, hostrock, temporaryFolder } from './command.ts';
import { tinyRun } from './tiny-guest.ts';

/** How a guest's end becomes an exit status and a message. */

const folder = temporaryFolder();
/** Seconds, long enough for any machine to start the guest. */
const TIMEOUT = '8';

test('a guest that powers off: status 0, its output alone', async () => {
  const outcome = await hostrock(tinyRun(folder, 'goodbye\n', { shutdown: ShutdownReason.poweroff }));
  assert.deepEqual(outcome, { status: 0, stdout: 'goodbye\n', stderr: '' });
});

test('a guest that says it crashed: status 1 and a reason', async () => {
  const outcome = await hostrock(tinyRun(folder, 'ouch\n', { shutdown: ShutdownReason.crash }));
  assert.equal(outcome.status, 1);
  assert.match(outcome.stdout, /^ouch\n/);
  assert.match(outcome.stderr, /^hostrock: the guest crashed: .+\n$/);
});

test('a panic on the console is the reason, whatever the guest does then', async () => {
  for (const ending of ['idle', { shutdown: ShutdownReason.reboot }] as const) {
    const outcome = await hostrock(tinyRun(folder, '[ 1.0] Kernel panic - not syncing: no tea\n', ending));
    assert.equal(outcome.status, 1);
    assert.equal(outcome.stderr, 'hostrock: the guest crashed: kernel panic: no tea\n');
  }
});

test('a guest that reboots starts again', async () => {
  const command = new Command(tinyRun(folder, 'once more\n', { shutdown: ShutdownReason.reboot }));
  await command.until((stdout) => stdout.startsWith('once more\nonce more\n'));
  command.child.kill('SIGTERM');
  assert.equal((await command.ended).status, 143);
});

test('the time limit: status 124, even with a guest that never looks up', async () => {
  const endings = ['idle', 'spin', 'flood', 'fault'] as const;
  await Promise.all(
    endings.map(async (ending) => {
      const outcome = await hostrock([...tinyRun(folder, 'started\n', ending), '--timeout', TIMEOUT]);
      assert.equal(outcome.status, 124, ending);
      assert.match(outcome.stdout, /^started\n/, ending);
      assert.equal(outcome.stderr, 'hostrock: the time limit passed\n', ending);
    }),
  );
});

test('--json: one object a line, the end last', async () => {
  const ends = [
    [{ shutdown: ShutdownReason.poweroff }, { event: 'end', kind: 'poweroff', status: 0 }],
    ['idle', { event: 'end', kind: 'timeout', status: 124 }],
  ] as const;
  for (const [ending, last] of ends) {
    const { status, stdout, stderr } = await hostrock([
      ...tinyRun(folder, 'grüße "quoted"\n', ending),
      '--json',
      ...['--timeout', TIMEOUT],
    ]);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; text?: string });
    assert.deepEqual(events.at(-1), last);
    assert.equal(status, last.status);
    assert.equal(stderr, '');
    const console = events.slice(0, -1);
    assert.ok(console.every(({ event }) => event === 'console'));
    assert.equal(console.map(({ text }) => text).join(''), 'grüße "quoted"\n');
  }
});

test('--json tells a crash with its reason', async () => {
  const args = tinyRun(folder, 'Kernel panic - not syncing: no tea\n', { shutdown: ShutdownReason.crash });
  const { status, stdout } = await hostrock([...args, '--json']);
  assert.equal(status, 1);
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as object;
  assert.deepEqual(last, { event: 'end', kind: 'crash', reason: 'kernel panic: no tea', status: 1 });
});

test('--stats counts what ran', async () => {
  const { status, stderr } = await hostrock([
    ...tinyRun(folder, 'x\n', { shutdown: ShutdownReason.poweroff }),
    ...['--stats', '--vcpus', '2'],
  ]);
  assert.equal(status, 0);
  assert.match(stderr, /^ +pcpu 0 +pcpu 1 +translator +all$/m);
  assert.match(stderr, /^instructions( +[\d ]*\d)+$/m);
});

test('--stats with --json is an event', async () => {
  const { stdout } = await hostrock([
    ...tinyRun(folder, 'x\n', { shutdown: ShutdownReason.poweroff }),
    ...['--stats', '--json', '--vcpus', '2'],
  ]);
  const { event, pcpus, all } = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string);
  assert.equal(event, 'statistics');
  assert.equal(pcpus.length, 2);
  assert.ok(all.instructions > 0);
  assert.equal(all.instructions, pcpus[0].instructions + pcpus[1].instructions);
  assert.equal(all.exits.hypervisorCall, pcpus[0].exits.hypervisorCall + pcpus[1].exits.hypervisorCall);
  assert.equal(all.longestPause, Math.max(pcpus[0].longestPause, pcpus[1].longestPause));
});

test('--trace writes a line for each chosen event, and no others', async () => {
  const file = join(folder, 'trace');
  const { status } = await hostrock([
    ...tinyRun(folder, 'x\n', { shutdown: ShutdownReason.poweroff }),
    ...['--trace', `hypercalls,exits:${file}`],
  ]);
  assert.equal(status, 0);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  for (const line of lines) assert.match(line, /^\d+\.\d{6} d1v0 0x[0-9a-f]+ (hypercalls|exits): /);
  assert.ok(
    lines.some((line) => / hypercalls: sched_op\(0x2, 0x[0-9a-f]+\) = 0$/.test(line)),
    lines.join('\n'),
  );
  assert.ok(lines.some((line) => line.endsWith(' exits: hypervisorCall')));
});

test('--trace help lists the events', async () => {
  const { status, stdout } = await hostrock(['run', '--trace', 'help']);
  assert.equal(status, 0);
  assert.match(stdout, /^exceptions +\S/m);
});
