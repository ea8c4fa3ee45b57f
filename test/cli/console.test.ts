import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShutdownReason } from '../../src/hypervisor/abi/sched.ts';
import { Command, hostrock, PROGRAM, temporaryFolder } from './command.ts';
import { tinyRun } from './tiny-guest.ts';

/** The guest's console through pipes and on a terminal, and ways to leave it. */

const folder = temporaryFolder();

test('input of any length comes back in order, however fast it is given', async () => {
  const text = Array.from({ length: 4000 }, (_, line) => `line ${line}\n`).join('');
  const command = new Command(tinyRun(folder, 'ready\n', 'echo'), { input: null });
  command.write(text);
  await command.until((stdout) => stdout.length >= 'ready\n'.length + text.length);
  assert.equal(command.stdout, `ready\n${text}`);
  command.write('more');
  await command.until((stdout) => stdout.endsWith('more'));
  command.child.kill('SIGTERM');
  await command.ended;
});

test('input that a guest left when it rebooted is lost, what comes after is not', async () => {
  const command = new Command(tinyRun(folder, 'ready\n', 'echo until reboot'), { input: null });
  await command.until((stdout) => stdout === 'ready\n');
  // The first guest reboots at once and leaves more than its ring and the pipe's next piece could hold.
  command.write(`\0${'x'.repeat(400_000)}`);
  await command.until((stdout) => stdout.includes('ready\nready\n'));
  command.write('the end');
  await command.until((stdout) => stdout.endsWith('the end'));
  command.child.kill('SIGTERM');
  await command.ended;
});

test('the end of the input reaches the guest as Ctrl-D', async () => {
  const command = new Command(tinyRun(folder, 'ready\n', 'echo'), { input: 'last words' });
  await command.until((stdout) => stdout === 'ready\nlast words\x04');
  command.child.kill('SIGTERM');
  await command.ended;
});

test('signals end the run with 128 and their number, at once', async () => {
  const signals = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
  ] as const;
  for (const [signal, status] of signals) {
    const command = new Command(tinyRun(folder, 'ready\n', 'spin'), { input: null });
    await command.until((stdout) => stdout === 'ready\n');
    command.child.kill(signal);
    assert.deepEqual(await command.ended, { status, stdout: 'ready\n', stderr: '' }, signal);
  }
});

test('a reader that goes away ends the run, quietly', async () => {
  const command = new Command(tinyRun(folder, 'again and again\n', 'flood'));
  await command.until((stdout) => stdout.length > 0);
  command.child.stdout?.destroy();
  const { status, stderr } = await command.ended;
  assert.equal(status, 141);
  assert.equal(stderr, '');
});

test('a slow reader gets everything in order, and slows the guest down meanwhile', async () => {
  const text = Array.from({ length: 40_000 }, (_, line) => `${line}\n`).join('');
  const command = new Command(tinyRun(folder, text, { shutdown: ShutdownReason.poweroff }));
  await command.until((stdout) => stdout.length > 0);
  command.child.stdout?.pause();
  await sleep(1000);
  command.child.stdout?.resume();
  const { status, stdout } = await command.ended;
  assert.equal(status, 0);
  assert.equal(stdout, text);
});

/** Runs a shell command on a terminal of its own; everything shown there. */
const onTerminal = (command: string) => {
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    stdio: 'pipe',
    env: { ...process.env, SHELL: '/bin/sh' },
  });
  let shown = '';
  const looks = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    for (const look of looks) look();
  });
  const until = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (shown.includes(text)) resolve();
      };
      looks.add(look);
      child.once('close', () => reject(new Error(`no '${text}' in ${JSON.stringify(shown)}`)));
      look();
    });
  const ended = new Promise<string>((resolve) => child.once('close', () => resolve(shown)));
  return { child, until, ended, text: () => shown };
};

const quoted = (args: readonly string[]): string => args.map((word) => `'${word}'`).join(' ');

test('on a terminal: keys go to the guest as they are, Ctrl-] leaves, and the terminal is as before', async () => {
  const run = quoted([PROGRAM, ...tinyRun(folder, 'ready\n', 'echo')]);
  const { child, until, ended } = onTerminal(`stty -g; ${run}; echo "status=$?"; stty -g`);
  await until('ready');
  child.stdin.write('a\x03b\x1a\x1b[A');
  await until('a\x03b\x1a\x1b[A');
  child.stdin.write('\x1d');
  const shown = (await ended).split('\r\n');
  assert.ok(shown.some((line) => line.endsWith('status=0')));
  const settings = shown.filter((line) => /^[0-9a-f]+(:[0-9a-f]+)+$/.test(line));
  assert.equal(settings.length, 2, shown.join('\n'));
  assert.equal(settings[0], settings[1]);
});

test('the terminal is restored when a signal ends the run, and when the guest crashes', async () => {
  const spin = quoted([PROGRAM, ...tinyRun(folder, 'ready\n', 'spin')]);
  const crash = quoted([PROGRAM, ...tinyRun(folder, 'bye\n', { shutdown: ShutdownReason.crash })]);
  const started = `(exec sh -c 'echo "pid=$$"; exec "$@"' sh ${spin})`;
  const { until, ended, text } = onTerminal(
    `stty -g; ${started}; echo "status=$?"; stty -g; ${crash}; echo "status=$?"; stty -g`,
  );
  await until('ready');
  process.kill(Number(/^pid=(\d+)/m.exec(text())?.[1]), 'SIGTERM');
  const shown = (await ended).split('\r\n');
  const settings = shown.filter((line) => /^[0-9a-f]+(:[0-9a-f]+)+$/.test(line));
  assert.equal(settings.length, 3, shown.join('\n'));
  assert.equal(new Set(settings).size, 1);
  assert.ok(shown.some((line) => line.endsWith('status=143')));
  assert.ok(shown.some((line) => line.endsWith('status=1')));
});

test('runs from any folder, through a symbolic link, and under the machine’s own Node', async () => {
  const args = tinyRun(folder, 'hello\n', { shutdown: ShutdownReason.poweroff });
  assert.equal((await hostrock(args, { folder: '/' })).stdout, 'hello\n');
  assert.equal((await hostrock(args, { program: ['node', PROGRAM] })).stdout, 'hello\n');
});
