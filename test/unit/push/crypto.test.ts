import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aesKeyOf, decrypt, encrypt, isSame, signatureOf, type PushKey } from '../../../src/push/crypto.ts';
import { createRandom } from '../../support/random.ts';
import {
  officialCheck,
  officialPlain,
  officialReply,
  officialSecure,
  officialXml,
  officialXmlReply,
} from '../../support/push-vectors.ts';

const secure = [officialSecure, officialReply, officialXml, officialXmlReply];
const keyOf = ({ appid, encodingAesKey }: { appid: string; encodingAesKey: string }): PushKey => ({
  appid,
  aesKey: aesKeyOf(encodingAesKey)!,
});
const key: PushKey = { appid: 'wx0123456789abcdef', aesKey: Buffer.alloc(32, 7) };
const random = Buffer.alloc(16, 1);

describe('WeChat’s published examples', () => {
  it.each([officialCheck, officialPlain, officialSecure, officialXml])(
    'have our signature of token, timestamp and nonce: $signature',
    ({ token, timestamp, nonce, signature }) => {
      expect(signatureOf(token, timestamp, nonce)).toBe(signature);
    },
  );

  it.each(secure)('have our msg_signature $msgSignature', (vector) => {
    const { token, timestamp, nonce, encrypt: encrypted } = vector;
    expect(signatureOf(token, timestamp, nonce, encrypted)).toBe(vector.msgSignature);
  });

  it.each(secure)('are decrypted to the text that is printed beside them: $nonce', (vector) => {
    expect(decrypt(vector.encrypt, keyOf(vector))).toEqual({ kind: 'message', text: vector.message });
  });

  it.each(secure)('are what we encrypt, byte for byte: $nonce', (vector) => {
    expect(encrypt(vector.message, keyOf(vector), Buffer.from(vector.random))).toBe(vector.encrypt);
  });
});

describe('any message', () => {
  const rounds = Number(process.env['PUSH_ROUND_TRIPS'] ?? 2_000);
  const longest = rounds > 2_000 ? 65_536 : 2_048;

  it(`comes back as it was, ${rounds} times of up to ${longest} bytes`, () => {
    const draw = createRandom(17);
    let bytes = 0;
    let longestDrawn = 0;
    for (let round = 0; round < rounds; round++) {
      const text = textOf(draw, Math.floor(draw() * (longest + 1)));
      bytes += Buffer.byteLength(text);
      longestDrawn = Math.max(longestDrawn, Buffer.byteLength(text));
      const one: PushKey = { appid: `wx${round}`, aesKey: randomBytes(32) };
      const encrypted = encrypt(text, one, randomBytes(16));
      expect(Buffer.from(encrypted, 'base64').length % 32).toBe(0);
      expect(decrypt(encrypted, one)).toEqual({ kind: 'message', text });
      if (round % 10 === 0)
        expect(decrypt(encrypted, { ...one, appid: `${one.appid}x` })).toMatchObject({ kind: 'refused' });
    }
    if (rounds > 2_000)
      console.log(`${rounds} messages, ${bytes} bytes, the longest ${longestDrawn}: all came back`);
    expect(longestDrawn).toBeGreaterThan(longest * 0.95);
  });

  it('has every padding from 1 to 32', () => {
    const paddings = Array.from({ length: 32 }, (_, length) => {
      const text = 'x'.repeat(length);
      const encrypted = encrypt(text, key, random);
      expect(decrypt(encrypted, key)).toEqual({ kind: 'message', text });
      return 32 - ((16 + 4 + length + key.appid.length) % 32);
    });
    expect([...paddings].sort((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, at) => at + 1));
  });
});

/** ASCII, Chinese and emoji, mixed, of so many bytes at most. */
function textOf(draw: () => number, bytes: number): string {
  const kinds = ['a', '"', '\n', '\\', ']]>', '发', '货', '\u00e9', '🍌', '<'];
  let text = '';
  let left = bytes;
  while (left >= 4) {
    const piece = kinds[Math.floor(draw() * kinds.length)]!.repeat(1 + Math.floor(draw() * 64));
    const cut = Buffer.byteLength(piece) <= left ? piece : 'b'.repeat(left);
    text += cut;
    left -= Buffer.byteLength(cut);
  }
  return text;
}

describe('what is not encrypted as WeChat does it', () => {
  const encrypted = encrypt('{"Event":"x"}', key, random);
  const refused = { kind: 'refused', reason: 'undecryptable' };

  it.each([
    ['nothing', ''],
    ['no base64', '*'.repeat(64)],
    ['base64 with a line’s end', `${encrypted}\n`],
    ['the alphabet of URLs', encrypted.replaceAll('+', '-').replaceAll('/', '_')],
    ['base64 that was cut in a quad', encrypted.slice(0, -1)],
    ['base64 that was cut after one', encrypted.slice(0, -4)],
    ['half the blocks', Buffer.from(encrypted, 'base64').subarray(0, 32).toString('base64')],
    ['16 bytes too few', Buffer.from(encrypted, 'base64').subarray(0, 48).toString('base64')],
    ['another key', encrypt('{"Event":"x"}', { ...key, aesKey: Buffer.alloc(32, 8) }, random)],
  ])('is refused: %s', (_what, text) => {
    expect(decrypt(text, key)).toEqual(refused);
  });

  it('is refused for another app', () => {
    const foreign = encrypt('{}', { ...key, appid: 'wxfedcba9876543210' }, random);
    expect(decrypt(foreign, key)).toEqual({ kind: 'refused', reason: 'wrong_appid' });
    expect(decrypt(rawEncrypt(framed('{}', 2, '')), key)).toEqual({ kind: 'refused', reason: 'wrong_appid' });
    for (const appid of ['', 'wx0123456789abcde', 'wx0123456789abcdef0'])
      expect(decrypt(encrypted, { ...key, appid })).toEqual({ kind: 'refused', reason: 'wrong_appid' });
  });

  it('is refused with a length beyond the text', () => {
    for (const length of [21, 0x7fffffff, 0xffffffff])
      expect(decrypt(rawEncrypt(framed('{}', length, key.appid)), key)).toEqual(refused);
  });

  it('is refused with padding of 0, of 33, of more than there is, or of unequal bytes', () => {
    const frame = framed('{}', 2, key.appid);
    const padded = (pad: number[]): string =>
      rawEncrypt(Buffer.concat([frame.subarray(0, frame.length - pad.length), Buffer.from(pad)]));
    expect(decrypt(padded([0]), key)).toEqual(refused);
    expect(decrypt(padded([33]), key)).toEqual(refused);
    expect(decrypt(padded(Array<number>(33).fill(33)), key)).toEqual(refused);
    expect(decrypt(padded([255]), key)).toEqual(refused);
    expect(decrypt(padded([3, 2, 2, 3]), key)).toEqual(refused);
    expect(decrypt(rawEncrypt(Buffer.alloc(32, 32)), key)).toEqual(refused);
  });

  it('is refused where the text is no UTF-8, or has a NUL', () => {
    expect(decrypt(rawEncrypt(framed(Buffer.from([0xff, 0xfe]), 2, key.appid)), key)).toEqual(refused);
    expect(decrypt(rawEncrypt(framed('a\u0000', 2, key.appid)), key)).toEqual(refused);
  });

  function framed(text: string | Buffer, length: number, appid: string): Buffer {
    const head = Buffer.alloc(20);
    head.writeUInt32BE(length, 16);
    const plain = Buffer.concat([head, Buffer.from(text as string), Buffer.from(appid)]);
    const padding = 32 - (plain.length % 32);
    return Buffer.concat([plain, Buffer.alloc(padding, padding)]);
  }
});

/** Whole blocks as they are, whatever they hold. */
function rawEncrypt(plain: Buffer): string {
  const cipher = createCipheriv('aes-256-cbc', key.aesKey, key.aesKey.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(plain), cipher.final()]).toString('base64');
}

describe('a signature', () => {
  it('is of the parts in the order of their texts, whatever order they are given in', () => {
    const hex = createHash('sha1').update('1139Ab').digest('hex');
    expect(signatureOf('b', '9', '113', 'A')).toBe(hex);
    expect(signatureOf('113', 'A', '9', 'b')).toBe(hex);
  });

  it('equals itself alone', () => {
    const one = signatureOf('a', 'b');
    expect(isSame(one, one)).toBe(true);
    for (const other of [
      '',
      one.slice(1),
      `${one}0`,
      one.toUpperCase(),
      signatureOf('a', 'c'),
      '发'.repeat(40),
    ])
      expect(isSame(one, other)).toBe(false);
  });
});

describe('an EncodingAESKey', () => {
  it('is 43 characters of base64, and 32 bytes', () => {
    expect(aesKeyOf('A'.repeat(43))).toEqual(Buffer.alloc(32));
    for (const none of ['', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}=`, `${'A'.repeat(42)}-`])
      expect(aesKeyOf(none)).toBeNull();
  });
});
