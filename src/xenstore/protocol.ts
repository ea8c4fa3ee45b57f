import { StoreError, type StoreErrorName } from './store-error.ts';

/** The wire protocol (Xen's io/xs_wire.h and docs/misc/xenstore.txt): little-endian headers, payloads of strings and bytes. */

/** xsd_sockmsg_type. */
export const MessageType = {
  control: 0,
  directory: 1,
  read: 2,
  getPermissions: 3,
  watch: 4,
  unwatch: 5,
  transactionStart: 6,
  transactionEnd: 7,
  introduce: 8,
  release: 9,
  getDomainPath: 10,
  write: 11,
  makeDirectory: 12,
  remove: 13,
  setPermissions: 14,
  watchEvent: 15,
  error: 16,
  isDomainIntroduced: 17,
  resume: 18,
  setTarget: 19,
  resetWatches: 21,
  directoryPart: 22,
} as const;

/** Bytes of xsd_sockmsg. */
export const HEADER_SIZE = 16;
export const PAYLOAD_MAX = 4096;

/** One message of either direction. */
export interface Message {
  /** A MessageType. */
  readonly type: number;
  /** Chosen by who asks, repeated in the answer. */
  readonly requestId: number;
  /** 0 outside transactions. */
  readonly transactionId: number;
  readonly payload: Uint8Array;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The length of the payload that a header announces: not checked. */
export const payloadLength = (header: Uint8Array): number => view(header).getUint32(12, true);

/** A whole message, with a payload of its own. */
export const decodeMessage = (bytes: Uint8Array): Message => {
  const header = view(bytes);
  return {
    type: header.getUint32(0, true),
    requestId: header.getUint32(4, true),
    transactionId: header.getUint32(8, true),
    payload: bytes.slice(HEADER_SIZE, HEADER_SIZE + payloadLength(bytes)),
  };
};

export const encodeMessage = ({ type, requestId, transactionId, payload }: Message): Uint8Array => {
  const bytes = new Uint8Array(HEADER_SIZE + payload.length);
  const header = view(bytes);
  header.setUint32(0, type, true);
  header.setUint32(4, requestId, true);
  header.setUint32(8, transactionId, true);
  header.setUint32(12, payload.length, true);
  bytes.set(payload, HEADER_SIZE);
  return bytes;
};

/** Each byte is one character, so that whatever a guest sends comes back as it was. */
const textOf = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

/** The bytes of a text whose characters are bytes. */
const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};

const malformed = (): StoreError => new StoreError('EINVAL', 'the payload');

/**
 * The strings that make up a payload, each with its ending zero.
 *
 * @throws StoreError EINVAL if the last does not end, or there are fewer than `least`
 */
export const parseStrings = (payload: Uint8Array, least: number): string[] => {
  if (payload.length > 0 && payload[payload.length - 1] !== 0) throw malformed();
  const strings = payload.length === 0 ? [] : textOf(payload).slice(0, -1).split('\0');
  if (strings.length < least) throw malformed();
  return strings;
};

/** The one string that is the payload. */
export const parseString = (payload: Uint8Array): string => {
  const [text, ...others] = parseStrings(payload, 1);
  if (text === undefined || others.length > 0) throw malformed();
  return text;
};

/** A string and the bytes after its zero. */
export const parseStringAndBytes = (payload: Uint8Array): { text: string; bytes: Uint8Array } => {
  const end = payload.indexOf(0);
  if (end < 0) throw malformed();
  return { text: textOf(payload.subarray(0, end)), bytes: payload.subarray(end + 1) };
};

/**
 * A decimal number.
 *
 * @throws StoreError EINVAL if it is none or more than `limit`
 */
export const parseNumber = (text: string, limit: number): number => {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  if (value > limit) throw malformed();
  return value;
};

/** A payload of strings, each with its ending zero. */
export const encodeStrings = (...strings: readonly string[]): Uint8Array =>
  bytesOf(strings.map((text) => `${text}\0`).join(''));

export const OK = encodeStrings('OK');

/** The answer that tells of an error. */
export const errorReply = ({ requestId, transactionId }: Message, code: StoreErrorName): Message => ({
  type: MessageType.error,
  requestId,
  transactionId,
  payload: encodeStrings(code),
});
