import assert from 'node:assert/strict';
import { commandStatus, commandWord } from '../../src/images/guest-command.ts';
import { complaints } from '../../tools/kernel-log.ts';
import { Command, type CommandOptions, type Outcome } from '../cli/command.ts';

/** Boots the default image as a user does. Without a mirror and a cache that fails with the program's own message. */

/** Milliseconds a guest may take from the command to its end, on a busy machine that fetches the image first. */
const LIMIT = 150_000;

export const boot = (args: readonly string[], options: CommandOptions = {}): Command =>
  new Command(['run', ...args], { limit: LIMIT, ...options });

/** Words for the kernel command line, as arguments. */
export const append = (...words: readonly string[]): string[] => ['--append', words.join(' ')];

/** Boots, runs a shell script as the guest's only program, and wants it to succeed. Lines end as the terminal ends them: CR LF. */
export const bootAndRun = async (
  script: string,
  args: readonly string[],
  words: readonly string[],
): Promise<Outcome> => {
  const outcome = await boot([...args, ...append(...words, commandWord(script))]).ended;
  assert.equal(outcome.status, 0, outcome.stderr + outcome.stdout);
  assert.equal(commandStatus(outcome.stdout), 0, outcome.stdout);
  return outcome;
};

/** Wants a kernel log without anything that the kernel complains about. */
export const assertNoTrouble = (log: string): void => {
  assert.deepEqual(complaints(log), []);
};
