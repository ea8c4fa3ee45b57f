/** Fetching with retries, resumption and checks. */
import { concatBytes } from './bytes.ts';
import { ImageError } from './errors.ts';
import type { ProgressListener } from './progress.ts';
import type { ObjectStore, PartialObject } from './store.ts';
import type { Transport } from './transport.ts';

export interface DownloadContext {
  readonly transport: Transport;
  readonly store: ObjectStore;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Waits before the n-th further attempt that brought nothing new, in milliseconds; tests shorten them. */
  readonly retryDelays?: readonly number[] | undefined;
}

const DefaultRetryDelays = [500, 2000, 5000] as const;

function isTransient(error: unknown): error is ImageError {
  return error instanceof ImageError && error.code === 'network';
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Repeats `attempt` over transient failures; those after which `position` has grown do not count. */
async function withRetries<T>(
  context: DownloadContext,
  what: string,
  position: () => number,
  attempt: () => Promise<T>,
): Promise<T> {
  const { retryDelays = DefaultRetryDelays, signal, onProgress } = context;
  let failures = 0;
  let reached = position();
  while (true) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (position() > reached) failures = 0;
      reached = position();
      if (failures >= retryDelays.length) throw error;
      onProgress?.({ step: 'download', what, done: reached, retry: error.message });
      await sleep(retryDelays[failures++], signal);
    }
  }
}

/**
 * A file whose hash is not known beforehand, in memory.
 *
 * @param limit more bytes than this are an error
 * @throws ImageError `network`, `not-found`
 */
export async function fetchSmall(
  context: DownloadContext,
  url: string,
  what: string,
  limit: number,
): Promise<Uint8Array> {
  const { transport, signal, onProgress } = context;
  return await withRetries(
    context,
    what,
    () => 0,
    async () => {
      const response = await transport.open(url, 0, signal);
      const { body, total } = response;
      const parts: Uint8Array[] = [];
      let done = 0;
      try {
        for await (const chunk of body) {
          done += chunk.length;
          if (done > limit) throw new ImageError('hash', `${url}: larger than the ${limit} bytes such a file may have`);
          parts.push(chunk);
          onProgress?.({ step: 'download', what, done, ...(total === undefined ? {} : { total }) });
        }
      } finally {
        response.close();
      }
      if (total !== undefined && done < total) {
        throw new ImageError('network', `${url}: the connection ended after ${done} of ${total} bytes`);
      }
      return concatBytes(parts);
    },
  );
}

export interface WantedObject {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Where to find it, tried in turn when the server does not have it. */
  readonly urls: readonly string[];
  /** How messages and progress call it. */
  readonly what: string;
}

async function receive(
  context: DownloadContext,
  wanted: WantedObject,
  url: string,
  partial: PartialObject,
): Promise<void> {
  const { transport, signal, onProgress } = context;
  const { size, what } = wanted;
  if (partial.length > size) await partial.restart();
  if (partial.length === size) return;
  const response = await transport.open(url, partial.length, signal);
  try {
    if (response.offset !== partial.length) await partial.restart();
    if (response.total !== undefined && response.total !== size) {
      throw new ImageError('hash', `${url}: the mirror's file has ${response.total} bytes, its index says ${size}`);
    }
    for await (const chunk of response.body) {
      if (partial.length + chunk.length > size) {
        throw new ImageError('hash', `${url}: the mirror's file has more than the ${size} bytes its index says`);
      }
      await partial.append(chunk);
      onProgress?.({ step: 'download', what, done: partial.length, total: size });
    }
  } finally {
    response.close();
  }
  if (partial.length < size) {
    throw new ImageError('network', `${url}: the connection ended after ${partial.length} of ${size} bytes`);
  }
}

async function fetchFrom(context: DownloadContext, wanted: WantedObject, url: string): Promise<Uint8Array> {
  const partial = await context.store.partial(wanted.sha256);
  try {
    const isResumed = partial.length > 0;
    const attempt = (): Promise<void> => receive(context, wanted, url, partial);
    await withRetries(context, wanted.what, () => partial.length, attempt);
    const content = await partial.commit();
    if (content !== undefined) return content;
    // What an earlier attempt left may itself be damaged: once more from the start.
    if (isResumed) return await fetchFrom(context, wanted, url);
    throw new ImageError('hash', `${url}: what the mirror sent does not have the SHA-256 that its index says`);
  } finally {
    await partial.close();
  }
}

/**
 * An object from the store, or else fetched into it. An interrupted download is resumed, by a later run too.
 *
 * @throws ImageError `network`, `not-found`, `hash`; the store's own
 */
export async function fetchObject(context: DownloadContext, wanted: WantedObject): Promise<Uint8Array> {
  const stored = await context.store.get(wanted.sha256);
  if (stored !== undefined) return stored;
  let missing: unknown;
  for (const url of wanted.urls) {
    try {
      return await fetchFrom(context, wanted, url);
    } catch (error) {
      if (!(error instanceof ImageError) || error.code !== 'not-found') throw error;
      missing = error;
    }
  }
  throw missing;
}
