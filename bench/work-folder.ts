import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExitStatus } from '../src/cli/exit-status.ts';

/** Does something in a folder that goes away afterwards, `stop` being called before: also on Ctrl-C and SIGTERM. */
export const inWorkFolder = async <T>(body: (folder: string) => Promise<T>, stop: () => void): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'hostrock-bench-'));
  const cleanUp = (): void => {
    stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const interrupt = (): void => process.exit(ExitStatus.failure);
  process.on('exit', cleanUp);
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await body(folder);
  } finally {
    cleanUp();
    process.off('exit', cleanUp);
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
};
