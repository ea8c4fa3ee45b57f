import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAr } from '../../src/images/ar.ts';
import { parseDeb, readDebPart } from '../../src/images/deb.ts';
import { NodeDecoders } from '../../src/images/node/decoders.ts';
import { ar, arMember, bytesOf, Compress, deb, join, tar } from './builders.ts';
import { imageError } from './expect.ts';

const decoders = NodeDecoders;

async function contentOf(file: Uint8Array): Promise<string> {
  let found = '';
  await readDebPart(parseDeb(file, 'a.deb').data, 'a.deb', () => (content) => (found += Buffer.from(content)), {
    decoders,
  });
  return found;
}

for (const suffix of ['', '.gz', '.xz', '.zst'] as const) {
  test(`a package whose parts are tar${suffix} archives`, async () => {
    const file = deb({
      control: 'Package: x\n',
      data: [{ name: './usr/share/doc/x', content: 'documentation' }],
      suffix,
    });
    assert.equal(await contentOf(file), 'documentation');
    let control = '';
    const visit = () => (content: Uint8Array) => (control += Buffer.from(content));
    await readDebPart(parseDeb(file, 'a.deb').control, 'a.deb', visit, { decoders });
    assert.equal(control, 'Package: x\n');
  });
}

test('members of odd length are padded, and names may end with a slash', () => {
  const members = [...readAr(ar({ 'one/': '123', two: '4' }), 'x.ar')];
  assert.deepEqual(
    members.map(({ name, offset, data }) => [name, offset, Buffer.from(data).toString()]),
    [
      ['one', 68, '123'],
      ['two', 132, '4'],
    ],
  );
});

test('members for other uses are passed over', async () => {
  const data = Compress['.gz'](tar([{ name: 'a', content: 'A' }]));
  const file = ar({
    'debian-binary': '2.1\n',
    _sig: 'x',
    'control.tar.gz': data,
    _more: 'y',
    'data.tar.gz': data,
    _end: '',
  });
  assert.equal(await contentOf(file), 'A');
});

test('what is no package is refused, saying why and where', () => {
  const parse = (file: Uint8Array) => () => parseDeb(file, 'bad.deb');
  assert.throws(parse(bytesOf('PK\x03\x04')), imageError('format', /^bad.deb: at byte 0: not an ar archive/));
  assert.throws(parse(bytesOf('!<arch>\n')), imageError('format', /first member is not debian-binary/));
  assert.throws(parse(ar({ 'control.tar': '' })), imageError('format', /first member is not debian-binary/));
  assert.throws(parse(ar({ 'debian-binary': '3.0\n' })), imageError('unsupported', /unknown format "3.0/));
  assert.throws(parse(ar({ 'debian-binary': '2.0\n' })), imageError('format', /truncated: no control.tar/));
  const control = { 'debian-binary': '2.0\n', 'control.tar': tar([]) };
  assert.throws(parse(ar(control)), imageError('format', /truncated: no data.tar/));
  assert.throws(parse(ar({ ...control, other: '' })), imageError('format', /data.tar expected, "other" found/));
  assert.throws(
    parse(ar({ ...control, 'data.tar.bz2': '' })),
    imageError('unsupported', /data.tar.bz2 has an unknown compression/),
  );
  const cut = ar({ ...control, 'data.tar': tar([]) }).subarray(0, -100);
  assert.throws(parse(cut), imageError('format', /truncated: data.tar needs 1024 bytes, 924 are left/));
  assert.throws(parse(cut.subarray(0, 100)), imageError('format', /at byte 72: truncated within an ar header/));
  const member = arMember('debian-binary', '2.0\n');
  member[58] = 0;
  assert.throws(
    parse(join('!<arch>\n', member)),
    imageError('format', /at byte 66: an ar header without its end mark/),
  );
  member[58] = 0x60;
  member.set(bytesOf('ten'), 48);
  assert.throws(parse(join('!<arch>\n', member)), imageError('format', /at byte 56: .*size is not a number/));
});

for (const suffix of ['.gz', '.xz', '.zst'] as const) {
  test(`damaged and truncated ${suffix} data is refused`, async () => {
    const content = Compress[suffix](tar([{ name: 'a', content: 'A'.repeat(5000) }]));
    const wrap = (data: Uint8Array): Uint8Array =>
      ar({ 'debian-binary': '2.0\n', 'control.tar': tar([]), [`data.tar${suffix}`]: data });
    const damaged = content.slice();
    damaged[content.length >> 1] ^= 0xff;
    await assert.rejects(contentOf(wrap(damaged)), imageError('format', /^a.deb/));
    await assert.rejects(contentOf(wrap(content.subarray(0, content.length >> 1))), imageError('format', /^a.deb/));
    await assert.rejects(contentOf(wrap(new Uint8Array(0))), imageError('format', /^a.deb/));
    // The xz decoder serves one stream at a time: a failure must not block the next.
    assert.equal(await contentOf(deb({ data: [{ name: 'b', content: 'B' }] })), 'B');
  });
}
