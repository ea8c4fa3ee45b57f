/** OpenPGP signatures on Release files, checked against a keyring of public keys. */
import type { Key, VerifyMessageResult } from 'openpgp';
import { decodeText } from '../bytes.ts';
import { ImageError } from '../errors.ts';

/** Public keys, armored or binary, any number in each. */
export type Keyring = readonly (Uint8Array | string)[];

/** The library is large; what is cached needs no signature and should start without it. */
async function library(): Promise<typeof import('openpgp')> {
  return await import('openpgp');
}

async function readKeyring(keyring: Keyring, name: string): Promise<Key[]> {
  const { readKeys } = await library();
  const keys: Key[] = [];
  for (const part of keyring) {
    const text = typeof part === 'string' ? part : decodeText(part);
    try {
      const isArmored = text.trimStart().startsWith('-----BEGIN PGP');
      if (isArmored) keys.push(...(await readKeys({ armoredKeys: text })));
      else keys.push(...(await readKeys({ binaryKeys: typeof part === 'string' ? new Uint8Array(0) : part })));
    } catch (cause) {
      throw new ImageError('format', `${name}: not an OpenPGP public keyring`, { cause });
    }
  }
  if (keys.length === 0) throw new ImageError('format', `${name}: holds no OpenPGP public key`);
  return keys;
}

/** Debian signs with several keys in turn of generations: one good signature by a trusted key is enough. */
async function requireGood(
  signatures: VerifyMessageResult['signatures'],
  file: string,
  keyring: string,
): Promise<void> {
  const problems: string[] = [];
  for (const { keyID, verified } of signatures) {
    try {
      await verified;
      return;
    } catch (error) {
      problems.push(`key ${keyID.toHex().toUpperCase()}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const detail = problems.length === 0 ? 'it carries no signature' : problems.join('; ');
  throw new ImageError('signature', `${file}: no good signature by a key of ${keyring} (${detail})`);
}

export interface SignatureOptions {
  readonly keyring: Keyring;
  /** How messages call the keyring. */
  readonly keyringName: string;
  readonly now: Date;
  /** The name of the signed file used in errors. */
  readonly file: string;
}

/**
 * The text of a clear-signed file (InRelease) whose signature is good.
 *
 * @throws ImageError `signature`; `format` when it is not clear-signed or the keyring is malformed
 */
export async function verifyClearSigned(text: string, options: SignatureOptions): Promise<string> {
  const { keyring, keyringName, now, file } = options;
  const { readCleartextMessage, verify } = await library();
  const verificationKeys = await readKeyring(keyring, keyringName);
  const message = await readCleartextMessage({ cleartextMessage: text }).catch((cause: unknown) => {
    throw new ImageError('format', `${file}: not a clear-signed file`, { cause });
  });
  const { signatures } = await verify({ message, verificationKeys, date: now });
  await requireGood(signatures, file, keyringName);
  return message.getText();
}

/**
 * Checks a file against its detached signature (Release and Release.gpg).
 *
 * @throws ImageError `signature`; `format` when the signature or the keyring is malformed
 */
export async function verifyDetached(
  content: Uint8Array,
  armoredSignature: string,
  options: SignatureOptions,
): Promise<void> {
  const { keyring, keyringName, now, file } = options;
  const { createMessage, readSignature, verify } = await library();
  const verificationKeys = await readKeyring(keyring, keyringName);
  const signature = await readSignature({ armoredSignature }).catch((cause: unknown) => {
    throw new ImageError('format', `${file}: its signature file is malformed`, { cause });
  });
  const message = await createMessage({ binary: content });
  const { signatures } = await verify({ message, signature, verificationKeys, date: now });
  await requireGood(signatures, file, keyringName);
}
