/** Fetches over HTTP, HTTPS and from local files (`file:`), through a proxy where the environment names one. */
import { open } from 'node:fs/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import { fileURLToPath } from 'node:url';
import { ImageError } from '../errors.ts';
import type { Transport, TransportResponse } from '../transport.ts';
import { errorCode, fileError } from './file-errors.ts';

export interface HttpTransportOptions {
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case, as curl reads them. */
  readonly environment?: NodeJS.ProcessEnv;
  /** A connection silent for this long counts as broken, in milliseconds. */
  readonly silence?: number;
}

const DefaultSilence = 30_000;
const MaximumRedirections = 10;

const NetworkProblems: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is unknown: is the mirror spelled right, is there a network?',
  EAI_AGAIN: 'the host name cannot be looked up: is there a network?',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was broken off',
  EPIPE: 'the connection was broken off',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'there is no network',
  CERT_HAS_EXPIRED: "the server's certificate has expired",
};

function networkError(url: string, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  const code = errorCode(error) ?? '';
  const problem = NetworkProblems[code] ?? (error instanceof Error && error.message !== '' ? error.message : code);
  return new ImageError('network', `${url}: ${problem}`, { cause: error });
}

function parseUrl(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed === null || !['http:', 'https:', 'file:'].includes(parsed.protocol)) {
    throw new ImageError('unsupported', `${JSON.stringify(url)} is not an http, https or file address`);
  }
  return parsed;
}

/** The first byte and the whole length that "bytes 100-199/200" states. */
function parseContentRange(header: string | undefined): { offset: number; total: number } | undefined {
  const match = /^bytes ([0-9]+)-[0-9]+\/([0-9]+)$/.exec(header ?? '');
  return match === null ? undefined : { offset: Number(match[1]), total: Number(match[2]) };
}

async function* piecesOf(
  url: string,
  response: http.IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : networkError(url, error);
  }
}

function bodyOf(
  url: string,
  response: http.IncomingMessage,
  signal: AbortSignal | undefined,
): Pick<TransportResponse, 'body' | 'close'> {
  return { body: piecesOf(url, response, signal), close: () => response.destroy() };
}

export class HttpTransport implements Transport {
  readonly #silence: number;
  readonly #agents: { readonly 'http:': http.Agent; readonly 'https:': https.Agent };

  constructor({ environment = process.env, silence = DefaultSilence }: HttpTransportOptions = {}) {
    this.#silence = silence;
    this.#agents = {
      'http:': new http.Agent({ proxyEnv: environment }),
      'https:': new https.Agent({ proxyEnv: environment }),
    };
  }

  async open(url: string, offset: number, signal?: AbortSignal): Promise<TransportResponse> {
    let target = parseUrl(url);
    for (let i = 0; i <= MaximumRedirections; i++) {
      if (target.protocol === 'file:') return await this.#openFile(target, offset);
      const response = await this.#request(target, offset, signal);
      const { statusCode = 0, statusMessage = '', headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.destroy();
        const next = parseUrl(new URL(headers.location, target).href);
        // A server must not point into the files of this machine.
        if (next.protocol === 'file:') throw new ImageError('unsupported', `${url}: redirected to a local file`);
        target = next;
        continue;
      }
      const range = parseContentRange(headers['content-range']);
      if (statusCode === 206 && range !== undefined) {
        return { offset: range.offset, total: range.total, ...bodyOf(url, response, signal) };
      }
      if (statusCode === 200) {
        const length = headers['content-length'];
        const total = length !== undefined && /^[0-9]+$/.test(length) ? { total: Number(length) } : {};
        return { offset: 0, ...total, ...bodyOf(url, response, signal) };
      }
      response.destroy();
      // The part at hand is no beginning of what the server has.
      if (statusCode === 416 && offset > 0) return await this.open(url, 0, signal);
      const isFinal = statusCode >= 400 && statusCode < 500 && statusCode !== 408 && statusCode !== 429;
      throw new ImageError(
        isFinal ? 'not-found' : 'network',
        `${url}: the server answers ${statusCode} ${statusMessage}`,
      );
    }
    throw new ImageError('network', `${url}: redirected more than ${MaximumRedirections} times`);
  }

  #request(target: URL, offset: number, signal: AbortSignal | undefined): Promise<http.IncomingMessage> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const isSecure = target.protocol === 'https:';
    const headers: Record<string, string> = { 'user-agent': 'hostrock', 'accept-encoding': 'identity' };
    if (offset > 0) headers.range = `bytes=${offset}-`;
    const request = (isSecure ? https : http).get(target, {
      agent: isSecure ? this.#agents['https:'] : this.#agents['http:'],
      headers,
      ...(signal === undefined ? {} : { signal }),
    });
    request.setTimeout(this.#silence, () => {
      request.destroy(new ImageError('network', `${target.href}: no answer for ${this.#silence / 1000} s`));
    });
    request.on('response', resolve);
    request.on('error', (error) => reject(signal?.aborted === true ? signal.reason : networkError(target.href, error)));
    return promise;
  }

  async #openFile(target: URL, offset: number): Promise<TransportResponse> {
    const path = fileURLToPath(target);
    try {
      const handle = await open(path);
      const { size } = await handle.stat();
      const start = offset <= size ? offset : 0;
      const body = handle.createReadStream({ start });
      return { offset: start, total: size, body, close: () => body.destroy() };
    } catch (error) {
      const mapped = fileError(error, 'read', path);
      throw errorCode(error) === 'ENOENT' ? new ImageError('not-found', mapped.message, { cause: error }) : mapped;
    }
  }
}
