/** OpenPGP keys and signatures made for the tests. */
import { createCleartextMessage, createMessage, generateKey, type PrivateKey, sign } from 'openpgp';

export interface TestKey {
  readonly privateKey: PrivateKey;
  readonly armored: string;
}

/** @param lifetime in seconds, for ever unless given */
export async function makeKey(date?: Date, lifetime = 0): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKey({
    userIDs: [{ name: 'Test Archive' }],
    keyExpirationTime: lifetime,
    date: date ?? new Date(),
    format: 'object',
  });
  return { privateKey, armored: publicKey.armor() };
}

export async function clearSign(text: string, keys: readonly TestKey[], date?: Date): Promise<string> {
  const message = await createCleartextMessage({ text });
  const signingKeys = keys.map(({ privateKey }) => privateKey);
  return await sign({ message, signingKeys, ...(date === undefined ? {} : { date }) });
}

export async function detachedSignature(text: string, key: TestKey): Promise<string> {
  const message = await createMessage({ binary: new TextEncoder().encode(text) });
  return await sign({ message, signingKeys: key.privateKey, detached: true });
}
