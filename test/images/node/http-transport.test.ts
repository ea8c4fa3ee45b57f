import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { HttpTransport } from '../../../src/images/node/http-transport.ts';
import { type Served, serve } from '../archive-server.ts';
import { bytesOf } from '../builders.ts';
import { imageError } from '../expect.ts';

let server: Served;
let folder: string;
before(async () => {
  server = await serve(new Map([['file', bytesOf('0123456789')]]));
  folder = await mkdtemp(join(tmpdir(), 'hostrock-test-'));
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const transport = new HttpTransport({ environment: {}, silence: 300 });

async function get(url: string, offset = 0): Promise<{ text: string; offset: number; total: number | undefined }> {
  const response = await transport.open(url, offset);
  const parts: Uint8Array[] = [];
  for await (const part of response.body) parts.push(part);
  response.close();
  return { text: Buffer.concat(parts).toString(), offset: response.offset, total: response.total };
}

test('whole files and their ends', async () => {
  assert.deepEqual(await get(`${server.url}/file`), { text: '0123456789', offset: 0, total: 10 });
  assert.deepEqual(await get(`${server.url}/file`, 7), { text: '789', offset: 7, total: 10 });
  assert.deepEqual(await get(`${server.url}/file`, 50), { text: '0123456789', offset: 0, total: 10 });
});

test('local files', async () => {
  const path = join(folder, 'a file');
  await writeFile(path, '0123456789');
  const url = pathToFileURL(path).href;
  assert.deepEqual(await get(url, 7), { text: '789', offset: 7, total: 10 });
  assert.equal((await get(url, 50)).offset, 0);
  await assert.rejects(get(`${url}x`), imageError('not-found', /there is no such file/));
});

test('redirections are followed, but not for ever and not into local files', async () => {
  server.misbehave = (request, response) => {
    const location = { '/once': '/file', '/loop': '/loop', '/local': 'file:///etc/passwd' }[request.url ?? ''];
    if (location === undefined) return false;
    response.writeHead(302, { location }).end();
    return true;
  };
  assert.equal((await get(`${server.url}/once`, 5)).text, '56789');
  await assert.rejects(get(`${server.url}/loop`), imageError('network', /redirected more than 10 times/));
  await assert.rejects(get(`${server.url}/local`), imageError('unsupported', /redirected to a local file/));
  server.misbehave = undefined;
});

test('what cannot be fetched is told apart', async () => {
  await assert.rejects(get(`${server.url}/none`), imageError('not-found', /the server answers 404 Not Found/));
  const closed = await serve();
  await closed.close();
  await assert.rejects(get(`${closed.url}/file`), imageError('network', /the connection was refused/));
  for (const url of ['', 'ftp://127.0.0.1/x', 'data:,x']) {
    await assert.rejects(get(url), imageError('unsupported', /not an http, https or file address/));
  }
});

test('a server that falls silent is given up', async () => {
  server.misbehave = () => true;
  await assert.rejects(get(`${server.url}/file`), imageError('network', /no answer for 0.3 s/));
  server.misbehave = (_, response) => {
    response.writeHead(200, { 'content-length': 10 });
    response.write('01234');
    return true;
  };
  await assert.rejects(get(`${server.url}/file`), imageError('network', /no answer|broken off/));
  server.misbehave = undefined;
});

test('a proxy in the environment is used', async () => {
  const proxied = new HttpTransport({ environment: { http_proxy: server.url } });
  server.misbehave = (request, response) => {
    if (request.url !== 'http://elsewhere.invalid/file') return false;
    response.end('by proxy');
    return true;
  };
  const response = await proxied.open('http://elsewhere.invalid/file', 0);
  let text = '';
  for await (const part of response.body) text += Buffer.from(part);
  assert.equal(text, 'by proxy');
  server.misbehave = undefined;
});
