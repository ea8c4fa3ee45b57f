/** Release files: what an archive says of a suite, above all the hashes of its indexes (Debian's RepositoryFormat). */
import { formatError, ImageError } from '../errors.ts';
import { parseControl } from './control.ts';

export interface IndexFile {
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface Release {
  readonly origin: string;
  readonly suite: string;
  readonly codename: string;
  readonly date: Date;
  /** Absent where the archive promises nothing, as for stable suites. */
  readonly validUntil?: Date;
  /** Indexes can be fetched by their hash, which no update of the mirror disturbs. */
  readonly byHash: boolean;
  /** By path below the suite's folder. */
  readonly files: ReadonlyMap<string, IndexFile>;
}

function parseDate(text: string, file: string, field: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw formatError(file, 0, `its ${field} ${JSON.stringify(text)} is not a date`);
  return date;
}

/**
 * @param text the signed text, not the file around it
 * @param file the name used in errors
 * @throws ImageError `format`
 */
export function parseRelease(text: string, file: string): Release {
  const [fields] = parseControl(text, file);
  const date = fields?.get('date');
  const list = fields?.get('sha256');
  if (fields === undefined || date === undefined || list === undefined) {
    throw formatError(file, 0, 'not a Release file: its Date or SHA256 field is missing');
  }
  const files = new Map<string, IndexFile>();
  for (const line of list.split('\n')) {
    if (line.trim() === '') continue;
    const match = /^([0-9a-f]{64}) +([0-9]{1,12}) +(\S+)$/.exec(line.trim());
    if (match === null) throw formatError(file, 0, `the SHA256 line ${JSON.stringify(line)} is malformed`);
    files.set(match[3], { sha256: match[1], size: Number(match[2]) });
  }
  const validUntil = fields.get('valid-until');
  return {
    origin: fields.get('origin') ?? '',
    suite: fields.get('suite') ?? '',
    codename: fields.get('codename') ?? '',
    date: parseDate(date, file, 'Date'),
    ...(validUntil === undefined ? {} : { validUntil: parseDate(validUntil, file, 'Valid-Until') }),
    byHash: fields.get('acquire-by-hash') === 'yes',
    files,
  };
}

/**
 * The file must be about the suite that was asked for, and not past the time its archive vouches for it: an old but
 * rightly signed file hides security updates.
 *
 * @throws ImageError `signature` for another suite's file, `expired`
 */
export function checkRelease(release: Release, suite: string, now: Date, allowExpired: boolean, file: string): void {
  if (release.suite !== suite && release.codename !== suite) {
    throw new ImageError(
      'signature',
      `${file}: is about the suite ${release.suite} (${release.codename}), where ${suite} was asked for`,
    );
  }
  if (allowExpired || release.validUntil === undefined || now <= release.validUntil) return;
  throw new ImageError(
    'expired',
    `${file}: expired on ${release.validUntil.toUTCString()}. Either the mirror no longer follows Debian, or this ` +
      `machine's clock (${now.toUTCString()}) is wrong. To use it all the same, give --allow-expired.`,
  );
}
