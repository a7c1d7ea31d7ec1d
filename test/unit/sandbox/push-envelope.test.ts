import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decideRequest, type AppKeys } from '../../../src/push/decide.ts';
import { aesKeyOf, encrypt, signatureOf } from '../../../src/push/crypto.ts';
import { readMessage } from '../../../src/push/message.ts';
import { wrap, type Envelope } from '../../../src/sandbox/push-envelope.ts';
import { createRandom } from '../../support/random.ts';
import { officialKeys, officialSecure, officialXml } from '../../support/push-vectors.ts';

const envelope: Envelope = {
  appid: officialKeys.appid,
  token: officialKeys.token,
  aesKey: officialKeys.encodingAesKey,
  mode: 'secure',
  format: 'json',
};
const encryptOf = (body: string): unknown => readMessage(body)?.get('Encrypt');

describe('the sandbox’s envelope', () => {
  it.each([
    { vector: officialSecure, format: 'json' as const },
    { vector: officialXml, format: 'xml' as const },
  ])('is that of WeChat’s published example in $format, byte for byte', ({ vector, format }) => {
    const { query, body } = wrap(
      vector.message,
      { ...envelope, appid: vector.appid, format },
      { seconds: Number(vector.timestamp), nonce: vector.nonce, random: Buffer.from(vector.random) },
    );
    expect(encryptOf(body)).toBe(vector.encrypt);
    expect(query).toMatchObject({
      signature: vector.signature,
      msg_signature: vector.msgSignature,
      encrypt_type: 'aes',
      timestamp: vector.timestamp,
      nonce: vector.nonce,
    });
  });

  it('and that of the receiver are one, written twice: 500 texts of every length and key', () => {
    const draw = createRandom(5);
    for (let length = 0; length < 500; length++) {
      const text = Array.from({ length }, () => '发a]🍌'.charAt(Math.floor(draw() * 3))).join('');
      const key = randomBytes(32).toString('base64').slice(0, 43);
      const random = randomBytes(16);
      const { query, body } = wrap(text, { ...envelope, aesKey: key }, { seconds: 1, nonce: 'n', random });
      const aesKey = aesKeyOf(key)!;
      expect(encryptOf(body)).toBe(encrypt(text, { appid: envelope.appid, aesKey }, random));
      expect(query['msg_signature']).toBe(signatureOf('AAAAA', '1', 'n', String(encryptOf(body))));
    }
  });

  const message = { Event: 'debug_demo', MsgType: 'event', CreateTime: 1714112445, text: 'a]]>b <&" 发' };
  const given = { seconds: 1714112445, nonce: 'n', random: randomBytes(16) };
  const at = { now: new Date(1714112445_000), toleranceMs: 1_000 };
  const keys: AppKeys = {
    appid: envelope.appid,
    tokens: [envelope.token],
    aesKeys: [aesKeyOf(officialKeys.encodingAesKey)!],
  };

  it.each([
    { mode: 'secure', format: 'json' },
    { mode: 'secure', format: 'xml' },
    { mode: 'compat', format: 'json' },
    { mode: 'compat', format: 'xml' },
    { mode: 'plain', format: 'json' },
    { mode: 'plain', format: 'xml' },
  ] as const)('is opened by the receiver: $mode, $format', ({ mode, format }) => {
    const { query, body } = wrap(message, { ...envelope, mode, format }, given);
    const decided = decideRequest(
      { method: 'POST', query, body: Buffer.from(body) },
      mode === 'plain' ? { ...keys, aesKeys: [] } : keys,
      at,
    );
    expect(decided).toMatchObject({ kind: 'event', event: { event: 'debug_demo' } });
    const read = readMessage(decided.kind === 'event' ? decided.event.body : '');
    expect(read?.get('text')).toBe(message.text);
    expect(readMessage(body)?.has('Event')).toBe(mode !== 'secure');
  });
});
