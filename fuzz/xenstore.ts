import { MessageType } from '../src/xenstore/protocol.ts';
import { Field, type TestGuest, TestStore } from '../test/xenstore/guest.ts';
import type { FuzzTarget } from './target.ts';

/**
 * A hostile guest beside a well-behaved one: the input is a script of what it does to its ring. Whatever that is, the store
 * throws nothing, keeps the quota, changes nothing of others', and goes on serving them.
 */

const NODES = 40;
/** What the script's requests choose their paths, tokens and permissions from. */
const words = [
  'a',
  'b',
  'a/b',
  '/',
  '/local/domain/2',
  '/local/domain/2/kept',
  '/shared',
  '@releaseDomain',
  'T',
  'F',
  'n1',
  'b2',
  '1',
  '0',
  '',
  '-',
];
const types = Object.values(MessageType);
const fields = Object.values(Field);

class Script {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  word(): number {
    return (this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24)) >>> 0;
  }

  bytes(): Uint8Array {
    const length = this.byte();
    const taken = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }
}

const request = (guest: TestGuest, script: Script): void => {
  const choice = script.byte();
  const type = types[choice % types.length] ?? choice;
  const shape = script.byte();
  const strings = Array.from({ length: shape & 3 }, () => words[script.byte() % words.length]);
  const payload = strings.map((text) => `${text}|`).join('') + ((shape & 4) === 0 ? '' : 'rest');
  guest.put(guest.encode(type, payload, (shape >>> 3) & 3));
};

const actions: readonly ((guest: TestGuest, script: Script) => void)[] = [
  request,
  request,
  request,
  (guest) => guest.poll(),
  (guest, script) => guest.take(script.byte()),
  (guest, script) => void guest.put(script.bytes()),
  (guest, script) => guest.setField(fields[script.byte() % fields.length] ?? 0, script.word()),
  (guest) => guest.reconnect(),
];

const check = (condition: boolean, what: string): void => {
  if (!condition) throw new Error(what);
};

const run = (input: Uint8Array): void => {
  const host = new TestStore({ nodes: NODES, queuedBytes: 8192 });
  const [guest, other] = [host.guest(1), host.guest(2)];
  host.store.write('/shared', '');
  host.store.setPermissions('/shared', ['n0', 'b1', 'b2']);
  other.ask('write', 'kept|value');
  for (const script = new Script(input); !script.done; ) {
    actions[script.byte() % actions.length]?.(guest, script);
  }
  guest.poll();
  check(other.ask('read', 'kept|')[0] === 'read value', 'a value of another guest changed, or it is not answered');
  check(other.ask('write', 'new|x').at(-1) === 'write OK|', 'another guest cannot write');
  const owned = host.store.dump().match(/\(n1[,)]|\([rwb]1[,)]/g) ?? [];
  check(owned.length <= NODES, `the guest owns ${owned.length} nodes`);
  host.store.release(1);
  check(!/[nrwb]1[,)]/.test(host.store.dump()), 'something of the guest is left');
};

const bytes = (...parts: readonly (number | readonly number[])[]): Uint8Array => Uint8Array.from(parts.flat());
const write = [0, types.indexOf(MessageType.write), 5, 2];

export const target: FuzzTarget = {
  name: 'xenstore',
  seeds: [
    bytes(write, 3, 0, types.indexOf(MessageType.watch), 2, 0, 10, 3, 4, 200),
    bytes(
      0,
      types.indexOf(MessageType.transactionStart),
      1,
      14,
      write,
      3,
      0,
      types.indexOf(MessageType.transactionEnd),
      9,
      8,
      3,
    ),
    bytes(0, types.indexOf(MessageType.remove), 1, 6, 3, 0, types.indexOf(MessageType.setPermissions), 3, 6, 10, 3),
    bytes(5, 16, MessageType.read, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 5, 2, 97, 0, 3),
    bytes(6, 1, 255, 255, 255, 255, 3, 7, write, 3),
  ],
  run,
};
