import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { boot } from './guest.ts';

/** A guest that waits at its prompt costs next to nothing, and one that ends loses no output. */

/** Clock ticks a second in /proc, the same on every Linux that Node runs on. */
const TICKS = 100;
const MEASURED_SECONDS = 3;
/** Of one processor. */
const MOST = 0.05;

/** Processor seconds that a process and its children have used so far. */
const processorTime = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((child) => child !== ''),
  );
  const own = (Number(fields[11]) + Number(fields[12])) / TICKS;
  return children.reduce((sum, child) => sum + processorTime(Number(child)), own);
};

test('an idle guest takes less than 5 % of a processor; its last output all arrives', async (t) => {
  const guest = boot(['--vcpus', '2'], { input: null });
  guest.write('echo at the "prompt"\n');
  await guest.until((stdout) => /^at the prompt\r$/m.test(stdout));
  // What the kernel does once after booting is over then.
  await sleep(1500);
  const before = processorTime(guest.child.pid as number);
  await sleep(MEASURED_SECONDS * 1000);
  const share = (processorTime(guest.child.pid as number) - before) / MEASURED_SECONDS;
  t.diagnostic(`an idle guest with two vCPUs: ${(share * 100).toFixed(1)} % of a processor`);

  const last = 100_000;
  guest.write(`seq 1 ${last} > /tmp/numbers; cat /tmp/numbers; poweroff -f\n`);
  const { status, stdout } = await guest.ended;
  assert.equal(status, 0);
  const lines = stdout.split('\r\n');
  const first = lines.indexOf('1');
  assert.deepEqual(
    lines.slice(first, first + last),
    Array.from({ length: last }, (_, i) => String(i + 1)),
  );
  assert.ok(share < MOST, `${share} of a processor`);
});
