/** Reads from a busybox binary which commands it can be called as, since nothing here can run it. */
import { decodeText, encodeText, indexOfBytes } from './bytes.ts';
import { formatError } from './errors.ts';

/** The table of applet names is sorted, NUL-separated, and starts with the two spellings of `test`. */
const TableStart = encodeText('[\0[[\0');
const AppletName = /^[a-z0-9[][a-z0-9_.[-]{0,31}$/;
/** A build with a shell and the usual commands has hundreds; fewer means the bytes are something else. */
const FewestApplets = 50;

/** Names from `at` on for as long as they are sorted and look like commands. */
function namesFrom(binary: Uint8Array, at: number): string[] {
  const names: string[] = [];
  let start = at;
  while (true) {
    const end = binary.indexOf(0, start);
    if (end < 0 || end - start > 32) return names;
    const name = decodeText(binary.subarray(start, end));
    if (!AppletName.test(name) || (names.length > 0 && name <= names[names.length - 1])) return names;
    names.push(name);
    start = end + 1;
  }
}

/**
 * The applet names, sorted.
 *
 * @param file the name used in errors
 * @throws ImageError `format` when the binary has no such table
 */
export function busyboxApplets(binary: Uint8Array, file: string): string[] {
  for (let at = indexOfBytes(binary, TableStart); at >= 0; at = indexOfBytes(binary, TableStart, at + 1)) {
    const names = namesFrom(binary, at);
    if (names.length >= FewestApplets) return names;
  }
  throw formatError(file, 0, 'not a busybox binary: it has no table of applets');
}
