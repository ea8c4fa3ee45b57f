/** Where fetched and built files are kept; hosts bring the implementation. */

/** A file of known hash on its way into the store. */
export interface PartialObject {
  /** Bytes already there, from this attempt or an earlier one that was interrupted. */
  readonly length: number;
  append(chunk: Uint8Array): Promise<void>;
  /** Drops what is there. */
  restart(): Promise<void>;
  /**
   * Puts the file in its place if its hash is right, and returns its content.
   *
   * @returns undefined when the hash is wrong; then nothing is left of it
   */
  commit(): Promise<Uint8Array | undefined>;
  /** Lets go, keeping what is there for a later attempt; does nothing after `commit`. */
  close(): Promise<void>;
}

/**
 * Objects named by their SHA-256, and small named records. Writes are atomic: a reader sees all of a file or none.
 * Methods throw ImageError `disk-full`, `permission` or `io`.
 */
export interface ObjectStore {
  /** The content, its hash checked; undefined when absent or damaged, and then a damaged one is gone. */
  get(sha256: string): Promise<Uint8Array | undefined>;
  /** Whether an object of that size is there; its hash is not checked. */
  has(sha256: string, size: number): Promise<boolean>;
  /** Returns its SHA-256. */
  put(content: Uint8Array): Promise<string>;
  /** Continues an interrupted write of this object or starts one. */
  partial(sha256: string): Promise<PartialObject>;
  /** Names consist of letters, digits, `.`, `+`, `_` and `-`. */
  readRecord(name: string): Promise<string | undefined>;
  writeRecord(name: string, text: string): Promise<void>;
}
