import type { XenStore } from '../xenstore/server.ts';

/** What the toolstack writes into the store for a domain: libxl's entries, in its order and with its permissions. */

export interface DomainEntries {
  readonly domid: number;
  readonly name: string;
  /** As text with hyphens. */
  readonly uuid: string;
  readonly vcpus: number;
  readonly memoryKiB: number;
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly consolePort: number;
  /** Guest frame numbers. */
  readonly consolePfn: number;
  readonly storePort: number;
  readonly storePfn: number;
}

/** Bytes of output that the console's backend would keep. */
const CONSOLE_LIMIT = 1 << 20;

/** Nodes that a guest finds made for it, and owns. */
const GUEST_OWNED = ['data', 'drivers', 'feature', 'attr', 'error'];

const folderOf = (domid: number): string => `/local/domain/${domid}`;
const consoleBackendOf = (domid: number): string => `/local/domain/0/backend/console/${domid}`;

/** The entries of domain 0 and of the host. */
export const writeHostEntries = (store: XenStore): void => {
  store.makeDirectory('/tool/xenstored');
  for (const feature of ['poweroff', 'reboot', 'suspend'])
    store.write(`/local/domain/0/control/feature-${feature}`, '1');
  store.write('/local/domain/0/domid', '0');
  store.write('/local/domain/0/name', 'Domain-0');
  store.write('/local/pool/0/name', 'Pool-0');
  store.makeDirectory('/vm');
  store.makeDirectory('/libxl');
};

/** Writes values below a folder that gets permissions of its own; values under it inherit them. */
const writeFolder = (
  store: XenStore,
  folder: string,
  permissions: readonly string[],
  values: Readonly<Record<string, string | number>>,
): void => {
  store.makeDirectory(folder);
  store.setPermissions(folder, permissions);
  for (const [name, value] of Object.entries(values)) store.write(`${folder}/${name}`, String(value));
};

const writeConsole = (store: XenStore, { domid, consolePort, consolePfn }: DomainEntries): void => {
  const frontend = `${folderOf(domid)}/console`;
  const backend = `${consoleBackendOf(domid)}/0`;
  const values = { frontend, 'frontend-id': domid, online: 1, state: 1, protocol: 'vt100' };
  writeFolder(store, backend, ['n0', `r${domid}`], values);
  writeFolder(store, `/libxl/${domid}/device/console/0`, ['n0'], {
    frontend,
    backend,
    'frontend-id': domid,
    online: 1,
    state: 1,
    protocol: 'vt100',
  });
  writeFolder(store, frontend, ['n0', `r${domid}`], {
    backend,
    'backend-id': 0,
    limit: CONSOLE_LIMIT,
    type: 'xenconsoled',
    output: 'pty',
    tty: '',
    port: consolePort,
    'ring-ref': consolePfn,
  });
  store.setPermissions(`${frontend}/backend-id`, [`n${domid}`, 'r0']);
};

/** Makes /local/domain/N and /vm/UUID of a new domain. */
export const writeDomainEntries = (store: XenStore, entries: DomainEntries): void => {
  const { domid, name, uuid, vcpus, memoryKiB, startTime, storePort, storePfn } = entries;
  const readable = ['n0', `r${domid}`];
  const own = [`n${domid}`];
  const folder = folderOf(domid);
  writeFolder(store, `/vm/${uuid}`, readable, { name, uuid, start_time: startTime.toFixed(2) });
  writeFolder(store, folder, readable, { vm: `/vm/${uuid}`, name });
  for (let index = 0; index < vcpus; index++) store.write(`${folder}/cpu/${index}/availability`, 'online');
  writeFolder(store, `${folder}/memory`, readable, { 'static-max': memoryKiB, target: memoryKiB, videoram: 0 });
  writeFolder(store, `${folder}/device/suspend/event-channel`, own, {});
  writeFolder(store, `${folder}/control`, readable, {});
  for (const node of ['shutdown', 'feature-poweroff', 'feature-reboot', 'feature-suspend', 'sysrq']) {
    writeFolder(store, `${folder}/control/${node}`, own, {});
  }
  store.write(`${folder}/control/platform-feature-multiprocessor-suspend`, '1');
  store.write(`${folder}/control/platform-feature-xs_reset_watches`, '1');
  for (const node of GUEST_OWNED) writeFolder(store, `${folder}/${node}`, own, {});
  store.write(`${folder}/domid`, String(domid));
  writeFolder(store, `${folder}/store`, readable, { port: storePort, 'ring-ref': storePfn });
  writeConsole(store, entries);
  writeFolder(store, `/libxl/${domid}`, ['n0'], { type: 'pvh', 'dm-version': 'qemu_xen' });
};

/** Removes what the toolstack and the backends wrote for a domain. */
export const removeDomainEntries = (store: XenStore, { domid, uuid }: Pick<DomainEntries, 'domid' | 'uuid'>): void => {
  store.remove(folderOf(domid));
  for (const kind of store.directory('/local/domain/0/backend') ?? []) {
    store.remove(`/local/domain/0/backend/${kind}/${domid}`);
  }
  store.remove(`/vm/${uuid}`);
  store.remove(`/libxl/${domid}`);
};
