import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import {
  assertBooted,
  assertEmpty,
  assertRefused,
  assertSound,
  type Case,
  interrupted,
  KERNEL_PACKAGE,
  runFrom,
  serveArchive,
} from './archive.ts';
import { PROGRAM, temporaryFolder } from './command.ts';

/** Nothing to fetch from, or not all of it: status 1, and a line that names the address and the reason. */

const folder = temporaryFolder();

const withMirror = async (url: string): Promise<Case> => {
  const archive = await serveArchive(folder);
  return { ...archive, server: { ...archive.server, url } };
};

/** A program without any network, not even to this machine. */
const OFFLINE = ['unshare', '--user', '--map-root-user', '--net'] as const;

const obstacle = (): string | false => {
  const [command, ...args] = OFFLINE;
  const { status, stderr, error } = spawnSync(command, [...args, 'true'], { encoding: 'utf8' });
  return status !== 0 && `users may not leave the network here: ${error?.message ?? stderr.trim()}`;
};

const IN_RELEASE = 'dists/bookworm/InRelease';

// Each takes as long as it is tried again.
describe('no image without a network', { concurrency: 5 }, () => {
  test('offline, and nothing in the cache', async () => {
    const archive = await serveArchive(folder);
    assertRefused(await runFrom(archive, ['--offline']), 'the Release file of bookworm is not in the cache');
    assert.deepEqual(archive.server.requests, []);
    assertEmpty(archive.cache);
  });

  test('no network at all', { skip: obstacle() }, async () => {
    const archive = await serveArchive(folder);
    const outcome = await runFrom(archive, [], { program: [...OFFLINE, PROGRAM] });
    assertRefused(outcome, `${archive.server.url}/${IN_RELEASE}: there is no network`);
    assertEmpty(archive.cache);
    // What is cached needs none.
    assertBooted(await runFrom(archive));
    assertBooted(await runFrom(archive, [], { program: [...OFFLINE, PROGRAM] }));
  });

  test('a mirror whose name nobody knows', async () => {
    const archive = await withMirror('http://mirror.invalid/debian');
    assertRefused(
      await runFrom(archive),
      `http://mirror.invalid/debian/${IN_RELEASE}: the host name `,
      'is there a network?',
    );
    assertEmpty(archive.cache);
  });

  test('a mirror that does not answer; each attempt is told', async () => {
    const archive = await withMirror('http://127.0.0.1:9/debian');
    const outcome = await runFrom(archive);
    const reason = `http://127.0.0.1:9/debian/${IN_RELEASE}: the connection was refused`;
    assertRefused(outcome, reason);
    const again = outcome.stderr.split('\n').filter((line) => line === `hostrock: ${reason}; trying again`);
    assert.equal(again.length, 3);
    assertEmpty(archive.cache);
  });

  test('a connection that breaks again and again; a later run goes on from there', async () => {
    const archive = await serveArchive(folder);
    const { server, cache } = archive;
    const content = server.files.get(KERNEL_PACKAGE) as Uint8Array;
    const half = content.length >> 1;
    server.misbehave = (request, response) => {
      if (request.url !== `/${KERNEL_PACKAGE}`) return false;
      if (request.headers.range === undefined) {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, half), () => response.destroy());
      } else response.destroy();
      return true;
    };
    assertRefused(await runFrom(archive), `${server.url}/${KERNEL_PACKAGE}: the connection was broken off`);
    assertSound(cache);
    assert.equal(interrupted(cache).length, 1);
    server.misbehave = undefined;
    server.requests.length = 0;
    assertBooted(await runFrom(archive));
    assert.ok(server.requests.includes(`${KERNEL_PACKAGE} bytes=${half}-`), server.requests.join(', '));
    assert.deepEqual(interrupted(cache), []);
  });
});
