import { describe, expect, it } from 'vitest';
import { aesKeyOf } from '../../../src/push/crypto.ts';
import { decideRequest, pushRefusals, type AppKeys } from '../../../src/push/decide.ts';
import {
  asJson,
  asXml,
  plainPush,
  pushAppid,
  pushedAt,
  pushKey,
  pushToken,
  securePush,
  shippedPhase,
  type Push,
} from '../../support/pushes.ts';
import {
  officialCheck,
  officialKeys,
  officialPlain,
  officialSecure,
  officialXml,
} from '../../support/push-vectors.ts';

const plain: AppKeys = { appid: pushAppid, tokens: [pushToken], aesKeys: [] };
const secure: AppKeys = { ...plain, aesKeys: [pushKey.aesKey] };
const json = asJson(shippedPhase('4200001'));
const now = { now: new Date(pushedAt * 1_000), toleranceMs: 300_000 };

const post = (push: Push, keys: AppKeys | undefined = secure, at = now) =>
  decideRequest({ method: 'POST', query: push.query, body: Buffer.from(push.body) }, keys, at);
const get = (query: Record<string, unknown>, keys: AppKeys | undefined = secure, at = now) =>
  decideRequest({ method: 'GET', query, body: Buffer.alloc(0) }, keys, at);
const refused = (reason: (typeof pushRefusals)[number]) => ({ kind: 'refused', reason });
const altered = (push: Push, query: Record<string, unknown>): Push => ({
  ...push,
  query: { ...push.query, ...query } as Record<string, string>,
});

describe('WeChat’s published examples', () => {
  const keys: AppKeys = {
    appid: officialKeys.appid,
    tokens: [officialKeys.token],
    aesKeys: [aesKeyOf(officialKeys.encodingAesKey)!],
  };
  const at = (timestamp: string) => ({ now: new Date(Number(timestamp) * 1_000), toleranceMs: 1 });

  it('pass the check of the address', () => {
    const { signature, timestamp, nonce, echostr } = officialCheck;
    expect(get({ signature, timestamp, nonce, echostr }, keys, at(timestamp))).toEqual({
      kind: 'check',
      echostr,
    });
  });

  it('are taken in plain mode', () => {
    const { signature, timestamp, nonce, body } = officialPlain;
    const push = { query: { signature, timestamp, nonce }, body };
    expect(post(push, { ...keys, aesKeys: [] }, at(timestamp))).toMatchObject({
      kind: 'event',
      event: { event: 'debug_demo', body },
    });
  });

  it('are taken in secure mode, as JSON and as XML', () => {
    const { signature, msgSignature, timestamp, nonce, encrypt, message } = officialSecure;
    const query = { signature, timestamp, nonce, encrypt_type: 'aes', msg_signature: msgSignature };
    const body = asJson({ ToUserName: 'gh_97417a04a28d', Encrypt: encrypt });
    expect(post({ query, body }, keys, at(timestamp))).toMatchObject({
      kind: 'event',
      event: { event: 'debug_demo', body: message },
    });
    const xml = officialXml;
    const pushed = {
      query: { timestamp: xml.timestamp, nonce: xml.nonce, msg_signature: xml.msgSignature },
      body: asXml({ ToUserName: 'gh_97417a04a28d', Encrypt: xml.encrypt }),
    };
    expect(post(pushed, { ...keys, appid: xml.appid }, at(xml.timestamp))).toMatchObject({
      kind: 'event',
      event: { event: 'debug_demo', body: xml.message },
    });
    expect(post(pushed, keys, at(xml.timestamp))).toEqual(refused('wrong_appid'));
  });
});

describe('the check of the address', () => {
  const query: Record<string, string> = { ...plainPush('').query, echostr: '437 5"<' };

  it('is answered with the very text, in any mode', () => {
    for (const keys of [plain, secure])
      expect(get(query, keys)).toEqual({ kind: 'check', echostr: '437 5"<' });
    expect(get({ ...query, echostr: '' })).toEqual({ kind: 'check', echostr: '' });
  });

  it.each([
    ['signature', { ...query, signature: 'f'.repeat(40) }],
    ['signature', { ...query, signature: undefined }],
    ['signature', { ...query, signature: [query['signature'], query['signature']] }],
    ['signature', { ...query, nonce: 'n2' }],
    ['signature', { ...query, timestamp: String(pushedAt + 1) }],
    ['malformed', { ...query, echostr: undefined }],
    ['malformed', { ...query, echostr: ['a', 'b'] }],
    ['malformed', { ...query, timestamp: 'now' }],
    ['malformed', { ...query, timestamp: ['1', '1'] }],
    ['malformed', { ...query, timestamp: [String(pushedAt)] }],
    ['malformed', { ...query, nonce: undefined }],
    ['malformed', {}],
  ] as const)('is refused: %s', (reason, given) => {
    expect(get(given)).toEqual(refused(reason));
  });
});

describe('a push in secure mode', () => {
  it('is the event within, whatever format, and whatever `signature` says', () => {
    for (const text of [json, asXml(shippedPhase('4200001'))])
      expect(post(securePush(text))).toMatchObject({ kind: 'event', event: { body: text } });
    expect(post(altered(securePush(json), { signature: 'x' }))).toMatchObject({ kind: 'event' });
  });

  it('is refused with `signature` alone: it covers nothing', () => {
    const push = securePush(json);
    expect(post(altered(push, { msg_signature: push.query['signature'] }))).toEqual(refused('signature'));
    expect(post(altered(push, { msg_signature: undefined }))).toEqual(refused('signature'));
  });

  it('is refused in clear, whatever encrypt_type says', () => {
    for (const query of [{}, { encrypt_type: 'aes' }, { encrypt_type: 'raw' }])
      expect(post(altered(plainPush(json), query))).toEqual(refused('in_clear'));
  });

  it('is what was encrypted, where a clear copy stands beside it', () => {
    const push = securePush(json);
    const forged = { ...shippedPhase('forged'), ...(JSON.parse(push.body) as object) };
    expect(post({ ...push, body: JSON.stringify(forged) })).toMatchObject({
      event: { transactionId: '4200001' },
    });
  });

  it('is refused when any of what is signed is another', () => {
    const push = securePush(json);
    const other = securePush(asJson(shippedPhase('4200002')));
    expect(post({ ...push, body: other.body })).toEqual(refused('signature'));
    expect(post(altered(push, { nonce: 'n2' }))).toEqual(refused('signature'));
    expect(post(altered(push, { timestamp: String(pushedAt + 1) }))).toEqual(refused('signature'));
    expect(post(securePush(json, { token: 'another' }))).toEqual(refused('signature'));
  });

  it('is refused when a parameter is given twice', () => {
    const push = securePush(json);
    for (const name of ['timestamp', 'nonce'])
      expect(post(altered(push, { [name]: [push.query[name], push.query[name]] }))).toEqual(
        refused('malformed'),
      );
    const twice = [push.query['msg_signature'], push.query['msg_signature']];
    expect(post(altered(push, { msg_signature: twice }))).toEqual(refused('signature'));
  });

  it('is refused with a body that is none, cut, or has two of what is signed', () => {
    const push = securePush(asXml(shippedPhase('4200001')));
    const doubled = push.body.replace('</Encrypt>', '</Encrypt><Encrypt>x</Encrypt>');
    for (const body of ['', 'success', push.body.slice(0, -9), doubled, '{"Encrypt":1}', '{"Encrypt":null}'])
      expect(post({ ...push, body })).toEqual(refused('malformed'));
    expect(
      decideRequest({ method: 'POST', query: push.query, body: Buffer.from([0xff, 0xfe]) }, secure, now),
    ).toEqual(refused('malformed'));
  });

  it('is refused for another app, and with another key', () => {
    const foreign = securePush(json, { key: { ...pushKey, appid: 'wxfedcba9876543210' } });
    expect(post(foreign)).toEqual(refused('wrong_appid'));
    const locked = securePush(json, { key: { ...pushKey, aesKey: Buffer.alloc(32, 9) } });
    expect(post(locked)).toEqual(refused('undecryptable'));
  });

  it('is kept when what is within is unreadable: who signed it is WeChat', () => {
    expect(post(securePush('hello'))).toMatchObject({ kind: 'event', event: { event: 'unreadable' } });
  });
});

describe('a push in plain mode', () => {
  it('is taken by its signature', () => {
    expect(post(plainPush(json), plain)).toMatchObject({ kind: 'event', event: { body: json } });
    expect(post(plainPush(json, { token: 'another' }), plain)).toEqual(refused('signature'));
  });

  it('is refused where it is unreadable: it may have been cut', () => {
    for (const body of [json.slice(0, -1), '', 'success', '<xml><Event>x</Ev'])
      expect(post(plainPush(body), plain)).toEqual(refused('malformed'));
  });

  it('is refused where it is encrypted, and nobody has a key', () => {
    expect(post(securePush(json), plain)).toEqual(refused('undecryptable'));
    const both = plainPush(asJson({ ...shippedPhase('4200001'), Encrypt: 'x' }));
    expect(post(both, plain), 'the clear one is whole').toMatchObject({ kind: 'event' });
    expect(post(plainPush('{"Event":"debug_demo"}'), plain)).toMatchObject({ kind: 'event' });
  });
});

describe('while keys are changed over', () => {
  const previous = { ...pushKey, aesKey: Buffer.alloc(32, 5) };
  const both: AppKeys = {
    appid: pushAppid,
    tokens: [pushToken, 'previous'],
    aesKeys: [pushKey.aesKey, previous.aesKey],
  };

  it('both tokens and both keys are taken, in any mixture', () => {
    for (const token of [pushToken, 'previous'])
      for (const key of [pushKey, previous])
        expect(post(securePush(json, { token, key }), both)).toMatchObject({ kind: 'event' });
    const query = { ...plainPush('', { token: 'previous' }).query, echostr: 'e' };
    expect(get(query, both)).toMatchObject({ kind: 'check' });
  });

  it('a third is not, and another app is told apart with either', () => {
    expect(post(securePush(json, { token: 'third' }), both)).toEqual(refused('signature'));
    const third = { ...pushKey, aesKey: Buffer.alloc(32, 6) };
    expect(post(securePush(json, { key: third }), both)).toEqual(refused('undecryptable'));
    const foreign = { ...previous, appid: 'wxfedcba9876543210' };
    expect(post(securePush(json, { key: foreign }), both)).toEqual(refused('wrong_appid'));
  });

  it('an app without tokens takes nothing', () => {
    expect(post(securePush(json), { ...both, tokens: [] })).toEqual(refused('signature'));
  });
});

describe('any request', () => {
  it('is refused outside of the tolerance, before and after, and not at its edge', () => {
    const when = (seconds: number) => post(securePush(json, { timestamp: pushedAt + seconds }));
    expect([when(-300).kind, when(300).kind]).toEqual(['event', 'event']);
    expect([when(-301), when(301)]).toEqual([refused('stale'), refused('stale')]);
  });

  it('may be of any age where the tolerance is 0', () => {
    const push = securePush(json, { timestamp: 1 });
    expect(post(push, secure, { ...now, toleranceMs: 0 })).toMatchObject({ kind: 'event' });
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'])('is refused as %s', (method) => {
    const { query, body } = securePush(json);
    expect(decideRequest({ method, query, body: Buffer.from(body) }, secure, now)).toEqual(refused('method'));
  });

  it('is refused for an app that has no keys', () => {
    const { query, body } = securePush(json);
    expect(decideRequest({ method: 'POST', query, body: Buffer.from(body) }, undefined, now)).toEqual(
      refused('unknown_app'),
    );
  });
});
