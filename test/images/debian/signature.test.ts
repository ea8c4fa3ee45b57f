import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKey } from 'openpgp';
import { checkRelease, parseRelease } from '../../../src/images/debian/release.ts';
import { type SignatureOptions, verifyClearSigned, verifyDetached } from '../../../src/images/debian/signature.ts';
import { DebianArchiveKeys } from '../../../src/images/keys/debian-archive.ts';
import { releaseText } from '../archive-server.ts';
import { bytesOf } from '../builders.ts';
import { imageError } from '../expect.ts';
import { clearSign, detachedSignature, makeKey } from '../keys.ts';

const [ours, another] = await Promise.all([makeKey(), makeKey()]);
const text = releaseText({ suite: 'bookworm' }, new Map([['main/binary-arm64/Packages', bytesOf('x')]]));
const options = (keyring: SignatureOptions['keyring'], now = new Date()): SignatureOptions => ({
  keyring,
  keyringName: 'the test keyring',
  now,
  file: 'InRelease',
});

test('a good signature gives the signed text', async () => {
  const signed = await clearSign(text, [ours]);
  assert.equal((await verifyClearSigned(signed, options([ours.armored]))).trim(), text.trim());
  const binary = (await readKey({ armoredKey: ours.armored })).write();
  assert.equal((await verifyClearSigned(signed, options([binary]))).trim(), text.trim());
});

test('one good signature among several is enough', async () => {
  const signed = await clearSign(text, [another, ours]);
  assert.equal((await verifyClearSigned(signed, options([ours.armored]))).trim(), text.trim());
});

test('text around the signed part is not part of it', async () => {
  const signed = await clearSign(text, [ours]);
  const surrounded = `Origin: Evil\n\n${signed}\nSHA256:\n`;
  assert.equal((await verifyClearSigned(surrounded, options([ours.armored]))).trim(), text.trim());
});

test('a wrong key, a changed text and a missing signature are refused', async () => {
  const signed = await clearSign(text, [ours]);
  const refused = imageError('signature', /^InRelease: no good signature by a key of the test keyring \(key /);
  await assert.rejects(verifyClearSigned(signed, options([another.armored])), refused);
  const tampered = signed.replace('Codename: bookworm', 'Codename: trixie');
  assert.notEqual(tampered, signed);
  await assert.rejects(verifyClearSigned(tampered, options([ours.armored])), refused);
  await assert.rejects(
    verifyClearSigned(text, options([ours.armored])),
    imageError('format', /not a clear-signed file/),
  );
});

test('signatures of the future are refused, those made before the key expired stay good', async () => {
  const day = 86_400_000;
  const future = await clearSign(text, [ours], new Date(Date.now() + 10 * day));
  await assert.rejects(
    verifyClearSigned(future, options([ours.armored])),
    imageError('signature', /no good signature/),
  );
  const born = new Date(Date.now() - 100 * day);
  const expired = await makeKey(born, 86_400);
  const early = await clearSign(text, [expired], new Date(born.getTime() + 1000));
  assert.equal((await verifyClearSigned(early, options([expired.armored]))).trim(), text.trim());
});

test('a detached signature', async () => {
  const signature = await detachedSignature(text, ours);
  await verifyDetached(bytesOf(text), signature, options([ours.armored]));
  const refused = imageError('signature', /no good signature/);
  await assert.rejects(verifyDetached(bytesOf(`${text} `), signature, options([ours.armored])), refused);
  await assert.rejects(verifyDetached(bytesOf(text), signature, options([another.armored])), refused);
  const malformed = imageError('format', /its signature file is malformed/);
  await assert.rejects(verifyDetached(bytesOf(text), 'hello', options([ours.armored])), malformed);
});

test('what is no keyring is refused', async () => {
  const signed = await clearSign(text, [ours]);
  const refused = imageError('format', /^the test keyring: (not an OpenPGP public keyring|holds no)/);
  await assert.rejects(verifyClearSigned(signed, options(['hello'])), refused);
  await assert.rejects(verifyClearSigned(signed, options([bytesOf('hello')])), refused);
  await assert.rejects(verifyClearSigned(signed, options([])), refused);
});

test("Debian's keys are those of its releases", async () => {
  const fingerprints: string[] = [];
  for (const armoredKey of DebianArchiveKeys) {
    const key = await readKey({ armoredKey });
    assert.equal(key.isPrivate(), false);
    fingerprints.push(key.getFingerprint().toUpperCase());
  }
  // As published with each release: automatic key and stable release key of Debian 11, 12 and 13.
  assert.deepEqual(fingerprints, [
    '1F89983E0081FDE018F3CC9673A4F27B8DD47936',
    'A4285295FC7B1A81600062A9605C66F00D6C9793',
    'B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8',
    '4D64FEC119C2029067D6E791F8D2585B8783D481',
    '04B54C3CDCA79751B16BC6B5225629DF75B188BD',
    '41587F7DB8C774BCCF131416762F67A0B2C39DE4',
  ]);
});

test('what a Release file says', () => {
  const release = parseRelease(`${text}MD5Sum:\n 00 1 x\n`, 'Release');
  assert.deepEqual([release.origin, release.codename, release.byHash], ['Debian', 'bookworm', false]);
  assert.equal(release.files.get('main/binary-arm64/Packages')?.size, 1);
  const bad = (change: (text: string) => string) => () => parseRelease(change(text), 'Release');
  assert.throws(
    bad(() => ''),
    imageError('format', /^Release: .*not a Release file/),
  );
  assert.throws(
    bad((t) => t.replace(/Date: .*/, 'Date: yesterday')),
    imageError('format', /"yesterday" is not a date/),
  );
  assert.throws(
    bad((t) => t.replace('SHA256:', 'SHA1:')),
    imageError('format', /not a Release file/),
  );
  assert.throws(
    bad((t) => t.replace(/ 1 main/, ' x main')),
    imageError('format', /the SHA256 line .* is malformed/),
  );
});

test('a Release file of another suite or past its time is refused', () => {
  const validUntil = new Date('2024-01-08T00:00:00Z');
  const release = parseRelease(
    releaseText({ suite: 'bookworm', validUntil }, new Map([['a', bytesOf('')]])),
    'Release',
  );
  const check =
    (suite: string, now: string, allowExpired = false) =>
    () =>
      checkRelease(release, suite, new Date(now), allowExpired, 'Release');
  check('bookworm', '2024-01-07')();
  check('oldstable', '2024-01-07')();
  assert.throws(
    check('trixie', '2024-01-07'),
    imageError('signature', /about the suite oldstable \(bookworm\), where trixie/),
  );
  assert.throws(
    check('bookworm', '2024-02-01'),
    imageError('expired', /expired on Mon, 08 Jan 2024.*clock \(Thu, 01 Feb 2024/),
  );
  check('bookworm', '2024-02-01', true)();
});
