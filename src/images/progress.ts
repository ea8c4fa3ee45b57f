/** What is being done, for a person who waits. */
export interface Progress {
  readonly step: 'download' | 'unpack' | 'build';
  /** The file or thing in hand. */
  readonly what: string;
  /** Bytes so far, of `total` where that is known. */
  readonly done: number;
  readonly total?: number;
  /** Present when a download is tried again: why. */
  readonly retry?: string;
}

export type ProgressListener = (progress: Progress) => void;
