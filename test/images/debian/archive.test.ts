import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { DebianArchive, type DebianArchiveOptions } from '../../../src/images/debian/archive.ts';
import type { DebianPackage } from '../../../src/images/debian/packages.ts';
import { NodeDecoders } from '../../../src/images/node/decoders.ts';
import { HttpTransport } from '../../../src/images/node/http-transport.ts';
import type { Progress } from '../../../src/images/progress.ts';
import { type ArchiveInput, archiveFiles, type Served, serve } from '../archive-server.ts';
import { bytesOf, sha256 } from '../builders.ts';
import { imageError } from '../expect.ts';
import { makeKey } from '../keys.ts';
import { MemoryStore } from '../memory-store.ts';

const key = await makeKey();
const stranger = await makeKey();
const content = new Uint8Array(300_000).map((_, i) => i * 31);
const example: ArchiveInput = { suite: 'bookworm', key, packages: [{ name: 'big', version: '1', content }] };

let server: Served;
let store: MemoryStore;
let progress: Progress[];

before(async () => {
  server = await serve();
});
after(() => server.close());
beforeEach(async () => {
  store = new MemoryStore();
  progress = [];
  await publish();
});

/** Replaces what the server has. */
async function publish(change: Partial<ArchiveInput> = {}): Promise<void> {
  server.misbehave = undefined;
  server.requests.length = 0;
  server.files.clear();
  for (const [path, file] of await archiveFiles({ ...example, ...change })) server.files.set(path, file);
}

function archive(change: Partial<DebianArchiveOptions> = {}): DebianArchive {
  return new DebianArchive({
    suite: 'bookworm',
    architecture: 'arm64',
    keyring: [key.armored],
    keyringName: 'the test keyring',
    mirror: async () => ({ url: server.url, allowExpired: false }),
    transport: new HttpTransport({ environment: {}, silence: 5000 }),
    store,
    decoders: NodeDecoders,
    offline: false,
    now: () => new Date(),
    retryDelays: [1, 1],
    onProgress: (step) => progress.push(step),
    ...change,
  });
}

async function big(from: DebianArchive): Promise<DebianPackage> {
  return (await from.packages()).versions('big')[0];
}

for (const change of [{}, { form: 'Release' }, { byHash: true }] as const) {
  test(`a package is fetched through signed indexes: ${JSON.stringify(change)}`, async () => {
    await publish(change);
    const from = archive();
    assert.deepEqual(await from.fetch(await big(from)), content);
    assert.equal(from.isFresh, true);
    const downloads = progress.filter(({ step, what }) => step === 'download' && what === 'big 1');
    assert.deepEqual([downloads.at(-1)?.done, downloads.at(-1)?.total], [content.length, content.length]);
  });
}

test('what was fetched is not fetched again, and serves offline', async () => {
  const first = archive();
  await first.fetch(await big(first));
  server.requests.length = 0;
  const offline = archive({ offline: true, mirror: () => Promise.reject(new Error('must not be asked')) });
  assert.deepEqual(await offline.fetch(await big(offline)), content);
  assert.equal(offline.isFresh, false);
  assert.deepEqual(server.requests, []);
});

test('offline, what is missing is named', async () => {
  const offline = imageError('offline', /^the Release file of bookworm is not in the cache/);
  await assert.rejects(archive({ offline: true }).packages(), offline);
  const first = archive();
  const wanted = await big(first);
  await assert.rejects(archive({ offline: true }).fetch(wanted), imageError('offline', /^big 1 is not in the cache/));
});

test('signatures by strangers and changed files are refused', async () => {
  const refused = imageError('signature', /InRelease: no good signature by a key of the test keyring/);
  await publish({ key: stranger });
  await assert.rejects(archive().packages(), refused);
  await publish();
  const signed = Buffer.from(server.files.get('dists/bookworm/InRelease') ?? []).toString();
  server.files.set('dists/bookworm/InRelease', bytesOf(signed.replace('Origin: Debian', 'Origin: Nobody')));
  await assert.rejects(archive().packages(), refused);
  await publish({ form: 'Release', key: stranger });
  await assert.rejects(archive().packages(), imageError('signature', /Release: no good signature/));
  assert.equal(store.records.size, 0);
});

test('an index and a package that are not what the index above says are refused', async () => {
  server.files.set('dists/bookworm/main/binary-arm64/Packages.gz', bytesOf('x'));
  await assert.rejects(
    archive().packages(),
    imageError('hash', /Packages.gz: the mirror's file has 1 bytes, its index says/),
  );
  await publish();
  const from = archive();
  const wanted = await big(from);
  server.files.set(wanted.filename, content.slice().fill(0));
  await assert.rejects(from.fetch(wanted), imageError('hash', /does not have the SHA-256 that its index says/));
  server.files.set(wanted.filename, new Uint8Array(content.length + 1));
  await assert.rejects(from.fetch(wanted), imageError('hash', /has 300001 bytes, its index says 300000/));
  assert.equal(await from.has(wanted), false);
});

test('an interrupted download is resumed where it ended', async () => {
  const from = archive();
  const wanted = await big(from);
  let interruptions = 0;
  server.misbehave = (request, response) => {
    if (interruptions++ >= 3) return false;
    const start = Number(/[0-9]+/.exec(request.headers.range ?? '0')?.[0]);
    const range = `bytes ${start}-${content.length - 1}/${content.length}`;
    response.writeHead(start === 0 ? 200 : 206, { 'content-length': content.length - start, 'content-range': range });
    response.write(content.subarray(start, start + 80_000), () => response.destroy());
    return true;
  };
  server.requests.length = 0;
  assert.deepEqual(await from.fetch(wanted), content);
  const starts = server.requests.map((line) => Number(/bytes=([0-9]+)/.exec(line)?.[1] ?? 0));
  assert.equal(starts.length, 4);
  assert.ok(
    starts.every((start, i) => i === 0 || start > starts[i - 1]),
    `${starts}`,
  );
  assert.equal(progress.filter(({ retry }) => retry !== undefined).length, 3);
});

test('a download is resumed by a later run, also from a server that cannot resume', async () => {
  for (const ranges of [true, false]) {
    store = new MemoryStore();
    const from = archive();
    const wanted = await big(from);
    store.partials.set(wanted.sha256, content.slice(0, 100_000));
    server.requests.length = 0;
    if (!ranges) {
      server.misbehave = (_, response) => {
        response.writeHead(200).end(content);
        return true;
      };
    }
    assert.deepEqual(await from.fetch(wanted), content);
    assert.deepEqual(server.requests, [`${wanted.filename} bytes=100000-`]);
  }
});

test('a damaged beginning of a download is thrown away', async () => {
  const from = archive();
  const wanted = await big(from);
  store.partials.set(wanted.sha256, new Uint8Array(100_000));
  assert.deepEqual(await from.fetch(wanted), content);
  store = new MemoryStore();
  store.partials.set(wanted.sha256, new Uint8Array(content.length + 5));
  assert.deepEqual(await archive().fetch(wanted), content);
});

test('trying again ends, and says why', async () => {
  const attempts = async (answer: number): Promise<number> => {
    server.requests.length = 0;
    server.misbehave = (_, response) => {
      response.writeHead(answer).end();
      return true;
    };
    const code = answer === 404 ? 'not-found' : 'network';
    await assert.rejects(archive().packages(), imageError(code, new RegExp(`the server answers ${answer}`)));
    return server.requests.length;
  };
  assert.equal(await attempts(503), 3);
  // InRelease, then Release.
  assert.equal(await attempts(404), 2);
});

test('a suite without packages for the machine says so', async () => {
  await publish({ architecture: 'amd64' });
  await assert.rejects(archive().packages(), imageError('not-found', /bookworm has no packages for arm64/));
});

test('an impossible suite is refused before anything is asked', () => {
  for (const suite of ['', '../bookworm', 'Bookworm', 'book worm']) {
    assert.throws(() => archive({ suite }), imageError('not-found', /cannot be the name of a Debian suite/));
  }
});

test('an expired Release file is refused, unless it is allowed', async () => {
  await publish({ validUntil: new Date(Date.now() - 1000) });
  await assert.rejects(archive().packages(), imageError('expired', /InRelease: expired on/));
  const allowed = archive({ mirror: async () => ({ url: `${server.url}/`, allowExpired: true }) });
  assert.equal((await allowed.packages()).size, 1);
  // What was accepted when it came does not go bad in the cache.
  assert.equal((await archive({ offline: true }).packages()).size, 1);
});

test('a Release file older than one already seen is refused, unless it is allowed', async () => {
  await archive().refresh();
  await publish({ date: new Date(Date.now() - 86_400_000) });
  await assert.rejects(archive().refresh(), imageError('expired', /older than one already seen/));
  await archive({ mirror: async () => ({ url: server.url, allowExpired: true }) }).refresh();
});

test('a refresh finds new packages', async () => {
  const from = archive();
  await big(from);
  await publish({ packages: [{ name: 'big', version: '2', content }] });
  assert.equal((await big(archive())).version, '1');
  await from.refresh();
  assert.equal((await big(from)).version, '2');
});

test('a damaged record in the cache is fetched anew', async () => {
  await archive().refresh();
  for (const text of ['', '{', '{}', '{"text":"Origin: Debian","fetched":"2024-01-01"}']) {
    for (const name of store.records.keys()) store.records.set(name, text);
    assert.equal((await archive().packages()).size, 1);
  }
});

test('what other keys vouch for is kept apart', async () => {
  await archive().refresh();
  const other = archive({ keyring: [stranger.armored], offline: true });
  await assert.rejects(other.packages(), imageError('offline', /Release file of bookworm/));
});

test('an abort ends a download and keeps what came', async () => {
  const abort = new AbortController();
  const from = archive({ signal: abort.signal });
  const wanted = await big(from);
  server.misbehave = (_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 50_000), () => setTimeout(() => abort.abort(new Error('enough')), 20));
    return true;
  };
  await assert.rejects(from.fetch(wanted), /enough/);
  assert.equal(sha256(store.partials.get(wanted.sha256) ?? ''), sha256(content.subarray(0, 50_000)));
});
