import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Host } from '../../src/host/host.ts';
import { nodePlatform } from '../../src/host/node/node-platform.ts';
import { resolveBootImage } from '../../src/images/node/boot-image.ts';
import { createDomain, type RunningDomain } from '../../src/toolstack/domain-builder.ts';
import { storeOf } from '../../src/toolstack/store-service.ts';
import { PROGRAM } from '../cli/command.ts';
import { boot } from './guest.ts';

/**
 * What ends a guest from outside: the toolstack's request in the store (control/shutdown), for which the kernel runs the
 * ramdisk's programs, and an input that has ended.
 */

const MIB = 2 ** 20;
const MEMORY = 256;
/** Milliseconds from the start to the end, on a busy machine. */
const LIMIT = 120_000;
const PROMPT = 'root@hostrock:~#';

interface Guest {
  readonly domain: RunningDomain;
  /** Resolves when the console has shown a text. */
  readonly shown: (text: string) => Promise<void>;
  /** Writes to control/shutdown. */
  readonly ask: (request: string) => void;
  /** What control/shutdown says now. */
  readonly request: () => string | null;
}

const start = async (t: TestContext): Promise<Guest> => {
  const image = await resolveBootImage();
  const host = new Host({
    platform: nodePlatform(),
    physicalCpus: 1,
    hotThreshold: 2000,
    domainMemory: (MEMORY + 16) * MIB,
  });
  t.after(() => host.stop());
  let output = '';
  const looks = new Set<() => void>();
  const domain = await createDomain(host, {
    kernel: image.kernel,
    kernelName: image.description,
    ramdisk: image.ramdisk,
    commandLine: 'console=hvc0 panic=-1',
    memory: MEMORY,
    vcpus: 1,
    gicVersion: 3,
    vuart: false,
    onConsole: (bytes) => {
      output += Buffer.from(bytes).toString('latin1');
      for (const look of looks) look();
    },
  });
  const node = `/local/domain/${domain.domid}/control/shutdown`;
  return {
    domain,
    shown: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (output.includes(text)) resolve();
        };
        looks.add(look);
        look();
      }),
    ask: (request) => storeOf(host).write(node, request),
    request: () => storeOf(host).read(node),
  };
};

const cases = [
  { when: 'at its prompt', shows: PROMPT, request: 'poweroff', end: 'poweroff' },
  { when: 'at its prompt', shows: PROMPT, request: 'reboot', end: 'reboot' },
  { when: 'while /init prepares it', shows: 'Run /init as init process', request: 'poweroff', end: 'poweroff' },
  { when: 'before it runs', shows: '', request: 'poweroff', end: 'poweroff' },
] as const;

for (const { when, shows, request, end } of cases) {
  test(`asked for ${request} ${when}, the guest obeys`, { timeout: LIMIT }, async (t) => {
    const guest = await start(t);
    await guest.shown(shows);
    guest.ask(request);
    assert.deepEqual(await guest.domain.ended, { kind: end });
    assert.equal(guest.request(), '', 'the kernel acknowledges the request');
  });
}

for (const redirection of ['</dev/null', '<&-']) {
  test(`with ${redirection} there is nothing to do: the guest powers off`, async () => {
    const program = ['sh', '-c', `exec "$@" ${redirection}`, 'sh', PROGRAM] as const;
    const { status, stdout, stderr } = await boot([], { program }).ended;
    assert.equal(status, 0, stderr + stdout);
    assert.match(stdout, /reboot: Power down\r\n$/);
  });
}
