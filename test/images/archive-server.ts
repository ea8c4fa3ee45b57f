/** An HTTP server on this machine that serves files from memory and can be made to misbehave. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { bytesOf, sha256 } from './builders.ts';
import { clearSign, detachedSignature, type TestKey } from './keys.ts';

export interface Served {
  readonly url: string;
  /** By path without the leading slash; may be changed while serving. */
  readonly files: Map<string, Uint8Array>;
  /** Every request so far, with the Range header if it has one. */
  readonly requests: string[];
  /** Called before a request is answered; true when it has answered itself. */
  misbehave: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  close(): Promise<void>;
}

function answer({ files }: Served, request: IncomingMessage, response: ServerResponse): void {
  const content = files.get(decodeURI(request.url ?? '').slice(1));
  if (content === undefined) {
    response.writeHead(404).end();
    return;
  }
  const range = /^bytes=([0-9]+)-$/.exec(request.headers.range ?? '');
  const start = range === null ? 0 : Number(range[1]);
  if (range !== null && start >= content.length) {
    response.writeHead(416).end();
    return;
  }
  const headers: Record<string, string | number> = { 'content-length': content.length - start };
  if (range !== null) headers['content-range'] = `bytes ${start}-${content.length - 1}/${content.length}`;
  response.writeHead(range === null ? 200 : 206, headers).end(content.subarray(start));
}

export async function serve(files: Map<string, Uint8Array> = new Map()): Promise<Served> {
  const server: Server = createServer((request, response) => {
    const range = request.headers.range === undefined ? '' : ` ${request.headers.range}`;
    served.requests.push(`${(request.url ?? '').slice(1)}${range}`);
    if (served.misbehave?.(request, response) !== true) answer(served, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const served: Served = {
    url: `http://127.0.0.1:${port}`,
    files,
    requests: [],
    misbehave: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return served;
}

export interface ArchivePackage {
  readonly name: string;
  readonly version: string;
  /** Further fields, such as "Depends: x". */
  readonly fields?: readonly string[];
  readonly content: Uint8Array;
}

export interface ArchiveInput {
  readonly suite: string;
  readonly packages: readonly ArchivePackage[];
  readonly key: TestKey;
  readonly date?: Date;
  readonly validUntil?: Date;
  readonly byHash?: boolean;
  readonly form?: 'InRelease' | 'Release';
  readonly architecture?: string;
}

/** The text of a Release file that lists the files, given by path below the suite's folder. */
export function releaseText(
  { suite, date = new Date(), validUntil, byHash = false }: Omit<ArchiveInput, 'packages' | 'key'>,
  files: ReadonlyMap<string, Uint8Array>,
): string {
  const lines = [`Origin: Debian`, `Suite: oldstable`, `Codename: ${suite}`, `Date: ${date.toUTCString()}`];
  if (validUntil !== undefined) lines.push(`Valid-Until: ${validUntil.toUTCString()}`);
  if (byHash) lines.push('Acquire-By-Hash: yes');
  lines.push('SHA256:');
  for (const [path, content] of files) lines.push(` ${sha256(content)} ${content.length} ${path}`);
  return `${lines.join('\n')}\n`;
}

/** All files of an archive with one suite, by path below the archive's root. */
export async function archiveFiles(input: ArchiveInput): Promise<Map<string, Uint8Array>> {
  const { suite, packages, key, byHash = false, form = 'InRelease', architecture = 'arm64' } = input;
  const files = new Map<string, Uint8Array>();
  const paragraphs = packages.map(({ name, version, fields = [], content }) => {
    const path = `pool/main/${name}_${version}_${architecture}.deb`;
    files.set(path, content);
    const place = [`Filename: ${path}`, `Size: ${content.length}`, `SHA256: ${sha256(content)}`];
    return `${[`Package: ${name}`, `Version: ${version}`, ...fields, ...place].join('\n')}\n`;
  });
  const index = bytesOf(paragraphs.join('\n'));
  const folder = `main/binary-${architecture}`;
  const packed = new Uint8Array(gzipSync(index));
  const indexes = new Map([
    [`${folder}/Packages`, index],
    [`${folder}/Packages.gz`, packed],
  ]);
  const root = `dists/${suite}`;
  if (byHash) files.set(`${root}/${folder}/by-hash/SHA256/${sha256(packed)}`, packed);
  else files.set(`${root}/${folder}/Packages.gz`, packed);
  const text = releaseText(input, indexes);
  if (form === 'InRelease') files.set(`${root}/InRelease`, bytesOf(await clearSign(text, [key])));
  else {
    files.set(`${root}/Release`, bytesOf(text));
    files.set(`${root}/Release.gpg`, bytesOf(await detachedSignature(text, key)));
  }
  return files;
}
