/** Turns the errors of Node's file functions into ones a person can act on. */
import { ImageError } from '../errors.ts';

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * @param action what was being done, such as "write"
 * @param advice what the person can do about a full disk or missing rights
 */
export function fileError(error: unknown, action: string, path: string, advice = ''): ImageError {
  const cause = { cause: error };
  const end = advice === '' ? '' : ` ${advice}`;
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ImageError('disk-full', `cannot ${action} ${path}: no space is left on its disk.${end}`, cause);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ImageError('permission', `cannot ${action} ${path}: permission denied.${end}`, cause);
    case 'ENOENT':
      return new ImageError('io', `cannot ${action} ${path}: there is no such file or folder`, cause);
    default:
      return new ImageError('io', `cannot ${action} ${path}: ${error instanceof Error ? error.message : error}`, cause);
  }
}
