/** The common `ar` archive format, as .deb files use it (deb(5), Linux ar.h). */
import { decodeText, encodeText, startsWith } from './bytes.ts';
import { formatError } from './errors.ts';

export interface ArMember {
  readonly name: string;
  /** Where the content starts in the archive, in bytes. */
  readonly offset: number;
  /** A view into the archive. */
  readonly data: Uint8Array;
}

const Magic = encodeText('!<arch>\n');
const HeaderLength = 60;

/**
 * The members in order.
 *
 * @param file the name used in errors
 * @throws ImageError `format`, naming the offset
 */
export function* readAr(bytes: Uint8Array, file: string): Generator<ArMember> {
  if (!startsWith(bytes, Magic)) throw formatError(file, 0, 'not an ar archive');
  let at = Magic.length;
  while (at < bytes.length) {
    if (bytes.length - at < HeaderLength) throw formatError(file, at, 'truncated within an ar header');
    const header = bytes.subarray(at, at + HeaderLength);
    if (header[58] !== 0x60 || header[59] !== 0x0a)
      throw formatError(file, at + 58, 'an ar header without its end mark');
    // GNU ar ends a name with a slash, the original with spaces alone.
    const name = decodeText(header.subarray(0, 16)).replace(/\/? *$/, '');
    const sizeText = decodeText(header.subarray(48, 58)).trimEnd();
    if (!/^[0-9]{1,10}$/.test(sizeText)) throw formatError(file, at + 48, 'an ar header whose size is not a number');
    const size = Number(sizeText);
    at += HeaderLength;
    if (bytes.length - at < size) {
      throw formatError(file, at, `truncated: ${name} needs ${size} bytes, ${bytes.length - at} are left`);
    }
    yield { name, offset: at, data: bytes.subarray(at, at + size) };
    at += size + (size & 1);
  }
}
