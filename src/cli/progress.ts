import type { Progress, ProgressListener } from '../images/progress.ts';

/** Progress of long work on standard error: one line that changes on a terminal, one line a step elsewhere. */

const MIB = 2 ** 20;
/** Milliseconds between updates of the line. */
const INTERVAL = 100;
const CLEAR_LINE = '\r\x1b[K';

const describe = ({ what, done, total }: Progress): string => {
  const amount = total === undefined ? '' : `  ${(done / MIB).toFixed(1)} of ${(total / MIB).toFixed(1)} MiB`;
  return `${what}${amount}`;
};

export interface ProgressDisplay {
  readonly update: ProgressListener;
  /** Removes the line. */
  readonly done: () => void;
}

export const showProgress = (stream: NodeJS.WriteStream = process.stderr): ProgressDisplay => {
  let last = '';
  let shownAt = 0;
  let shown = false;
  return {
    update: (progress) => {
      if (progress.retry !== undefined) {
        stream.write(`${shown ? CLEAR_LINE : ''}hostrock: ${progress.retry}; trying again\n`);
        return;
      }
      const now = performance.now();
      const step = progress.what !== last;
      if (stream.isTTY !== true) {
        if (step) stream.write(`hostrock: ${progress.what}\n`);
      } else if (step || now - shownAt >= INTERVAL) {
        stream.write(`${CLEAR_LINE}${describe(progress)}`);
        shown = true;
        shownAt = now;
      }
      last = progress.what;
    },
    done: () => {
      if (shown) stream.write(CLEAR_LINE);
    },
  };
};
