import { availableParallelism } from 'node:os';
import { nodePlatform } from '../host/node/node-platform.ts';
import { wantsTranslator } from '../host/translator-choice.ts';
import { ExitStatus } from './exit-status.ts';
import { parseRun } from './run-options.ts';

/** `hostrock run`: one guest, its console on this terminal. */

export const run = async (args: string[]): Promise<number> => {
  const settings = parseRun(args, availableParallelism());
  if (typeof settings === 'string') {
    process.stdout.write(settings);
    return ExitStatus.success;
  }
  // The threads load their part of the program while this one loads its own.
  const platform = nodePlatform(settings.physicalCpus, wantsTranslator(settings.hotThreshold));
  const { runSettings } = await import('./guest.ts');
  return await runSettings(settings, platform);
};
