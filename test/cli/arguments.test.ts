import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRun } from '../../src/cli/run-options.ts';
import { hostrock } from './command.ts';

/** Wrong arguments: status 2, and a line that names what is wrong. */

const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['run', '--no-such-option'], /Unknown option '--no-such-option'/],
  [['run', 'positional'], /positional/],
  [['run', '--kernel'], /--kernel/],
  [['run', '--json=yes'], /--json/],
  [['run', '--memory', 'lots'], /--memory 'lots' is no size/],
  [['run', '--memory', '0'], /--memory '0' is not from 1M to 3072M/],
  [['run', '--memory', '900G'], /--memory '900G' is not from 1M to 3072M/],
  [['run', '--memory=-5M'], /--memory '-5M' is no size/],
  [['run', '--vcpus', '0'], /--vcpus '0' is not a whole number from 1 to 8/],
  [['run', '--vcpus', '9'], /--vcpus '9'/],
  [['run', '--vcpus', '1.5'], /--vcpus '1.5'/],
  [['run', '--pcpus', 'x'], /--pcpus 'x'/],
  [['run', '--timeout', 'soon'], /--timeout 'soon' is no length of time/],
  [['run', '--timeout', '0'], /--timeout '0'/],
  [['run', '--timeout', 'Infinity'], /--timeout 'Infinity'/],
  [['run', '--gic', '4'], /--gic '4' is neither 2 nor 3/],
  [['run', '--hot-threshold', '70000'], /--hot-threshold '70000'/],
  [['run', '--code-cache', '1K'], /--code-cache '1K' is less than 1M/],
  [['run', '--trace', 'exits,nonsense'], /no event 'nonsense': there are exceptions, /],
  [['run', '--trace', 'exits:'], /names no file/],
  [['run', '--disturb', '0'], /--disturb '0'/],
  [['run', '--ramdisk', '/dev/null'], /--ramdisk goes with --kernel/],
];

test('what `run` does not take is refused with a message that names it', () => {
  for (const [[, ...args], message] of wrong) assert.throws(() => parseRun(args, 2), message);
});

test('each refusal is one line on standard error, and status 2', async () => {
  const cases: readonly (readonly string[])[] = [
    ['nonsense'],
    ['constructor'],
    ['run', '--no-such-option'],
    ['run', '--vcpus', '9'],
    ['doctor', '--fast'],
  ];
  for (const args of cases) {
    const { status, stdout, stderr } = await hostrock(args);
    assert.equal(status, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /^hostrock: [^\n]+\n$/, args.join(' '));
    assert.ok(stderr.includes(args.at(-1) as string) || stderr.includes(args.at(-2) as string), stderr);
  }
});

test('no command at all: the help on standard error, status 2', async () => {
  const { status, stdout, stderr } = await hostrock([]);
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /usage: hostrock COMMAND/);
});

test('help and version are answers: standard output, status 0', async () => {
  for (const args of [['--help'], ['--version'], ['run', '--help'], ['run', '-h'], ['doctor', '--help']]) {
    const { status, stdout, stderr } = await hostrock(args);
    assert.equal(status, 0, args.join(' '));
    assert.equal(stderr, '');
    assert.match(stdout, args[0] === '--version' ? /^hostrock \d+\.\d+\.\d+\n$/ : /^usage: |\nusage: /);
  }
});

test('doctor tells what it found, also as JSON', async () => {
  const { status, stdout } = await hostrock(['doctor', '--json']);
  assert.equal(status, 0);
  const { able, findings } = JSON.parse(stdout) as { able: boolean; findings: { name: string; ok: boolean }[] };
  assert.equal(able, true);
  assert.deepEqual(
    findings.filter(({ name }) => ['node', 'simd', 'shared memory'].includes(name)).map(({ ok }) => ok),
    [true, true, true],
  );
});
