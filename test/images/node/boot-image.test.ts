import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { BootImage } from '../../../src/images/boot-image.ts';
import { readCpio } from '../../../src/images/cpio.ts';
import { type ResolveBootImageOptions, resolveBootImage } from '../../../src/images/node/boot-image.ts';
import { readKernelFile } from '../../../src/images/node/named-files.ts';
import { type ArchivePackage, archiveFiles, type Served, serve } from '../archive-server.ts';
import { busybox, Compress, deb, kernelImage, kernelModule } from '../builders.ts';
import { imageError } from '../expect.ts';
import { makeKey } from '../keys.ts';

const key = await makeKey();
const image = kernelImage({ sectionEnd: 0x10000 });
const busyboxPackage: ArchivePackage = {
  name: 'busybox-static',
  version: '1:1.35',
  content: deb({ data: [{ name: './bin/busybox', content: busybox() }] }),
};

/** As bookworm has it: everything in one package, modules as they are. */
function bookworm(revision = '1'): ArchivePackage[] {
  const version = `6.1.0-${revision}-cloud-arm64`;
  const modules = `./lib/modules/${version}`;
  const content = deb({
    data: [
      { name: `./boot/vmlinuz-${version}`, content: image },
      { name: `./boot/config-${version}`, content: 'CONFIG_XEN=y' },
      { name: `${modules}/kernel/drivers/block/xen-blkfront.ko`, content: kernelModule(['alias=xen:vbd', 'depends=']) },
      { name: `${modules}/kernel/drivers/net/xen-netfront.ko`, content: kernelModule(['depends=unusual-helper']) },
      { name: `${modules}/kernel/lib/unusual-helper.ko`, content: kernelModule(['depends=another']) },
      { name: `${modules}/kernel/lib/another.ko`, content: kernelModule(['depends=built_in']) },
      { name: `${modules}/kernel/sound/unwanted.ko`, content: kernelModule(['depends=']) },
    ],
  });
  const pin = `Depends: linux-image-${version} (= 6.1-${revision})`;
  return [
    { name: 'linux-image-cloud-arm64', version: `6.1-${revision}`, fields: [pin], content: deb({ data: [] }) },
    {
      name: `linux-image-${version}`,
      version: `6.1-${revision}`,
      fields: ['Depends: kmod, linux-base (>= 4.3~)'],
      content,
    },
    busyboxPackage,
  ];
}

/** As sid has it: kernel and modules in packages of their own, modules compressed, all below /usr. */
function sid(): ArchivePackage[] {
  const name = '7.2+deb14-cloud-arm64';
  const pins = ['binary', 'modules'].map((part) => `linux-${part}-${name} (= 7.2-1)`).join(', ');
  const root = `./usr/lib/modules/${name}`;
  const binary = deb({ data: [{ name: `${root}/vmlinuz`, content: gzipSync(image) }], suffix: '.zst' });
  const modules = deb({
    data: [
      { name: `${root}/kernel/xen-blkfront.ko.xz`, content: Compress['.xz'](kernelModule(['depends=needed'])) },
      { name: `${root}/kernel/needed.ko.zst`, content: Compress['.zst'](kernelModule(['depends='])) },
    ],
  });
  const version = '7.2-1';
  return [
    {
      name: 'linux-image-cloud-arm64',
      version,
      fields: [`Depends: linux-image-${name} (= 7.2-1)`],
      content: deb({ data: [] }),
    },
    {
      name: `linux-image-${name}`,
      version,
      fields: [`Depends: dracut | initramfs-tools, ${pins}`],
      content: deb({ data: [] }),
    },
    { name: `linux-binary-${name}`, version, content: binary },
    { name: `linux-modules-${name}`, version, content: modules },
    { ...busyboxPackage, content: deb({ data: [{ name: './usr/bin/busybox', content: busybox() }] }) },
  ];
}

let server: Served;
let folder: string;
before(async () => {
  server = await serve();
});
after(() => server.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostrock-test-'));
  await writeFile(join(folder, 'key.asc'), key.armored);
  await publish(bookworm());
});
afterEach(() => rm(folder, { recursive: true }));

async function publish(packages: readonly ArchivePackage[], suite = 'bookworm'): Promise<void> {
  server.misbehave = undefined;
  server.requests.length = 0;
  server.files.clear();
  for (const [path, content] of await archiveFiles({ suite, key, packages })) server.files.set(path, content);
}

const environment = (): NodeJS.ProcessEnv => ({
  XDG_CONFIG_HOME: folder,
  XDG_CACHE_HOME: folder,
  HOSTROCK_MIRROR: server.url,
});

async function resolve(options: ResolveBootImageOptions = {}): Promise<BootImage> {
  return await resolveBootImage({ environment: environment(), keyring: join(folder, 'key.asc'), ...options });
}

const ramdiskFiles = ({ ramdisk }: BootImage): Map<string, string> =>
  new Map(
    [...readCpio(ramdisk, 'ramdisk')].map(({ path, data }) => [path, Buffer.from(data ?? []).toString('latin1')]),
  );

test('a kernel and its ramdisk, from one package', async () => {
  const found = await resolve();
  assert.deepEqual(new Uint8Array(found.kernel), image);
  assert.equal(found.kernelVersion, '6.1.0-1-cloud-arm64');
  assert.equal(found.description, 'Debian bookworm, linux-image-cloud-arm64 6.1-1, busybox-static 1:1.35');
  const files = ramdiskFiles(found);
  const modules = [...files.keys()]
    .filter((path) => path.endsWith('.ko'))
    .map((path) => path.slice(path.lastIndexOf('/') + 1));
  assert.deepEqual(modules.sort(), ['another.ko', 'unusual-helper.ko', 'xen-blkfront.ko', 'xen-netfront.ko']);
  const load = files.get('lib/modules/6.1.0-1-cloud-arm64/hostrock.load');
  assert.deepEqual(load?.trim().split('\n'), [
    'kernel/drivers/block/xen-blkfront.ko',
    'kernel/lib/another.ko',
    'kernel/lib/unusual-helper.ko',
    'kernel/drivers/net/xen-netfront.ko',
  ]);
});

test('a kernel and its ramdisk, from packages of a later layout', async () => {
  await publish(sid(), 'sid');
  const found = await resolve({ suite: 'sid' });
  assert.deepEqual(new Uint8Array(found.kernel), image);
  assert.equal(found.kernelVersion, '7.2+deb14-cloud-arm64');
  const plain = Buffer.from(kernelModule(['depends=needed'])).toString('latin1');
  assert.equal(ramdiskFiles(found).get('lib/modules/7.2+deb14-cloud-arm64/kernel/xen-blkfront.ko'), plain);
  assert.equal(found.kernel.length, image.length);
});

test('once resolved it comes from the cache, byte for byte, without network', async () => {
  const first = await resolve();
  server.requests.length = 0;
  const second = await resolve({ environment: { ...environment(), HOSTROCK_MIRROR: '' }, offline: true });
  assert.deepEqual([first.isCached, second.isCached], [false, true]);
  assert.deepEqual(
    { ...second, isCached: false, kernel: new Uint8Array(second.kernel), ramdisk: new Uint8Array(second.ramdisk) },
    first,
  );
  assert.deepEqual(server.requests, []);
});

test('another machine builds the same ramdisk from the same packages', async () => {
  const first = await resolve();
  const second = await resolve({ cacheDirectory: join(folder, 'other') });
  assert.equal(second.isCached, false);
  assert.deepEqual(second.ramdisk, first.ramdisk);
});

test('a newer kernel is taken when a refresh is asked for, and only then', async () => {
  await resolve();
  await publish(bookworm('2'));
  assert.equal((await resolve()).kernelVersion, '6.1.0-1-cloud-arm64');
  assert.equal((await resolve({ refresh: true })).kernelVersion, '6.1.0-2-cloud-arm64');
  assert.equal((await resolve({ offline: true })).kernelVersion, '6.1.0-2-cloud-arm64');
});

test('a damaged cache mends itself without network where it can', async () => {
  const first = await resolve();
  const objects = join(folder, 'hostrock', 'objects');
  const damage = async (size: number): Promise<void> => {
    const names = (await readdir(objects, { recursive: true })).filter((name) => name.includes('/'));
    for (const name of names) {
      const content = await readFile(join(objects, name));
      if (content.length === size) await writeFile(join(objects, name), content.fill(0, 0, 100));
    }
  };
  server.requests.length = 0;
  await damage(first.ramdisk.length);
  const mended = await resolve({ offline: true });
  assert.equal(mended.isCached, false);
  assert.deepEqual(mended.ramdisk, first.ramdisk);
  assert.equal((await resolve({ offline: true })).isCached, true);
  await rm(join(folder, 'hostrock', 'records'), { recursive: true });
  await damage(bookworm()[1].content.length);
  assert.deepEqual((await resolve()).ramdisk, first.ramdisk);
  assert.ok(server.requests.some((path) => path.includes('linux-image-6.1.0-1-cloud-arm64')));
});

test('when the mirror has dropped what the cached index names, the index is fetched anew', async () => {
  await resolve({ kernelPackage: 'linux-image-6.1.0-1-cloud-arm64' });
  await publish(bookworm('2'));
  assert.equal((await resolve()).kernelVersion, '6.1.0-2-cloud-arm64');
});

test('a kernel the suite does not have', async () => {
  const missing = imageError('dependency', /^Debian bookworm for arm64 has no package linux-image-rt-arm64$/);
  await assert.rejects(resolve({ kernelPackage: 'linux-image-rt-arm64' }), missing);
  await assert.rejects(
    resolve({ kernelPackage: '../x' }),
    imageError('dependency', /cannot be the name of a Debian package/),
  );
  await assert.rejects(
    resolve({ kernelPackage: 'busybox-static' }),
    imageError('format', /busybox-static_1:1.35_arm64.deb: no kernel inside/),
  );
});

test('an archive signed by others', async () => {
  const refused = imageError('signature', /no good signature by a key of Debian's archive/);
  await assert.rejects(resolve({ keyring: undefined }), refused);
});

test('nothing cached and offline', async () => {
  await assert.rejects(
    resolve({ offline: true }),
    imageError('offline', /^the Release file of bookworm is not in the cache/),
  );
});

test('settings: file, environment and options', async () => {
  await mkdir(join(folder, 'hostrock'));
  const settings = join(folder, 'hostrock', 'config.json');
  const cache = join(folder, 'from-settings');
  await writeFile(settings, JSON.stringify({ mirror: server.url, keyring: join(folder, 'key.asc'), cache, other: 1 }));
  const bare = { environment: { XDG_CONFIG_HOME: folder }, keyring: undefined };
  assert.equal((await resolve(bare)).isCached, false);
  assert.equal((await resolve(bare)).isCached, true);
  const moved = { ...bare, environment: { ...bare.environment, HOSTROCK_CACHE: join(folder, 'from-environment') } };
  assert.equal((await resolve(moved)).isCached, false);
  assert.equal((await resolve({ ...moved, cacheDirectory: cache })).isCached, true);
  for (const [text, message] of [
    ['{', /config.json: not JSON/],
    ['[]', /not a JSON object/],
    ['{"mirror": 1}', /"mirror" is not text/],
  ] as const) {
    await writeFile(settings, text);
    await assert.rejects(resolve(bare), imageError('format', message));
  }
});

test('a keyring that is not there', async () => {
  await assert.rejects(
    resolve({ keyring: join(folder, 'none') }),
    imageError('io', /cannot read .*none: there is no such file/),
  );
});

test('a kernel file by path', async () => {
  const path = join(folder, 'vmlinuz');
  await writeFile(path, gzipSync(image));
  assert.deepEqual(new Uint8Array(await readKernelFile(path)), image);
  await writeFile(path, 'hello');
  await assert.rejects(readKernelFile(path), imageError('format', /vmlinuz: .*too short for a kernel/));
  await assert.rejects(readKernelFile(folder), imageError('io', /cannot read/));
});
