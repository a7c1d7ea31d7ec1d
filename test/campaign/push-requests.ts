import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { encrypt, signatureOf } from '../../src/push/crypto.ts';
import {
  asJson,
  asXml,
  plainPush,
  pushAppid,
  pushKey,
  pushToken,
  securePush,
  settledPhase,
  shippedPhase,
  type Push,
} from '../support/pushes.ts';

/** One request, as it goes onto the wire. */
export type Wire = {
  kind: string;
  method: string;
  appid: string;
  /** Whole, since a parameter may stand in it twice. */
  search: string;
  body: string | Buffer;
  /** In chunks, without a length. */
  chunked?: boolean;
};

export type Draw = () => number;

const search = (query: Record<string, string>): string => new URLSearchParams(query).toString();
const wire = (kind: string, { query, body }: Push, more: Partial<Wire> = {}): Wire => ({
  kind,
  method: 'POST',
  appid: pushAppid,
  search: search(query),
  body,
  ...more,
});
const pick = <T>(draw: Draw, of: readonly T[]): T => of[Math.floor(draw() * of.length)]!;
const hex = (draw: Draw, length: number): string =>
  Array.from({ length }, () => Math.floor(draw() * 16).toString(16)).join('');

/** What WeChat would send of payment `number`: half shipped, half settled, in both formats. */
export function genuine(number: number, seconds: number): { message: string; payment: string } {
  const payment = `42000${String(number).padStart(23, '0')}`;
  const members = number % 2 === 0 ? shippedPhase(payment) : settledPhase(payment);
  return {
    payment,
    message: number % 3 === 0 ? asXml(members) : asJson({ ...members, CreateTime: seconds }),
  };
}
export const wireOf = (message: string, seconds: number): Wire =>
  wire('genuine', securePush(message, { timestamp: seconds, nonce: randomBytes(6).toString('hex') }));

/** Signed with our token over whatever stands for Encrypt: only who has the token could; the others must fail sooner. */
function signedOver(encrypted: string, seconds: number): Push {
  const [timestamp, nonce] = [String(seconds), 'n1'];
  return {
    query: { timestamp, nonce, msg_signature: signatureOf(pushToken, timestamp, nonce, encrypted) },
    body: JSON.stringify({ ToUserName: 'gh', Encrypt: encrypted }),
  };
}

function rawBlocks(plain: Buffer): string {
  const { aesKey } = pushKey;
  const cipher = createCipheriv('aes-256-cbc', aesKey, aesKey.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([cipher.update(plain), cipher.final()]).toString('base64');
}

const bombs: readonly string[] = [
  `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">${Array.from(
    { length: 9 },
    (_, at) => `<!ENTITY lol${at + 1} "${`&lol${at || ''};`.repeat(10)}">`,
  ).join('')}]><xml><Encrypt>&lol9;</Encrypt></xml>`,
  '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>',
  `<!DOCTYPE x [<!ENTITY a "${'a'.repeat(50_000)}">]><xml><Encrypt>${'&a;'.repeat(50_000)}</Encrypt></xml>`,
  `<xml>${'<a>'.repeat(80_000)}</xml>`,
  `<xml>${'<Encrypt>x</Encrypt>'.repeat(12_000)}</xml>`,
  `<xml>${'<![CDATA['.repeat(28_000)}</xml>`,
  `<xml><a ${'b="c" '.repeat(40_000)}/></xml>`,
  `{"Encrypt":${'['.repeat(240_000)}`,
  `{"a":${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}}`,
];

const methods = ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'] as const;

/** A hostile request of each kind, made from what WeChat would have sent. */
export const hostileKinds: Record<string, (draw: Draw, seconds: number, message: string) => Wire> = {
  bad_signature: (draw, seconds, message) => {
    const push = securePush(message, { timestamp: seconds });
    return wire('', { ...push, query: { ...push.query, msg_signature: hex(draw, 40) } });
  },
  other_token: (_draw, seconds, message) =>
    wire('', securePush(message, { timestamp: seconds, token: 'guess' })),
  replayed_timestamp: (draw, seconds, message) =>
    wire('', securePush(message, { timestamp: seconds - 301 - Math.floor(draw() * 1e6) })),
  future_timestamp: (draw, seconds, message) =>
    wire('', securePush(message, { timestamp: seconds + 400 + Math.floor(draw() * 1e6) })),
  timestamp_as_text: (draw, seconds, message) => {
    const push = securePush(message, {
      timestamp: pick(draw, [` ${seconds}`, `${seconds}.0`, '1e9', '-1', 'now', '']),
    });
    return wire('', push);
  },
  other_nonce: (draw, seconds, message) => {
    const push = securePush(message, { timestamp: seconds });
    return wire('', { ...push, query: { ...push.query, nonce: hex(draw, 8) } });
  },
  signature_alone: (_draw, seconds, message) => {
    const push = securePush(message, { timestamp: seconds });
    return wire('', { ...push, query: { ...push.query, msg_signature: push.query['signature']! } });
  },
  in_clear: (_draw, seconds, message) => wire('', plainPush(message, { timestamp: seconds })),
  wrong_appid: (draw, seconds, message) =>
    wire('', securePush(message, { timestamp: seconds, key: { ...pushKey, appid: `wx${hex(draw, 16)}` } })),
  wrong_key: (_draw, seconds, message) =>
    wire('', securePush(message, { timestamp: seconds, key: { ...pushKey, aesKey: randomBytes(32) } })),
  another_path: (draw, seconds, message) =>
    wire('', securePush(message, { timestamp: seconds }), {
      appid: pick(draw, ['wxfedcba9876543210', '..', '%00', 'x'.repeat(90)]),
    }),
  bad_padding: (draw, seconds) => {
    const plain = Buffer.alloc(96, Math.floor(draw() * 256));
    plain[95] = pick(draw, [0, 33, 64, 200, 255]);
    return wire('', signedOver(rawBlocks(plain), seconds));
  },
  bad_length: (_draw, seconds) => {
    const plain = Buffer.alloc(64, 32);
    plain.writeUInt32BE(0xffffffff, 16);
    return wire('', signedOver(rawBlocks(plain), seconds));
  },
  truncated_base64: (draw, seconds, message) => {
    const whole = encrypt(message, pushKey, randomBytes(16));
    return wire('', signedOver(whole.slice(0, Math.floor(draw() * (whole.length - 1))), seconds));
  },
  truncated_body: (draw, seconds, message) => {
    const push = securePush(message, { timestamp: seconds });
    return wire('', { ...push, body: push.body.slice(0, Math.floor(draw() * (push.body.length - 1))) });
  },
  no_text: (draw, seconds) =>
    wire(
      '',
      { ...securePush('x', { timestamp: seconds }), body: '' },
      {
        body: Buffer.from(Array.from({ length: 200 }, () => Math.floor(draw() * 256))),
      },
    ),
  bomb: (draw, seconds) => wire('', { ...securePush('x', { timestamp: seconds }), body: pick(draw, bombs) }),
  wrong_method: (draw, seconds, message) =>
    wire('', securePush(message, { timestamp: seconds }), { method: pick(draw, methods) }),
  two_megabytes: (draw, seconds, message) => {
    const push = securePush(message, { timestamp: seconds });
    const body = `${push.body.slice(0, -1)},"a":"${'x'.repeat(2_097_152)}"}`;
    return wire('', { ...push, body }, { chunked: draw() < 0.5 });
  },
  given_twice: (draw, seconds, message) => {
    const { query, body } = securePush(message, { timestamp: seconds });
    const name = pick(draw, ['timestamp', 'nonce', 'msg_signature']);
    return wire(
      '',
      { query, body },
      { search: `${search(query)}&${name}=${encodeURIComponent(query[name]!)}` },
    );
  },
  a_check: (draw, seconds) => {
    const query = { timestamp: String(seconds), nonce: 'n', echostr: '<script>', signature: hex(draw, 40) };
    return wire('', { query, body: '' }, { method: 'GET' });
  },
};

/** The kinds in turn, so that each comes as often as the others. */
export function hostile(number: number, draw: Draw, seconds: number): Wire {
  const kinds = Object.entries(hostileKinds);
  const [kind, make] = kinds[number % kinds.length]!;
  const { message } = genuine(1_000_000 + number, seconds);
  return { ...make(draw, seconds, message), kind };
}

export const bodyHash = (message: string): string => createHash('sha256').update(message).digest('hex');
