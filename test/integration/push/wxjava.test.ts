import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aesKeyOf, encrypt, signatureOf } from '../../../src/push/crypto.ts';
import { decideRequest } from '../../../src/push/decide.ts';
import { wrap } from '../../../src/sandbox/push-envelope.ts';
import { asJson, asXml, settledPhase, shippedPhase } from '../../support/pushes.ts';
import { createRandom } from '../../support/random.ts';
import { askWxJava } from '../../support/wxjava.ts';

const token = 'a token';
const appid = 'wx0123456789abcdef';
const newKey = (): string => randomBytes(32).toString('base64').slice(0, 43);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Of every padding, in both formats, with every kind of character, up to 64 kB. */
function messages(): string[] {
  const draw = createRandom(11);
  const texts = Array.from({ length: 64 }, (_, length) =>
    asJson({ Event: 'debug_demo', text: 'x'.repeat(length) }),
  );
  const long = [1_000, 20_000, 65_400].map((length) =>
    Array.from({ length: Math.floor(length / 3) }, () => '发货é'.charAt(Math.floor(draw() * 3))).join(''),
  );
  return [
    ...texts,
    asJson(shippedPhase('4200001')),
    asXml(settledPhase('4200001')),
    asXml({ Event: 'debug_demo', text: '<&"\' \u{1f34c}' }),
    ...long.map((text) => asJson({ Event: 'debug_demo', text })),
  ];
}

describe('WxJava', () => {
  it('opens what we and the sandbox wrap, and we open what it wraps; none with another token, we with no other key or appid', async () => {
    const texts = messages();
    const keys = texts.map(newKey);
    const wrappedByThem = await askWxJava(
      texts.map((text, at) => ['wrap', token, keys[at]!, appid, base64(text)]),
    );
    for (const [at, line] of wrappedByThem.entries()) {
      const [msgSignature = '', timestamp = '', nonce = '', sealed = ''] = line.split('\t');
      const request = {
        method: 'POST',
        query: { msg_signature: msgSignature, timestamp, nonce },
        body: Buffer.from(JSON.stringify({ ToUserName: 'gh', Encrypt: sealed })),
      };
      const now = { now: new Date(Number(timestamp) * 1_000), toleranceMs: 1_000 };
      const own = { appid, tokens: [token], aesKeys: [aesKeyOf(keys[at]!)!] };
      const kindOf = (change: object): string => {
        const decided = decideRequest(request, { ...own, ...change }, now);
        return decided.kind === 'refused' ? decided.reason : decided.kind;
      };
      expect(decideRequest(request, own, now)).toMatchObject({ kind: 'event', event: { body: texts[at] } });
      expect(kindOf({ tokens: ['another'] })).toBe('signature');
      expect(kindOf({ aesKeys: [Buffer.alloc(32, at)] })).toBe('undecryptable');
      expect(kindOf({ appid: 'wx0123456789abcdee' })).toBe('wrong_appid');
    }

    const ours = texts.map((text, at) => {
      const sealed = encrypt(text, { appid, aesKey: aesKeyOf(keys[at]!)! }, randomBytes(16));
      return { text, key: keys[at]!, sealed, signature: signatureOf(token, '1780000000', 'n1', sealed) };
    });
    const theSandboxes = texts.map((text, at) => {
      const { query, body } = wrap(
        text,
        { appid, token, aesKey: keys[at]!, mode: 'secure', format: 'json' },
        { seconds: 1_780_000_000, nonce: 'n1', random: randomBytes(16) },
      );
      const { Encrypt: sealed } = JSON.parse(body) as { Encrypt: string };
      return { text, key: keys[at]!, sealed, signature: query['msg_signature']! };
    });
    const all = [...ours, ...theSandboxes];
    // WxJava does not look at the appid, so it is the token that it must refuse.
    const open = (of: string) =>
      all.map(({ key, sealed, signature }) => [
        'open',
        of,
        key,
        appid,
        signature,
        '1780000000',
        'n1',
        sealed,
      ]);
    const opened = await askWxJava([...open(token), ...open('another')]);
    expect(opened.slice(0, all.length)).toEqual(all.map(({ text }) => base64(text)));
    expect(new Set(opened.slice(all.length))).toEqual(new Set(['refused']));
    expect([wrappedByThem.length, all.length]).toEqual([70, 140]);
  }, 120_000);
});
