/**
 * The user's terminal as a guest's console: raw while attached, restored whatever happens. Ctrl-] leaves. A pipe or file is
 * read no faster than the guest takes it.
 */

const ESCAPE = 0x1d;
const END_OF_FILE = 0x04;
/** Milliseconds between one end of file and the next. */
const END_INTERVAL = 500;

export interface TerminalEvents {
  /** Input for the guest; false if it should stop until `resume` is called. */
  onInput(bytes: Uint8Array): boolean;
  /** The user pressed Ctrl-]. */
  onLeave(): void;
  /** Whether each of the guest's programs is told of the end of a pipe, not only the first that reads it. */
  readonly staysAtEnd: boolean;
}

export interface Terminal {
  /** Lets input come again. */
  resume(): void;
  /** Gives the terminal back as it was. */
  detach(): void;
}

/** Attaches standard input to a guest's console. */
export const attachTerminal = ({ onInput, onLeave, staysAtEnd }: TerminalEvents): Terminal => {
  const stdin: NodeJS.ReadStream = process.stdin;
  const raw = stdin.isTTY === true;
  const restore = (): void => {
    if (raw && stdin.isRaw) stdin.setRawMode(false);
  };
  const onData = (chunk: Buffer): void => {
    const leaves = raw ? chunk.indexOf(ESCAPE) : -1;
    const bytes = leaves < 0 ? chunk : chunk.subarray(0, leaves);
    // A terminal is read on whatever the guest does: Ctrl-] must be seen.
    if (bytes.length > 0 && !onInput(bytes) && !raw) stdin.pause();
    if (leaves >= 0) onLeave();
  };
  let ending: NodeJS.Timeout | undefined;
  // A pipe that ends says what a person says with Ctrl-D, and to the next reader, too, once the first has gone.
  const onEnd = (): void => {
    if (raw || ending !== undefined) return;
    onInput(Uint8Array.of(END_OF_FILE));
    if (staysAtEnd) ending = setInterval(() => onInput(Uint8Array.of(END_OF_FILE)), END_INTERVAL);
  };
  if (raw) stdin.setRawMode(true);
  process.on('exit', restore);
  stdin.on('data', onData);
  stdin.on('end', onEnd);
  stdin.on('error', onEnd);
  stdin.resume();
  return {
    resume: () => {
      stdin.resume();
    },
    detach: () => {
      restore();
      clearInterval(ending);
      process.off('exit', restore);
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      stdin.off('error', onEnd);
      // A pipe whose other end stays open must not keep the process.
      stdin.destroy();
    },
  };
};
