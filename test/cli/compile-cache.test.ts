import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { hostrock, temporaryFolder } from './command.ts';

/** What Node makes of the sources is kept in the cache folder; without one that can be written, nothing is different. */

const folder = temporaryFolder();
const place = (name: string): string => join(folder, name);

const version = async (variables: NodeJS.ProcessEnv): Promise<void> => {
  const unset = { HOSTROCK_CACHE: undefined, XDG_CACHE_HOME: undefined, NODE_COMPILE_CACHE: undefined };
  const environment = { ...process.env, ...unset, ...variables };
  const { status, stdout, stderr } = await hostrock(['--version'], { environment });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assert.match(stdout, /^hostrock \d+\.\d+\.\d+\n$/);
};

const assertKept = (path: string): void => {
  const [compiler] = readdirSync(path);
  assert.ok(readdirSync(join(path, compiler as string)).length > 0, path);
};

describe('it is kept', () => {
  for (const [what, variables, path] of [
    ['in HOSTROCK_CACHE', { HOSTROCK_CACHE: place('chosen') }, 'chosen/code'],
    ['in XDG_CACHE_HOME', { XDG_CACHE_HOME: place('base') }, 'base/hostrock/code'],
    ["in the user's folder", { HOME: place('home'), XDG_CACHE_HOME: 'relative' }, 'home/.cache/hostrock/code'],
    ['where Node is told to', { NODE_COMPILE_CACHE: place('own'), HOSTROCK_CACHE: place('unused') }, 'own'],
  ] as const) {
    test(what, async () => {
      await version(variables);
      assertKept(place(path));
      // With what is there now.
      await version(variables);
    });
  }

  test('in one place', () => assert.ok(!existsSync(place('unused'))));
});

describe('it is done without', () => {
  test('where a file is in the way', async () => {
    writeFileSync(place('file'), '');
    await version({ HOSTROCK_CACHE: place('file') });
  });

  test('where no folder can be made', async () => {
    await version({ HOSTROCK_CACHE: '/proc/hostrock' });
  });

  test('if Node is told to', async () => {
    await version({ HOSTROCK_CACHE: place('disabled'), NODE_DISABLE_COMPILE_CACHE: '1' });
    assert.deepEqual(readdirSync(place('disabled/code')), []);
  });
});
