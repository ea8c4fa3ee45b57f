/** Exit statuses of every command; other programs rely on them. */
export const ExitStatus = {
  success: 0,
  /** The guest crashed, or the command failed. */
  failure: 1,
  /** Wrong arguments. */
  usage: 2,
  /** The time limit passed, as timeout(1) says it. */
  timeout: 124,
  /** Nobody reads the output any more: what SIGPIPE would give. Other signals add their number to 128 likewise. */
  brokenPipe: 141,
} as const;

/** A failure that the user can understand from its message alone. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly status: number;

  constructor(message: string, status: number = ExitStatus.usage) {
    super(message);
    this.status = status;
  }
}
