import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf } from '../images/builders.ts';
import { makeKey } from '../images/keys.ts';
import {
  assertBooted,
  assertEmpty,
  assertRefused,
  assertSound,
  bootableFiles,
  type Case,
  GUEST,
  INDEX,
  interrupted,
  KERNEL_PACKAGE,
  plainEnvironment,
  runFrom,
  serveArchive,
} from './archive.ts';
import { hostrock, type Outcome, temporaryFolder } from './command.ts';

/** What `hostrock run` boots of an archive, and what it does not. */

const folder = temporaryFolder();

describe('a good archive', () => {
  test('is fetched once and boots, then from the cache alone', async () => {
    const archive = await serveArchive(folder);
    assertBooted(await runFrom(archive));
    assertSound(archive.cache);
    archive.server.requests.length = 0;
    assertBooted(await runFrom(archive, ['--offline']));
    assertBooted(await runFrom(archive));
    assert.deepEqual(archive.server.requests, []);
  });

  test('may be named by the environment', async () => {
    const { server, cache, keyring } = await serveArchive(folder);
    const environment = { ...plainEnvironment(folder), HOSTROCK_MIRROR: server.url, HOSTROCK_CACHE: cache };
    assertBooted(await hostrock(['run', ...GUEST, '--keyring', keyring], { environment }));
    assertBooted(await hostrock(['run', ...GUEST, '--keyring', keyring, '--offline'], { environment }));
  });

  test('that is past its date is used only when told so', async () => {
    const archive = await serveArchive(folder, { validUntil: new Date(Date.now() - 1000) });
    assertRefused(await runFrom(archive), `${archive.server.url}/dists/bookworm/InRelease: expired`, '--allow-expired');
    assertEmpty(archive.cache);
    assertBooted(await runFrom(archive, ['--allow-expired']));
  });
});

interface Fraud {
  readonly name: string;
  readonly prepare: () => Promise<Case>;
  readonly run?: (archive: Case) => Promise<Outcome>;
  /** Path of the file that is refused. */
  readonly file: string;
  readonly reason: RegExp;
  /** What was fetched and found right before it may stay. */
  readonly keepsOthers?: boolean;
}

/** Changes a byte of a served file. */
const damage = ({ server }: Case, path: string, at: number): void => {
  const content = Uint8Array.from(server.files.get(path) as Uint8Array);
  content[at] ^= 1;
  server.files.set(path, content);
};

/** Replaces text in a served file. */
const rewrite = ({ server }: Case, path: string, from: string, to: string): void => {
  const text = Buffer.from(server.files.get(path) as Uint8Array).toString();
  assert.ok(text.includes(from), text);
  server.files.set(path, bytesOf(text.replace(from, to)));
};

const IN_RELEASE = 'dists/bookworm/InRelease';
const RELEASE = 'dists/bookworm/Release';
const NO_GOOD_SIGNATURE = /no good signature by a key of /;
const WRONG_HASH = /what the mirror sent does not have the SHA-256 that its index says$/;

const frauds: readonly Fraud[] = [
  {
    name: 'signed with a key that is not trusted',
    prepare: async () => await serveArchive(folder, { key: await makeKey() }),
    file: IN_RELEASE,
    reason: /no good signature by a key of .*key\.asc/,
  },
  {
    name: "signed with another key than Debian's, where no keyring is named",
    prepare: async () => await serveArchive(folder),
    run: async ({ server, cache }) =>
      await hostrock(['run', ...GUEST, '--mirror', server.url, '--cache', cache], {
        environment: plainEnvironment(cache),
      }),
    file: IN_RELEASE,
    reason: /no good signature by a key of Debian's archive/,
  },
  {
    name: 'whose signed text was changed',
    prepare: async () => {
      const archive = await serveArchive(folder);
      rewrite(archive, IN_RELEASE, 'Origin: Debian', 'Origin: Debbie');
      return archive;
    },
    file: IN_RELEASE,
    reason: NO_GOOD_SIGNATURE,
  },
  {
    name: 'whose Release file was changed beside its signature',
    prepare: async () => {
      const archive = await serveArchive(folder, { form: 'Release' });
      rewrite(archive, RELEASE, 'Origin: Debian', 'Origin: Debbie');
      return archive;
    },
    file: RELEASE,
    reason: NO_GOOD_SIGNATURE,
  },
  {
    name: 'that is not signed',
    prepare: async () => {
      const archive = await serveArchive(folder, { form: 'Release' });
      const { files } = archive.server;
      files.set(IN_RELEASE, files.get(RELEASE) as Uint8Array);
      return archive;
    },
    file: IN_RELEASE,
    reason: /not a clear-signed file/,
  },
  {
    name: 'whose signature file is missing',
    prepare: async () => {
      const archive = await serveArchive(folder, { form: 'Release' });
      archive.server.files.delete(`${RELEASE}.gpg`);
      return archive;
    },
    file: `${RELEASE}.gpg`,
    reason: /the server answers 404/,
  },
  {
    name: 'whose index was changed',
    prepare: async () => {
      const archive = await serveArchive(folder);
      damage(archive, INDEX, 20);
      return archive;
    },
    file: INDEX,
    reason: WRONG_HASH,
    keepsOthers: true,
  },
  {
    name: 'whose kernel was changed',
    prepare: async () => {
      const archive = await serveArchive(folder);
      damage(archive, KERNEL_PACKAGE, 40_000);
      return archive;
    },
    file: KERNEL_PACKAGE,
    reason: WRONG_HASH,
    keepsOthers: true,
  },
];

describe('not booted, with status 1 and a line that names the file: an archive', { concurrency: 2 }, () => {
  for (const { name, prepare, run = runFrom, file, reason, keepsOthers = false } of frauds) {
    test(name, async () => {
      const archive = await prepare();
      const { server, cache } = archive;
      assertRefused(await run(archive), `${server.url}/${file}: `, reason);
      assert.deepEqual(interrupted(cache), []);
      if (keepsOthers) {
        assertSound(cache);
        const offline = await runFrom(archive, ['--offline']);
        assertRefused(offline, /is not in the cache, and must not be fetched when offline$/);
      } else assertEmpty(cache);
      // A later run boots once the archive is good.
      server.files.clear();
      for (const [path, content] of await bootableFiles()) server.files.set(path, content);
      assertBooted(await runFrom(archive, ['--refresh']));
      assertSound(cache);
    });
  }
});
