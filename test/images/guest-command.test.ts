import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCpio, writeCpio } from '../../src/images/cpio.ts';
import { commandStatus, commandWord, ramdiskWithCommand } from '../../src/images/guest-command.ts';

test('a script becomes one word of the command line', () => {
  const script = 'echo "größer"; exit 3\n';
  const word = commandWord(script);
  assert.match(word, /^hostrock\.exec=[A-Za-z0-9+/]+=*$/);
  assert.equal(Buffer.from(word.slice('hostrock.exec='.length), 'base64').toString(), script);
});

test('a script of any length becomes part of the ramdisk', () => {
  const script = 'true\n'.repeat(5000);
  const ramdisk = ramdiskWithCommand(writeCpio([{ path: 'init', mode: 0o100755 }]), script);
  const files = new Map(
    [...readCpio(ramdisk, 'ramdisk')].map(({ path, data }) => [path, Buffer.from(data ?? []).toString()]),
  );
  assert.deepEqual([...files.keys()], ['init', 'hostrock', 'hostrock/exec']);
  assert.equal(files.get('hostrock/exec'), script);
});

test('the exit status is the last line of its form', () => {
  assert.equal(commandStatus('booting\r\n'), undefined);
  assert.equal(commandStatus('echo hostrock.exit=3\r\n'), undefined);
  assert.equal(commandStatus('hostrock.exit=3\r\nmore\r\n\r\nhostrock.exit=142\r\n[ 1.0] reboot: Power down'), 142);
  assert.equal(commandStatus('hostrock.exit=0\n'), 0);
});
