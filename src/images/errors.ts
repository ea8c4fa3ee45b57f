/**
 * What went wrong, for programs:
 * - `format`: a file is malformed or truncated; the message names the file and the byte offset
 * - `unsupported`: well formed, but of a kind this program does not handle
 * - `signature`, `hash`: an archive's files are not what its keys or its index vouch for
 * - `expired`: a Release file is past its Valid-Until date, or older than one already seen
 * - `no-mirror`, `offline`, `network`, `not-found`: nothing to ask, not allowed to ask, no answer, no such file
 * - `dependency`: a package cannot be resolved
 * - `disk-full`, `permission`, `io`: the cache folder or a named file
 */
export type ImageErrorCode =
  | 'format'
  | 'unsupported'
  | 'signature'
  | 'hash'
  | 'expired'
  | 'no-mirror'
  | 'offline'
  | 'network'
  | 'not-found'
  | 'dependency'
  | 'disk-full'
  | 'permission'
  | 'io';

/** The one error class of this layer; the message is written for the person at the terminal. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A malformed file: `file` is its name as the user knows it, `offset` where in it, in bytes. */
export function formatError(file: string, offset: number, problem: string, options?: ErrorOptions): ImageError {
  return new ImageError('format', `${file}: at byte ${offset}: ${problem}`, options);
}
