import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { registers } from '../../src/cpu/arm64/assembler.ts';
import { assertNoTrouble, boot } from './guest.ts';
import { staticProgram } from './static-program.ts';

/**
 * Programs in the guest give the right answers: what they say is compared with what is computed here. The commands come over the
 * console, a line each, as a person or a script would give them.
 */

const numbers = (first: number, last: number): string =>
  Array.from({ length: last - first + 1 }, (_, i) => `${first + i}\n`).join('');

const hash = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex');

const DATA = numbers(1, 20_000);

/** Iterations of x -> 3.9 x (1 - x): chaotic, so that the last digits tell of any rounding error on the way. */
const logistic = (count: number): string => {
  let x = 0.5;
  for (let i = 0; i < count; i++) x = 3.9 * x * (1 - x);
  return x.toFixed(17);
};

const collatz = (start: number): number => {
  let steps = 0;
  for (let n = start; n !== 1; n = n % 2 === 0 ? n / 2 : 3 * n + 1) steps++;
  return steps;
};

const factorial = (n: number): string => {
  let product = 1n;
  for (let i = 2n; i <= n; i++) product *= i;
  return String(product);
};

const harmonic = (count: number): string => {
  let sum = 0;
  for (let i = 1; i <= count; i++) sum += 1 / i;
  return sum.toFixed(17);
};

const SIGBUS = 7;
const BUS_ADRALN = 1;
const SA_SIGINFO = 4;
const SYS_RT_SIGACTION = 134;
const SYS_EXIT = 93;
const SYS_GETPID = 172;

/**
 * Misaligns its stack pointer, which does not matter to a system call, and stores by it. Its signal handler makes the exit status
 * of the signal's number and code, if the signal's address is the stack pointer.
 */
const misalignedStack = staticProgram((a) => {
  const { x0, x1, x2, x3, x8, x19, w4, w5, sp } = registers;
  a.mov(x0, SIGBUS);
  a.adr(x1, 'action');
  a.mov(x2, 0);
  a.mov(x3, 8);
  a.mov(x8, SYS_RT_SIGACTION);
  a.svc(0);
  a.sub(x19, sp, 8);
  a.mov(sp, x19);
  a.mov(x8, SYS_GETPID);
  a.svc(0);
  a.str(x0, [sp, 0]);
  a.label('fail');
  a.mov(x0, 1);
  a.mov(x8, SYS_EXIT);
  a.svc(0);
  a.label('handler');
  a.ldr(x3, [x1, 16]);
  a.cmp(x3, x19);
  a.b('fail', 'ne');
  a.ldr(w4, [x1, 0]);
  a.ldr(w5, [x1, 8]);
  a.lsl(w4, w4, 4);
  a.add(x0, registers.x4, registers.x5);
  a.mov(x8, SYS_EXIT);
  a.svc(0);
  a.align(8);
  a.label('action');
  // Handler, flags, restorer, mask.
  a.quad('handler', SA_SIGINFO, 0, 0);
});

interface Case {
  readonly name: string;
  /** A shell command in one line; what it prints is the answer. */
  readonly command: string;
  readonly answer: string;
}

const cases: readonly Case[] = [
  { name: 'md5', command: 'md5sum < data', answer: `${hash('md5', DATA)}  -` },
  { name: 'sha1', command: 'sha1sum < data', answer: `${hash('sha1', DATA)}  -` },
  { name: 'sha256', command: 'sha256sum < data', answer: `${hash('sha256', DATA)}  -` },
  { name: 'sha512', command: 'sha512sum < data', answer: `${hash('sha512', DATA)}  -` },
  { name: 'crc32', command: 'crc32 < data', answer: crc32(DATA).toString(16).padStart(8, '0') },
  { name: 'gzip', command: 'gzip -c data | gunzip -c | cmp - data && echo same', answer: 'same' },
  { name: 'base64', command: 'base64 data | base64 -d | md5sum', answer: `${hash('md5', DATA)}  -` },
  { name: 'cpio', command: 'echo data | cpio -o -H newc 2>/dev/null | cpio -t 2>/dev/null', answer: 'data' },
  { name: 'tar', command: 'tar cz data | tar xzO | sha1sum', answer: `${hash('sha1', DATA)}  -` },
  { name: 'sort', command: 'sort -rn data | head -1', answer: '20000' },
  {
    name: 'sed',
    command: `sed -n '/^1234.$/s/4/x/p' data | tr '\\n' ' '`,
    answer: '123x0 123x1 123x2 123x3 123x4 123x5 123x6 123x7 123x8 123x9 '.trim(),
  },
  {
    name: 'logistic',
    command: `awk 'BEGIN { x = 0.5; for (i = 0; i < 1000; i++) x = 3.9 * x * (1 - x); printf "%.17f", x }'`,
    answer: logistic(1000),
  },
  {
    name: 'harmonic',
    command: `awk 'BEGIN { for (i = 1; i <= 5000; i++) s += 1 / i; printf "%.17f", s }'`,
    answer: harmonic(5000),
  },
  {
    name: 'functions',
    command: `echo 'scale=20; s(1); e(1); a(1)' | bc -l`,
    answer: '.84147098480789650665 2.71828182845904523536 .78539816339744830961',
  },
  {
    name: 'infinity',
    command: `awk 'BEGIN { x = 1e308 * 10; printf "%g %g %d", x, -x, (1e-320 > 0) }'`,
    answer: 'inf -inf 1',
  },
  {
    name: 'factorial',
    command: `echo 'define f(n) { if (n < 2) return 1; return n * f(n - 1); }; f(30)' | bc`,
    answer: factorial(30),
  },
  { name: 'root', command: `echo 'scale=30; sqrt(2)' | bc`, answer: '1.414213562373095048801688724209' },
  {
    name: 'collatz',
    command:
      'n=97 s=0; while [ $n -ne 1 ]; do if [ $((n % 2)) -eq 0 ]; then n=$((n / 2)); else n=$((3 * n + 1)); fi; s=$((s + 1)); done; echo $s',
    answer: String(collatz(97)),
  },
  {
    name: 'division',
    command: 'echo $((-7 / 2)) $((-7 % 2)) $((1 << 62)) $((0x7fffffffffffffff + 1))',
    answer: '-3 -1 4611686018427387904 -9223372036854775808',
  },
  {
    name: 'forks',
    command: 'i=0; while [ $i -lt 200 ]; do (exit $((i % 7))) || : & i=$((i + 1)); done; wait; echo $i',
    answer: '200',
  },
  {
    name: 'processes',
    command:
      'i=0 s=0; while [ $i -lt 60 ]; do /bin/sh -c "exit $((i % 5))"; s=$((s + $?)); i=$((i + 1)); done; echo $s',
    answer: '120',
  },
  { name: 'pipeline', command: 'cat data | cat | cat | cat | cat | cat | md5sum', answer: `${hash('md5', DATA)}  -` },
  {
    name: 'trap',
    command: `sh -c 'n=0; trap "n=\\$((n + 1))" USR1; i=0; while [ $i -lt 50 ]; do kill -USR1 $$; i=$((i + 1)); done; echo $n'`,
    answer: '50',
  },
  { name: 'killed', command: 'sleep 100 & kill -TERM $!; wait $!; echo $?', answer: 'Terminated 143' },
  { name: 'abort', command: "sh -c 'kill -SEGV $$'; echo $?", answer: 'Segmentation fault 139' },
  {
    name: 'stack',
    command: `echo ${misalignedStack.toString('base64')} | base64 -d > stack; chmod +x stack; ./stack; echo $?`,
    answer: String((SIGBUS << 4) + BUS_ADRALN),
  },
  { name: 'timeout', command: 'timeout 0.2 sleep 50; echo $?', answer: 'Terminated 143' },
  {
    name: 'alarm',
    command: 'a=$(date +%s); sleep 1; b=$(date +%s); [ $((b - a)) -ge 1 ] && [ $((b - a)) -le 20 ] && echo good',
    answer: 'good',
  },
  {
    name: 'memory',
    command: 'dd if=/dev/zero bs=1M count=24 2>/dev/null | tr "\\000" x > big; wc -c < big; rm big',
    answer: String(24 * 2 ** 20),
  },
  {
    name: 'loopback',
    command: 'echo over the net | nc -l -p 7 > got & sleep 1; echo ping | nc 127.0.0.1 7; wait; cat got',
    answer: 'over the net ping',
  },
];

/** A command whose answer, in one line, is marked so that no echo of the command is taken for it. */
const marked = ({ name, command }: Case): string => `r ${name} "$({ ${command}; } 2>&1 | tr '\\n' ' ')"\n`;

test('programs give the right answers', async (t) => {
  const script = [
    `cd /tmp; r() { echo "answer:$1=\${2% }"; }; seq 1 20000 > data\n`,
    ...cases.map(marked),
    'dmesg > log; echo "log=$(grep -c . log)"; cat log; exit 0\n',
  ].join('');
  const { status, stdout, stderr } = await boot([], { input: script }).ended;
  assert.equal(status, 0, stderr + stdout);
  assertNoTrouble(stdout.slice(stdout.indexOf('answer:')));
  for (const { name, answer } of cases) {
    await t.test(name, () => {
      const given = new RegExp(`^answer:${name}=(.*)\\r$`, 'm').exec(stdout)?.[1];
      assert.equal(given, answer);
    });
  }
});
