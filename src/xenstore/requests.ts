import { domainPath } from './paths.ts';
import { formatPermission, parsePermissions } from './permissions.ts';
import {
  encodeStrings,
  errorReply,
  type Message,
  MessageType,
  OK,
  PAYLOAD_MAX,
  parseNumber,
  parseString,
  parseStringAndBytes,
  parseStrings,
} from './protocol.ts';
import { type Client, Store } from './store.ts';
import { StoreError } from './store-error.ts';

/** What each request of the wire protocol does (Xen's docs/misc/xenstore.txt). */

/** A client that speaks the wire protocol. */
export interface WireClient extends Client {
  send(message: Message): void;
}

/** What requests about domains need. */
export interface Domains {
  isIntroduced(domid: number): boolean;
  /** Announces a domain that is connected; false if there is none. */
  announce(domid: number): boolean;
  /** False if there is none. */
  release(domid: number): boolean;
  /** Lets a domain act for another; false if it is not connected. */
  setTarget(domid: number, target: number): boolean;
}

interface Request {
  readonly store: Store;
  readonly domains: Domains;
  readonly client: WireClient;
  readonly transaction: number;
  readonly payload: Uint8Array;
}

/** The payload of the answer; with what is to happen after it, if anything. */
type Answer = Uint8Array | { readonly payload: Uint8Array; readonly after: () => void };

/** The last of the special domain numbers ends here. */
const DOMID_LIMIT = 0xffff;
const DOMID_SELF = 0x7ff0;
const FRAME_LIMIT = 0xffff_ffff;

const directory = ({ store, client, transaction, payload }: Request): Uint8Array => {
  const { names } = store.directory(client, transaction, parseString(payload));
  const list = encodeStrings(...names);
  if (list.length > PAYLOAD_MAX) throw new StoreError('E2BIG', 'the list of children');
  return list;
};

/** As much of the list as fits, whole names only; an empty name ends it. */
const directoryPart = ({ store, client, transaction, payload }: Request): Uint8Array => {
  const [path = '', from = ''] = parseStrings(payload, 2);
  const offset = parseNumber(from, FRAME_LIMIT);
  const { names, generation } = store.directory(client, transaction, path);
  const head = encodeStrings(String(generation));
  const list = encodeStrings(...names);
  let end = Math.min(list.length, offset + PAYLOAD_MAX - head.length - 1);
  while (end > offset && list[end - 1] !== 0) end--;
  const part = list.subarray(Math.min(offset, list.length), end);
  const isLast = offset + part.length >= list.length;
  return Uint8Array.of(...head, ...part, ...(isLast ? [0] : []));
};

const write = ({ store, client, transaction, payload }: Request): Uint8Array => {
  const { text, bytes } = parseStringAndBytes(payload);
  store.write(client, transaction, text, bytes);
  return OK;
};

const getPermissions = ({ store, client, transaction, payload }: Request): Uint8Array =>
  encodeStrings(...store.permissions(client, transaction, parseString(payload)).map(formatPermission));

const setPermissions = ({ store, client, transaction, payload }: Request): Uint8Array => {
  const [path = '', ...permissions] = parseStrings(payload, 2);
  store.setPermissions(client, transaction, path, parsePermissions(permissions));
  return OK;
};

const watch = ({ store, client, payload }: Request): Answer => {
  const [path = '', token = ''] = parseStrings(payload, 2);
  const added = store.watch(client, path, token);
  return { payload: OK, after: () => store.fireNew(added) };
};

const unwatch = ({ store, client, payload }: Request): Uint8Array => {
  const [path = '', token = ''] = parseStrings(payload, 2);
  store.unwatch(client, path, token);
  return OK;
};

const transactionStart = ({ store, client, transaction }: Request): Uint8Array => {
  if (transaction !== 0) {
    client.transactions.get(transaction);
    throw new StoreError('EBUSY', 'a transaction in a transaction');
  }
  return encodeStrings(String(store.startTransaction(client)));
};

const transactionEnd = ({ store, client, transaction, payload }: Request): Uint8Array => {
  const verdict = parseString(payload);
  if (verdict !== 'T' && verdict !== 'F') throw new StoreError('EINVAL', "a transaction's end");
  store.endTransaction(client, transaction, verdict === 'T');
  return OK;
};

const parseDomid = (text: string): number => parseNumber(text, DOMID_LIMIT);

const getDomainPath = ({ payload }: Request): Uint8Array => encodeStrings(domainPath(parseDomid(parseString(payload))));

const isDomainIntroduced = ({ domains, payload }: Request): Uint8Array => {
  const domid = parseDomid(parseString(payload));
  return encodeStrings(domid === DOMID_SELF || domains.isIntroduced(domid) ? 'T' : 'F');
};

/** Domains are connected by the toolstack, which hands over the ring itself; asking for it again announces the domain. */
const introduce = ({ domains, payload }: Request): Uint8Array => {
  const [domid = ''] = parseStrings(payload, 3);
  if (!domains.announce(parseDomid(domid))) throw new StoreError('EINVAL', `domain ${domid}`);
  return OK;
};

const release = ({ domains, payload }: Request): Uint8Array => {
  const domid = parseDomid(parseString(payload));
  if (!domains.release(domid)) throw new StoreError('ENOENT', `domain ${domid}`);
  return OK;
};

/** Whoever shuts a domain down announces it, each time: there is no state to go back to. */
const resume = ({ domains, payload }: Request): Uint8Array => {
  const domid = parseDomid(parseString(payload));
  if (!domains.isIntroduced(domid)) throw new StoreError('ENOENT', `domain ${domid}`);
  return OK;
};

const setTarget = ({ domains, payload }: Request): Uint8Array => {
  const [domid = '', target = ''] = parseStrings(payload, 2);
  if (!domains.setTarget(parseDomid(domid), parseDomid(target))) throw new StoreError('ENOENT', `domain ${domid}`);
  return OK;
};

const CONTROL_COMMANDS = ['check', 'help'];

const control = ({ payload }: Request): Uint8Array => {
  const [command = ''] = parseStrings(payload, 1);
  if (!CONTROL_COMMANDS.includes(command)) throw new StoreError('EINVAL', `the command ${command}`);
  return command === 'help' ? encodeStrings(CONTROL_COMMANDS.join('\n')) : OK;
};

const handlers = new Map<number, (request: Request) => Answer>([
  [MessageType.control, control],
  [MessageType.directory, directory],
  [
    MessageType.read,
    ({ store, client, transaction, payload }) => store.read(client, transaction, parseString(payload)),
  ],
  [MessageType.getPermissions, getPermissions],
  [MessageType.watch, watch],
  [MessageType.unwatch, unwatch],
  [MessageType.transactionStart, transactionStart],
  [MessageType.transactionEnd, transactionEnd],
  [MessageType.introduce, introduce],
  [MessageType.release, release],
  [MessageType.getDomainPath, getDomainPath],
  [MessageType.write, write],
  [
    MessageType.makeDirectory,
    ({ store, client, transaction, payload }) => {
      store.makeDirectory(client, transaction, parseString(payload));
      return OK;
    },
  ],
  [
    MessageType.remove,
    ({ store, client, transaction, payload }) => {
      store.remove(client, transaction, parseString(payload));
      return OK;
    },
  ],
  [MessageType.setPermissions, setPermissions],
  [MessageType.isDomainIntroduced, isDomainIntroduced],
  [MessageType.resume, resume],
  [MessageType.setTarget, setTarget],
  [
    MessageType.resetWatches,
    ({ store, client }) => {
      store.reset(client);
      return OK;
    },
  ],
  [MessageType.directoryPart, directoryPart],
]);

/** Requests that only domain 0 may make. */
const privileged: ReadonlySet<number> = new Set([
  MessageType.control,
  MessageType.introduce,
  MessageType.release,
  MessageType.resume,
  MessageType.setTarget,
]);

/** Does what a client asks, and answers. */
export const answer = (store: Store, domains: Domains, client: WireClient, message: Message): void => {
  const { type, requestId, transactionId, payload } = message;
  try {
    const handler = handlers.get(type);
    if (handler === undefined) throw new StoreError('ENOSYS', `request ${type}`);
    if (privileged.has(type)) Store.requirePrivilege(client);
    const result = handler({ store, domains, client, transaction: transactionId, payload });
    const [reply, after] = result instanceof Uint8Array ? [result, null] : [result.payload, result.after];
    client.send({ type, requestId, transactionId, payload: reply });
    after?.();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    client.send(errorReply(message, error.code));
  }
};
