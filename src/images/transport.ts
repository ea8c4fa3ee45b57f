/** How files are fetched from a mirror; hosts bring the implementation. */

export interface TransportResponse {
  /** Where in the file the body starts: the offset asked for, or 0 from servers that cannot resume. */
  readonly offset: number;
  /** Bytes of the whole file, where the server says. */
  readonly total?: number;
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets go of the connection, whether or not the body was read. */
  close(): void;
}

export interface Transport {
  /**
   * Starts fetching a file at an offset. Redirections are followed.
   *
   * @throws ImageError `not-found` when the server has no such file or refuses it; `network` when trying again may
   *   help. The body may throw `network`, too.
   */
  open(url: string, offset: number, signal?: AbortSignal): Promise<TransportResponse>;
}
