import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RegionRequests } from '../../src/cpu/region-requests.ts';
import { Host } from '../../src/host/host.ts';
import { nodePlatform } from '../../src/host/node/node-platform.ts';
import { layOut } from '../../src/memory/layout.ts';

/** The translator's thread begins and ends with its host, and a failure of it is told. */

const sizes = { domainMemory: 2 ** 20 };
const LIMIT = 60_000;

const start = (hotThreshold: number, translator?: boolean): Host =>
  new Host({
    platform: nodePlatform(),
    physicalCpus: 2,
    hotThreshold,
    ...(translator === undefined ? {} : { translator }),
    ...sizes,
  });

describe('the translator', { timeout: LIMIT }, () => {
  for (const [hotThreshold, wanted, present] of [
    [2, undefined, false],
    [1000, undefined, true],
    [2, true, true],
    [1000, false, false],
  ] as const) {
    const what = `threshold ${hotThreshold}, ${wanted === undefined ? 'by default' : `asked for: ${wanted}`}`;
    test(`ends with the host (${what})`, async () => {
      const host = start(hotThreshold, wanted);
      const { physicalCpus, translator } = await host.stop();
      assert.equal(physicalCpus.length, 2);
      assert.equal(translator !== null, present);
      assert.equal(translator?.regions ?? 0, 0);
    });
  }

  test('that fails takes the host down with a message', async () => {
    const host = start(1000);
    const requests = new RegionRequests(host.machine.memory, layOut(sizes).regionRequests);
    const page = layOut(sizes).codeCache.arena;
    // No instruction of a page has this position.
    requests.add({ generation: 0, pages: [0, 0, page, 0, 0], position: 1 << 20, address: [0, 0] });
    await assert.rejects(host.failure, /^Error: the thread of the translator failed: /);
    await assert.rejects(host.stop(), /^Error: the thread of the translator failed: /);
  });
});
